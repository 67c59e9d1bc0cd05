//! What happened in a run: its log is a list of these, and everything else is folded from it.
//!
//! Every variant that was ever written must be read for ever; fields are added with a default and
//! never change their meaning.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::agent::{AgentPin, Divergence};
use crate::effect::Waiting;
use crate::failure::Failure;
use crate::limits::RunLimits;
use crate::mock::{MockAnswer, MockMode, TaskSource};
use crate::{Digest, Key, NodeId, Object, QuestionId, Seq, TaskId, ThreadId, Timestamp, Value};

/// One event of a run's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// When it was decided.
    pub at: Timestamp,
    /// What happened.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// The run was accepted.
    RunStarted(Box<RunStarted>),
    /// A super-step begins with these tasks.
    StepPlanned {
        /// The super-step, from 1.
        step: u32,
        /// Its tasks in their order: plain ones by node, then sends as they were sent.
        tasks: Vec<PlannedTask>,
    },
    /// An attempt failed and another follows.
    TaskRetried {
        /// The task.
        task: TaskId,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// When the next attempt begins.
        at: Timestamp,
        /// Effects of the failed attempt that the next one keeps.
        kept_effects: u32,
    },
    /// A task waits and holds no sandbox.
    TaskSuspended {
        /// The task.
        task: TaskId,
        /// For what.
        waiting: Waiting,
    },
    /// What a task waited for has come: it runs again.
    TaskResumed {
        /// The task.
        task: TaskId,
    },
    /// A person answered, or the deadline passed.
    QuestionAnswered {
        /// The task that asked.
        task: TaskId,
        /// The question.
        question: QuestionId,
        /// The answer; none where the deadline passed.
        #[serde(
            default,
            deserialize_with = "crate::workflow::present",
            skip_serializing_if = "Option::is_none"
        )]
        answer: Option<Value>,
        /// Who answered.
        by: AnsweredBy,
    },
    /// A task has its result. What it writes counts once the super-step commits.
    TaskFinished(Box<TaskFinished>),
    /// A task failed for good.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        failure: Failure,
    },
    /// Every task of the super-step has finished: its writes are the state now.
    StepCommitted {
        /// The super-step.
        step: u32,
    },
    /// The run ended well.
    RunCompleted {
        /// The outcome that an edge named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// The output keys that were written.
        output: Object,
    },
    /// The run ended badly.
    RunFailed {
        /// Why.
        error: RunError,
    },
    /// Somebody cancelled the run.
    RunCancelled {
        /// The reason given.
        reason: String,
    },
    /// A task asked something else than its record holds; an operator decides.
    RunBlocked {
        /// The task.
        task: TaskId,
        /// Both requests.
        divergence: Divergence,
    },
    /// An operator took a blocked run up again: the task that diverged begins a new attempt with
    /// an empty record, people's answers excepted.
    RunUnblocked {
        /// The task.
        task: TaskId,
        /// Who did.
        by: String,
    },
}

impl EventKind {
    /// The name that clients see.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::StepPlanned { .. } => "step_planned",
            Self::TaskRetried { .. } => "task_retried",
            Self::TaskSuspended { .. } => "task_suspended",
            Self::TaskResumed { .. } => "task_resumed",
            Self::QuestionAnswered { .. } => "question_answered",
            Self::TaskFinished(_) => "task_finished",
            Self::TaskFailed { .. } => "task_failed",
            Self::StepCommitted { .. } => "step_committed",
            Self::RunCompleted { .. } => "run_completed",
            Self::RunFailed { .. } => "run_failed",
            Self::RunCancelled { .. } => "run_cancelled",
            Self::RunBlocked { .. } => "run_blocked",
            Self::RunUnblocked { .. } => "run_unblocked",
        }
    }
}

/// An event and its place in the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its sequence, from 1; the id under which streams resume.
    pub seq: Seq,
    /// The event.
    #[serde(flatten)]
    pub event: RunEvent,
}

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
    pub mocks: BTreeMap<NodeId, MockAnswer>,
    /// Answers given at the start, by `ask` node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<NodeId, Value>,
    /// The agent of each agent node; a node that is missing here had none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pins: BTreeMap<NodeId, AgentPin>,
    /// Where the edges from START lead.
    pub routes: Vec<Route>,
    /// What it may use; none in runs of before, which have what their workflow says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<RunLimits>,
    /// Who started it.
    pub by: String,
}

/// A task of a super-step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// Its id.
    pub id: TaskId,
    /// Its node.
    pub node: NodeId,
    /// Its place among the sends that the step before left; none for a plain trigger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<u32>,
}

/// The result of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskFinished {
    /// The task.
    pub task: TaskId,
    /// The attempt that succeeded, from 1.
    pub attempt: u32,
    /// How it got its result.
    pub source: TaskSource,
    /// Whether the mock agent stood in for a named one; the run is degraded then.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub stands_in: bool,
    /// The failure that made a stand-in necessary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<Failure>,
    /// What it writes, in order.
    pub writes: Vec<Write>,
    /// Where it leads, in order.
    pub routes: Vec<Route>,
    /// How long the attempt took, in milliseconds; 0 where nothing was called.
    pub elapsed_ms: u64,
}

/// One write of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Write {
    /// The state key.
    pub key: Key,
    /// The value.
    pub value: Value,
    /// Replaces the value instead of reducing it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub overwrite: bool,
}

/// Where a finished task leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Triggers a node once, however often it is triggered in the step.
    Node(NodeId),
    /// Is one of those for whom the edge of that place waits.
    Arrive {
        /// The edge's place in the file.
        edge: u32,
        /// Who arrives.
        from: NodeId,
    },
    /// One task for each item and target of an `each` edge.
    Each {
        /// The name of the items.
        name: String,
        /// The items.
        items: Vec<Value>,
        /// The targets.
        to: Vec<NodeId>,
    },
    /// One task of its own.
    Send {
        /// The target.
        to: NodeId,
        /// The names bound in it.
        #[serde(default, skip_serializing_if = "Object::is_empty")]
        bindings: Object,
        /// Bound as `sent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent: Option<Value>,
    },
    /// Ends the run with that outcome.
    Outcome(String),
}

/// Who answered a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    /// Somebody, by the name of their credential.
    Person(String),
    /// Whoever started the run, beforehand.
    Start,
    /// The mock agent.
    Mock,
    /// Nobody: the deadline passed.
    Deadline,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunError {
    /// A stable code in `snake_case`.
    pub code: String,
    /// One sentence with place and fix.
    pub message: String,
    /// The node at which it failed, if at one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// The task, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The failure of that task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}
