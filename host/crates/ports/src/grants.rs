//! Grants as they stand now: what was granted when a run began may have been taken back since.

use std::fmt::Debug;

use wforge_model::agent::AgentCall;
use wforge_model::{Capability, Denial};

/// Knows whether a grant still holds. Answers at once: what it needs is in memory.
pub trait GrantCheck: Debug + Send + Sync {
    /// Whether the call's plugin may still do what it was granted when its run began. Asked before
    /// each effect that is not recorded yet.
    ///
    /// # Errors
    /// The denial that the guest sees, with the command that shows why.
    fn check(&self, call: &AgentCall, wanted: &Capability) -> Result<(), Denial>;
}

/// Grants that nobody takes back.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unrevoked;

impl GrantCheck for Unrevoked {
    fn check(&self, _call: &AgentCall, _wanted: &Capability) -> Result<(), Denial> {
        Ok(())
    }
}
