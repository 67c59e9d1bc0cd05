//! One level of a run: the run itself, or a subgraph that a task runs. Each has its state, its
//! super-steps and its barriers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::effect::{Answered, Waiting};
use wforge_model::event::{InterruptedAt, TaskFinished};
use wforge_model::{Digest, Failure, Key, NodeId, TaskId, Timestamp, Usage, Value};

use crate::expressions::State;
use crate::workflow::{Barrier, Workflow};

/// One level of a run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Frame {
    /// Its workflow; none: the run's own.
    pub(crate) uses: Option<Digest>,
    /// The state after its last committed super-step.
    pub(crate) state: State,
    /// The current super-step, from 1; 0 before the first.
    pub(crate) step: u32,
    /// The tasks of the current super-step, in their order.
    pub(crate) tasks: Vec<Task>,
    pub(crate) unfinished: usize,
    pub(crate) pending: Pending,
    /// For each barrier of the workflow, who has arrived.
    pub(crate) arrived: Vec<Arrivals>,
    pub(crate) state_bytes: BTreeMap<Key, u64>,
    pub(crate) degraded_before_step: bool,
    /// The time that tasks of the run had run when the super-step was planned.
    pub(crate) worked_before_step_ms: u64,
    /// The nodes of the last committed super-step that wrote something.
    pub(crate) last_writers: Vec<NodeId>,
    /// Where it pauses.
    pub(crate) interrupted: Option<Interruption>,
    /// Somebody let it go on: its next plan passes the nodes at which it would pause.
    pub(crate) passes: bool,
}

/// A pause at nodes that the workflow names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Interruption {
    pub(crate) when: InterruptedAt,
    pub(crate) nodes: Vec<NodeId>,
}

/// Who has come to a barrier in the current round.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    pub(crate) seen: BTreeSet<NodeId>,
    /// It has led on already; those who come later lead nowhere.
    pub(crate) fired: bool,
    /// As [`Pending::due`], for the barrier of a deferred node.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) due: bool,
}

impl Arrivals {
    /// Somebody comes. Whoever comes a second time after the barrier led on begins a new round.
    pub(crate) fn arrive(&mut self, from: &NodeId) {
        if self.fired && self.seen.contains(from) {
            *self = Self::default();
        }
        self.seen.insert(from.clone());
    }

    pub(crate) fn is_full(&self, barrier: &Barrier) -> bool {
        !self.fired && self.seen.len() >= barrier.needed
    }

    /// The barrier leads on: it fills anew, but for those who are still to come.
    pub(crate) fn fire(&mut self, barrier: &Barrier) {
        if self.seen.len() >= barrier.sources.len() {
            *self = Self::default();
        } else {
            (self.fired, self.due) = (true, false);
        }
    }
}

/// What the last super-step left to be started.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) nodes: BTreeSet<NodeId>,
    pub(crate) sends: Vec<Send>,
    pub(crate) outcomes: BTreeSet<String>,
    /// Of these, deferred ones whose turn had come where an update was written: they wait no
    /// longer, though the update starts others. An edge that leads to one once more makes
    /// it wait again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) due: BTreeSet<NodeId>,
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
    /// The attempt at which its retry policy began to count.
    pub first_attempt: u32,
    /// When that attempt began.
    pub began_at: Timestamp,
    /// Effects of the attempt before that this one keeps.
    pub kept_effects: u32,
    /// Answers to its questions.
    pub answers: Vec<Answered>,
    /// Sleeps that have ended.
    pub slept: u32,
    /// Whether its node's fallback agent does it.
    pub on_fallback: bool,
    /// The failure for which the fallback agent stands in.
    pub instead_of: Option<Failure>,
    /// What it used of models in the attempts that have ended.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
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
    /// Runs the workflow inside it.
    Inside,
    /// Has its result.
    Finished(Arc<TaskFinished>),
    /// Failed for good.
    Failed {
        /// Why.
        failure: Failure,
        /// Whether another task of the super-step handles it.
        handled: bool,
    },
}

static NO_BINDINGS: BTreeMap<String, Arc<Value>> = BTreeMap::new();

impl Task {
    /// A task that begins.
    pub(crate) fn new(id: TaskId, node: NodeId, send: Option<Send>, at: Timestamp) -> Self {
        Self {
            id,
            node,
            status: TaskStatus::Ready,
            attempt: 1,
            first_attempt: 1,
            began_at: at,
            kept_effects: 0,
            answers: Vec::new(),
            slept: 0,
            on_fallback: false,
            instead_of: None,
            usage: Usage::default(),
            send,
        }
    }

    /// The names bound in it.
    #[must_use]
    pub fn bindings(&self) -> &BTreeMap<String, Arc<Value>> {
        self.send.as_ref().map_or(&NO_BINDINGS, |send| &send.bindings)
    }

    /// What was sent to it; null where nothing was.
    #[must_use]
    pub fn sent(&self) -> &Value {
        self.send.as_ref().map_or(&Value::Null, |send| &send.sent)
    }

    /// Whether it was sent rather than triggered.
    #[must_use]
    pub const fn is_sent(&self) -> bool {
        self.send.is_some()
    }

    /// Whether it has neither a result nor failed for good.
    #[must_use]
    pub const fn is_unfinished(&self) -> bool {
        match self.status {
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Suspended(_)
            | TaskStatus::Inside => true,
            TaskStatus::Finished(_) | TaskStatus::Failed { .. } => false,
        }
    }

    /// Whether it runs, or may.
    #[must_use]
    pub const fn is_ready(&self) -> bool {
        matches!(self.status, TaskStatus::Ready)
    }

    /// Whether its agent may be called now.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        match &self.status {
            TaskStatus::Ready => true,
            TaskStatus::Backoff(until) => *until <= now,
            TaskStatus::Suspended(_)
            | TaskStatus::Inside
            | TaskStatus::Finished(_)
            | TaskStatus::Failed { .. } => false,
        }
    }

    /// Its result, where it has one.
    #[must_use]
    pub fn finished(&self) -> Option<&TaskFinished> {
        match &self.status {
            TaskStatus::Finished(finished) => Some(finished),
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Suspended(_)
            | TaskStatus::Inside
            | TaskStatus::Failed { .. } => None,
        }
    }
}

impl Frame {
    /// The frame of a workflow before its first event.
    pub(crate) fn new(workflow: &Workflow, uses: Option<Digest>) -> Self {
        let arrived = alloc::vec![Arrivals::default(); workflow.barriers().len()];
        Self { uses, arrived, ..Self::default() }
    }

    /// The tasks of the current super-step, in their order.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The state after its last committed super-step, with what never reaches the store.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The current super-step, from 1.
    #[must_use]
    pub const fn step(&self) -> u32 {
        self.step
    }
}
