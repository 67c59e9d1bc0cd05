//! A run that is started on a thread: at once where the thread is free, else as the request says.

use std::sync::Arc;

use wforge_graph::{Library, Run, apply, head_of};
use wforge_model::command::Fact;
use wforge_model::event::{EventKind, RunEvent, RunQueued, RunStarted};
use wforge_model::{RunId, Seq, TenantId, ThreadId, Value};
use wforge_ports::store::{Commit, CommitError, QueueChange};
use wforge_ports::threads::{ThreadPut, ThreadRow};

use super::{Standing, TRIES_MAX, last_border};
use crate::prepare::{Prepared, prepare};
use crate::request::{EngineError, Idempotency, Multitask, StartRun, Started};
use crate::resolve::Resolved;
use crate::service::{Shared, launch, tell};
use crate::start::{Beginning, EMBEDDED_LEASE, Start, begin_run, commit_refused, replayed};

/// A run that is to begin on a thread.
#[derive(Debug)]
pub(crate) struct Entering {
    pub(crate) id: RunId,
    pub(crate) library: Library,
    /// Complete but for base and routes.
    pub(crate) started: RunStarted,
    pub(crate) keep: Option<Resolved>,
    pub(crate) idempotency: Option<Idempotency>,
    /// The run that waited for its turn; none: it is new.
    pub(crate) queued: Option<Run>,
}

/// Starts a run on a thread. It is durable on return, begun or queued.
pub(crate) async fn start(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    request: StartRun,
) -> Result<Started, EngineError> {
    let multitask = request.multitask;
    let Prepared { library, started, resolved } = prepare(shared, tenant, &request).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let place = shared.place_to_begin(tenant).await?;
    let standing = free(shared, tenant, thread, &started, multitask).await?;
    let id = standing.new_run_id(shared);
    let entering = Entering {
        id,
        library,
        started,
        keep: Some(resolved),
        idempotency: request.idempotency,
        queued: None,
    };
    let waits = standing.is_busy() && multitask == Multitask::Enqueue;
    let others_wait = standing.row().is_some_and(|row| !row.queue.is_empty());
    let outcome = if waits {
        enqueue(shared, tenant, &standing, entering).await
    } else {
        enter_thread(shared, tenant, &standing, entering).await
    };
    drop((turn, place));
    if others_wait && !waits {
        // The run may have ended as it began.
        super::begin_next(shared, tenant, thread).await;
    }
    Ok(outcome?.unwrap_or(Started { run: id, replayed: false }))
}

/// The thread, once what the strategy says has been done about the run that is under way.
async fn free(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    started: &RunStarted,
    multitask: Multitask,
) -> Result<Standing, EngineError> {
    let standing = Standing::read(shared, tenant, thread).await?;
    if let Some(row) = standing.row().filter(|row| row.digest != started.digest) {
        return Err(other_version(row, started));
    }
    if !standing.is_busy() {
        return Ok(standing);
    }
    let by = &started.by;
    match multitask {
        Multitask::Enqueue => return Ok(standing),
        Multitask::Reject => return Err(busy(thread)),
        Multitask::Interrupt => end_head(shared, tenant, &standing, "interrupted", by).await?,
        Multitask::Rollback => {
            if let Some(live) = standing.live() {
                let reason = "rolled back".to_owned();
                let fact = Fact::Cancel { reason, by: by.clone(), roll_back: true };
                end(shared, tenant, live.run, fact).await?;
            }
        }
    }
    Standing::read(shared, tenant, thread).await
}

/// Cancels the head of a thread where it has not ended; what it committed stays.
pub(crate) async fn end_head(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    standing: &Standing,
    reason: &str,
    by: &str,
) -> Result<(), EngineError> {
    let Some(live) = standing.live() else { return Ok(()) };
    let (reason, by) = (reason.to_owned(), by.to_owned());
    end(shared, tenant, live.run, Fact::Cancel { reason, by, roll_back: false }).await
}

