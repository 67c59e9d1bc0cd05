//! What a task has to show for itself, before it is checked and written.

use alloc::vec::Vec;

use wforge_model::Value;
use wforge_model::agent::{Exit, Reply};
use wforge_model::event::{Emitted, Route, Write};

/// The result of a task.
#[derive(Debug, Clone, Default)]
pub(crate) struct TaskResult {
    /// What `out` sees as `result`.
    pub(crate) output: Value,
    /// The exits that are taken.
    pub(crate) exits: Vec<Exit>,
    /// The writes, where they do not come from `out`.
    pub(crate) writes: Option<Vec<Write>>,
    /// Routes beside the node's edges and exits.
    pub(crate) routes: Vec<Route>,
    /// What was emitted on the way.
    pub(crate) emitted: Vec<Emitted>,
}

impl TaskResult {
    /// A result without exits.
    pub(crate) fn of(output: Value) -> Self {
        Self { output, ..Self::default() }
    }
}

impl From<&Reply> for TaskResult {
    fn from(reply: &Reply) -> Self {
        Self { output: reply.output.clone(), exits: reply.exits.clone(), ..Self::default() }
    }
}
