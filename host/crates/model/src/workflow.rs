//! A workflow as its file says it: every name parsed, nothing yet checked against anything else.
//!
//! The file's text becomes this in `wforge-spec`; `wforge_graph::Workflow` is the checked form and
//! the only door to the engine. String leaves of [`Template`]s and all [`Expr`]s are CEL.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use crate::edge::{Arm, Each, Edge, EdgeRule, From, Join, To};
use crate::limits::AskedLimits;
use crate::mock::{MockAnswer, MockSettings};
pub use crate::retry::{Fallback, RetryEffects, RetryRule};
use crate::{
    AgentRef, Capability, FailureKind, Key, Lines, NodeId, Object, Target, Value, WorkflowRef,
};

/// A CEL expression's source.
pub type Expr = String;
/// JSON whose string leaves are CEL; a key written `[CEL]` is computed.
pub type Template = Value;

/// A workflow as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct WorkflowDraft {
    /// The workflow's name.
    pub name: String,
    /// Its version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: semver::Version,
    /// The keys of the state.
    pub state: BTreeMap<Key, KeySpec>,
    /// The keys that whoever starts a run gives.
    pub input: Vec<Key>,
    /// The keys that a completed run returns.
    pub output: Vec<Key>,
    /// The nodes.
    pub nodes: BTreeMap<NodeId, Node>,
    /// The edges, in the file's order; an edge is known by its place.
    pub edges: Vec<Edge>,
    /// What one run may use, where the file says so.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub limits: AskedLimits,
    /// What the workflow says about mocks.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub mock: MockSettings,
    /// Where a run pauses until somebody lets it go on.
    #[serde(default, skip_serializing_if = "Interrupts::is_empty")]
    pub interrupt: Interrupts,
    /// The workflow that is run with the failure where a run of this one fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<WorkflowRef>,
    /// Where its expressions stand in the file that it was read from. It says nothing about what
    /// the workflow is: a digest is over a draft without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub lines: Option<Box<Lines>>,
}

/// The nodes at which a run pauses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Interrupts {
    /// Before a super-step that has one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<NodeId>,
    /// After a super-step that had one of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<NodeId>,
}

impl Interrupts {
    /// Whether no node is named.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }
}

/// One key of the state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// How several writes become one value.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub reducer: Reducer,
    /// The value before the first write; none: unwritten, or what the reducer implies.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// JSON Schema that the value must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// `persist: false`: never reaches the store. Read by `set`, `when` and `each` only, and
    /// unwritten after a restart.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub volatile: bool,
    /// Its value is seen by the next super-step only.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub ephemeral: bool,
}

impl KeySpec {
    /// The value before the first write; none: unwritten.
    #[must_use]
    pub fn first(&self) -> Option<Value> {
        self.default.clone().or_else(|| self.reducer.initial())
    }
}

/// How the writes of one super-step become a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Reducer {
    /// The written value; two writers in one step are an error.
    #[default]
    Last,
    /// Joins lists.
    Append,
    /// Joins objects by key; a later value replaces.
    Merge,
    /// Joins lists and leaves out what is there already.
    Union,
    /// Adds numbers.
    Sum,
    /// The smallest number or text.
    Min,
    /// The largest number or text.
    Max,
    /// A conversation: messages with an id replace the one that has it, `remove` takes one away.
    Messages,
    /// The last of several values, which are meant to be equal.
    Any,
}

impl Reducer {
    /// Whether what is written is the value, whatever was there before.
    #[must_use]
    pub const fn replaces(self) -> bool {
        matches!(self, Self::Last | Self::Any)
    }

