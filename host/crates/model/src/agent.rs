//! One call of an agent, and what it replies.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::Answered;
use crate::{
    Capability, Digest, Grants, PluginName, Recording, RunId, TaskId, TenantId, ThreadId,
    Timestamp, Value,
};
use crate::{NodeId, failure::Failure};

/// The agent that a node of one run is pinned to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentPin {
    /// The plugin's name.
    pub plugin: PluginName,
    /// Its version.
    pub version: semver::Version,
    /// The digest of its component; what is run.
    pub component: Digest,
    /// The agent inside it.
    pub agent: String,
    /// What it may do at this node.
    pub grants: Grants,
    /// JSON Schema of its input.
    pub input: Value,
    /// JSON Schema of its output.
    pub output: Value,
    /// The exits that it may take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exits: Vec<String>,
}

/// An agent that the agents of a run may call as a tool, pinned like those of its nodes: what is
/// installed later serves later runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolPin {
    /// What it does, in a sentence; empty where its manifest says nothing.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The agent, with everything that it may do of its own.
    pub agent: AgentPin,
}

/// The agents that a run has as tools, by the names under which they are called.
pub type ToolPins = BTreeMap<String, ToolPin>;

/// One call, complete: the same call after a crash is equal byte for byte.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentCall {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The plugin's name, for messages.
    pub plugin: PluginName,
    /// Its component.
    pub component: Digest,
    /// The agent inside it.
    pub agent: String,
    /// The task.
    pub task: TaskId,
    /// The run.
    pub run: RunId,
    /// The thread, if any.
    pub thread: Option<ThreadId>,
    /// `name@version` of the workflow.
    pub workflow: String,
    /// The node.
    pub node: NodeId,
    /// The super-step, from 1.
    pub step: u32,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Time for this attempt in milliseconds; none: the sandbox's own limit.
    pub timeout_ms: Option<u64>,
    /// Fits the agent's input schema.
    pub input: Value,
    /// Fits the agent's config schema.
    pub config: Value,
    /// Read-only JSON of the run.
    pub context: Value,
    /// What it may do.
    pub grants: Grants,
    /// When the attempt began, by the log: what the guest's clock shows at first.
    pub began_at: Timestamp,
    /// Answers of people to this task's questions.
    pub answers: Vec<Answered>,
    /// The positions of the previous attempt's record that this attempt keeps, where the answer at
    /// the next one failed; [`EVERY_EFFECT`]: all but a last answer that failed.
    pub kept_effects: u32,
    /// The first attempt that counts: what those before it recorded was another agent's, or was
    /// dropped.
    pub first_attempt: u32,
    /// Whether an effect whose outcome the host never learned ends the attempt for good, instead of
    /// being done again with the same idempotency key.
    pub fails_unknown: bool,
    /// Whether its node is declared idempotent: it may then reach out without a record.
    pub is_idempotent: bool,
    /// The agents of the run that can be tools; which of them it may call, its grants say.
    pub tools: Arc<ToolPins>,
    /// How many agents are around it that called each other as tools; 0 for a node's own agent.
    pub depth: u32,
}

impl AgentCall {
    /// Whether all that it may do to the world is on record.
    #[must_use]
    pub fn recording(&self) -> Recording {
        Recording::of(self.is_idempotent, &self.grants)
    }

    /// The agents that it may call as tools, by their names.
    pub fn usable_tools(&self) -> impl Iterator<Item = (&str, &ToolPin)> {
        let may = |name: &str| self.grants.allow(&Capability::of("tool", name));
        self.tools
            .iter()
            .map(|(name, tool)| (name.as_str(), tool))
            .filter(move |(name, _)| may(name))
    }
}

/// For [`AgentCall::kept_effects`]: whatever broke the attempt, what it was answered stands.
pub const EVERY_EFFECT: u32 = u32::MAX;

/// What an agent replied.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reply {
    /// The result.
    pub output: Value,
    /// The exits it takes, in order.
    pub exits: Vec<Exit>,
}

/// A way out of a node beside its edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Exit {
    /// Its name.
    pub name: String,
    /// Bound as `sent` in the task that it starts.
    pub input: Option<Value>,
}

/// What came of one execution of an attempt.
#[derive(Debug, Clone, PartialEq)]
pub enum Execution {
    /// The agent replied.
    Replied(Reply),
    /// The agent waits; it runs again from its top when that has come.
    Suspended(crate::effect::Waiting),
    /// The attempt failed.
    Failed {
        /// Why.
        failure: Failure,
        /// How many effects the attempt had recorded when it ended.
        effects: u32,
    },
    /// The guest asked something else than it had asked at that position before.
    Diverged(Divergence),
}

/// Another request at a recorded position: the code is not deterministic, or was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The position.
    pub position: u32,
    /// What the record holds, in words.
    pub recorded: String,
    /// What was asked now, in words.
    pub asked: String,
}
