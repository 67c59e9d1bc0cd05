//! What callers ask of threads, and what they get.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use serde::Serialize;
use wforge_graph::{AnswerFate, Migration};
use wforge_model::checkpoint::Durability;
use wforge_model::effect::Question;
use wforge_model::event::Write;
use wforge_model::head::{RunStatus, WaitingFor};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{
    Checkpoint, Digest, Failure, NodeId, NodePath, RunId, TaskId, ThreadId, Timestamp, Value,
};
use wforge_ports::plugins::Admitted;

use crate::request::{Idempotency, WorkflowChoice};

/// A thread as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ThreadView {
    /// Its id.
    pub thread: ThreadId,
    /// The name of its workflow.
    pub workflow: String,
    /// The digest of its workflow.
    pub digest: Digest,
    /// Its newest run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub head: Option<RunId>,
    /// How that run stands.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub status: Option<RunStatus>,
    /// The runs that wait for their turn.
    pub queue: Vec<RunId>,
    /// Its newest border.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub checkpoint: Option<Checkpoint>,
    /// Its state, with what finished tasks of a super-step wrote that is under way.
    pub state: Value,
    /// The nodes that are still to run.
    pub next: Vec<NodeId>,
    /// The tasks of those nodes, and their finished siblings.
    pub tasks: Vec<CheckpointTask>,
    /// What its newest run waits for.
    pub waiting_for: Vec<WaitingFor>,
    /// When its first run came.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// One border in the history of a thread.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointView {
    /// The border.
    pub checkpoint: Checkpoint,
    /// The one before it.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub parent: Option<Checkpoint>,
    /// How it came about.
    pub source: CheckpointSource,
    /// The super-step of its run, from 1; 0 where the run began.
    pub step: u32,
    /// The state.
    pub state: Value,
    /// The nodes that were to run next.
    pub next: Vec<NodeId>,
    /// Their tasks, and what came of them in the same run.
    pub tasks: Vec<CheckpointTask>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// How a border came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum CheckpointSource {
    /// A run began with input.
    Input,
    /// A super-step was committed.
    Loop,
    /// Somebody wrote the state.
    Update,
    /// A run went on from a checkpoint, or a thread was copied.
    Fork,
    /// The thread was brought to another version of its workflow.
    Migrate,
}

/// A task after a border.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointTask {
    /// The task.
    pub task: TaskId,
    /// Its node.
    pub node: NodeId,
    /// Why it failed.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub error: Option<Failure>,
    /// What it asks.
    pub interrupts: Vec<Question>,
    /// What it wrote; none while it has no result.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub result: Option<Vec<Write>>,
}

/// Where something begins that is not the end of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForkPoint {
    /// The newest border of a thread.
    Thread(ThreadId),
    /// A border of a run of a thread.
    Checkpoint(Checkpoint),
}

/// Writes that somebody makes in the place of nodes.
#[derive(Debug, Clone)]
pub struct UpdateState {
    /// Where.
    pub at: ForkPoint,
    /// The workflow of a thread that has no run yet.
    pub workflow: Option<WorkflowChoice>,
    /// The super-steps, one after the other; each with its updates.
    pub steps: Vec<Vec<UpdateGiven>>,
    /// Stored with what is written, so that the same request writes it once.
    pub idempotency: Option<Idempotency>,
    /// Who does.
    pub by: String,
}

/// The writes of one node.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateGiven {
    /// The writes, in order.
    pub writes: Vec<Write>,
    /// In whose place.
    pub as_node: UpdateAs,
}

/// In whose place somebody writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum UpdateAs {
    /// In that of the node that wrote last.
    #[default]
    LastWriter,
    /// In that of a node: its edges lead on.
    Node(NodeId),
    /// As input: the edges from START lead on.
    Input,
    /// In nobody's: nothing is to be done any more. Takes no writes.
    End,
}

/// A border that is the newest once more, beside the one that it is a copy of.
#[derive(Debug, Clone)]
pub struct ForkThread {
    /// Which.
    pub at: ForkPoint,
    /// Stored with the copy, so that the same request makes one.
    pub idempotency: Option<Idempotency>,
    /// Who does.
    pub by: String,
}

/// A border that a request made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// The border.
    pub checkpoint: Checkpoint,
    /// Whether an earlier request with the same idempotency key had made it.
    pub replayed: bool,
}

/// Which borders of a thread are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBorders {
    /// So many of the newest.
    Newest(NonZeroU32),
    /// This one and all that came after it.
    From(Checkpoint),
}

/// What pruning a thread did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pruned {
    /// The oldest border that is kept.
    pub checkpoint: Checkpoint,
    /// How many borders are kept.
    pub kept: u64,
    /// How many runs were removed with all that was stored of them.
    pub runs_removed: u64,
    /// How many runs stay on the disk, listed no more, since others go on from them.
    pub runs_needed: u64,
}

/// A run that goes on from a border.
#[derive(Debug, Clone)]
pub struct ContinueFrom {
    /// Where.
    pub at: ForkPoint,
    /// Answers given beforehand, by `ask` node.
    pub answers: BTreeMap<NodePath, Value>,
    /// Which of its borders the history lists.
    pub durability: Durability,
    /// After so many super-steps it pauses.
    pub steps: Option<u32>,
    /// Stored with the run, so that the same request gives the same run.
    pub idempotency: Option<Idempotency>,
    /// Who does.
    pub by: String,
}

/// Another version of the workflow for a thread.
#[derive(Debug, Clone)]
pub struct MigrateThread {
    /// The version.
    pub to: WorkflowChoice,
    /// Workflows that its nodes may name, beside those that are registered.
    pub workflows: Vec<WorkflowDraft>,
    /// Take agents from these only; none: from the tenant's installed ones.
    pub plugins: Option<Vec<Admitted>>,
    /// Say what would happen, and change nothing.
    pub dry_run: bool,
    /// End tasks that are under way, and begin them again after the migration.
    pub restart_tasks: bool,
    /// Stored with the migration, so that the same request migrates once.
    pub idempotency: Option<Idempotency>,
    /// Who does.
    pub by: String,
}

/// What a migration did, or would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Migrated {
    /// The workflow's digest before.
    pub from: Digest,
    /// The workflow's digest after.
    pub to: Digest,
    /// The difference.
    pub difference: Migration,
    /// What becomes of people's answers to tasks that are ended.
    pub answers: Vec<AnswerFate>,
    /// The border that it made; none for a dry run.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub checkpoint: Option<Checkpoint>,
    /// The run that goes on with the tasks that were ended.
    #[cfg_attr(feature = "openapi", schema(required))]
    pub continued: Option<RunId>,
    /// Whether an earlier request with the same idempotency key did it.
    #[serde(skip)]
    pub replayed: bool,
}