    /// The value before the first write, where the reducer implies one.
    #[must_use]
    pub fn initial(self) -> Option<Value> {
        match self {
            Self::Last | Self::Min | Self::Max | Self::Any => None,
            Self::Append | Self::Union | Self::Messages => Some(Value::Array(Vec::new())),
            Self::Merge => Some(Value::Object(Object::new())),
            Self::Sum => Some(Value::from(0)),
        }
    }
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = WorkflowNode))]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// What it does.
    pub work: Work,
    /// What the agent gets, by the name of its input's fields; none: the state keys that its input
    /// schema names.
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    pub input: Option<BTreeMap<String, Template>>,
    /// What is written, by state key; none: result keys that are state keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out: Option<BTreeMap<Key, Template>>,
    /// Where each exit leads; `*` is any exit that is not named, of a mock only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub goto: BTreeMap<String, Target>,
    /// Literal configuration.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub config: Value,
    /// When to try again; the first that matches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retry: Vec<RetryRule>,
    /// Longest time of one attempt, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// Longest time of one attempt without a host call, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_ms: Option<u64>,
    /// How long a live result may serve other tasks with the same input, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ms: Option<u64>,
    /// The node that handles a failure for good, in the same super-step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<NodeId>,
    /// Who stands in when the agent is missing or fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// Failure kinds that fall back although they otherwise would not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallback_on: Vec<FailureKind>,
    /// Whether somebody may stand in though the task has written something; `after_write` of
    /// `fallback_on`.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub fallback_after_write: bool,
    /// What the mock agent answers here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mock: Option<MockAnswer>,
    /// Run only once nothing else is planned.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub defer: bool,
    /// Narrows the plugin's grants at this node; none: does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<Vec<Capability>>,
    /// What is said of its effects on the world.
    #[serde(default, skip_serializing_if = "NodeEffects::is_default")]
    pub effects: NodeEffects,
    /// What is said of what it knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<NodeLabel>,
}

/// What an author says of what a node knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NodeLabel {
    /// It knows what must not get out of the host, unless a person lets it.
    Secret,
    /// It takes in what strangers wrote.
    Untrusted,
}

impl NodeLabel {
    /// How files and drawings write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Untrusted => "untrusted",
        }
    }
}

/// What an author says of a node's effects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NodeEffects {
    /// What becomes of an effect that was under way when the host died.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unknown: UnknownOutcome,
    /// Whether the node may be run twice: it may then reach out without a record.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub idempotent: bool,
}

impl NodeEffects {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What becomes of an effect whose outcome the host never learned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum UnknownOutcome {
    /// It is done again, with the same idempotency key.
    #[default]
    Retry,
    /// The task fails for good.
    Fail,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NodeWork))]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Calls an agent.
    Agent(AgentRef),
    /// Asks the mock agent, by the author's own choice; never degrades the run.
    Mock,
    /// Writes state keys.
    Set(BTreeMap<Key, Template>),
    /// Asks a person.
    Ask(Ask),
    /// Runs another workflow as a part of this run.
    Workflow(Subgraph),
}

/// A workflow inside another one. Its result is its output keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Subgraph {
    /// Which workflow.
    pub workflow: WorkflowRef,
    /// What a later call of the same node finds of the state that this one left.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub persist: Persist,
}

/// How long the state of a subgraph outlives its call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = SubgraphPersist))]
#[serde(rename_all = "snake_case")]
pub enum Persist {
    /// Each call begins afresh.
    #[default]
    None,
    /// Later calls of the run go on from it.
    Run,
    /// Later runs of the thread as well.
    Thread,
}

/// A question that a node asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = NodeAsk))]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// Text with `{{ CEL }}`.
    pub prompt: String,
    /// Who should answer: text with `{{ CEL }}`; none: whoever comes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// JSON Schema that the answer must fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Value>,
    /// How long to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// The answer that counts once the deadline has passed; none: the task fails.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub on_deadline: Option<Value>,
    /// Whose the question becomes where nobody has answered for a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate: Option<Escalate>,
}

/// Whose a question becomes, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Escalate {
    /// How long after it was asked, in milliseconds.
    pub after_ms: u64,
    /// Whose: text with `{{ CEL }}`.
    pub to: String,
}

/// Keeps a written null apart from a field that is not there.
pub(crate) fn present<'de, D>(input: D) -> Result<Option<Value>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    Value::deserialize(input).map(Some)
}
