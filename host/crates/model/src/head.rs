//! What lists show of a run, projected from its events by one pure function.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::effect::{Question, Waiting};
use crate::event::{EventKind, RunError, RunEvent};
use crate::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Tasks are running or about to.
    Running,
    /// Waits for a person or a moment.
    Waiting,
    /// A task diverged from its record; an operator decides.
    Blocked,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Was cancelled.
    Cancelled,
}

impl RunStatus {
    /// Whether the run has ended.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }

    /// How outputs write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// One row of a list of runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub digest: Option<Digest>,
    /// The thread, if any.
    pub thread: Option<ThreadId>,
    /// How it stands.
    pub status: RunStatus,
    /// The outcome that an edge named.
    pub outcome: Option<String>,
    /// Whether a mock stood in for a named agent.
    pub degraded: bool,
    /// The current super-step.
    pub step: u32,
    /// Tasks that finished.
    pub tasks_finished: u64,
    /// Tasks of the current super-step that have not.
    pub tasks_open: u64,
    /// When it started.
    pub started_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// Why it failed.
    pub error: Option<RunError>,
    /// What it waits for: questions and timers of suspended tasks.
    pub waiting_for: Vec<WaitingFor>,
    /// Who started it.
    pub by: String,
}

/// A suspended task and what it waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaitingFor {
    /// The task.
    pub task: TaskId,
    /// For what.
    pub waiting: Waiting,
}

impl RunHead {
    /// The row of a run that has no events yet.
    #[must_use]
    pub const fn new(tenant: TenantId, run: RunId) -> Self {
        Self {
            tenant,
            run,
            seq: Seq(0),
            workflow: String::new(),
            version: String::new(),
            digest: None,
            thread: None,
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
        }
    }

    /// Folds one event into the row.
    pub fn project(&mut self, event: &RunEvent) {
        self.seq = self.seq.next();
        self.updated_at = event.at;
        match &event.kind {
            EventKind::RunStarted(started) => {
                self.workflow.clone_from(&started.workflow);
                self.version = started.version.to_string();
                self.digest = Some(started.digest);
                self.thread = started.thread;
                self.started_at = event.at;
                self.by.clone_from(&started.by);
            }
            EventKind::StepPlanned { step, tasks } => {
                self.step = *step;
                self.tasks_open = tasks.len() as u64;
            }
            EventKind::TaskFinished(finished) => {
                self.stop_waiting(finished.task);
                self.tasks_finished += 1;
                self.tasks_open = self.tasks_open.saturating_sub(1);
                self.degraded |= finished.stands_in;
            }
            EventKind::TaskSuspended { task, waiting } => {
                self.waiting_for.push(WaitingFor { task: *task, waiting: waiting.clone() });
            }
            EventKind::TaskResumed { task }
            | EventKind::QuestionAnswered { task, .. }
            | EventKind::TaskFailed { task, .. }
            | EventKind::TaskRetried { task, .. } => self.stop_waiting(*task),
            EventKind::StepCommitted { .. } => {}
            EventKind::RunCompleted { outcome, .. } => {
                self.outcome.clone_from(outcome);
                self.end(RunStatus::Completed);
            }
            EventKind::RunFailed { error } => {
                self.error = Some(error.clone());
                self.end(RunStatus::Failed);
            }
            EventKind::RunCancelled { .. } => self.end(RunStatus::Cancelled),
            EventKind::RunBlocked { .. } => self.status = RunStatus::Blocked,
            EventKind::RunUnblocked { .. } => self.status = RunStatus::Running,
        }
        if !self.status.is_final() && self.status != RunStatus::Blocked {
            let waits = self.tasks_open > 0 && self.waiting_for.len() as u64 >= self.tasks_open;
            self.status = if waits { RunStatus::Waiting } else { RunStatus::Running };
        }
    }

    /// The questions that are open.
    pub fn questions(&self) -> impl Iterator<Item = (TaskId, &Question)> {
        self.waiting_for.iter().filter_map(|waiting| match &waiting.waiting {
            Waiting::Question(question) => Some((waiting.task, question)),
            Waiting::Timer { .. } => None,
        })
    }

    fn stop_waiting(&mut self, task: TaskId) {
        self.waiting_for.retain(|waiting| waiting.task != task);
    }

    fn end(&mut self, status: RunStatus) {
        self.status = status;
        self.waiting_for.clear();
    }
}
