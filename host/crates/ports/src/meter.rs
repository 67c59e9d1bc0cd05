//! Tokens of models: held before a call, counted after it.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage};

/// Keeps who may use how many tokens.
pub trait TokenMeter: Debug + Send + Sync {
    /// Holds so many tokens for one call of a model, before it is made.
    ///
    /// # Errors
    /// [`Failure::Limit`] where they would pass a budget, another where what was used cannot be
    /// read; nothing is held then.
    fn reserve<'a>(
        &'a self,
        call: &'a AgentCall,
        tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>>;

    /// Ends a hold of `reserved` tokens and counts what was `used` in its place; 0 where the call
    /// failed. Answers at once, since what the hold needed is in memory. Comes exactly once for
    /// each hold, and cannot be refused: the tokens are spent.
    fn settle(&self, call: &AgentCall, reserved: u64, used: u64);

    /// Counts for figures a call of a model that was made: the model by the name that the operator
    /// gave it, and `ok` or the kind of the failure. Counts for no budget.
    fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage);
}
