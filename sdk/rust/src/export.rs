//! What the attributes call: turns a call of the contract into a call of a function, and back.
//!
//! Not for authors; its shape may change with any version.
#![doc(hidden)]

use serde::de::DeserializeOwned;

pub use crate::bindings::exports::workflowforge::plugin::agent::{Call, Guest, Reply};
use crate::failure::unreadable;
use crate::{Ctx, Failure, IntoReply};

/// Reads the input, calls the agent and writes its answer.
///
/// # Errors
/// The agent's own failure, or an input that does not fit its type.
pub fn serve<I, O>(
    mut call: Call,
    run: impl FnOnce(&Ctx, I) -> Result<O, Failure>,
) -> Result<Reply, Failure>
where
    I: DeserializeOwned,
    O: IntoReply,
{
    let text = core::mem::take(&mut call.input);
    let input = serde_json::from_str(&text).map_err(|error| unreadable("input", &error))?;
    // A large document should not be held twice while the agent works on it.
    drop(text);
    run(&Ctx::of(call), input)?.into_reply()
}

/// The failure for an agent that the plugin does not have.
#[must_use]
pub fn unknown_agent(call: &Call, known: &str) -> Failure {
    let known = known.trim_end().replace('\n', ", ");
    Failure::invalid_input(
        "unknown_agent",
        format!("the plugin has no agent \"{}\"; it has {known}", call.agent),
    )
}
