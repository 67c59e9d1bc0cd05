//! What callers ask of the engine, and what they get.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use wforge_model::checkpoint::Durability;
use wforge_model::event::{RunEvent, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::mock::{MockAnswer, MockMode, TaskSource};
use wforge_model::trust::{Distrust, Signer};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{
    Digest, Failure, Labels, NodeId, NodePath, Object, QuestionId, Recording, RunId, Seq, TaskId,
    ThreadId, Timestamp, Usage, Value,
};
use wforge_ports::plugins::Admitted;
use wforge_ports::store::IdempotentReply;

use crate::breaker::Circuit;
use crate::choice::VersionChoice;
use crate::quarantine::Quarantine;

/// Everything that a run is started with.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// The workflow.
    pub workflow: WorkflowChoice,
    /// Workflows that its nodes may name, beside those that are registered.
    pub workflows: Vec<WorkflowDraft>,
    /// The input keys.
    pub input: Object,
    /// Read-only JSON for expressions and agents; null where there is none.
    pub context: Value,
    /// The thread that it belongs to.
    pub thread: Option<ThreadId>,
    /// What becomes of the run that is under way in its thread.
    pub multitask: Multitask,
    /// Answers given beforehand, by `ask` node.
    pub answers: BTreeMap<NodePath, Value>,
    /// Nodes to mock, with what the mock answers where that is given.
    pub mocks: BTreeMap<NodePath, Option<MockAnswer>>,
    /// The mode that the caller wants.
    pub mock_mode: Option<MockMode>,
    /// Which of its borders its thread's history lists.
    pub durability: Durability,
    /// After so many super-steps it pauses; none: it does not.
    pub steps: Option<u32>,
    /// Take agents from these only; none: from the tenant's installed ones.
    pub plugins: Option<Vec<Admitted>>,
    /// What people find it by.
    pub labels: Labels,
    /// Stored with the run, so that the same request gives the same run.
    pub idempotency: Option<Idempotency>,
    /// The name of the credential.
    pub by: String,
}

impl StartRun {
    /// A run of a workflow, and nothing else.
    #[must_use]
    pub fn of(workflow: WorkflowChoice, by: impl Into<String>) -> Self {
        Self {
            workflow,
            workflows: Vec::new(),
            input: Object::new(),
            context: Value::Null,
            thread: None,
            multitask: Multitask::default(),
            answers: BTreeMap::new(),
            mocks: BTreeMap::new(),
            mock_mode: None,
            durability: Durability::default(),
            steps: None,
            plugins: None,
            labels: Labels::default(),
            idempotency: None,
            by: by.into(),
        }
    }
}

/// What becomes of the run that is under way in a thread where another one is started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Multitask {
    /// It goes on, and the new one is refused.
    Reject,
    /// It goes on, and the new one waits for its turn.
    #[default]
    Enqueue,
    /// It is cancelled; the new one goes on from its last border.
    Interrupt,
    /// It is taken back, and the new one begins where it had begun.
    Rollback,
}

/// The end of a run that somebody wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CancelRun {
    /// Why.
    pub reason: String,
    /// Whether its thread goes back to where it was before the run.
    pub roll_back: bool,
    /// Who does.
    pub by: String,
}

/// A client's idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idempotency {
    /// The key, with whatever it is scoped by.
    pub key: String,
    /// Hash of the request.
    pub fingerprint: String,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

impl Idempotency {
    /// The key of one part of a request that makes several runs. A client's key has no space, so
    /// no other key is the same.
    #[must_use]
    pub fn part(&self, part: &str) -> Self {
        Self { key: format!("{} {part}", self.key), ..self.clone() }
    }

    /// The reply to store under it.
    #[must_use]
    pub fn reply(&self, reply: Value, made_at: Timestamp) -> IdempotentReply {
        let Self { key, fingerprint, expires_at } = self.clone();
        IdempotentReply { key, fingerprint, reply, made_at, expires_at }
    }
}

/// Which workflow to run.
#[derive(Debug, Clone)]
pub enum WorkflowChoice {
    /// This one; shared, since a request may be made many times.
    Draft(Arc<WorkflowDraft>),
    /// The newest registered one of that name, or the one of that version.
    Registered {
        /// Its name.
        name: String,
        /// Its version; none: the newest.
        version: Option<semver::Version>,
    },
}

/// An answer to an open question.
#[derive(Debug, Clone, PartialEq)]
pub struct AnswerGiven {
    /// Which question; can be left out where only one is open.
    pub to: AnswerTo,
    /// The answer.
    pub answer: Value,
}

/// Which question an answer is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerTo {
    /// The only one that is open.
    Only,
    /// The one with this id.
    Question(QuestionId),
    /// The one that this node asked.
    Node(NodeId),
}

/// A run as a whole: its row, its tasks and its state.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunView {
    /// The row of the list.
    pub head: RunHead,
    /// The output of a completed run.
    pub output: Option<Object>,
    /// Its tasks in the order of their end.
    pub tasks: Vec<TaskView>,
    /// The questions that are open.
    pub questions: Vec<QuestionView>,
}

/// One task of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaskView {
    /// The task.
    pub task: TaskId,
    /// Its node.
    pub node: NodeId,
    /// The task whose subgraph it belongs to; none: the run itself.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub within: Option<TaskId>,
    /// Its super-step, of the run or of that subgraph.
    pub step: u32,
    /// The agent as `publisher/name@version`; none for `set` and `ask`.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub agent: Option<String>,
    /// How it got its result; none while it has none.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub source: Option<TaskSource>,
    /// The attempt that it is at.
    pub attempt: u32,
    /// How long that attempt took in milliseconds.
    pub ms: u64,
    /// Why it failed, or why a stand-in was needed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub failure: Option<Failure>,
    /// What it used of models, over all its attempts and in the agents that it called as tools.
    #[serde(skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
    /// Whether all that it may do to the world is on record.
    pub effects: Recording,
}

