//! Loading a run: what it starts from, its newest snapshot if there is one, and the events after.
//!
//! A run that goes on from a checkpoint of another is folded after that one, and that one after the
//! one before it, back to the nearest snapshot.

use std::sync::Arc;

use wforge_graph::{Carried, Library, Run, Workflow, apply, event_bytes};
use wforge_model::event::{EventKind, RunEvent, RunStarted, StoredEvent};
use wforge_model::limits::RunLimits;
use wforge_model::{Checkpoint, RunId, Seq, TenantId};
use wforge_ports::store::ReadError;

use crate::request::EngineError;
use crate::service::Shared;
use crate::workflows;

/// Events read at once.
const PAGE: usize = 512;

impl From<ReadError> for EngineError {
    fn from(error: ReadError) -> Self {
        Self::Host(Box::new(error))
    }
}

/// What was done since the newest snapshot, over all runs in between: a snapshot is worth its room
/// once the log that it spares is as long as itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Since {
    pub(crate) steps: u32,
    pub(crate) bytes: u64,
}

impl Since {
    /// Counts an event.
    pub(crate) fn count(&mut self, event: &RunEvent) {
        self.bytes = self.bytes.saturating_add(event_bytes(event));
        if matches!(event.kind, EventKind::StepCommitted { .. } | EventKind::RunStarted(_)) {
            self.steps = self.steps.saturating_add(1);
        }
    }
}

/// A folded run.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) run: Run,
    pub(crate) since: Since,
}

/// The run as its log has it.
pub(crate) async fn load_run(
    shared: &Shared,
    tenant: &TenantId,
    id: RunId,
) -> Result<Loaded, EngineError> {
    fold(shared, tenant, Fold { run: id, until: None, exactly: true }).await
}

pub(crate) fn no_checkpoint(at: Checkpoint) -> EngineError {
    EngineError::NotFound { kind: "checkpoint", name: at.to_string() }
}

/// What a run takes over that goes on from a checkpoint.
pub(crate) async fn carried_at(
    shared: &Shared,
    tenant: &TenantId,
    at: Checkpoint,
) -> Result<(Carried, Since), EngineError> {
    let fold_to = Fold { run: at.run, until: Some(at.seq), exactly: false };
    let loaded = fold(shared, tenant, fold_to).await?;
    if loaded.run.border != at.seq {
        return Err(no_checkpoint(at));
    }
    Ok((Carried::from(&loaded.run), loaded.since))
}

/// A run before its first event; what it starts from is not carried over yet.
pub(crate) async fn unfolded(
    shared: &Shared,
    tenant: &TenantId,
    id: RunId,
) -> Result<Run, EngineError> {
    Ok(Run::new(id, beginning_of(shared, tenant, id).await?.1))
}

/// What a run was started with, and its workflows.
pub(crate) async fn beginning_of(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
) -> Result<(RunStarted, Library), EngineError> {
    let first = shared.parts.store.events(tenant, run, Seq(0), 2).await?;
    let mut starts = first.iter().filter_map(|stored| start_of(&stored.event.kind));
    let Some(started) = starts.next_back().cloned() else {
        return Err(EngineError::NotFound { kind: "run", name: run.to_string() });
    };
    let library = library(shared, tenant, &started).await?;
    Ok((started, library))
}

/// Folds a run from its first event, and shows it after each.
pub(crate) async fn replay(
    shared: &Shared,
    tenant: &TenantId,
    id: RunId,
    mut visit: impl FnMut(&Run, &StoredEvent) + Send,
) -> Result<(), EngineError> {
    let opening = open(shared, tenant, Fold { run: id, until: None, exactly: true }).await?;
    let mut run = Run::new(id, opening.library);
    if let Some(base) = opening.base {
        run = run.with_carried(carried_at(shared, tenant, base).await?.0);
    }
    let mut page = opening.page;
    loop {
        for stored in &page {
            apply(&mut run, &stored.event);
            visit(&run, stored);
        }
        if page.len() < PAGE {
            return Ok(());
        }
        page = shared.parts.store.events(tenant, id, run.seq, PAGE).await?;
    }
}

/// How far a run is folded.
#[derive(Debug, Clone, Copy)]
struct Fold {
    run: RunId,
    /// So many events; none: all of them.
    until: Option<Seq>,
    /// Whether no event after those may count, even where it changes nothing of what is carried.
    exactly: bool,
}

/// A run whose log is read from its beginning.
struct Opening {
    fold: Fold,
    library: Library,
    page: Vec<StoredEvent>,
    base: Option<Checkpoint>,
}

