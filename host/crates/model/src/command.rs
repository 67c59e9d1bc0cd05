//! What the pure engine wants done. The shell performs commands after the events that go with them
//! are durable; what comes of them returns as facts.

use crate::agent::{Execution, Reply};
use crate::{Deeds, Digest, Failure, QuestionId, RunId, TaskId, Timestamp, Value};
use alloc::string::String;
use alloc::vec::Vec;

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Call the agent of this task. An id in flight is not started twice.
    Start {
        /// The task.
        task: TaskId,
        /// The attempt.
        attempt: u32,
    },
    /// Come back with [`Fact::Time`] at that moment.
    WakeAt {
        /// The moment.
        at: Timestamp,
    },
    /// Drop the sandboxes of this run.
    StopTasks,
    /// Drop the sandboxes of these tasks, which count no more.
    Drop {
        /// The tasks.
        tasks: Vec<TaskId>,
    },
    /// Run the workflow that handles this run's failure, and come back with
    /// [`Fact::FailureHandled`].
    HandleFailure,
}

/// Something that came to pass outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// The run was loaded again, or just started: start what is open.
    Loaded,
    /// An execution of a task ended.
    Executed {
        /// The task.
        task: TaskId,
        /// The attempt.
        attempt: u32,
        /// What came of it.
        execution: Execution,
        /// How long it took, in milliseconds.
        elapsed_ms: u64,
        /// What the task did so far; what a task did that only waits may be left out.
        deeds: Deeds,
    },
    /// The node's cache had a result for the task's call.
    Cached {
        /// The task.
        task: TaskId,
        /// The attempt.
        attempt: u32,
        /// The result.
        reply: Reply,
    },
    /// A person answered. It was checked against the question's schema.
    Answer {
        /// The question.
        question: QuestionId,
        /// The answer.
        answer: Value,
        /// By whom.
        by: String,
    },
    /// Somebody puts an open question to somebody else.
    Assign {
        /// The question.
        question: QuestionId,
        /// Who should answer; none: whoever comes.
        assignee: Option<String>,
        /// What is said to them with it.
        note: Option<String>,
        /// Who does.
        by: String,
    },
    /// Time passed.
    Time,
    /// An operator lets the task that blocks the run begin again with an empty record.
    DiscardEffects {
        /// Who does.
        by: String,
    },
    /// Somebody wants the run ended.
    Cancel {
        /// Why.
        reason: String,
        /// Who does.
        by: String,
        /// Whether its thread goes back to where it was before the run.
        roll_back: bool,
    },
    /// Somebody wants the run to stop at its next border.
    Pause {
        /// Who does.
        by: String,
    },
    /// Somebody lets a paused run go on.
    Continue {
        /// Who does.
        by: String,
        /// After so many super-steps it pauses again; none: it does not.
        steps: Option<u32>,
    },
    /// A component is in quarantine no more: what waited for it begins again, with its record.
    Released {
        /// The component.
        component: Digest,
    },
    /// Somebody takes up a run that failed.
    Revive {
        /// Who does.
        by: String,
    },
    /// What came of [`Command::HandleFailure`].
    FailureHandled {
        /// The run that handles the failure, or why there is none.
        outcome: Result<RunId, String>,
    },
}

impl Fact {
    /// An execution that ended with a reply.
    #[must_use]
    pub fn replied(task: TaskId, attempt: u32, reply: Reply, elapsed_ms: u64) -> Self {
        Self::executed(task, attempt, Execution::Replied(reply), elapsed_ms)
    }

    /// An execution that failed before it had an effect.
    #[must_use]
    pub fn failed(task: TaskId, attempt: u32, failure: Failure, elapsed_ms: u64) -> Self {
        Self::executed(task, attempt, Execution::Failed { failure, effects: 0 }, elapsed_ms)
    }

    /// An execution that ended so, of a task that asked no model and wrote nothing.
    #[must_use]
    pub fn executed(task: TaskId, attempt: u32, execution: Execution, elapsed_ms: u64) -> Self {
        Self::Executed { task, attempt, execution, elapsed_ms, deeds: Deeds::default() }
    }
}