/// Ends a run, unless it has ended by itself in this moment.
async fn end(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    run: RunId,
    fact: Fact,
) -> Result<(), EngineError> {
    match tell(shared, tenant, run, fact).await {
        Ok(()) | Err(EngineError::Conflict { code: "run_ended", .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Begins a run where its thread stands. Its row in `standing` may be overtaken by a run of the
/// queue that is cancelled; then it is read again.
pub(crate) async fn enter_thread(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    standing: &Standing,
    entering: Entering,
) -> Result<Option<Started>, EngineError> {
    let Entering { id, library, mut started, keep, idempotency, queued } = entering;
    let before = standing.row().and_then(|row| row.head);
    let base = match before {
        Some(head) => Some(last_border(shared, tenant, standing.thread, head).await?),
        None => None,
    };
    if started.base.is_none() {
        started.base = base.as_ref().map(|base| base.at);
    }
    let carried = base.map(|base| (base.carried, base.since));
    begin_with(
        shared,
        tenant,
        standing,
        Beginning { id, library, started, carried, keep, idempotency, queued, thread: None },
    )
    .await
}

/// Begins a run with what it takes over, and makes it the newest of its thread.
pub(crate) async fn begin_with(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    standing: &Standing,
    mut beginning: Beginning,
) -> Result<Option<Started>, EngineError> {
    let before = beginning.queued.as_ref().map_or(Seq(0), |run| run.seq);
    let (row, expected) = row_after(shared, standing, &beginning.started, beginning.id);
    beginning.thread = Some(ThreadPut { expected, row, begins: true });
    match begin_run(shared, tenant, beginning).await? {
        Start::Replied(started) => Ok(Some(started)),
        Start::Begun(begun) => {
            launch(shared, tenant, *begun, before).await?;
            Ok(None)
        }
    }
}

fn row_after(
    shared: &Shared,
    standing: &Standing,
    started: &RunStarted,
    id: RunId,
) -> (ThreadRow, wforge_model::Version) {
    let now = shared.parts.clock.now();
    let mut row = standing.row().cloned().unwrap_or_else(|| new_row(standing, started, now));
    row.head = Some(id);
    row.queue.retain(|queued| *queued != id);
    row.workflow.clone_from(&started.workflow);
    row.digest = started.digest;
    row.updated_at = now;
    (row, standing.version())
}

fn new_row(standing: &Standing, started: &RunStarted, now: wforge_model::Timestamp) -> ThreadRow {
    ThreadRow {
        thread: standing.thread,
        head: None,
        queue: Vec::new(),
        workflow: started.workflow.clone(),
        digest: started.digest,
        removed: Vec::new(),
        pruned_before: standing.first_place,
        first_place: standing.first_place,
        oldest: None,
        created_at: now,
        updated_at: now,
    }
}

/// Makes a run durable that waits for its turn.
async fn enqueue(
    shared: &Shared,
    tenant: &TenantId,
    standing: &Standing,
    entering: Entering,
) -> Result<Option<Started>, EngineError> {
    let Entering { id, library, started, keep, idempotency, .. } = entering;
    let (thread, now) = (standing.thread, shared.parts.clock.now());
    if let Some(resolved) = keep {
        resolved.keep(shared, tenant).await?;
    }
    let event = RunEvent {
        at: now,
        kind: EventKind::RunQueued(Box::new(RunQueued { thread, start: started.clone() })),
    };
    let mut run = Run::new(id, library);
    apply(&mut run, &event);
    let key = idempotency.as_ref();
    let mut stored = standing.stored.clone();
    for _ in 0..TRIES_MAX {
        let version = stored.as_ref().map_or(wforge_model::Version(0), |stored| stored.version);
        let mut row = stored.map_or_else(|| new_row(standing, &started, now), |stored| stored.row);
        row.queue.push(id);
        row.updated_at = now;
        let commit = Commit {
            tenant: tenant.clone(),
            run: id,
            expected: Seq(0),
            lease: EMBEDDED_LEASE,
            events: vec![event.clone()],
            head: head_of(tenant, &run),
            thread: Some(ThreadPut { expected: version, row, begins: false }),
            kv: Vec::new(),
            queue: QueueChange::Live,
            audit: Vec::new(),
            // Nobody is told that a run waits for its turn.
            outbox: Vec::new(),
            idempotent_reply: key.map(|key| key.reply(Value::String(id.to_string()), now)),
        };
        match shared.parts.store.commit(commit).await {
            Ok(_) => {
                let events = vec![event];
                shared.stats.count(&events, run.degraded);
                shared.parts.bus.publish(tenant, id, crate::actor::stored(Seq(0), events));
                return Ok(None);
            }
            Err(CommitError::ThreadConflict { .. }) => {
                stored = shared.parts.store.thread(tenant, thread).await?;
            }
            Err(CommitError::Replied(first)) => return replayed(&first, key).map(Some),
            Err(error) => return Err(commit_refused(error)),
        }
    }
    Err(busy(thread))
}

/// A thread in which something is under way.
pub(crate) fn busy(thread: ThreadId) -> EngineError {
    EngineError::Conflict {
        code: "thread_busy",
        message: format!(
            "a run of {thread} is under way; wait for its end, or say what becomes of it \
             (multitask: enqueue, interrupt or rollback)"
        ),
    }
}

pub(crate) fn other_version(row: &ThreadRow, started: &RunStarted) -> EngineError {
    EngineError::Conflict {
        code: "thread_version",
        message: format!(
            "{} goes on with {} {}, and {}@{} is {}; migrate the thread first: wforge workflow \
             migrate",
            row.thread, row.workflow, row.digest, started.workflow, started.version, started.digest
        ),
    }
}
