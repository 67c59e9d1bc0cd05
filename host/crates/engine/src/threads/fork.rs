//! Runs that begin at a border without input: somebody writes the state, or goes on from there.
//! Copies are in [`super::copy`].

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;
use wforge_graph::{Carried, Library};
use wforge_model::event::{KeptAnswer, Origin, RunStarted, StateUpdate};
use wforge_model::{Checkpoint, NodeId, RunId, TenantId, ThreadId};

use super::history::only_waits;
use super::replies::{border_made_before, made_before};
use super::start::{begin_with, busy, end_head};
use super::{Base, Standing, begin_next, last_border};
use crate::door::PlaceToBegin;
use crate::load::{beginning_of, carried_at, no_checkpoint};
use crate::prepare::prepare;
use crate::quarantine;
use crate::request::{EngineError, Idempotency, StartRun, Started, WorkflowChoice};
use crate::resolve::Resolved;
use crate::service::Shared;
use crate::start::Beginning;
use crate::thread_request::{ContinueFrom, ForkPoint, Made, UpdateAs, UpdateGiven, UpdateState};
use crate::trust;

/// A place to begin at, and what a run is begun with there.
pub(crate) struct Origins {
    pub(crate) base: Option<Base>,
    pub(crate) library: Library,
    /// As of the run that made the border, or of a request.
    pub(crate) started: RunStarted,
    pub(crate) keep: Option<Resolved>,
}

impl Origins {
    /// What a new run is begun with here, by somebody.
    pub(crate) fn beginning(
        self,
        id: RunId,
        thread: ThreadId,
        origin: Origin,
        by: &str,
    ) -> Beginning {
        let started = RunStarted {
            thread: Some(thread),
            input: wforge_model::Object::new(),
            answers: std::collections::BTreeMap::new(),
            kept_answers: Vec::new(),
            handles: None,
            base: self.base.as_ref().map(|base| base.at),
            origin,
            steps: None,
            routes: Vec::new(),
            by: by.to_owned(),
            ..self.started
        };
        Beginning {
            id,
            library: self.library,
            started,
            carried: self.base.map(|base| (base.carried, base.since)),
            keep: self.keep,
            idempotency: None,
            queued: None,
            thread: None,
        }
    }
}

/// The thread of a place.
pub(super) async fn thread_of(
    shared: &Shared,
    tenant: &TenantId,
    at: ForkPoint,
) -> Result<ThreadId, EngineError> {
    match at {
        ForkPoint::Thread(thread) => Ok(thread),
        ForkPoint::Checkpoint(at) => {
            let head = shared.parts.store.head(tenant, at.run).await?;
            let head = head.ok_or_else(|| no_checkpoint(at))?;
            head.thread.ok_or_else(|| EngineError::Invalid {
                code: "no_thread",
                message: format!("{} belongs to no thread; start it with one", at.run),
                details: Vec::new(),
            })
        }
    }
}

/// A thread whose head is not under way: one that only waits for somebody is ended.
pub(crate) async fn at_rest(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    by: &str,
) -> Result<Standing, EngineError> {
    let standing = Standing::read(shared, tenant, thread).await?;
    match standing.live() {
        None => return Ok(standing),
        Some(live) if only_waits(live.status) => {}
        Some(_) => return Err(busy(thread)),
    }
    end_head(shared, tenant, &standing, "superseded", by).await?;
    Standing::read(shared, tenant, thread).await
}

/// What there is at a place of a thread; none where the thread has no run yet.
pub(crate) async fn origins(
    shared: &Shared,
    tenant: &TenantId,
    standing: &Standing,
    at: ForkPoint,
) -> Result<Option<Origins>, EngineError> {
    let base = match at {
        ForkPoint::Thread(thread) => match standing.row().and_then(|row| row.head) {
            Some(head) => last_border(shared, tenant, thread, head).await?,
            None => return Ok(None),
        },
        ForkPoint::Checkpoint(at) => {
            if standing.row().is_some_and(|row| row.removed.contains(&at.run)) {
                return Err(no_checkpoint(at));
            }
            let (carried, since) = carried_at(shared, tenant, at).await?;
            Base { at, carried, since }
        }
    };
    let (started, library) = beginning_of(shared, tenant, base.at.run).await?;
    if let Some(row) = standing.row().filter(|row| row.digest != started.digest) {
        return Err(super::start::other_version(row, &started));
    }
    Ok(Some(Origins { base: Some(base), library, started, keep: None }))
}

/// Writes the state in the place of nodes, one border for each super-step.
pub(crate) async fn update(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    request: UpdateState,
) -> Result<Made, EngineError> {
    let UpdateState { mut at, workflow, steps, idempotency, by } = request;
    let thread = thread_of(shared, tenant, at).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let (mut last, mut replayed) = (None, true);
    for (number, updates) in (0..).zip(steps) {
        // A step that an earlier request made stands, and what that one left undone is done.
        let key = idempotency.as_ref().map(|key| step_key(key, number));
        let before = border_made_before(shared, tenant, thread, key.as_ref()).await?;
        if let Some(border) = before {
            (last, at) = (Some(border), ForkPoint::Checkpoint(border));
            continue;
        }
        let place = Place { thread, at, workflow: workflow.as_ref() };
        last = Some(Box::pin(update_once(shared, tenant, place, updates, (key, &by))).await?);
        (at, replayed) = (ForkPoint::Thread(thread), false);
    }
    let Some(checkpoint) = last else {
        return Err(EngineError::Invalid {
            code: "empty_update",
            message: "an update writes something: name at least one super-step".into(),
            details: Vec::new(),
        });
    };
    drop(turn);
    begin_next(shared, tenant, thread).await;
    Ok(Made { checkpoint, replayed })
}

