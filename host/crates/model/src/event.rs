//! What happened in a run: its log is a list of these, and everything else is folded from it.
//!
//! Every variant that was ever written must be read for ever; fields are added with a default and
//! never change their meaning.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::agent::Divergence;
pub use crate::beginning::{
    KeptAnswer, Origin, PinnedSubgraph, RunQueued, RunStarted, StateUpdate,
};
use crate::effect::Waiting;
use crate::failure::Failure;
use crate::mock::TaskSource;
use crate::usage::Usage;
use crate::{Key, NodeId, Object, QuestionId, RunId, Seq, TaskId, Timestamp, Value};

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
    /// The run was accepted, and waits until the run before it in its thread has ended.
    RunQueued(Box<RunQueued>),
    /// The run was begun.
    RunStarted(Arc<RunStarted>),
    /// A super-step begins with these tasks.
    StepPlanned {
        /// The subgraph, by the task that runs it; none: the run itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ns: Option<TaskId>,
        /// The super-step, from 1.
        step: u32,
        /// Its tasks in their order: plain ones by node, then sends as they were sent.
        tasks: Vec<PlannedTask>,
    },
    /// A task begins the workflow inside it.
    SubgraphStarted {
        /// The task.
        task: TaskId,
        /// The input keys; checked.
        input: Object,
        /// Where the edges from START lead.
        routes: Vec<Route>,
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
        /// How long the failed attempt took, in milliseconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        elapsed_ms: u64,
        /// Whether the node's fallback agent makes the next attempt.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        falls_back: bool,
        /// What the task used of models so far.
        #[serde(default, skip_serializing_if = "Usage::is_none")]
        usage: Usage,
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
    /// An open question was put to somebody, or is anybody's again.
    QuestionAssigned {
        /// The task.
        task: TaskId,
        /// The question.
        question: QuestionId,
        /// Who should answer from now on; none: whoever comes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        assignee: Option<String>,
        /// What is said to them with it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Who did.
        by: AssignedBy,
    },
    /// A task has its result. What it writes counts once the super-step commits.
    TaskFinished(Arc<TaskFinished>),
    /// A task failed for good.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// The attempt that failed.
        attempt: u32,
        /// Why.
        failure: Failure,
        /// How long the attempt took, in milliseconds.
        #[serde(default, skip_serializing_if = "is_zero")]
        elapsed_ms: u64,
        /// The task that handles the failure in the same super-step; none: the run fails.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        handler: Option<PlannedTask>,
        /// Whether somebody would have stood in, had the task not written something.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        after_write: bool,
        /// What the task used of models, over all its attempts.
        #[serde(default, skip_serializing_if = "Usage::is_none")]
        usage: Usage,
    },
    /// Every task of the super-step has finished: its writes are the state now.
    StepCommitted {
        /// The subgraph, by the task that runs it; none: the run itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ns: Option<TaskId>,
        /// The super-step.
        step: u32,
    },
    /// The run ended well.
    RunCompleted {
        /// The outcome that an edge named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<String>,
        /// The output keys that were written; empty for a run of a thread, whose state has them.
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
        /// Who did.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        by: String,
        /// Whether its thread went back to where it was before the run.
        #[serde(default, skip_serializing_if = "core::ops::Not::not")]
        rolled_back: bool,
    },
    /// The run pauses at nodes that its workflow names.
    Interrupted {
        /// The subgraph, by the task that runs it; none: the run itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ns: Option<TaskId>,
        /// Before or after their super-step.
        when: InterruptedAt,
        /// The nodes.
        nodes: Vec<NodeId>,
    },
    /// Somebody wants the run to stop at its next border.
    PauseRequested {
        /// Who does.
        by: String,
    },
    /// Somebody lets a paused run go on.
    Continued {
        /// Who does.
        by: String,
        /// After so many super-steps it pauses again; none: it does not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        steps: Option<u32>,
    },
    /// Somebody takes up a run that failed: the tasks that failed begin again, the others of their
    /// super-step keep their results.
    RunRevived {
        /// Who did.
        by: String,
    },
    /// What came of the workflow that is run where this one fails.
    FailureHandled {
        /// The run of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<RunId>,
        /// Why there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
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
            Self::RunQueued(_) => "run_queued",
            Self::RunStarted(_) => "run_started",
            Self::SubgraphStarted { .. } => "subgraph_started",
            Self::Interrupted { .. } => "interrupted",
            Self::PauseRequested { .. } => "pause_requested",
            Self::Continued { .. } => "continued",
            Self::RunRevived { .. } => "run_revived",
            Self::FailureHandled { .. } => "failure_handled",
            Self::StepPlanned { .. } => "step_planned",
            Self::TaskRetried { .. } => "task_retried",
            Self::TaskSuspended { .. } => "task_suspended",
            Self::TaskResumed { .. } => "task_resumed",
            Self::QuestionAnswered { .. } => "question_answered",
            Self::QuestionAssigned { .. } => "question_assigned",
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

    /// Whether the run has ended with it. One that failed may be taken up again.
    #[must_use]
    pub const fn ends_run(&self) -> bool {
        match self {
            Self::RunCompleted { .. } | Self::RunFailed { .. } | Self::RunCancelled { .. } => true,
            Self::RunQueued(_)
            | Self::RunStarted(_)
            | Self::StepPlanned { .. }
            | Self::SubgraphStarted { .. }
            | Self::TaskRetried { .. }
            | Self::TaskSuspended { .. }
            | Self::TaskResumed { .. }
            | Self::QuestionAnswered { .. }
            | Self::QuestionAssigned { .. }
            | Self::TaskFinished(_)
            | Self::TaskFailed { .. }
            | Self::StepCommitted { .. }
            | Self::Interrupted { .. }
            | Self::PauseRequested { .. }
            | Self::Continued { .. }
            | Self::RunRevived { .. }
            | Self::FailureHandled { .. }
            | Self::RunBlocked { .. }
            | Self::RunUnblocked { .. } => false,
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

/// Whether a pause comes before or after a super-step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InterruptedAt {
    /// Before it.
    Before,
    /// After it.
    After,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
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
    /// What it writes to keys that never reach the store.
    #[serde(skip)]
    pub volatile: Vec<Write>,
    /// Where it leads, in order.
    pub routes: Vec<Route>,
    /// What the mock agent emitted; an agent's events are not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emitted: Vec<Emitted>,
    /// How long the attempt took, in milliseconds; 0 where nothing was called.
    pub elapsed_ms: u64,
    /// What the task used of models, over all its attempts and in the agents that it called as
    /// tools.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
}

/// An event that the mock agent emitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Emitted {
    /// Its topic.
    pub topic: String,
    /// What was emitted.
    pub payload: Value,
}

/// One write of a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = StateWrite))]
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
    /// Leaves the subgraph, and starts a node of the workflow around it.
    Parent {
        /// The target.
        to: NodeId,
        /// Bound as `sent`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent: Option<Value>,
    },
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

/// Who put a question to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssignedBy {
    /// Somebody, by the name of their credential.
    Person(String),
    /// Nobody: the time passed after which the workflow has it escalate.
    Escalation,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
