//! What lists show of a run.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::Question;
use crate::event::{InterruptedAt, RunError};
use crate::usage::Usage;
use crate::{
    Checkpoint, Digest, Labels, NodeId, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp,
};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Tasks are running or about to.
    Running,
    /// Waits for its turn in its thread.
    Queued,
    /// Waits for a person or a moment.
    Waiting,
    /// Stands at a border until somebody lets it go on.
    Paused,
    /// A task diverged from its record, or calls what is in quarantine; an operator decides.
    Blocked,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Was cancelled.
    Cancelled,
    /// Was cancelled, and its thread went back to where it was before.
    RolledBack,
}

impl RunStatus {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Running,
        Self::Queued,
        Self::Waiting,
        Self::Paused,
        Self::Blocked,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::RolledBack,
    ];

    /// Whether the run has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::RolledBack)
    }

    /// How outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Queued => "queued",
            Self::Waiting => "waiting",
            Self::Paused => "paused",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// One row of a list of runs. `wforge_graph::head_of` projects it from a folded run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RunHead {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id.
    pub run: RunId,
    /// The length of its log.
    pub seq: Seq,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's version.
    pub version: String,
    /// The workflow's digest; none before the first event.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub digest: Option<Digest>,
    /// The thread, if any.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub thread: Option<ThreadId>,
    /// The checkpoint that it started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Checkpoint>,
    /// How it stands.
    pub status: RunStatus,
    /// The outcome that an edge named.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub outcome: Option<String>,
    /// Whether a mock stood in for a named agent.
    pub degraded: bool,
    /// The current super-step.
    pub step: u32,
    /// Tasks that finished.
    pub tasks_finished: u64,
    /// Tasks that have begun and neither finished nor failed for good.
    pub tasks_open: u64,
    /// When it started.
    pub started_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// Why it failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<RunError>,
    /// What a run that has not ended waits for; calls of agents are counted in one entry.
    pub waiting_for: Vec<WaitingFor>,
    /// Who started it.
    pub by: String,
    /// What its tasks used of models, those that ended or were tried again.
    #[serde(default, skip_serializing_if = "Usage::is_none")]
    pub usage: Usage,
    /// What people find it by.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

/// Something that a run waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WaitingFor {
    /// The task that waits; none where the run as a whole does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The task's node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// For what.
    pub waiting: WaitReason,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// A person's answer.
    Question(Question),
    /// A moment: the end of a sleep, or the next attempt.
    Timer {
        /// When it goes on.
        until: Timestamp,
    },
    /// Calls of agents that are under way or wait for room.
    Calls {
        /// How many.
        count: u64,
    },
    /// Somebody who lets it go on.
    Resume {
        /// Whether it stands before or after the nodes; none: it was asked to pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<InterruptedAt>,
        /// The nodes at which it stands.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        nodes: Vec<NodeId>,
    },
    /// The end of the run before it in its thread.
    Turn,
    /// An operator: a task diverged from its record.
    Operator,
    /// An operator: the component that a task calls is in quarantine.
    Quarantine {
        /// The component.
        component: Digest,
        /// Why, in the operator's words.
        reason: String,
    },
    /// The start of the workflow that handles its failure.
    FailureHandler,
}

impl RunHead {
    /// The row of a run that has no events yet.
    #[must_use]
    pub fn new(tenant: TenantId, run: RunId) -> Self {
        Self {
            tenant,
            run,
            seq: Seq(0),
            workflow: String::new(),
            version: String::new(),
            digest: None,
            thread: None,
            base: None,
            status: RunStatus::Running,
            outcome: None,
            degraded: false,
            step: 0,
            tasks_finished: 0,
            tasks_open: 0,
            started_at: Timestamp(0),
            updated_at: Timestamp(0),
            error: None,
            waiting_for: Vec::new(),
            by: String::new(),
            usage: Usage::default(),
            labels: Labels::default(),
        }
    }

    /// Whether a person must act before it goes on: answer, or let it go on.
    #[must_use]
    pub fn waits_for_a_person(&self) -> bool {
        self.waiting_for.iter().any(|entry| match entry.waiting {
            WaitReason::Question(_) | WaitReason::Resume { .. } => true,
            WaitReason::Timer { .. }
            | WaitReason::Calls { .. }
            | WaitReason::Turn
            | WaitReason::Operator
            | WaitReason::Quarantine { .. }
            | WaitReason::FailureHandler => false,
        })
    }

    /// Whether nothing more happens until somebody does something: it has ended, is blocked or
    /// paused, or waits for a person's answer.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        match self.status {
            RunStatus::Running | RunStatus::Queued => false,
            RunStatus::Waiting => self.questions().next().is_some(),
            RunStatus::Paused
            | RunStatus::Blocked
            | RunStatus::Completed
            | RunStatus::Failed
            | RunStatus::Cancelled
            | RunStatus::RolledBack => true,
        }
    }

    /// The questions that are open.
    pub fn questions(&self) -> impl Iterator<Item = (TaskId, &Question)> {
        self.waiting_for.iter().filter_map(|entry| match (&entry.waiting, entry.task) {
            (WaitReason::Question(question), Some(task)) => Some((task, question)),
            (
                WaitReason::Question(_)
                | WaitReason::Timer { .. }
                | WaitReason::Calls { .. }
                | WaitReason::Resume { .. }
                | WaitReason::Turn
                | WaitReason::Operator
                | WaitReason::Quarantine { .. }
                | WaitReason::FailureHandler,
                _,
            ) => None,
        })
    }

    /// The components for whose release tasks wait.
    pub fn quarantines(&self) -> impl Iterator<Item = Digest> {
        self.waiting_for.iter().filter_map(|entry| match entry.waiting {
            WaitReason::Quarantine { component, .. } => Some(component),
            WaitReason::Question(_)
            | WaitReason::Timer { .. }
            | WaitReason::Calls { .. }
            | WaitReason::Resume { .. }
            | WaitReason::Turn
            | WaitReason::Operator
            | WaitReason::FailureHandler => None,
        })
    }
}
