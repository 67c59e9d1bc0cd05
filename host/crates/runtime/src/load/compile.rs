//! Turning a component into native code.
//!
//! A trait, because it moves into a process of its own ([`super::child`]): a compiler that takes
//! too long on a hostile input is no flaw by wasmtime's own rules.

use std::fmt::Debug;

use wasmparser::Validator;
use wasmtime::Engine;
use wforge_model::limits::AdmissionLimits;
use wforge_ports::AdmissionError;

use super::structure;

/// Compiles components.
pub trait Compiler: Debug + Send + Sync {
    /// Makes native code for the engine, of a component that nobody has looked into yet. May take
    /// seconds; never called on an executor's thread.
    ///
    /// # Errors
    /// The component is not one that this engine runs, or is too much to compile.
    fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError>;
}

/// Why a component was not compiled. The message has the fix.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not take it.
    #[error("{0}")]
    Refused(String),
    /// It is more than a component may be, or the compiler may spend on it.
    #[error("{0}")]
    Limit(String),
    /// The compiler itself broke on it.
    #[error("{0}")]
    Failed(String),
}

/// Compiles in this process: for components that somebody trusts, such as a test's own.
#[derive(Debug)]
pub(crate) struct InProcess(pub(crate) AdmissionLimits);

impl Compiler for InProcess {
    fn compile(&self, engine: &Engine, component: &[u8]) -> Result<Vec<u8>, CompileError> {
        checked(engine, component, &self.0)
    }
}

/// Counts, then validates every byte, then compiles: the compiler sees only what has passed.
pub(crate) fn checked(
    engine: &Engine,
    component: &[u8],
    limits: &AdmissionLimits,
) -> Result<Vec<u8>, CompileError> {
    structure::check(component, limits).map_err(|error| match error {
        AdmissionError::Refused { code: "compile_limit", message } => CompileError::Limit(message),
        error => CompileError::Refused(error.to_string()),
    })?;
    let mut validator = Validator::new_with_features(engine.get_wasm_features());
    validator.validate_all(component).map_err(|error| {
        CompileError::Refused(format!("the component is invalid: {error}; build it again"))
    })?;
    engine.precompile_component(component).map_err(|error| {
        CompileError::Refused(format!("the component does not compile: {error:#}"))
    })
}
