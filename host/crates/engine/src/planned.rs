//! What the log of a run says it planned, without folding it.

use wforge_model::event::EventKind;
use wforge_model::{Checkpoint, RunId, Seq, TaskId, TenantId};

use crate::request::EngineError;
use crate::service::Shared;
use crate::tools::with_children;

/// Events read at once.
const PAGE: usize = 512;

/// What a run planned.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    /// Its tasks, with those that handle failures and those of agents that were called as tools.
    pub(crate) tasks: Vec<TaskId>,
    /// The checkpoint from which it goes on without input; none where it began with some.
    pub(crate) goes_on_from: Option<Checkpoint>,
    /// The failed run that it handles.
    pub(crate) handles: Option<RunId>,
    has_tools: bool,
}

/// What a run had planned by that place in its log; none: by its end.
pub(crate) async fn planned(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
    until: Option<Seq>,
) -> Result<Planned, EngineError> {
    let mut planned = in_log(shared, tenant, run, until).await?;
    if planned.has_tools {
        planned.tasks = with_children(shared, tenant, planned.tasks).await?;
    }
    Ok(planned)
}

async fn in_log(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
    until: Option<Seq>,
) -> Result<Planned, EngineError> {
    let (mut planned, mut seen) = (Planned::default(), Seq(0));
    loop {
        let page = shared.parts.store.events(tenant, run, seen, PAGE).await?;
        for stored in &page {
            if until.is_some_and(|until| stored.seq > until) {
                return Ok(planned);
            }
            planned.note(&stored.event.kind);
            seen = stored.seq;
        }
        if page.len() < PAGE {
            return Ok(planned);
        }
    }
}

impl Planned {
    fn note(&mut self, event: &EventKind) {
        if let EventKind::RunStarted(started) = event {
            self.has_tools |= !started.tools.is_empty();
            self.handles = started.handles;
        }
        match event {
            EventKind::RunStarted(started) if !started.origin.is_input() => {
                self.goes_on_from = started.base;
            }
            EventKind::StepPlanned { tasks, .. } => {
                self.tasks.extend(tasks.iter().map(|task| task.id));
            }
            EventKind::TaskFailed { handler: Some(handler), .. } => self.tasks.push(handler.id),
            _ => {}
        }
    }
}
