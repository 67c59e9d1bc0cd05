//! `tools.list` and `tools.call`: the agents of a run and the tools of MCP servers, as far as the
//! node may call them.
//!
//! An agent that is called is a child task with a record of its own; where it suspends, so does
//! its caller, and the caller's rerun reruns it.

use std::sync::{Arc, OnceLock};

use serde_json::json;
use wforge_model::agent::{Execution, ToolPin};
use wforge_model::effect::Operation;
use wforge_model::text::harmless_line;
use wforge_model::tool::TOOL_RESULT_BYTES_MAX;
use wforge_model::{Capability, Epoch, Failure, Problem, Value};
use wforge_ports::effects::EffectsError;
use wforge_ports::{AgentTools, ToolCall};

use crate::deed::{Deed, Done};
use crate::mcp::{self, McpServers, RemoteTool};
use crate::request::is_deeper;
use crate::session::Answer;

/// How deep agents may call each other unless told.
const DEPTH_MAX: u32 = 4;
/// How deep a result may nest, so that it can be read again from a record.
const RESULT_DEPTH_MAX: u32 = 64;
/// Tools in one list.
const LISTED_MAX: usize = 512;
/// The largest list, as JSON text, in bytes.
const LIST_BYTES_MAX: usize = 2 << 20;
/// The longest description of an agent, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1_024;

/// The tools that a host has.
#[derive(Debug)]
pub struct Tools {
    agents: OnceLock<Arc<dyn AgentTools>>,
    mcp: McpServers,
    depth_max: u32,
}

impl Default for Tools {
    fn default() -> Self {
        Self::new(McpServers::default())
    }
}

impl Tools {
    /// The tools of these servers, and no agents yet.
    #[must_use]
    pub fn new(mcp: McpServers) -> Self {
        Self { agents: OnceLock::new(), mcp, depth_max: DEPTH_MAX }
    }

    /// With agents that call each other so deep and no deeper; 0: no agent is a tool of another.
    #[must_use]
    pub fn deep(self, depth_max: u32) -> Self {
        Self { depth_max, ..self }
    }

    /// Offers the agents of runs. Whoever runs agents needs the effects that have these tools, so
    /// this comes after both are made; what is offered first stays.
    pub fn offer_agents(&self, agents: Arc<dyn AgentTools>) {
        let _ = self.agents.set(agents);
    }
}

/// Performs a request of the interface.
pub(crate) async fn perform(tools: &Tools, deed: &Deed<'_>) -> Result<Done, EffectsError> {
    match deed.operation() {
        Operation::ToolsList => Ok(Done::Answered(list(tools, deed).await)),
        _ => call(tools, deed, deed.lease).await,
    }
}

/// The tools that the task may call. Fails where a server that it may use does not answer: a list
/// that is recorded without its tools would be wrong for as long as the task runs.
pub(crate) async fn list(tools: &Tools, deed: &Deed<'_>) -> Answer {
    let call = deed.call;
    let mut listed: Vec<Value> =
        call.usable_tools().map(|(name, tool)| of_agent(name, tool)).collect();
    for server in tools.mcp.of(&call.tenant).filter(|server| server.is_within(&call.grants)) {
        let offered = server.list(deed).await?;
        let may = |name: &str| call.grants.allow(&Capability::of("tool", name));
        let usable = offered.iter().filter(|(name, _)| may(name));
        listed.extend(usable.map(|(name, tool)| of_server(name, tool)));
    }
    let (count, listed) = (listed.len(), Value::Array(listed));
    if count > LISTED_MAX || listed.to_string().len() > LIST_BYTES_MAX {
        let message = format!(
            "the node may call {count} tools, more than {LISTED_MAX}, or their schemas have more \
             than {LIST_BYTES_MAX} bytes; grant tool:<name> for those that are meant"
        );
        return Err(Failure::Limit(Problem::new("tool_list", message)));
    }
    Ok(listed)
}

fn of_agent(name: &str, tool: &ToolPin) -> Value {
    json!({
        "name": name,
        "description": harmless_line(&tool.description, DESCRIPTION_CHARS_MAX),
        "input_schema": tool.agent.input,
        "output_schema": tool.agent.output,
    })
}

fn of_server(name: &str, tool: &RemoteTool) -> Value {
    json!({
        "name": name,
        "description": tool.description,
        "input_schema": tool.input_schema,
        "output_schema": tool.output_schema,
    })
}

/// Calls the tool that a request names. That the task may call it was decided before.
pub(crate) async fn call(
    tools: &Tools,
    deed: &Deed<'_>,
    lease: Epoch,
) -> Result<Done, EffectsError> {
    let name = deed.asked.text("name");
    let answer = match deed.call.tools.get(name) {
        Some(tool) => match call_agent(tools, deed, tool, lease).await? {
            Done::Answered(answer) => answer,
            done => return Ok(done),
        },
        None => match tools.mcp.find(&deed.call.tenant, name) {
            Some(server) => server.call(deed).await,
            None => Err(mcp::unknown(name)),
        },
    };
    Ok(Done::Answered(answer.and_then(|value| small(name, value))))
}

async fn call_agent(
    tools: &Tools,
    deed: &Deed<'_>,
    tool: &ToolPin,
    lease: Epoch,
) -> Result<Done, EffectsError> {
    let name = deed.asked.text("name");
    if deed.call.depth >= tools.depth_max {
        let message = format!("agents may call each other {} deep and no deeper", tools.depth_max);
        return Ok(Done::Answered(Err(Failure::Limit(Problem::new("tool_depth", message)))));
    }
    let Some(agents) = tools.agents.get() else {
        return Ok(Done::Answered(Err(mcp::unknown(name))));
    };
    let input = deed.asked.element.get("input").unwrap_or(&Value::Null);
    let (caller, position) = (deed.call, deed.position);
    let call = ToolCall { caller, name, tool, input, position, lease };
    Ok(match agents.call(call).await? {
        Execution::Replied(reply) => Done::Answered(Ok(reply.output)),
        Execution::Failed { failure, .. } => Done::Answered(Err(failure)),
        Execution::Suspended(waiting) => Done::Suspended(waiting),
        Execution::Diverged(divergence) => Done::Diverged(divergence),
    })
}

fn small(name: &str, value: Value) -> Answer {
    if is_deeper(&value, RESULT_DEPTH_MAX) {
        let message = format!("the result of {name} nests deeper than {RESULT_DEPTH_MAX} levels");
        return Err(Failure::Limit(Problem::new("tool_result_depth", message)));
    }
    if value.to_string().len() > TOOL_RESULT_BYTES_MAX {
        return Err(mcp::too_large(name));
    }
    Ok(value)
}
