//! Whose turn it is: when the head of a thread has ended, the first in its queue begins.

use std::sync::Arc;

use tracing::{error, warn};
use wforge_graph::{apply, head_of};
use wforge_model::event::{EventKind, RunError, RunEvent};
use wforge_model::head::RunStatus;
use wforge_model::{RunId, TenantId, ThreadId};
use wforge_ports::store::Commit;
use wforge_ports::threads::ThreadPut;

use super::start::{Entering, enter_thread};
use super::{Standing, TRIES_MAX};
use crate::load::{Loaded, load_run};
use crate::request::EngineError;
use crate::service::Shared;
use crate::start::{EMBEDDED_LEASE, commit_refused, queue_of};

/// Begins runs of the queue until one is under way or nobody waits.
pub(crate) async fn begin_next(shared: &Arc<Shared>, tenant: &TenantId, thread: ThreadId) {
    let _turn = shared.locks.lock(tenant, thread).await;
    let mut tries = 0;
    while tries < TRIES_MAX && !shared.shutdown.is_cancelled() {
        match Box::pin(begin_one(shared, tenant, thread)).await {
            Ok(true) => tries = 0,
            Ok(false) => return,
            Err(EngineError::Conflict { code: "run_taken", .. }) => tries += 1,
            // The run stays in the queue, and the next start of the engine looks at it again.
            Err(error) => return error!(%thread, error = %error, "a queued run cannot begin"),
        }
    }
}

/// Whether there may be more to begin.
async fn begin_one(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
) -> Result<bool, EngineError> {
    let standing = Standing::read(shared, tenant, thread).await?;
    if standing.live().is_some() {
        return Ok(false);
    }
    let Some((run, loaded)) = first_waiting(shared, tenant, &standing).await? else {
        return Ok(false);
    };
    let (Some(library), Some(queued)) =
        (loaded.run.library().cloned(), loaded.run.queued.as_ref().map(|q| (**q).clone()))
    else {
        return Ok(false);
    };
    let entering = Entering {
        id: run,
        library,
        started: queued,
        keep: None,
        idempotency: None,
        queued: Some(loaded.run.clone()),
    };
    match enter_thread(shared, tenant, &standing, entering).await {
        Ok(_) => Ok(true),
        Err(EngineError::Invalid { code, message, details }) => {
            let message = format!("{message}: {}", details.join("; "));
            fail(shared, tenant, &standing, loaded, (code, message)).await?;
            Ok(true)
        }
        Err(error) => Err(error),
    }
}

/// The first of the queue that still waits.
async fn first_waiting(
    shared: &Shared,
    tenant: &TenantId,
    standing: &Standing,
) -> Result<Option<(RunId, Loaded)>, EngineError> {
    for run in standing.row().into_iter().flat_map(|row| &row.queue) {
        let loaded = load_run(shared, tenant, *run).await?;
        if loaded.run.status == RunStatus::Queued {
            return Ok(Some((*run, loaded)));
        }
    }
    Ok(None)
}

/// A run that cannot begin where its thread stands now has failed.
async fn fail(
    shared: &Shared,
    tenant: &TenantId,
    standing: &Standing,
    loaded: Loaded,
    (code, message): (&str, String),
) -> Result<(), EngineError> {
    let mut run = loaded.run;
    let (before, now) = (run.seq, shared.parts.clock.now());
    warn!(run = %run.id, code, "a queued run failed as it was to begin");
    let error = RunError { code: code.into(), message, node: None, task: None, failure: None };
    let event = RunEvent { at: now, kind: EventKind::RunFailed { error } };
    apply(&mut run, &event);
    let thread = standing.stored.clone().map(|stored| {
        let mut row = stored.row;
        row.queue.retain(|queued| *queued != run.id);
        row.updated_at = now;
        ThreadPut { expected: stored.version, row, begins: false }
    });
    let events = vec![event];
    let head = head_of(tenant, &run);
    let mut outbox = shared.webhooks.outbox(before, &events, &head, &shared.options.webhooks);
    let commit = Commit {
        tenant: tenant.clone(),
        run: run.id,
        expected: before,
        lease: EMBEDDED_LEASE,
        events: events.clone(),
        head,
        thread,
        kv: Vec::new(),
        queue: queue_of(&run, now),
        audit: Vec::new(),
        outbox: outbox.take_rows(),
        idempotent_reply: None,
    };
    shared.parts.store.commit(commit).await.map_err(commit_refused)?;
    shared.webhooks.committed(outbox);
    shared.stats.count(&events, run.degraded);
    shared.parts.bus.publish(tenant, run.id, crate::actor::stored(before, events));
    Ok(())
}
