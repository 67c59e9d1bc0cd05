//! Threads, asked of either engine.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::{
    ContinueFrom, EngineError, ForkPoint, ForkThread, KeepBorders, MigrateThread, UpdateAs,
    UpdateGiven, UpdateState, WorkflowChoice,
};
use wforge_graph::{AnswerFate, Migration};
use wforge_model::checkpoint::Durability;
use wforge_model::effect::Question;
use wforge_model::event::Write;
use wforge_model::head::{RunStatus, WaitingFor};
use wforge_model::{
    Checkpoint, Digest, Failure, NodeId, RunId, TaskId, ThreadId, Timestamp, Value,
};

use super::embedded::BY;
use super::problem::of_engine;
use super::steering::same;
use super::{Client, Component, Embedded, Remote, Report, Workflow, WorkflowFile, either};

/// Threads and checkpoints that are read at once.
const PAGE: usize = 200;

/// A row of the list of threads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ThreadRow {
    pub(crate) thread: ThreadId,
    pub(crate) workflow: String,
    pub(crate) digest: Digest,
    pub(crate) head: Option<RunId>,
    pub(crate) queue: Vec<RunId>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// A thread as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ThreadReport {
    #[serde(flatten)]
    pub(crate) row: ThreadRow,
    pub(crate) status: Option<RunStatus>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) state: Value,
    pub(crate) next: Vec<NodeId>,
    pub(crate) tasks: Vec<TaskAfter>,
    pub(crate) waiting_for: Vec<WaitingFor>,
}

/// One checkpoint of a thread.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CheckpointRow {
    pub(crate) checkpoint: Checkpoint,
    pub(crate) parent: Option<Checkpoint>,
    /// `input`, `loop`, `update`, `fork`, `migrate`.
    pub(crate) source: String,
    pub(crate) step: u32,
    pub(crate) state: Value,
    pub(crate) next: Vec<NodeId>,
    pub(crate) tasks: Vec<TaskAfter>,
    pub(crate) created_at: Timestamp,
}

/// A task after a checkpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaskAfter {
    pub(crate) task: TaskId,
    pub(crate) node: NodeId,
    pub(crate) error: Option<Failure>,
    pub(crate) interrupts: Vec<Question>,
    pub(crate) result: Option<Vec<Write>>,
}

/// What a migration did, or would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Migrated {
    pub(crate) from: Digest,
    pub(crate) to: Digest,
    pub(crate) difference: Migration,
    #[serde(default)]
    pub(crate) answers: Vec<AnswerFate>,
    pub(crate) checkpoint: Option<Checkpoint>,
    pub(crate) continued: Option<RunId>,
}

/// Which checkpoints of a thread are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keep {
    /// So many of the newest.
    Newest(NonZeroU32),
    /// This one and all that came after it.
    From(Checkpoint),
}

/// What pruning a thread did.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Pruned {
    /// The oldest checkpoint that is kept.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) kept: u64,
    pub(crate) runs_removed: u64,
    /// Runs that stay, since others go on from them.
    pub(crate) runs_needed: u64,
}

/// What somebody writes in the place of a node.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Update {
    pub(crate) writes: Vec<Write>,
    /// A node, `START` or `END`; none: who wrote last.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub(crate) as_node: Option<String>,
}

impl Update {
    fn meant(self) -> anyhow::Result<UpdateGiven> {
        let as_node = match self.as_node.as_deref() {
            None => UpdateAs::LastWriter,
            Some("START") => UpdateAs::Input,
            Some("END") => UpdateAs::End,
            Some(name) => UpdateAs::Node(name.parse()?),
        };
        Ok(UpdateGiven { writes: self.writes, as_node })
    }
}

/// Another version of a thread's workflow.
#[derive(Debug, Clone)]
pub(crate) struct Migrate {
    pub(crate) to: Workflow,
    pub(crate) with: Vec<WorkflowFile>,
    /// The components of `--plugins`.
    pub(crate) plugins: Option<Vec<Component>>,
    pub(crate) dry_run: bool,
    pub(crate) restart_tasks: bool,
}

impl Client {
    /// Threads, the one that changed last first.
    pub(crate) async fn threads(&self, limit: usize) -> anyhow::Result<Vec<ThreadRow>> {
        let mut rows = either!(self, client => client.all_threads())?;
        rows.sort_by_key(|row| std::cmp::Reverse((row.updated_at, row.thread)));
        rows.truncate(limit);
        Ok(rows)
    }

    /// A thread as it stands.
    pub(crate) async fn thread(&self, thread: ThreadId) -> anyhow::Result<ThreadReport> {
        either!(self, client => client.thread(thread))
    }

    /// A thread's checkpoints, the newest first.
    pub(crate) async fn history(
        &self,
        thread: ThreadId,
        before: Option<Checkpoint>,
        limit: usize,
    ) -> anyhow::Result<Vec<CheckpointRow>> {
        either!(self, client => client.history(thread, before, limit))
    }

