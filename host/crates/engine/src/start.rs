//! Beginning a run: its first event with everything that follows from it, in one commit.

use wforge_graph::{Carried, Library, Run, apply, begin, head_of, settle};
use wforge_model::command::{Command, Fact};
use wforge_model::event::{RunEvent, RunStarted};
use wforge_model::head::RunStatus;
use wforge_model::{Epoch, RunId, TenantId, Timestamp, Value};
use wforge_ports::store::{Commit, CommitError, IdempotentReply, QueueChange};

use crate::load::Since;
use crate::prepare::{Prepared, prepare, refused};
use crate::request::{EngineError, StartRun};
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
    pub(crate) reply: Option<IdempotentReply>,
}

/// Checks a request, and makes the run durable with everything that follows from its beginning.
/// Nothing is left behind where it is refused.
pub(crate) async fn start(
    shared: &Shared,
    tenant: &TenantId,
    request: StartRun,
) -> Result<Begun, EngineError> {
    let prepared = prepare(shared, tenant, &request).await?;
    let id = new_run_id(shared);
    let reply = request.idempotency.map(|key| key.reply(Value::String(id.to_string())));
    let Prepared { library, started, resolved } = prepared;
    let keep = Some(resolved);
    begin_run(shared, tenant, Beginning { id, library, started, carried: None, keep, reply }).await
}

/// Begins a run.
pub(crate) async fn begin_run(
    shared: &Shared,
    tenant: &TenantId,
    beginning: Beginning,
) -> Result<Begun, EngineError> {
    let Beginning { id, library, started, carried, keep, reply } = beginning;
    let (expressions, now) = (shared.parts.expressions.as_ref(), shared.parts.clock.now());
    let before = carried.as_ref().map(|(carried, _)| carried);
    let first = begin(id, &library, started, before, now, expressions)
        .map_err(|problems| refused(&problems))?;
    if let Some(resolved) = keep {
        resolved.keep(shared, tenant).await?;
    }
    let (carried, since) = carried.unzip();
    let mut run = Run::new(id, library);
    if let Some(carried) = carried {
        run = run.with_carried(carried);
    }
    let expected = run.seq;
    apply(&mut run, &first);
    let decision = settle(&mut run, &[Fact::Loaded], now, expressions);
    let mut events = vec![first];
    events.extend(decision.events);
    let commit = Commit {
        tenant: tenant.clone(),
        run: id,
        expected,
        lease: EMBEDDED_LEASE,
        events: events.clone(),
        head: head_of(tenant, &run),
        thread_head: None,
        kv: Vec::new(),
        queue: queue_of(&run, now),
        audit: Vec::new(),
        idempotent_reply: reply,
    };
    shared.parts.store.commit(commit).await.map_err(commit_refused)?;
    let mut since = since.unwrap_or_default();
    events.iter().for_each(|event| since.count(event));
    Ok(Begun { run, since, events, commands: decision.commands })
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
        CommitError::Conflict { .. } | CommitError::LeaseLost { .. } => EngineError::Conflict {
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
        RunStatus::Blocked
        | RunStatus::Completed
        | RunStatus::Failed
        | RunStatus::Cancelled
        | RunStatus::RolledBack => QueueChange::Done,
    }
}
