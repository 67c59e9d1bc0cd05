//! One effect that is about to be performed: what the performers get of its session.

use wforge_model::Timestamp;
use wforge_model::agent::AgentCall;

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
