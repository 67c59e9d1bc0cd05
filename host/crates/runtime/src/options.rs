//! How the sandbox is set up, and why it may not come up.

use std::path::PathBuf;
use std::sync::Arc;

use wforge_model::limits::{AdmissionLimits, SandboxLimits};
use wforge_ports::{BoxError, Clock, LimitPolicy};

use crate::load::compile::Compiler;

/// The sandbox's settings, as they are meant.
#[derive(Debug, Clone)]
pub struct RuntimeOptions {
    /// A directory of the host's own. Holds `components/` (what was let in, by digest) and `aot/`
    /// (native code of the host's own making); both are made with mode 0700.
    pub data_dir: PathBuf,
    /// Budgets of one call; the pool is made for them.
    pub limits: SandboxLimits,
    /// Threads on which guests run: so many are polled at the same time.
    pub threads: usize,
    /// Sandboxes that may exist at the same time; the size of the pool.
    pub sandboxes_max: u32,
    /// Components kept ready in memory; the one unused for longest makes room.
    pub ready_components_max: usize,
    /// What a component may be, and what compiling it may take.
    pub admission: AdmissionLimits,
    /// How memory for sandboxes is found.
    pub allocator: Allocator,
}

impl RuntimeOptions {
    /// The defaults over that directory.
    #[must_use]
    pub fn at(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            limits: SandboxLimits::default(),
            threads: 1,
            sandboxes_max: 256,
            ready_components_max: 64,
            admission: AdmissionLimits::default(),
            allocator: Allocator::Pooling,
        }
    }
}

/// How memory for sandboxes is found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Allocator {
    /// Reserved once and reused; where the address space does not allow it, on demand, with a
    /// warning and named so in the figures.
    #[default]
    Pooling,
    /// Mapped for each call.
    OnDemand,
}

/// What the sandbox needs of its host.
#[derive(Clone)]
pub struct RuntimeParts {
    /// Ends calls that take too long.
    pub clock: Arc<dyn Clock>,
    /// The host's secret key, from which the key of the MAC on native code is derived.
    pub host_key: [u8; 32],
    /// What of the budgets is left to whom; none: all of it to everybody.
    pub policy: Option<Arc<dyn LimitPolicy>>,
    /// Compiles components; none: inside this process, where a hostile one can end it.
    pub compiler: Option<Arc<dyn Compiler>>,
}

impl std::fmt::Debug for RuntimeParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeParts").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// Why the sandbox did not come up.
#[derive(Debug, thiserror::Error)]
pub enum OpenRuntimeError {
    /// A directory could not be made or read.
    #[error("the directory {path} cannot be used")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// This machine cannot run the engine.
    #[error("the WebAssembly engine cannot be made")]
    Engine(#[source] BoxError),
    /// A thread could not be started.
    #[error("a thread of the sandbox cannot be started")]
    Thread(#[source] std::io::Error),
}
