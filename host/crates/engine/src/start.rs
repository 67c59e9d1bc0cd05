//! Beginning a run: its first event with everything that follows from it, in one commit.

use wforge_graph::{Carried, Library, Run, apply, begin, head_of, settle};
use wforge_model::command::{Command, Fact};
use wforge_model::event::{RunEvent, RunStarted};
use wforge_model::head::RunStatus;
use wforge_model::{Epoch, RunId, TenantId, Timestamp, Value};
use wforge_ports::store::{Commit, CommitError, IdempotentReply, QueueChange};
use wforge_ports::threads::ThreadPut;

use crate::load::Since;
use crate::memory;
use crate::prepare::{Prepared, prepare, refused};
use crate::request::{EngineError, Idempotency, StartRun, Started};
use crate::resolve::Resolved;
use crate::service::Shared;

/// The lease of a store that only one process can open.
pub(crate) const EMBEDDED_LEASE: Epoch = Epoch(1);

/// A run whose beginning is durable, and what is to be done next.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) run: Run,
    pub(crate) since: Since,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) commands: Vec<Command>,
}

/// A run that is to begin.
#[derive(Debug)]
pub(crate) struct Beginning {
    pub(crate) id: RunId,
    pub(crate) library: Library,
    /// Complete but for its routes.
    pub(crate) started: RunStarted,
    /// What the checkpoint left that it starts from.
    pub(crate) carried: Option<(Carried, Since)>,
    /// Workflows that the store may not have yet.
    pub(crate) keep: Option<Resolved>,
    pub(crate) idempotency: Option<Idempotency>,
    /// The run that waited for its turn; none: it is new.
    pub(crate) queued: Option<Run>,
    /// The change of its thread that goes with it.
    pub(crate) thread: Option<ThreadPut>,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Start {
    /// A run.
    Begun(Box<Begun>),
    /// Another request with the same idempotency key was first by a moment.
    Replied(Started),
}

/// Checks a request, and makes the run durable with everything that follows from its beginning.
/// Nothing is left behind where it is refused.
pub(crate) async fn start(
    shared: &Shared,
    tenant: &TenantId,
    request: StartRun,
) -> Result<Start, EngineError> {
    let Prepared { library, started, resolved } = prepare(shared, tenant, &request).await?;
    let beginning = Beginning {
        id: new_run_id(shared),
        library,
        started,
        carried: None,
        keep: Some(resolved),
        idempotency: request.idempotency,
        queued: None,
        thread: None,
    };
    begin_run(shared, tenant, beginning).await
}

/// Begins a run.
pub(crate) async fn begin_run(
    shared: &Shared,
    tenant: &TenantId,
    beginning: Beginning,
) -> Result<Start, EngineError> {
    let Beginning { id, library, started, carried, keep, idempotency, queued, thread } = beginning;
    let (expressions, now) = (shared.parts.expressions.as_ref(), shared.parts.clock.now());
    let kv = Box::pin(memory::taken_over(shared, tenant, id, &started)).await?;
    let before = carried.as_ref().map(|(carried, _)| carried);
    let first = begin(id, &library, started, before, now, expressions)
        .map_err(|problems| refused(&library.root, &problems))?;
    if let Some(resolved) = keep {
        resolved.keep(shared, tenant).await?;
    }
    let (carried, since) = carried.unzip();
    let mut run = queued.unwrap_or_else(|| Run::new(id, library));
    if let Some(carried) = carried {
        run = run.with_carried(carried);
    }
    let expected = run.seq;
    apply(&mut run, &first);
    let decision = settle(&mut run, &[Fact::Loaded], now, expressions);
    let mut events = vec![first];
    events.extend(decision.events);
    let key = idempotency.as_ref();
    // What needs no agent may be over by now, and may have been stopped.
    let audit = shared.notes.of_commit(tenant, id, &events);
    let head = head_of(tenant, &run);
    let mut outbox = shared.webhooks.outbox(expected, &events, &head, &shared.options.webhooks);
    let commit = Commit {
        tenant: tenant.clone(),
        run: id,
        expected,
        lease: EMBEDDED_LEASE,
        events: events.clone(),
        head,
        thread,
        kv,
        queue: queue_of(&run, now),
        audit,
        outbox: outbox.take_rows(),
        idempotent_reply: key.map(|key| key.reply(Value::String(id.to_string()), now)),
    };
    match shared.parts.store.commit(commit).await {
        Ok(_) => shared.webhooks.committed(outbox),
        Err(CommitError::Replied(first)) => return replayed(&first, key).map(Start::Replied),
        Err(error) => return Err(commit_refused(error)),
    }
    let mut since = since.unwrap_or_default();
    events.iter().for_each(|event| since.count(event));
    Ok(Start::Begun(Box::new(Begun { run, since, events, commands: decision.commands })))
}

/// The run that stands under an idempotency key; none where the key is new, or was forgotten.
pub(crate) async fn replied(
    shared: &Shared,
    tenant: &TenantId,
    key: &Idempotency,
) -> Result<Option<Started>, EngineError> {
    let before = shared.parts.store.idempotent_reply(tenant, &key.key).await?;
    let now = shared.parts.clock.now();
    let before = before.filter(|before| before.expires_at > now);
    before.map(|before| replayed(&before, Some(key))).transpose()
}

/// The run that an earlier request with the same idempotency key started.
pub(crate) fn replayed(
    first: &IdempotentReply,
    key: Option<&Idempotency>,
) -> Result<Started, EngineError> {
    if key.is_none_or(|key| key.fingerprint != first.fingerprint) {
        return Err(EngineError::Invalid {
            code: "idempotency_mismatch",
            message: "this idempotency key was used for another request".into(),
            details: Vec::new(),
        });
    }
    let run = first.reply.as_str().and_then(|text| text.parse().ok());
    let run = run.ok_or_else(|| EngineError::Host("a stored reply names no run".into()))?;
    Ok(Started { run, replayed: true })
}

pub(crate) fn new_run_id(shared: &Shared) -> RunId {
    shared.ids.next(shared.parts.entropy.as_ref(), shared.parts.clock.now())
}

pub(crate) fn commit_refused(error: CommitError) -> EngineError {
    match error {
        CommitError::TooLarge { bytes, limit } => EngineError::Invalid {
            code: "too_large",
            message: format!("the run's beginning has {bytes} bytes, more than {limit}"),
            details: Vec::new(),
        },
        CommitError::Conflict { .. }
        | CommitError::ThreadConflict { .. }
        | CommitError::KvConflict { .. }
        | CommitError::BaseGone { .. }
        | CommitError::LeaseLost { .. }
        | CommitError::Replied(_) => EngineError::Conflict {
            code: "run_taken",
            message: "another writer has the run; try again".into(),
        },
        CommitError::Unavailable(source) => EngineError::Host(source),
    }
}

/// When a run must be looked at again, from how it stands.
pub(crate) fn queue_of(run: &Run, now: Timestamp) -> QueueChange {
    match run.standing() {
        RunStatus::Running | RunStatus::Queued => QueueChange::Live,
        RunStatus::Failed if run.owes_failure_handling() => QueueChange::Live,
        RunStatus::Waiting | RunStatus::Paused => {
            QueueChange::Sleep(wforge_graph::next_wake(run, now))
        }
        // It waits for a release; a moment may come before.
        RunStatus::Blocked if run.status == RunStatus::Running => {
            QueueChange::Sleep(wforge_graph::next_wake(run, now))
        }
        RunStatus::Blocked
        | RunStatus::Completed
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => QueueChange::Done,
    }
}
