//! Tokens of models: held before a call, counted after it.

use std::fmt::Debug;

use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage};

/// Keeps who may use how many tokens. Answers at once: what it needs is in memory.
pub trait TokenMeter: Debug + Send + Sync {
    /// Holds so many tokens for one call of a model, before it is made.
    ///
    /// # Errors
    /// [`Failure::Limit`] where they would pass a budget; nothing is held then.
    fn reserve(&self, call: &AgentCall, tokens: u64) -> Result<(), Failure>;

    /// Ends a hold of `reserved` tokens and counts what was `used` in its place; 0 where the call
    /// failed. Comes exactly once for each hold, and cannot be refused: the tokens are spent.
    fn settle(&self, call: &AgentCall, reserved: u64, used: u64);

    /// Counts for figures a call of a model that was made: the model by the name that the operator
    /// gave it, and `ok` or the kind of the failure. Counts for no budget.
    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage);
}
