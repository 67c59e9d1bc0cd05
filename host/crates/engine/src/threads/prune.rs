//! A thread that keeps its newest border only: the ones before are listed no more, and what no fold
//! needs is removed.

use std::sync::Arc;

use wforge_model::event::{EventKind, Origin};
use wforge_model::{Checkpoint, RunId, Seq, TaskId, TenantId, ThreadId, Version};
use wforge_ports::threads::{Forget, Forgotten, ThreadRun};

use super::fork::{at_rest, origins};
use super::last_border;
use super::start::begin_with;
use crate::request::EngineError;
use crate::service::Shared;
use crate::thread_request::ForkPoint;

/// Rows that are read at once.
const PAGE: usize = 512;

/// Copies the newest border, hides what came before it, and removes of that what no other run goes
/// on from.
pub(crate) async fn prune(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    by: &str,
) -> Result<Checkpoint, EngineError> {
    let turn = shared.locks.lock(tenant, thread).await;
    let mut standing = at_rest(shared, tenant, thread, by).await?;
    let origins = origins(shared, tenant, &standing, ForkPoint::Thread(thread)).await?;
    let origins = origins
        .ok_or_else(|| EngineError::NotFound { kind: "thread", name: thread.to_string() })?;
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, thread, Origin::Copy);
    beginning.started.by = by.to_owned();
    let place = standing.version().next();
    if let Some(stored) = &mut standing.stored {
        stored.row.pruned_before = place;
    }
    begin_with(shared, tenant, &standing, beginning).await?;
    let border = last_border(shared, tenant, thread, id).await?.at;
    forget_before(shared, tenant, thread, place).await?;
    drop(turn);
    super::begin_next(shared, tenant, thread).await;
    Ok(border)
}

/// Newest first, so that a run goes before the one from which it went on.
async fn forget_before(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    before: Version,
) -> Result<(), EngineError> {
    let mut place = Some(before);
    loop {
        let page = shared.parts.store.thread_runs(tenant, thread, place, PAGE).await?;
        for listed in &page {
            forget(shared, tenant, thread, *listed).await?;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => place = Some(last.place),
            Some(_) | None => return Ok(()),
        }
    }
}

async fn forget(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    ThreadRun { place, run }: ThreadRun,
) -> Result<(), EngineError> {
    let tasks = tasks_of(shared, tenant, run).await?;
    let forget = Forget { tenant: tenant.clone(), run, listed: Some((thread, place)), tasks };
    loop {
        let forgotten = shared.parts.store.forget(forget.clone()).await;
        match forgotten.map_err(|error| EngineError::Host(Box::new(error)))? {
            Forgotten::Part => {}
            Forgotten::Whole | Forgotten::Needed => return Ok(()),
        }
    }
}

/// The tasks that a run planned.
async fn tasks_of(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
) -> Result<Vec<TaskId>, EngineError> {
    let (mut tasks, mut seen) = (Vec::new(), Seq(0));
    loop {
        let page = shared.parts.store.events(tenant, run, seen, PAGE).await?;
        for stored in &page {
            seen = stored.seq;
            if let EventKind::StepPlanned { tasks: planned, .. } = &stored.event.kind {
                tasks.extend(planned.iter().map(|task| task.id));
            }
        }
        if page.len() < PAGE {
            return Ok(tasks);
        }
    }
}
