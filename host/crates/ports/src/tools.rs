//! Agents that are called as tools: whoever performs host calls has the record and the grants,
//! whoever runs agents has the sandbox, and this is between them.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::agent::{AgentCall, Execution, ToolPin};
use wforge_model::{Epoch, Value};

use crate::effects::EffectsError;

/// Calls agents for other agents.
pub trait AgentTools: Debug + Send + Sync {
    /// Makes one execution of the tool's task, which is a child of the caller's: it may do what
    /// both may do, and its effects are recorded under its own id. The input and the reply fit the
    /// agent's schemas, or the execution is a failure that says where they do not. That the caller
    /// may call the tool was decided before.
    ///
    /// Where it suspends, so must the caller: the rerun of the caller makes the next execution of
    /// the same child. Dropping the future drops the child's sandbox.
    fn call<'a>(&'a self, call: ToolCall<'a>) -> BoxFuture<'a, Result<Execution, EffectsError>>;
}

/// One call of an agent by another.
#[derive(Debug, Clone, Copy)]
pub struct ToolCall<'a> {
    /// The call of the agent that calls.
    pub caller: &'a AgentCall,
    /// The tool's name.
    pub name: &'a str,
    /// Who serves it in this run.
    pub tool: &'a ToolPin,
    /// What it is called with.
    pub input: &'a Value,
    /// The place of the call in the caller's record.
    pub position: u32,
    /// The lease under which the run is driven.
    pub lease: Epoch,
}
