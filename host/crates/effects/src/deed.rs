//! One effect that is about to be performed: what the performers get of its session.

use wforge_model::agent::AgentCall;
use wforge_model::effect::RequestHash;
use wforge_model::id::IdHasher;
use wforge_model::{TaskId, Timestamp};

use crate::request::Asked;

/// One element of a host call, allowed and not known yet. Elements of a list are performed side by
/// side, so a performer sees nothing that another could change.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deed<'a> {
    /// The task, without its input, config and context.
    pub(crate) call: &'a AgentCall,
    /// The request.
    pub(crate) asked: &'a Asked<'a>,
    /// Its place in the task's record.
    pub(crate) position: u32,
    /// H(task, position, request hash) in hex: the same over attempts, another in a fork. Sent along
    /// by whatever reaches a server.
    pub(crate) idempotency_key: &'a str,
    /// Now, by the host's clock.
    pub(crate) at: Timestamp,
}

/// The same over attempts and reruns, another in a fork.
pub(crate) fn idempotency_key(task: TaskId, position: u32, request: RequestHash) -> String {
    let hasher = IdHasher::new("wforge.idempotency.v1").field(task.as_bytes());
    let hash = hasher.number(u64::from(position)).field(&request.0).finish();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
