//! One effect that is about to be performed, and who performs it.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::agent::{AgentCall, Divergence};
use wforge_model::effect::{Operation, RequestHash, Waiting};
use wforge_model::id::IdHasher;
use wforge_model::{Epoch, Failure, TaskId, TenantId, Value};
use wforge_ports::effects::EffectsError;
use wforge_ports::figures::EgressFigures;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

use crate::request::Asked;

/// What is outside of the host: models, servers, tools. Knows nothing of grants and records.
pub trait World: Debug + Send + Sync {
    /// Whether it performs that function at all.
    fn serves(&self, operation: Operation) -> bool;

    /// Does it, once. Elements of a list are done side by side.
    fn perform<'a>(&'a self, deed: &'a Deed<'a>) -> BoxFuture<'a, Result<Done, EffectsError>>;

    /// Sends what a guest's own HTTP client asks for; allowed already, and kept by nobody.
    fn exchange<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: RawRequest,
    ) -> BoxFuture<'a, Result<RawResponse, RawFailure>>;

    /// What went out until now.
    fn figures(&self) -> EgressFigures {
        EgressFigures::default()
    }
}

/// A world that has nothing: every function of it is denied.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nowhere;

impl World for Nowhere {
    fn serves(&self, _operation: Operation) -> bool {
        false
    }

    fn perform<'a>(&'a self, deed: &'a Deed<'a>) -> BoxFuture<'a, Result<Done, EffectsError>> {
        Box::pin(std::future::ready(Ok(Done::Answered(Err(deed.asked.unserved())))))
    }

    fn exchange<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _request: RawRequest,
    ) -> BoxFuture<'a, Result<RawResponse, RawFailure>> {
        Box::pin(std::future::ready(Err(RawFailure::Unserved)))
    }
}

/// What came of a deed.
#[derive(Debug, Clone, PartialEq)]
pub enum Done {
    /// It is over.
    Answered(Result<Value, Failure>),
    /// A tool waits, and with it whoever called it.
    Suspended(Waiting),
    /// A tool asks something else than before.
    Diverged(Divergence),
}

/// One element of a host call, allowed and not known yet.
pub struct Deed<'a> {
    /// The task, without its input, config and context.
    pub(crate) call: &'a AgentCall,
    /// The request.
    pub(crate) asked: &'a Asked<'a>,
    /// Its place in the task's record.
    pub(crate) position: u32,
    /// The lease under which its run is driven.
    pub(crate) lease: Epoch,
    /// H(task, position, request hash) in hex: the same over attempts, another in a fork. Sent
    /// along by whatever reaches a server.
    pub(crate) idempotency_key: &'a str,
    /// Takes pieces of an answer that is still on its way.
    pub(crate) on_delta: &'a (dyn Fn(&str) + Send + Sync),
}

impl Deed<'_> {
    /// The task that does it.
    #[must_use]
    pub const fn call(&self) -> &AgentCall {
        self.call
    }

    /// The function.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        self.asked.operation
    }

    /// The request.
    #[must_use]
    pub const fn element(&self) -> &Value {
        self.asked.element
    }

    /// H(task, position, request hash) in hex.
    #[must_use]
    pub const fn idempotency_key(&self) -> &str {
        self.idempotency_key
    }

    /// Hands on a piece of the answer.
    pub fn delta(&self, text: &str) {
        (self.on_delta)(text);
    }
}

impl Debug for Deed<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deed")
            .field("task", &self.call.task)
            .field("position", &self.position)
            .field("operation", &self.asked.operation)
            .finish_non_exhaustive()
    }
}

/// The key that goes along with a request, so that a server may know it again.
pub(crate) fn idempotency_key(task: TaskId, position: u32, request: RequestHash) -> String {
    let hasher = IdHasher::new("wforge.idempotency.v1").field(task.as_bytes());
    let hash = hasher.number(u64::from(position)).field(&request.0).finish();
    hash.iter().fold(String::with_capacity(32), |hex, byte| hex + &format!("{byte:02x}"))
}