/// An open question.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QuestionView {
    /// Its id.
    pub id: QuestionId,
    /// The node that asks.
    pub node: NodeId,
    /// The question.
    pub prompt: String,
    /// What an answer must fit.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub schema: Option<Value>,
    /// When nobody needs to answer any more.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub deadline: Option<Timestamp>,
    /// Who should answer; none: whoever comes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

/// Which chunks of a run are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamRequest {
    /// The modes, in the order in which the chunks of one event come.
    pub modes: Vec<wforge_graph::StreamMode>,
    /// Also what happens inside of subgraphs.
    pub subgraphs: bool,
    /// Only what follows from events after this one.
    pub after: Seq,
}

/// What a subscriber of a run receives.
#[derive(Debug, Clone, PartialEq)]
pub enum RunMessage {
    /// A durable event; in order, each exactly once.
    Event(StoredEvent),
    /// A line that a plugin wrote; not kept.
    Line {
        /// The task's node.
        node: NodeId,
        /// The task.
        task: TaskId,
        /// `trace` to `error`.
        level: &'static str,
        /// The text.
        message: String,
    },
    /// An event that a plugin emitted; not kept.
    Emitted {
        /// The task's node.
        node: NodeId,
        /// The task.
        task: TaskId,
        /// Its place among those of the execution.
        ordinal: u32,
        /// Its topic.
        topic: String,
        /// What was emitted.
        payload: Value,
    },
    /// A piece of an answer that is on its way to a plugin; not kept, and superseded by the answer.
    Delta {
        /// The task's node.
        node: NodeId,
        /// The task.
        task: TaskId,
        /// The effect's place in the task's record.
        position: u32,
        /// The piece's place in the answer.
        n: u32,
        /// The topic that the plugin named.
        topic: String,
        /// The piece.
        text: String,
    },
    /// The subscriber was too slow: it missed messages, and those that are not kept are lost to it.
    /// Durable events are read again from the store.
    Lagged {
        /// The last durable event that it was given; the next one follows.
        after: Seq,
        /// How many messages were skipped, durable ones among them.
        skipped: u64,
    },
}

/// A registered workflow.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkflowInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub version: semver::Version,
    /// Its digest.
    pub digest: Digest,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// An installed plugin.
#[derive(Debug, Clone, PartialEq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PluginInfo {
    /// What admission found.
    #[serde(flatten)]
    pub admitted: Admitted,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// By whom.
    pub by: String,
    /// Who signed it, where somebody did; kept with the signature, not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<Signer>,
    /// How it stands now; never kept.
    #[serde(flatten)]
    pub standing: PluginStanding,
}

/// How an installed plugin stands in this process.
#[derive(Debug, Clone, Default, PartialEq, Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PluginStanding {
    /// Why it is not called, where it is in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quarantine: Option<Quarantine>,
    /// How its calls go, where they break.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circuit: Option<Circuit>,
    /// The version that new runs get of this plugin, where somebody chose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<VersionChoice>,
    /// Why no new run is started with it, where its signature or version is not trusted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distrust: Option<Distrust>,
}

/// A component that is to be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluginUpload {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The signature file of minisign, where there is one.
    pub signature: Option<Vec<u8>>,
}

/// Without a signature.
impl From<Vec<u8>> for PluginUpload {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, signature: None }
    }
}

/// How long to wait for a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// Until it has ended, is blocked, or waits for a person.
    Settled,
    /// The same, but no longer than until then.
    SettledBefore(Timestamp),
}

/// Why something could not be done. Variants by what the caller does next.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The tenant has no such thing.
    #[error("no {kind} \"{name}\"")]
    NotFound {
        /// `run`, `workflow`, `plugin`, `question`.
        kind: &'static str,
        /// What was asked for.
        name: String,
    },
    /// The request itself is wrong.
    #[error("{message}")]
    Invalid {
        /// A stable code in `snake_case`.
        code: &'static str,
        /// What and how to mend it.
        message: String,
        /// Each place that is wrong, where there are several.
        details: Vec<String>,
    },
    /// The thing is not in a state for that: ended, not waiting, already there.
    #[error("{message}")]
    Conflict {
        /// A stable code in `snake_case`.
        code: &'static str,
        /// What and how to mend it.
        message: String,
    },
    /// A limit was reached: come back later.
    #[error("{message}")]
    Busy {
        /// What is full.
        message: String,
        /// When to come back, in milliseconds.
        retry_after_ms: u64,
    },
    /// The tenant has used up what it may: come back later, or ask for more.
    #[error("{message}")]
    Quota {
        /// Which limit, as the configuration calls it.
        quota: &'static str,
        /// How much was used, of how much.
        message: String,
        /// When to come back, in milliseconds.
        retry_after_ms: u64,
    },
    /// The host itself failed; the log has the reason.
    #[error("the host failed")]
    Host(#[source] wforge_ports::BoxError),
}

/// How an event reads to a client: its name and its data without the outer tag.
#[must_use]
pub fn event_parts(event: &RunEvent) -> (&'static str, Value) {
    let tagged = serde_json::to_value(&event.kind).unwrap_or_default();
    let data = match tagged {
        Value::Object(map) => map.into_iter().next().map_or(Value::Null, |(_, data)| data),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Value::Null
        }
    };
    (event.kind.name(), data)
}

/// The run that a start gave, and whether it was there before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run: RunId,
    /// Whether an earlier request with the same idempotency key had started it.
    pub replayed: bool,
}
