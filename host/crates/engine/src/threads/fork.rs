//! Runs that begin at a border without input: somebody writes the state, goes on from there, or
//! copies it.

use std::sync::Arc;

use wforge_graph::{Carried, Library};
use wforge_model::event::{Origin, RunStarted, StateUpdate};
use wforge_model::{Checkpoint, NodeId, RunId, TenantId, ThreadId};

use super::history::only_waits;
use super::start::{begin_with, busy, end_head};
use super::{Base, Standing, begin_next, existing, last_border};
use crate::load::{beginning_of, carried_at, no_checkpoint};
use crate::prepare::prepare;
use crate::request::{EngineError, StartRun};
use crate::resolve::Resolved;
use crate::service::Shared;
use crate::start::Beginning;
use crate::thread_request::{ContinueFrom, ForkPoint, UpdateAs, UpdateGiven, UpdateState};

/// A place to begin at, and what a run is begun with there.
pub(crate) struct Origins {
    pub(crate) base: Option<Base>,
    pub(crate) library: Library,
    /// As of the run that made the border, or of a request.
    pub(crate) started: RunStarted,
    pub(crate) keep: Option<Resolved>,
}

impl Origins {
    /// What a new run is begun with here.
    pub(crate) fn beginning(self, id: RunId, thread: ThreadId, origin: Origin) -> Beginning {
        let started = RunStarted {
            thread: Some(thread),
            input: wforge_model::Object::new(),
            answers: std::collections::BTreeMap::new(),
            handles: None,
            base: self.base.as_ref().map(|base| base.at),
            origin,
            steps: None,
            routes: Vec::new(),
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
async fn thread_of(
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
) -> Result<Checkpoint, EngineError> {
    let UpdateState { mut at, workflow, steps, by } = request;
    let thread = thread_of(shared, tenant, at).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let mut made = None;
    for updates in steps {
        let standing = at_rest(shared, tenant, thread, &by).await?;
        let mut origins = match (origins(shared, tenant, &standing, at).await?, &workflow) {
            (Some(origins), _) => origins,
            (None, Some(workflow)) => {
                let fresh = StartRun::of(workflow.clone(), by.clone());
                let prepared = prepare(shared, tenant, &fresh).await?;
                let keep = Some(prepared.resolved);
                let (library, started) = (prepared.library, prepared.started);
                Origins { base: None, library, started, keep }
            }
            (None, None) => {
                return Err(EngineError::NotFound { kind: "thread", name: thread.to_string() });
            }
        };
        origins.started.by.clone_from(&by);
        let nothing = Carried::default();
        let carried = origins.base.as_ref().map_or(&nothing, |base| &base.carried);
        let origin = Origin::Update(writers(carried, updates)?);
        let id = standing.new_run_id(shared);
        let beginning = origins.beginning(id, thread, origin);
        begin_with(shared, tenant, &standing, beginning).await?;
        made = Some(id);
        at = ForkPoint::Thread(thread);
    }
    let Some(run) = made else {
        return Err(EngineError::Invalid {
            code: "empty_update",
            message: "an update writes something: name at least one super-step".into(),
            details: Vec::new(),
        });
    };
    let border = last_border(shared, tenant, thread, run).await?.at;
    drop(turn);
    begin_next(shared, tenant, thread).await;
    Ok(border)
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

/// Begins a run with what was to be done at a border.
pub(crate) async fn continue_from(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    request: ContinueFrom,
) -> Result<RunId, EngineError> {
    let thread = thread_of(shared, tenant, request.at).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let standing = at_rest(shared, tenant, thread, &request.by).await?;
    let origins = origins(shared, tenant, &standing, request.at).await?;
    let origins = origins
        .ok_or_else(|| EngineError::NotFound { kind: "thread", name: thread.to_string() })?;
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, thread, Origin::Continue);
    beginning.started.answers = request.answers;
    beginning.started.durability = request.durability;
    beginning.started.steps = request.steps;
    beginning.started.by = request.by;
    begin_with(shared, tenant, &standing, beginning).await?;
    drop(turn);
    begin_next(shared, tenant, thread).await;
    Ok(id)
}

/// Begins a thread with the state of another.
pub(crate) async fn copy(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    (from, to): (ThreadId, ThreadId),
    by: &str,
) -> Result<Checkpoint, EngineError> {
    let source =
        Standing { thread: from, stored: Some(existing(shared, tenant, from).await?), head: None };
    let _turn = shared.locks.lock(tenant, to).await;
    let standing = Standing::read(shared, tenant, to).await?;
    if standing.stored.is_some() {
        return Err(EngineError::Conflict {
            code: "thread_exists",
            message: format!("{to} exists; copy to a new thread"),
        });
    }
    let origins = origins(shared, tenant, &source, ForkPoint::Thread(from)).await?;
    let origins =
        origins.ok_or_else(|| EngineError::NotFound { kind: "thread", name: from.to_string() })?;
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, to, Origin::Copy);
    beginning.started.by = by.to_owned();
    begin_with(shared, tenant, &standing, beginning).await?;
    Ok(last_border(shared, tenant, to, id).await?.at)
}
