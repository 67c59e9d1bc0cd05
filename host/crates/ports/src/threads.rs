//! Threads: runs that go on from each other, and what the store keeps of them beside their logs.

use serde::{Deserialize, Serialize};
use wforge_model::{
    Checkpoint, Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version,
};

/// A thread as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRow {
    /// Its id.
    pub thread: ThreadId,
    /// The run whose last border is the state of the thread; none where none has begun.
    pub head: Option<RunId>,
    /// The runs that wait for their turn, in their order.
    #[serde(default)]
    pub queue: Vec<RunId>,
    /// The name of its workflow.
    pub workflow: String,
    /// The digest of its workflow; only a migration changes it.
    pub digest: Digest,
    /// The runs that were taken back, which its history does not list.
    #[serde(default)]
    pub removed: Vec<RunId>,
    /// Its history lists no runs from before this place.
    #[serde(default)]
    pub pruned_before: Version,
    /// Its own runs begin here; those at places before are left of a thread that was removed under
    /// its id.
    #[serde(default)]
    pub first_place: Version,
    /// The oldest border that its history lists, where it was pruned: those of the same run from
    /// before it are listed no more either.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Checkpoint>,
    /// When its first run came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A thread and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredThread {
    /// Grows with each change.
    pub version: Version,
    /// The thread.
    pub row: ThreadRow,
}

/// A change of a thread that goes with a commit of one of its runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadPut {
    /// The version that it must have; 0: it must not exist.
    pub expected: Version,
    /// The thread from now on.
    pub row: ThreadRow,
    /// Whether the run of the commit begins, and is listed as the thread's newest from now on.
    pub begins: bool,
}

/// A run of a thread, and its place among them: the version that the thread got as it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadRun {
    /// The place.
    pub place: Version,
    /// The run.
    pub run: RunId,
}

/// A run whose rows are to go.
#[derive(Debug, Clone)]
pub struct Forget {
    /// Whose it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The length that its log must have; none: whatever it is.
    pub at: Option<Seq>,
    /// Where its thread lists it.
    pub listed: Option<(ThreadId, Version)>,
    /// Its tasks, whose records go with it, the last first. Whoever finds tasks by the records of
    /// others names those others before them.
    pub tasks: Vec<TaskId>,
}

/// How far a run was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgotten {
    /// Nothing is left of it.
    Whole,
    /// It is found no more, but some of its rows are left: ask again.
    Part {
        /// So many of the first tasks may still have records.
        tasks_left: usize,
    },
    /// It has not ended, its log has another length, another run goes on from it, or its thread
    /// stands where it ended: nothing has gone.
    Needed,
}

/// A thread whose row and memory are to go. Its runs stay.
#[derive(Debug, Clone)]
pub struct ForgetThread {
    /// Whose it is.
    pub tenant: TenantId,
    /// The thread.
    pub thread: ThreadId,
    /// The version that it must have; 0: it has gone, and only its memory may be left.
    pub expected: Version,
}

/// How far a thread was forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadForgotten {
    /// Neither the thread nor its memory is left.
    Whole,
    /// The thread is gone, but some of its memory is left: ask again, with the version 0.
    Part,
    /// It has another version, or a run of it is under way: nothing has gone.
    Needed,
}
