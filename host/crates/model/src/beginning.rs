//! What a run is begun with: everything that decides how it goes on.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::agent::{AgentPin, ToolPins};
use crate::checkpoint::Durability;
use crate::effect::{AskerHash, RequestHash};
use crate::event::{AnsweredBy, Route, Write};
use crate::limits::RunLimits;
use crate::mock::{MockAnswer, MockMode};
use crate::{Checkpoint, Digest, Labels, NodeId, NodePath, Object, RunId, ThreadId, Value};

/// Everything that a run is started with; nothing else decides how it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// The workflow's name.
    pub workflow: String,
    /// Its version.
    pub version: semver::Version,
    /// Its digest; what is run.
    pub digest: Digest,
    /// The thread, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<ThreadId>,
    /// The input keys; checked.
    pub input: Object,
    /// Read-only JSON for expressions and agents.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub context: Value,
    /// The mode that holds for this run.
    pub mock_mode: MockMode,
    /// The nodes whose task the mock agent does, and what it answers where that was given.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mocks: BTreeMap<NodePath, MockAnswer>,
    /// Answers given at the start, by `ask` node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<NodePath, Value>,
    /// What people had answered to tasks that a migration ended: it counts where one of the first
    /// super-step asks the same again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kept_answers: Vec<KeptAnswer>,
    /// The agent of each agent node; a node that is missing here had none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<NodeId, AgentPin>,
    /// The fallback agent of each node that names one and has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<NodeId, AgentPin>,
    /// The agents that agents of this run may call as tools.
    #[serde(default, skip_serializing_if = "has_no_tools")]
    pub tools: Arc<ToolPins>,
    /// The workflow of each node that runs one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<NodeId, Digest>,
    /// Every workflow that is used, directly or by another.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub subgraphs: BTreeMap<Digest, PinnedSubgraph>,
    /// The workflow that is run where this run fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<Digest>,
    /// The failed run that this one handles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handles: Option<RunId>,
    /// The checkpoint that it starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Checkpoint>,
    /// How it begins there.
    #[serde(default, skip_serializing_if = "Origin::is_input")]
    pub origin: Origin,
    /// Which of its borders are history.
    #[serde(default)]
    pub durability: Durability,
    /// After so many super-steps it pauses; none: it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u32>,
    /// What it may use; none in runs of before, which have what their workflow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RunLimits>,
    /// Where the edges from START lead.
    pub routes: Vec<Route>,
    /// What people find it by; none in runs of before.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// Who started it.
    pub by: String,
}

impl RunStarted {
    /// Every agent that serves a node, in the run itself and in its subgraphs.
    pub fn agents(&self) -> impl Iterator<Item = &AgentPin> {
        let inside = self.subgraphs.values();
        let inside = inside.flat_map(|part| part.pins.values().chain(part.fallbacks.values()));
        self.pins.values().chain(self.fallbacks.values()).chain(inside)
    }
}

fn has_no_tools(tools: &Arc<ToolPins>) -> bool {
    tools.is_empty()
}

/// What somebody answered to a task that was ended for another version of its workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// The node that asked.
    pub node: NodePath,
    /// Which of its tasks.
    pub asker: AskerHash,
    /// The request that asked.
    pub request: RequestHash,
    /// The question as the person read it.
    pub prompt: String,
    /// The answer.
    pub answer: Value,
    /// Who answered.
    pub by: AnsweredBy,
}

/// A workflow that is part of a run, and who serves its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedSubgraph {
    /// `name@version`.
    pub title: String,
    /// The agent of each agent node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<NodeId, AgentPin>,
    /// The fallback agent of each node that names one and has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallbacks: BTreeMap<NodeId, AgentPin>,
    /// The workflow of each node that runs one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uses: BTreeMap<NodeId, Digest>,
    /// What one call of it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RunLimits>,
}

/// How a run begins at the state that it starts from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// With input, at START.
    #[default]
    Input,
    /// With what was to be done at the checkpoint.
    Continue,
    /// With nothing: it writes the state as if these nodes had, and ends.
    Update(Vec<StateUpdate>),
    /// With nothing: it brings the state to another version of the workflow, and ends.
    Migrate,
    /// With nothing: the state of a checkpoint of another thread, or of an older one, and ends.
    Copy,
}

impl Origin {
    /// Whether the run begins at START.
    #[must_use]
    pub const fn is_input(&self) -> bool {
        matches!(self, Self::Input)
    }

    /// Whether the run only makes a new checkpoint.
    #[must_use]
    pub const fn ends_at_once(&self) -> bool {
        match self {
            Self::Update(_) | Self::Migrate | Self::Copy => true,
            Self::Input | Self::Continue => false,
        }
    }
}

/// What somebody writes in the place of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateUpdate {
    /// The node; none: as input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The writes, in order.
    pub writes: Vec<Write>,
}

/// A run that waits for its turn in a thread: everything that it will be started with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunQueued {
    /// The thread.
    pub thread: ThreadId,
    /// What it will be begun with; base and routes are found then.
    pub start: RunStarted,
}