    /// Writes a thread's state, one super-step after the other; the checkpoint that it makes.
    pub(crate) async fn update(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Vec<Vec<Update>>,
    ) -> anyhow::Result<Checkpoint> {
        either!(self, client => client.update(thread, at, steps))
    }

    /// Begins a run with what is to be done at a checkpoint.
    pub(crate) async fn replay(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Option<u32>,
    ) -> anyhow::Result<RunId> {
        either!(self, client => client.replay(thread, at, steps))
    }

    /// Copies a thread to a new one.
    pub(crate) async fn copy(&self, thread: ThreadId, to: ThreadId) -> anyhow::Result<Checkpoint> {
        either!(self, client => client.copy(thread, to))
    }

    /// Copies a checkpoint of a thread, so that it is the newest.
    pub(crate) async fn fork(
        &self,
        thread: ThreadId,
        at: Checkpoint,
    ) -> anyhow::Result<Checkpoint> {
        either!(self, client => client.fork(thread, at))
    }

    /// Keeps only the newest checkpoints of a thread.
    pub(crate) async fn prune(&self, thread: ThreadId, keep: Keep) -> anyhow::Result<Pruned> {
        either!(self, client => client.prune(thread, keep))
    }

    /// Lets the first that waits in a thread begin where its turn has come, and names the run that
    /// is under way. None behind a server, which does so by itself.
    pub(crate) async fn begin_queued(&self, thread: ThreadId) -> anyhow::Result<Option<RunId>> {
        match self {
            Self::Embedded(client) => {
                let begun = client.host.handle.begin_queued(&client.tenant, thread).await;
                begun.map_err(of_engine)
            }
            Self::Remote(_) => Ok(None),
        }
    }

    /// Brings a thread to another version of its workflow, or says what that would do.
    pub(crate) async fn migrate(
        &mut self,
        thread: ThreadId,
        migrate: Migrate,
    ) -> anyhow::Result<Migrated> {
        either!(self, client => client.migrate(thread, migrate))
    }
}

impl Embedded {
    async fn all_threads(&self) -> anyhow::Result<Vec<ThreadRow>> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.host.handle.threads(&self.tenant, after, PAGE).await;
            let page = page.map_err(of_engine)?;
            after = page.last().filter(|_| page.len() == PAGE).map(|row| row.thread);
            for row in &page {
                found.push(same(row)?);
            }
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn thread(&self, thread: ThreadId) -> anyhow::Result<ThreadReport> {
        same(&self.host.handle.thread(&self.tenant, thread).await.map_err(of_engine)?)
    }

    async fn history(
        &self,
        thread: ThreadId,
        before: Option<Checkpoint>,
        limit: usize,
    ) -> anyhow::Result<Vec<CheckpointRow>> {
        let views = self.host.handle.history(&self.tenant, thread, before, limit).await;
        views.map_err(of_engine)?.iter().map(same).collect()
    }

    /// The place of a request; a checkpoint must be one of the thread.
    async fn place(&self, thread: ThreadId, at: Option<Checkpoint>) -> anyhow::Result<ForkPoint> {
        let Some(at) = at else { return Ok(ForkPoint::Thread(thread)) };
        let missing = EngineError::NotFound { kind: "checkpoint", name: at.to_string() };
        match self.host.handle.head(&self.tenant, at.run).await {
            Ok(head) if head.thread == Some(thread) => Ok(ForkPoint::Checkpoint(at)),
            Ok(_) | Err(EngineError::NotFound { .. }) => Err(of_engine(missing)),
            Err(error) => Err(of_engine(error)),
        }
    }

    async fn update(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Vec<Vec<Update>>,
    ) -> anyhow::Result<Checkpoint> {
        let at = self.place(thread, at).await?;
        let given = |step: Vec<Update>| step.into_iter().map(Update::meant).collect();
        let steps = steps.into_iter().map(given).collect::<anyhow::Result<_>>()?;
        let (workflow, idempotency) = (None, None);
        let update = UpdateState { at, workflow, steps, idempotency, by: BY.to_owned() };
        let made = self.host.handle.update_state(&self.tenant, update).await.map_err(of_engine)?;
        Ok(made.checkpoint)
    }

    async fn fork(&self, thread: ThreadId, at: Checkpoint) -> anyhow::Result<Checkpoint> {
        let at = self.place(thread, Some(at)).await?;
        let fork = ForkThread { at, idempotency: None, by: BY.to_owned() };
        let made = self.host.handle.fork_thread(&self.tenant, fork).await.map_err(of_engine)?;
        Ok(made.checkpoint)
    }

    async fn replay(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Option<u32>,
    ) -> anyhow::Result<RunId> {
        let at = self.place(thread, at).await?;
        let (answers, durability) = (BTreeMap::new(), Durability::default());
        let (idempotency, by) = (None, BY.to_owned());
        let request = ContinueFrom { at, answers, durability, steps, idempotency, by };
        let started = self.host.handle.continue_from(&self.tenant, request).await;
        Ok(started.map_err(of_engine)?.run)
    }

