//! A run as folded from its log.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::agent::AgentPin;
use wforge_model::effect::{Answered, Waiting};
use wforge_model::event::{RunError, RunStarted, TaskFinished};
use wforge_model::head::RunStatus;
use wforge_model::workflow::Node;
use wforge_model::{Failure, NodeId, Object, RunId, Seq, TaskId, Timestamp, Value};

use crate::expressions::{RunFacts, Scope, State};
use crate::workflow::Workflow;

/// A run. Cheap to clone: values are shared.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The length of the log that it was folded from.
    pub seq: Seq,
    /// How it stands. `Waiting` is never stored here: see [`Run::standing`].
    pub status: RunStatus,
    /// What it was started with; none before the first event.
    pub started: Option<Arc<RunStarted>>,
    /// When it was started.
    pub started_at: Timestamp,
    /// The state after the last committed super-step.
    pub state: State,
    /// The current super-step, from 1; 0 before the first.
    pub step: u32,
    /// Whether a mock has stood in for a named agent.
    pub degraded: bool,
    /// The output of a completed run.
    pub output: Option<Object>,
    /// The outcome that an edge named.
    pub outcome: Option<String>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// The task that blocks it.
    pub blocked_by: Option<TaskId>,
    /// The tasks of the current super-step, in their order.
    pub(crate) tasks: Vec<Task>,
    pub(crate) place_of: BTreeMap<TaskId, usize>,
    pub(crate) unfinished: usize,
    pub(crate) pending: Pending,
    /// For each barrier of the workflow, who has arrived.
    pub(crate) arrived: Vec<BTreeSet<NodeId>>,
    pub(crate) degraded_before_step: bool,
    pub(crate) state_bytes: BTreeMap<wforge_model::Key, u64>,
    /// Time during which a task ran, and since when one does.
    pub(crate) worked_ms: u64,
    pub(crate) working_since: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) workflow: Option<Arc<Workflow>>,
}

/// What the last super-step left to be started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) nodes: BTreeSet<NodeId>,
    pub(crate) sends: Vec<Send>,
    pub(crate) outcomes: BTreeSet<String>,
}

/// A task that was sent rather than triggered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Send {
    /// The target.
    pub to: NodeId,
    /// The names bound in it.
    pub bindings: BTreeMap<String, Arc<Value>>,
    /// Bound as `sent`; null where nothing was sent.
    pub sent: Arc<Value>,
}

/// One task of the current super-step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// Its node.
    pub node: NodeId,
    /// How it stands.
    pub status: TaskStatus,
    /// The attempt that it is at, from 1.
    pub attempt: u32,
    /// When that attempt began.
    pub began_at: Timestamp,
    /// Effects of the attempt before that this one keeps.
    pub kept_effects: u32,
    /// Answers to its questions.
    pub answers: Vec<Answered>,
    pub(crate) send: Option<Send>,
}

/// How a task stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Is running, or may.
    Ready,
    /// May run again from that moment on.
    Backoff(Timestamp),
    /// Waits, and holds no sandbox.
    Suspended(Waiting),
    /// Has its result.
    Finished(Box<TaskFinished>),
    /// Failed for good.
    Failed(Failure),
}

impl Run {
    /// A run without events.
    #[must_use]
    pub fn new(id: RunId, workflow: Arc<Workflow>) -> Self {
        Self {
            id,
            seq: Seq(0),
            status: RunStatus::Running,
            started: None,
            started_at: Timestamp(0),
            state: State::new(),
            step: 0,
            degraded: false,
            output: None,
            outcome: None,
            error: None,
            blocked_by: None,
            tasks: Vec::new(),
            place_of: BTreeMap::new(),
            unfinished: 0,
            pending: Pending::default(),
            arrived: alloc::vec![BTreeSet::new(); workflow.barriers().len()],
            degraded_before_step: false,
            state_bytes: BTreeMap::new(),
            worked_ms: 0,
            working_since: None,
            workflow: Some(workflow),
        }
    }

    /// The run that was serialised, with its workflow.
    #[must_use]
    pub fn with_workflow(mut self, workflow: Arc<Workflow>) -> Self {
        self.workflow = Some(workflow);
        self
    }

    /// Its workflow; none only between reading a snapshot and [`Run::with_workflow`].
    #[must_use]
    pub fn workflow(&self) -> Option<&Arc<Workflow>> {
        self.workflow.as_ref()
    }

    /// The tasks of the current super-step, in their order.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// A task of the current super-step.
    #[must_use]
    pub fn task(&self, id: TaskId) -> Option<&Task> {
        self.tasks.get(*self.place_of.get(&id)?)
    }

    pub(crate) fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.tasks.get_mut(*self.place_of.get(&id)?)
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, id: &NodeId) -> Option<&Node> {
        self.workflow.as_ref()?.nodes.get(id)
    }

    /// The agent that a node is pinned to.
    #[must_use]
    pub fn pin(&self, node: &NodeId) -> Option<&AgentPin> {
        self.started.as_ref()?.pins.get(node)
    }

    /// How it stands: `Waiting` where every unfinished task is suspended or backs off.
    #[must_use]
    pub fn standing(&self) -> RunStatus {
        let is_waiting = |task: &Task| match task.status {
            TaskStatus::Suspended(_) => true,
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Finished(_)
            | TaskStatus::Failed(_) => false,
        };
        let waits = self.unfinished > 0
            && self.tasks.iter().all(|task| is_waiting(task) || !task.is_unfinished());
        if self.status == RunStatus::Running && waits { RunStatus::Waiting } else { self.status }
    }

    /// Time during which a task ran so far.
    #[must_use]
    pub fn worked_ms(&self, now: Timestamp) -> u64 {
        let since = self.working_since.map_or(0, |since| now.0.saturating_sub(since.0));
        self.worked_ms.saturating_add(since)
    }

    pub(crate) fn facts(&self, attempt: u32) -> RunFacts {
        RunFacts {
            id: self.id,
            thread: self.started.as_ref().and_then(|started| started.thread),
            step: self.step,
            attempt,
            started_at: self.started_at,
            degraded: self.degraded_before_step,
        }
    }

    /// The names that the expressions of a task see.
    pub(crate) fn scope<'a>(&'a self, task: &'a Task, state: &'a State) -> Scope<'a> {
        Scope {
            state,
            bindings: task.bindings(),
            sent: task.send.as_ref().map_or(&Value::Null, |send| &send.sent),
            result: None,
            context: self.started.as_ref().map_or(&Value::Null, |started| &started.context),
            run: self.facts(task.attempt),
        }
    }
}

static NO_BINDINGS: BTreeMap<String, Arc<Value>> = BTreeMap::new();

impl Task {
    /// The names bound in it.
    #[must_use]
    pub fn bindings(&self) -> &BTreeMap<String, Arc<Value>> {
        self.send.as_ref().map_or(&NO_BINDINGS, |send| &send.bindings)
    }

    /// Whether it has neither a result nor failed for good.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        match self.status {
            TaskStatus::Ready | TaskStatus::Backoff(_) | TaskStatus::Suspended(_) => true,
            TaskStatus::Finished(_) | TaskStatus::Failed(_) => false,
        }
    }

    /// Whether its agent may be called now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.status {
            TaskStatus::Ready => true,
            TaskStatus::Backoff(until) => *until <= now,
            TaskStatus::Suspended(_) | TaskStatus::Finished(_) | TaskStatus::Failed(_) => false,
        }
    }
}
