//! Host calls of a guest: checked against its grants, answered from the record, performed once.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::agent::{AgentCall, Divergence, Execution};
use wforge_model::effect::{Operation, Waiting};
use wforge_model::{Epoch, Failure, SandboxUse, TenantId, Timestamp, Value};

use crate::BoxError;
use crate::exchange::{RawFailure, RawRequest, RawResponse};
use crate::figures::{EgressFigures, Kept};

/// Opens the effects of one execution of a task.
pub trait Effects: Debug + Send + Sync {
    /// Reads the task's record and makes ready to replay it.
    fn open<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>>;

    /// Opens a task's effects to be replayed: answers come from the record alone. What is not
    /// recorded diverges, nothing is performed, and nothing that the guest says goes anywhere.
    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>>;

    /// What a call came to, without the secrets that were opened for its tenant. Nothing that a
    /// guest gave back goes anywhere before.
    fn redacted(&self, tenant: &TenantId, execution: Execution) -> Execution;

    /// Whether there are such secrets, so that [`Self::redacted`] may change anything.
    fn redacts(&self, _tenant: &TenantId) -> bool {
        true
    }

    /// Lets go of what is in memory of a tenant that was erased, and takes in nothing of it any
    /// more.
    fn forget_tenant(&self, tenant: &TenantId);

    /// Figures for metrics and `/v1/system`.
    fn figures(&self) -> EgressFigures {
        EgressFigures::default()
    }

    /// What is kept in memory for tasks to come.
    fn kept(&self) -> Vec<Kept> {
        Vec::new()
    }
}

/// The task whose effects are opened.
#[derive(Debug, Clone, Copy)]
pub struct TaskContext<'a> {
    /// The call.
    pub call: &'a AgentCall,
    /// The lease under which its run is driven.
    pub lease: Epoch,
    /// Whether an earlier process may have executed it.
    pub may_have_run: bool,
}

/// The effects of one execution. The guest calls one at a time, so order is position.
pub trait EffectSession: Debug + Send {
    /// Answers one host call: a denial where the grant is missing, the recorded answer where there
    /// is one, else it is performed and recorded. Durable before it returns.
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer>;

    /// Begins an exchange by the guest's own HTTP client. What it needs is checked now: the grant
    /// `http.raw`, and a node that is declared idempotent. It goes on by itself, and ends when the
    /// future is dropped. Never recorded, and takes no position; in a replay nothing is sent.
    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>>;

    /// The time that the guest sees: that of the last recorded answer, of the attempt's beginning
    /// before any.
    fn now(&self) -> Timestamp;

    /// The seed of the guest's randomness: a keyed hash of tenant, task and attempt.
    fn random_seed(&self) -> [u8; 32];

    /// How many positions are recorded or replayed so far.
    fn position(&self) -> u32;

    /// The first position that an earlier execution has not recorded, once anything was asked:
    /// what is answered before it happened then, and not now.
    fn recorded(&self) -> u32 {
        0
    }

    /// Takes a log line of the guest. Never fails and never waits; what is over budget is dropped.
    fn log(&mut self, line: GuestLine);

    /// So many of the guest's lines were over the budget of its call, and are gone.
    fn log_dropped(&mut self, _lines: u64) {}

    /// The call has ended, and took so much of the sandbox.
    fn spent(&mut self, _spent: SandboxUse) {}

    /// Publishes an event of the guest; one that an earlier execution published is dropped.
    fn emit(&mut self, topic: String, payload: Value);
}

/// One host call.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectRequest {
    /// The function.
    pub operation: Operation,
    /// Its requests as JSON; several for the functions that take a list. Each takes a position of
    /// its own.
    pub elements: Vec<Value>,
}

/// What the guest gets, or why it gets nothing.
#[derive(Debug)]
pub enum EffectAnswer {
    /// One result for each element.
    Answered(Vec<Result<Value, Failure>>),
    /// The call as a whole was refused.
    Refused(Failure),
    /// The task waits: unwind the guest.
    Suspend(Waiting),
    /// The guest asks something else than before: unwind it.
    Diverged(Divergence),
    /// The attempt is over, whatever the guest would make of it: unwind it.
    Failed(Failure),
    /// The host cannot go on: unwind the guest.
    Fault(EffectsError),
}

/// A line that a guest wrote, by `log.write`, stdout or stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestLine {
    /// How much it matters.
    pub level: GuestLevel,
    /// The text; control characters made harmless.
    pub message: String,
    /// Names and values.
    pub fields: Vec<(String, String)>,
}

/// How much a guest's line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the usual levels")]
pub enum GuestLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Why effects cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum EffectsError {
    /// The run belongs to another process now: drop the task.
    #[error("the lease on the run was lost")]
    LeaseLost,
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}

/// Where log lines and emitted events of guests go.
pub trait GuestOutput: Debug + Send + Sync {
    /// A log line of a task.
    fn line(&self, call: &AgentCall, line: GuestLine);
    /// An event that a task emitted, the n-th of its execution.
    fn emitted(&self, call: &AgentCall, ordinal: u32, topic: String, payload: Value);
    /// The n-th piece of the answer that is on its way to the effect at `position`. Not kept, and
    /// superseded by the answer.
    fn delta(&self, call: &AgentCall, position: u32, n: u32, topic: &str, text: &str);
}
