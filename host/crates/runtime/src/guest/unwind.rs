//! Reasons to leave a guest in the middle, as errors that pass through its frames.

use wforge_model::agent::Divergence;
use wforge_model::effect::Waiting;
use wforge_ports::effects::EffectsError;

/// Why the host ends an execution from inside a host call or an epoch.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwind {
    /// The task waits.
    #[error("the task waits")]
    Suspended(Waiting),
    /// It asked something else than before.
    #[error("the task asked something else than before")]
    Diverged(Divergence),
    /// The attempt is over.
    #[error("the attempt is over")]
    Failed(wforge_model::Failure),
    /// The host cannot go on.
    #[error("the host cannot go on")]
    Fault(#[source] EffectsError),
    /// A budget of the sandbox is used up.
    #[error("{message}")]
    Limit {
        /// The failure's code.
        code: &'static str,
        /// Which budget, and how large it was.
        message: String,
    },
}