fn step_key(key: &Idempotency, number: usize) -> Idempotency {
    if number == 0 { key.clone() } else { key.part(&number.to_string()) }
}

/// Where an update is made; its thread is locked.
#[derive(Clone, Copy)]
struct Place<'a> {
    thread: ThreadId,
    at: ForkPoint,
    /// The workflow of a thread that has no run yet.
    workflow: Option<&'a WorkflowChoice>,
}

/// Writes one super-step; the border that it makes.
async fn update_once(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    Place { thread, at, workflow }: Place<'_>,
    updates: Vec<UpdateGiven>,
    (idempotency, by): (Option<Idempotency>, &str),
) -> Result<Checkpoint, EngineError> {
    let standing = at_rest(shared, tenant, thread, by).await?;
    let origins = match (origins(shared, tenant, &standing, at).await?, workflow) {
        (Some(origins), _) => origins,
        (None, Some(workflow)) => {
            let fresh = StartRun::of(workflow.clone(), by);
            let prepared = prepare(shared, tenant, &fresh).await?;
            let keep = Some(prepared.resolved);
            let (library, started) = (prepared.library, prepared.started);
            Origins { base: None, library, started, keep }
        }
        (None, None) => {
            return Err(EngineError::NotFound { kind: "thread", name: thread.to_string() });
        }
    };
    let nothing = Carried::default();
    let carried = origins.base.as_ref().map_or(&nothing, |base| &base.carried);
    let origin = Origin::Update(writers(carried, updates)?);
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, thread, origin, by);
    beginning.idempotency = idempotency;
    let run = begun(begin_with(shared, tenant, &standing, beginning).await?, id).run;
    Ok(last_border(shared, tenant, thread, run).await?.at)
}

/// The run that was begun, unless another request with the same key was first.
pub(super) fn begun(first: Option<Started>, id: RunId) -> Started {
    first.unwrap_or(Started { run: id, replayed: false })
}

/// The updates of one super-step, each with its node.
fn writers(carried: &Carried, updates: Vec<UpdateGiven>) -> Result<Vec<StateUpdate>, EngineError> {
    let mut given = Vec::new();
    for UpdateGiven { writes, as_node } in updates {
        let node = match as_node {
            UpdateAs::LastWriter => last_writer(carried)?,
            UpdateAs::Node(node) => Some(node),
            UpdateAs::Input => None,
            UpdateAs::End if writes.is_empty() => continue,
            UpdateAs::End => {
                return Err(EngineError::Invalid {
                    code: "end_writes",
                    message: "END writes nothing; name a node for these values".into(),
                    details: Vec::new(),
                });
            }
        };
        given.push(StateUpdate { node, writes });
    }
    Ok(given)
}

fn last_writer(carried: &Carried) -> Result<Option<NodeId>, EngineError> {
    let mut writers = carried.last_writers().to_vec();
    writers.sort();
    writers.dedup();
    match writers.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.clone())),
        several => Err(EngineError::Invalid {
            code: "ambiguous_update",
            message: "several nodes wrote last; specify as_node".into(),
            details: several.iter().map(NodeId::to_string).collect(),
        }),
    }
}

/// A thread whose turn it is.
pub(super) struct Turn {
    pub(super) thread: ThreadId,
    pub(super) turn: OwnedMutexGuard<()>,
    /// Given back with the turn: the next one waits for both.
    pub(super) place: Option<PlaceToBegin>,
}

/// Begins a run with what was to be done at a border. People are asked again.
pub(crate) async fn continue_from(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    request: ContinueFrom,
) -> Result<Started, EngineError> {
    let thread = thread_of(shared, tenant, request.at).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let place = shared.place_to_begin(tenant).await?;
    let turn = Turn { thread, turn, place: Some(place) };
    Box::pin(continue_with(shared, tenant, turn, request, Vec::new())).await
}

/// The same in the thread's turn, with what people had answered to the tasks that begin again.
pub(super) async fn continue_with(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    Turn { thread, turn, place }: Turn,
    request: ContinueFrom,
    kept_answers: Vec<KeptAnswer>,
) -> Result<Started, EngineError> {
    let ContinueFrom { at, answers, durability, steps, idempotency, by } = request;
    if let Some(run) = made_before(shared, tenant, idempotency.as_ref()).await? {
        return Ok(Started { run, replayed: true });
    }
    let standing = at_rest(shared, tenant, thread, &by).await?;
    let origins = origins(shared, tenant, &standing, at).await?;
    let origins = origins.ok_or_else(|| no_thread(thread))?;
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, thread, Origin::Continue, &by);
    beginning.started.answers = answers;
    beginning.started.kept_answers = kept_answers;
    beginning.started.durability = durability;
    beginning.started.steps = steps;
    beginning.idempotency = idempotency;
    quarantine::check(shared, tenant, &beginning.started).await?;
    trust::check(shared, tenant, &beginning.started).await?;
    let started = begun(begin_with(shared, tenant, &standing, beginning).await?, id);
    drop((turn, place));
    begin_next(shared, tenant, thread).await;
    Ok(started)
}

/// That a thread has no run from which anything could go on.
pub(super) fn no_thread(thread: ThreadId) -> EngineError {
    EngineError::NotFound { kind: "thread", name: thread.to_string() }
}