    async fn copy(&self, thread: ThreadId, to: ThreadId) -> anyhow::Result<Checkpoint> {
        self.host.handle.copy_thread(&self.tenant, thread, to, BY).await.map_err(of_engine)
    }

    async fn prune(&self, thread: ThreadId, keep: Keep) -> anyhow::Result<Pruned> {
        let keep = match keep {
            Keep::Newest(count) => KeepBorders::Newest(count),
            Keep::From(oldest) => KeepBorders::From(oldest),
        };
        let pruned = self.host.handle.prune_thread(&self.tenant, thread, keep, BY).await;
        same(&pruned.map_err(of_engine)?)
    }

    async fn migrate(&mut self, thread: ThreadId, migrate: Migrate) -> anyhow::Result<Migrated> {
        let plugins = self.offered(migrate.plugins).await?;
        let request = MigrateThread {
            to: choice(migrate.to),
            workflows: migrate.with.into_iter().map(|file| file.draft).collect(),
            plugins,
            dry_run: migrate.dry_run,
            restart_tasks: migrate.restart_tasks,
            idempotency: None,
            by: BY.to_owned(),
        };
        same(&self.host.handle.migrate(&self.tenant, thread, request).await.map_err(of_engine)?)
    }
}

/// A workflow as the engine is told of it.
pub(super) fn choice(workflow: Workflow) -> WorkflowChoice {
    match workflow {
        Workflow::File(file) => WorkflowChoice::Draft(Arc::new(file.draft)),
        Workflow::Registered { name, version, .. } => {
            WorkflowChoice::Registered { name, version: Some(version) }
        }
    }
}

/// A workflow as the API is told of it.
pub(super) fn named(workflow: Workflow) -> Value {
    match workflow {
        Workflow::File(file) => of_file(&file),
        Workflow::Registered { name, version, .. } => json!({ "name": name, "version": version }),
    }
}

/// A workflow file as the API is told of it: messages call it as the caller does.
pub(super) fn of_file(file: &WorkflowFile) -> Value {
    json!({ "file": file.name, "text": file.text })
}

#[derive(Deserialize)]
struct Made {
    checkpoint: Checkpoint,
}

impl Remote {
    async fn all_threads(&self) -> anyhow::Result<Vec<ThreadRow>> {
        self.pages("/v1/threads", usize::MAX).await
    }

    async fn thread(&self, thread: ThreadId) -> anyhow::Result<ThreadReport> {
        self.json(self.get(&format!("/v1/threads/{thread}"))).await
    }

    async fn history(
        &self,
        thread: ThreadId,
        before: Option<Checkpoint>,
        limit: usize,
    ) -> anyhow::Result<Vec<CheckpointRow>> {
        self.pages_from(&format!("/v1/threads/{thread}/history"), before, limit).await
    }

    async fn update(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Vec<Vec<Update>>,
    ) -> anyhow::Result<Checkpoint> {
        let how = if at.is_some() { "fork" } else { "state" };
        self.make(thread, how, &json!({ "at": at, "steps": steps })).await
    }

    async fn replay(
        &self,
        thread: ThreadId,
        at: Option<Checkpoint>,
        steps: Option<u32>,
    ) -> anyhow::Result<RunId> {
        let body = json!({ "at": at, "steps": steps });
        let path = format!("/v1/threads/{thread}/replay");
        let report: Report = self.json(self.post(&path, &body)).await?;
        Ok(report.head.run)
    }

    async fn copy(&self, thread: ThreadId, to: ThreadId) -> anyhow::Result<Checkpoint> {
        self.make(thread, "copy", &json!({ "to": to })).await
    }

    async fn fork(&self, thread: ThreadId, at: Checkpoint) -> anyhow::Result<Checkpoint> {
        self.make(thread, "fork", &json!({ "at": at })).await
    }

    async fn prune(&self, thread: ThreadId, keep: Keep) -> anyhow::Result<Pruned> {
        let body = match keep {
            Keep::Newest(count) => json!({ "keep": count }),
            Keep::From(oldest) => json!({ "before": oldest }),
        };
        self.json(self.post(&format!("/v1/threads/{thread}/prune"), &body)).await
    }

    async fn make(&self, thread: ThreadId, how: &str, body: &Value) -> anyhow::Result<Checkpoint> {
        let path = format!("/v1/threads/{thread}/{how}");
        let made: Made = self.json(self.post(&path, body)).await?;
        Ok(made.checkpoint)
    }

    async fn migrate(&self, thread: ThreadId, migrate: Migrate) -> anyhow::Result<Migrated> {
        let plugins = match migrate.plugins {
            Some(components) => Some(self.upload(components).await?),
            None => None,
        };
        let with: Vec<Value> = migrate.with.iter().map(of_file).collect();
        let body = json!({
            "to": named(migrate.to),
            "with": with,
            "plugins": plugins,
            "dry_run": migrate.dry_run,
            "restart_tasks": migrate.restart_tasks,
        });
        self.json(self.post(&format!("/v1/threads/{thread}/migrate"), &body)).await
    }
}
