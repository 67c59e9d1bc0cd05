//! The sandbox as the engine sees it: a call goes in, an execution comes out.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::{Digest, TenantId};

use crate::BoxError;
use crate::effects::EffectSession;
use crate::figures::Kept;

/// Runs agents of installed components.
pub trait AgentRuntime: Debug + Send + Sync {
    /// Makes one call in a fresh sandbox. Host calls of the guest go to `effects`. What a guest
    /// does wrong is an [`Execution`]; an error is the host's own. Dropping the future drops the
    /// sandbox at once. Waits, fairly between tenants, until there is a sandbox for it; but one of
    /// `depth` above 0 gives up soon, since a call around it holds a sandbox meanwhile.
    fn call<'a>(
        &'a self,
        call: &'a AgentCall,
        effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>>;

    /// Makes a component ready so that the first call need not wait; compiles it where no
    /// trustworthy artefact is at hand.
    fn prepare<'a>(
        &'a self,
        tenant: &'a TenantId,
        component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>>;

    /// Milliseconds of CPU time that the plugins of a tenant have used since the start.
    fn cpu_ms(&self, tenant: &TenantId) -> u64;

    /// Figures for metrics and `/v1/system`.
    fn figures(&self) -> RuntimeFigures;
}

/// Figures of a runtime.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct RuntimeFigures {
    /// `pooling` or `on-demand`.
    pub allocator: &'static str,
    /// Sandboxes that run now.
    pub sandboxes: u64,
    /// Sandboxes that may run at the same time.
    pub sandboxes_max: u64,
    /// Calls that wait for a sandbox.
    pub waiting: u64,
    /// Linear memory of all sandboxes, in bytes.
    pub memory_bytes: u64,
    /// Calls made.
    pub calls: u64,
    /// Components compiled.
    pub compiled: u64,
    /// Artefacts that failed their MAC and were compiled again.
    pub tampered: u64,
    /// What is kept in memory for the calls to come.
    pub kept: Vec<Kept>,
}

/// Why the host could not make a call. The run waits or fails; the guest is not to blame.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// No component of that digest is here.
    #[error("component {component} is not installed")]
    NoComponent {
        /// The digest.
        component: Digest,
    },
    /// All sandboxes are taken, or what a component needs of their pool: try again.
    #[error("all sandboxes are in use")]
    Busy,
    /// Something of the host itself.
    #[error("the sandbox could not be made")]
    Host(#[source] BoxError),
}
