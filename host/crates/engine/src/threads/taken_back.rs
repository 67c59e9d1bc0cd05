//! What becomes of a thread where a run of it is cancelled: the queue loses one that waited, and a
//! run that is taken back leaves the head to the one before it.

use wforge_graph::Run;
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::{RunId, TenantId, ThreadId};
use wforge_ports::threads::{ThreadPut, ThreadRow};

use super::existing;
use crate::request::EngineError;
use crate::service::Shared;

/// Runs that a row remembers as taken back; of older ones their own row says so.
const REMOVED_MAX: usize = 1_000;
/// Runs of a thread that are looked at at once.
const PAGE: usize = 64;

/// What a commit changes of its run's thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ThreadChange {
    /// The run waits no more.
    Unqueued,
    /// The run was taken back.
    RolledBack,
}

/// What events change of the thread of their run, which stands as it does after them.
pub(crate) fn change_of(run: &Run, events: &[RunEvent]) -> Option<(ThreadId, ThreadChange)> {
    let cancelled = events.iter().find_map(|event| match &event.kind {
        EventKind::RunCancelled { rolled_back, .. } => Some(*rolled_back),
        _ => None,
    });
    let rolled_back = cancelled?;
    match (&run.started, &run.queued) {
        (Some(started), _) if rolled_back => Some((started.thread?, ThreadChange::RolledBack)),
        (None, Some(queued)) => Some((queued.thread?, ThreadChange::Unqueued)),
        (Some(_), _) | (None, None) => None,
    }
}

/// The change as it goes with the commit.
pub(crate) async fn put_of(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
    (thread, change): (ThreadId, ThreadChange),
) -> Result<ThreadPut, EngineError> {
    let stored = existing(shared, tenant, thread).await?;
    let mut row = stored.row;
    row.queue.retain(|queued| *queued != run);
    row.updated_at = shared.parts.clock.now();
    if change == ThreadChange::RolledBack {
        if row.head == Some(run) {
            row.head = before(shared, tenant, &row, run).await?;
        }
        row.removed.push(run);
        let over = row.removed.len().saturating_sub(REMOVED_MAX);
        row.removed.drain(..over);
    }
    Ok(ThreadPut { expected: stored.version, row, begins: false })
}

/// The newest run of a thread from before another, but for those that were taken back.
async fn before(
    shared: &Shared,
    tenant: &TenantId,
    row: &ThreadRow,
    run: RunId,
) -> Result<Option<RunId>, EngineError> {
    let (mut place, mut is_older) = (None, false);
    loop {
        let page = shared.parts.store.thread_runs(tenant, row.thread, place, PAGE).await?;
        for listed in page.iter().filter(|listed| listed.place >= row.first_place) {
            if is_older && !row.removed.contains(&listed.run) {
                return Ok(Some(listed.run));
            }
            is_older |= listed.run == run;
        }
        match page.last() {
            Some(last) if page.len() == PAGE => place = Some(last.place),
            Some(_) | None => return Ok(None),
        }
    }
}
