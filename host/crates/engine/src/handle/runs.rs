//! Runs that are looked for, what one used, and how its state came about.

use wforge_graph::Run;
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::{Checkpoint, RunId, Seq, TaskId, TenantId};
use wforge_ports::effects::GuestLevel;

use super::Handle;
use crate::filter::{self, RunFilter, RunPage};
use crate::lines::LogLine;
use crate::load;
use crate::receipt::{self, Receipt};
use crate::request::EngineError;

/// Events read at once.
const PAGE: usize = 512;

/// Which lines of a run's plugins are wanted.
#[derive(Debug, Clone, Copy)]
pub struct LinesWanted<'a> {
    /// After that number.
    pub after: u64,
    /// So many at most.
    pub limit: usize,
    /// That matter at least so much.
    pub least: GuestLevel,
    /// Of that node; none: of all.
    pub node: Option<&'a str>,
}

impl Handle {
    /// Runs that the filter takes, older than `before`, the newest first.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn runs(
        &self,
        tenant: &TenantId,
        filter: &RunFilter,
        before: Option<RunId>,
        items_max: usize,
    ) -> Result<RunPage, EngineError> {
        filter::page(&self.shared, tenant, filter, before, items_max).await
    }

    /// What a run used, by node.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn receipt(&self, tenant: &TenantId, run: RunId) -> Result<Receipt, EngineError> {
        let view = self.view(tenant, run).await?;
        receipt::of_run(&self.shared, view).await
    }

    /// At most `limit` lines after the `after`-th that plugins of a run wrote, which matter at
    /// least so much, of one node or of all. They are kept for a while, in memory.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn log_lines(
        &self,
        tenant: &TenantId,
        run: RunId,
        wanted: LinesWanted<'_>,
    ) -> Result<Vec<LogLine>, EngineError> {
        self.head(tenant, run).await?;
        let LinesWanted { after, limit, least, node } = wanted;
        let is_wanted = |line: &LogLine| {
            line.level >= least && node.is_none_or(|node| line.node.as_str() == node)
        };
        Ok(self.shared.parts.bus.lines.of_run(tenant, run, after, limit, is_wanted))
    }

    /// Shows a run after each event of its log, in order; its state is what it was then.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn relive(
        &self,
        tenant: &TenantId,
        run: RunId,
        visit: impl FnMut(&Run, &StoredEvent) + Send,
    ) -> Result<(), EngineError> {
        load::replay(&self.shared, tenant, run, visit).await
    }

    /// The border before the super-step of a task, from which a run can be made that does that
    /// step again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the run has no such task, [`EngineError::Conflict`] where
    /// the task is inside a subgraph, which has no borders of its own.
    pub async fn border_before(
        &self,
        tenant: &TenantId,
        run: RunId,
        task: TaskId,
    ) -> Result<Checkpoint, EngineError> {
        self.head(tenant, run).await?;
        let (mut border, mut seen) = (Seq(0), Seq(0));
        loop {
            let events = self.events(tenant, run, seen, PAGE).await?;
            for StoredEvent { seq, event } in &events {
                seen = *seq;
                match &event.kind {
                    EventKind::RunStarted(_) | EventKind::StepCommitted { ns: None, .. } => {
                        border = *seq;
                    }
                    EventKind::StepPlanned { ns, tasks, .. }
                        if tasks.iter().any(|planned| planned.id == task) =>
                    {
                        return match ns {
                            None => Ok(Checkpoint { run, seq: border }),
                            Some(around) => Err(inside(task, *around)),
                        };
                    }
                    _ => {}
                }
            }
            if events.len() < PAGE {
                return Err(EngineError::NotFound { kind: "task", name: task.to_string() });
            }
        }
    }
}

fn inside(task: TaskId, around: TaskId) -> EngineError {
    EngineError::Conflict {
        code: "task_inside",
        message: format!("{task} is inside of {around}; take up that one, which runs it again"),
    }
}