async fn fold(shared: &Shared, tenant: &TenantId, fold: Fold) -> Result<Loaded, EngineError> {
    let mut openings = Vec::new();
    let mut next = fold;
    let mut loaded = loop {
        if let Some(run) = from_snapshot(shared, tenant, next).await? {
            let mut loaded = Loaded { run, since: Since::default() };
            read_on(shared, tenant, next, &mut loaded).await?;
            break Some(loaded);
        }
        let opening = open(shared, tenant, next).await?;
        let base = opening.base;
        openings.push(opening);
        let Some(base) = base else { break None };
        next = Fold { run: base.run, until: Some(base.seq), exactly: false };
    };
    while let Some(opening) = openings.pop() {
        let carried = loaded.take().map(|before| (Carried::from(&before.run), before.since));
        loaded = Some(opening.fold(shared, tenant, carried).await?);
    }
    loaded.ok_or_else(|| EngineError::NotFound { kind: "run", name: fold.run.to_string() })
}

impl Opening {
    async fn fold(
        self,
        shared: &Shared,
        tenant: &TenantId,
        carried: Option<(Carried, Since)>,
    ) -> Result<Loaded, EngineError> {
        let (carried, since) = carried.unzip();
        let mut run = Run::new(self.fold.run, self.library);
        if let Some(carried) = carried {
            run = run.with_carried(carried);
        }
        let mut loaded = Loaded { run, since: since.unwrap_or_default() };
        let is_whole = self.page.len() < PAGE;
        loaded.apply(self.page, self.fold.until);
        if !is_whole {
            read_on(shared, tenant, self.fold, &mut loaded).await?;
        }
        Ok(loaded)
    }
}

impl Loaded {
    fn apply(&mut self, events: Vec<StoredEvent>, until: Option<Seq>) {
        for stored in events {
            if until.is_some_and(|until| stored.seq > until) {
                return;
            }
            self.since.count(&stored.event);
            apply(&mut self.run, &stored.event);
        }
    }
}

async fn read_on(
    shared: &Shared,
    tenant: &TenantId,
    fold: Fold,
    loaded: &mut Loaded,
) -> Result<(), EngineError> {
    loop {
        if fold.until.is_some_and(|until| loaded.run.seq >= until) {
            return Ok(());
        }
        let events = shared.parts.store.events(tenant, fold.run, loaded.run.seq, PAGE).await?;
        let is_last = events.len() < PAGE;
        loaded.apply(events, fold.until);
        if is_last {
            return Ok(());
        }
    }
}

async fn from_snapshot(
    shared: &Shared,
    tenant: &TenantId,
    fold: Fold,
) -> Result<Option<Run>, EngineError> {
    let Some(snapshot) = shared.parts.store.snapshot(tenant, fold.run).await? else {
        return Ok(None);
    };
    // A snapshot of an older form is as good as none: the log has everything.
    let Ok(run) = serde_json::from_slice::<Run>(&snapshot.state) else {
        return Ok(None);
    };
    // What is carried over from a run that has stood at a border since is the same.
    let stands_there = !fold.exactly && run.tasks().is_empty();
    let fits =
        fold.until.is_none_or(|until| run.seq <= until || (stands_there && run.border == until));
    let (true, Some(started)) = (fits, run.started.clone()) else {
        return Ok(None);
    };
    let library = library(shared, tenant, &started).await?;
    Ok(Some(run.with_library(library)))
}

/// The beginning of a run's log, and the workflows that it takes to fold it.
async fn open(shared: &Shared, tenant: &TenantId, fold: Fold) -> Result<Opening, EngineError> {
    let page = shared.parts.store.events(tenant, fold.run, Seq(0), PAGE).await?;
    // A run that was queued says twice what it is started with; the second time is complete.
    let mut starts = page.iter().take(2).filter_map(|stored| start_of(&stored.event.kind));
    let Some(started) = starts.next_back() else {
        return Err(EngineError::NotFound { kind: "run", name: fold.run.to_string() });
    };
    let library = library(shared, tenant, started).await?;
    let base = started.base;
    Ok(Opening { fold, library, page, base })
}

/// What a run is started with, or will be.
fn start_of(event: &EventKind) -> Option<&RunStarted> {
    if let EventKind::RunQueued(queued) = event {
        return Some(&queued.start);
    }
    if let EventKind::RunStarted(started) = event { Some(started) } else { None }
}

/// A workflow with the limits that a run was started with, whatever the host allows now.
pub(crate) fn within(workflow: Arc<Workflow>, limits: Option<&RunLimits>) -> Arc<Workflow> {
    match limits.filter(|limits| **limits != workflow.limits) {
        Some(limits) => Arc::new(Workflow::clone(&workflow).with_limits(limits.clone())),
        None => workflow,
    }
}

/// The workflow of a run and those that are parts of it.
pub(crate) async fn library(
    shared: &Shared,
    tenant: &TenantId,
    started: &RunStarted,
) -> Result<Library, EngineError> {
    let root = workflows::by_digest(shared, tenant, started.digest).await?.workflow;
    let mut library = Library::of(within(root, started.limits.as_ref()));
    for (digest, pinned) in &started.subgraphs {
        let part = workflows::by_digest(shared, tenant, *digest).await?.workflow;
        library.parts.insert(*digest, within(part, pinned.limits.as_ref()));
    }
    Ok(library)
}
