//! Turning a component into native code.
//!
//! A trait, so that it can move into a process of its own with limits on memory and time: a
//! compiler that takes too long on a hostile input is no flaw by wasmtime's own rules.

use std::fmt::Debug;

use wasmtime::Engine;

/// Compiles components.
pub trait Compiler: Debug + Send + Sync {
    /// Makes native code for the engine. May take seconds; never called on an executor's thread.
    ///
    /// # Errors
    /// The component is not one that this engine runs, or is too much to compile.
    fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError>;
}

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not take it.
    #[error("the component does not compile: {0}")]
    Refused(String),
    /// It is more than the compiler may spend time or memory on.
    #[error("the component is too much to compile: {0}")]
    Limit(String),
}

/// Compiles in this process.
#[derive(Debug)]
pub(crate) struct InProcess;

impl Compiler for InProcess {
    fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        engine
            .precompile_component(component)
            .map_err(|error| CompileError::Refused(format!("{error:#}")))
    }
}
