//! The engine as a service: goes on with the runs of the store, wakes sleepers, stops in order.

use std::sync::Arc;

use tokio::sync::{Mutex, RwLock, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info};
use wforge_graph::{Carried, Run};
use wforge_model::command::{Command, Fact};
use wforge_model::head::RunStatus;
use wforge_model::tenancy::{Tenant, TenantState};
use wforge_model::{Checkpoint, RunId, Seq, TenantId};
use wforge_ports::AgentTools;
use wforge_ports::store::Claim;

use crate::actor::{Actor, Message, stored};
use crate::breakers::Breakers;
use crate::door::{Door, PlaceToBegin};
use crate::handle::Handle;
use crate::ids::RunIds;
use crate::lists::Lists;
use crate::load::{Loaded, Since, load_run};
use crate::notes::Notes;
use crate::parts::{EngineOptions, EngineParts};
use crate::quarantine::{self, Quarantines};
use crate::registry::{Full, Place, Registry, Room};
use crate::request::EngineError;
use crate::retention;
use crate::schedules::{self, Schedules};
use crate::snapshots::save_if_due;
use crate::start::Begun;
use crate::stats::Stats;
use crate::steps::OpenStep;
use crate::sweep;
use crate::tenancy::{self, Directory, Ledger, Used};
use crate::threads::{Base, CarriedCache, ThreadLocks};
use crate::tools::EngineTools;
use crate::traces::{TraceOrigin, run_span};
use crate::trust::Trust;
use crate::webhooks::{self, Inbound, Webhooks};
use crate::workflows::WorkflowCache;

/// Live runs taken over at the start.
const CLAIMS_MAX: usize = 100_000;

/// What the service, the handles and the actors share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: EngineParts,
    pub(crate) options: EngineOptions,
    pub(crate) registry: Registry,
    pub(crate) stats: Stats,
    pub(crate) ids: RunIds,
    pub(crate) workflows: WorkflowCache,
    pub(crate) lists: Lists,
    pub(crate) locks: ThreadLocks,
    pub(crate) carried: CarriedCache,
    pub(crate) directory: Directory,
    pub(crate) ledger: Ledger,
    pub(crate) breakers: Breakers,
    pub(crate) door: Door,
    pub(crate) quarantines: Quarantines,
    pub(crate) notes: Arc<Notes>,
    pub(crate) trust: Trust,
    pub(crate) schedules: Schedules,
    pub(crate) webhooks: Webhooks,
    pub(crate) inbound: Inbound,
    /// Which grants were used.
    pub(crate) used: Used,
    /// Read by whoever brings in a component, until a row names it; written by an erasure, which
    /// removes those that no other tenant's row names.
    pub(crate) components: RwLock<()>,
    /// Held by whoever looks for blobs that nothing names: one at a time.
    pub(crate) sweeping: Mutex<()>,
    /// Held by whoever looks for runs that are due: one at a time.
    pub(crate) retiring: Mutex<()>,
    pub(crate) tracker: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Shared {
    /// Cancelled when the process stops, or when the tenant's runs shall stand still.
    pub(crate) fn stop_of(&self, tenant: &TenantId) -> CancellationToken {
        self.directory.stop_of(tenant, &self.shutdown)
    }

    /// A place among the runs that begin at once. To be asked for when nothing else is waited for
    /// any more, such as a thread's turn: those who wait there would take the places of all others.
    ///
    /// # Errors
    /// [`EngineError::Busy`]: none was free in time.
    pub(crate) async fn place_to_begin(
        &self,
        tenant: &TenantId,
    ) -> Result<PlaceToBegin, EngineError> {
        self.door.enter(tenant).await
    }

    /// Remembers the last border of a run that has ended, for the next of its thread.
    pub(crate) fn note_border(&self, tenant: &TenantId, run: &Run, since: Since) {
        let thread = run.started.as_ref().and_then(|started| started.thread);
        let stands = run.status.is_final() && run.tasks().is_empty();
        if let Some(thread) = thread.filter(|_| stands && run.status != RunStatus::RolledBack) {
            let at = Checkpoint { run: run.id, seq: run.border };
            let base = Base { at, carried: Carried::from(run), since };
            self.carried.put(tenant, thread, base, run.state_bytes());
        }
    }
}

/// The engine. [`Engine::run`] drives it; everything is asked of its [`Handle`].
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
}

impl Engine {
    /// An engine of these parts. It ends when `shutdown` is cancelled.
    #[must_use]
    pub fn new(parts: EngineParts, options: EngineOptions, shutdown: CancellationToken) -> Self {
        let breakers = Breakers::new(options.breaker.clone());
        let door = Door::new(options.runs_beginning_max, parts.clock.clone());
        let notes = Arc::new(Notes::new(options.refusals_noted_per_minute_max));
        parts.bus.lines.dated_by(&parts.clock);
        let shared = Shared {
            parts,
            options,
            breakers,
            door,
            quarantines: Quarantines::default(),
            notes,
            trust: Trust::default(),
            schedules: Schedules::default(),
            webhooks: Webhooks::default(),
            inbound: Inbound::default(),
            registry: Registry::default(),
            stats: Stats::default(),
            ids: RunIds::default(),
            workflows: WorkflowCache::default(),
            lists: Lists::default(),
            locks: ThreadLocks::default(),
            carried: CarriedCache::default(),
            directory: Directory::default(),
            ledger: Ledger::default(),
            used: Used::default(),
            components: RwLock::default(),
            sweeping: Mutex::default(),
            retiring: Mutex::default(),
            tracker: TaskTracker::new(),
            shutdown,
        };
        Self { shared: Arc::new(shared) }
    }

    /// From now on the meter holds tokens to the quotas of this engine's tenants.
    pub fn meters(&self, tokens: &tenancy::TenantTokens) {
        tokens.of(self.shared.clone());
    }

    /// From now on what effects may still do is as this engine's grants stand.
    pub fn grants(&self, grants: &tenancy::LiveGrants) {
        grants.of(self.shared.clone());
    }

    /// What the world sees of it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle::new(self.shared.clone())
    }

    /// The agents of its runs as tools, for whoever performs host calls.
    #[must_use]
    pub fn agent_tools(&self) -> Arc<dyn AgentTools> {
        Arc::new(EngineTools::new(&self.shared))
    }

    /// Takes over the live runs, then wakes sleepers until the shutdown; returns when every actor
    /// and every call has ended.
    pub async fn run(self) {
        if let Err(error) = Directory::load(&self.shared).await {
            error!(%error, "the tenants cannot be read");
        }
        if self.shared.options.claims {
            tenancy::go_on_erasing(&self.shared).await;
            webhooks::at_work(&self.shared);
            claim_of(&self.shared, None).await;
            sweep::at_intervals(&self.shared);
            retention::at_intervals(&self.shared);
            schedules::at_their_times(&self.shared);
        }
        while !self.shared.shutdown.is_cancelled() {
            let wake = async {
                match self.shared.registry.next_wake() {
                    Some(at) => self.shared.parts.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.shared.shutdown.cancelled() => break,
                () = self.shared.registry.changed.notified() => {}
                () = wake => wake_due(&self.shared).await,
            }
        }
        self.shared.tracker.close();
        self.shared.tracker.wait().await;
        tenancy::flush(&self.shared).await;
        tenancy::flush_used(&self.shared).await;
    }
}

/// Goes on with the live runs of one tenant, or of all that are not suspended.
pub(crate) async fn claim_of(shared: &Arc<Shared>, tenant: Option<&TenantId>) {
    let claims = match shared.parts.driver.claim(CLAIMS_MAX).await {
        Ok(claims) => claims,
        Err(error) => return error!(error = %error, "the live runs cannot be read"),
    };
    let now = shared.parts.clock.now();
    let is_meant = |claim: &Claim| {
        tenant.is_none_or(|tenant| claim.tenant == *tenant)
            && shared.directory.is_open(&claim.tenant)
    };
    let claims: Vec<Claim> = claims.into_iter().filter(is_meant).collect();
    info!(runs = claims.len(), "going on with live runs");
    for claim in claims {
        match claim.wake_at.filter(|at| *at > now) {
            Some(at) => shared.registry.sleep(claim.tenant, claim.run, at),
            None => wake_run(shared, &claim.tenant, claim.run).await,
        }
    }
}

async fn wake_due(shared: &Arc<Shared>) {
    for (tenant, run) in shared.registry.take_due(shared.parts.clock.now()) {
        // The runs of a suspended tenant are claimed when it is resumed.
        if shared.directory.is_open(&tenant) {
            wake_run(shared, &tenant, run).await;
        }
    }
}

/// Where there is no room for it, the run is looked at again in a moment.
async fn wake_run(shared: &Arc<Shared>, tenant: &TenantId, run: RunId) {
    match send(shared, tenant, run, Message::of(Fact::Loaded)).await {
        Ok(()) => {}
        Err(EngineError::Busy { retry_after_ms, .. }) => {
            let now = shared.parts.clock.now();
            shared.registry.sleep(tenant.clone(), run, now.after_ms(retry_after_ms));
        }
        Err(error) => error!(%run, error = %error, "a run cannot go on"),
    }
}

/// Goes on with a run of a queue whose turn came while an actor still had it as queued: whoever
/// began it found its place taken, and left it to that one.
pub(crate) async fn wake_begun(shared: &Arc<Shared>, tenant: &TenantId, run: RunId) {
    if shared.shutdown.is_cancelled() {
        return;
    }
    match shared.parts.store.head(tenant, run).await {
        Ok(Some(head)) if head.status != RunStatus::Queued && !head.status.is_final() => {
            wake_run(shared, tenant, run).await;
        }
        Ok(_) => {}
        Err(error) => error!(%run, error = %error, "a run of a queue cannot go on"),
    }
}

/// Hands a fact to a run, which is loaded where it is not in memory.
pub(crate) async fn send(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    run: RunId,
    message: Message,
) -> Result<(), EngineError> {
    let mut message = message;
    loop {
        if let Some(inbox) = shared.registry.inbox(tenant, run) {
            match inbox.send(message).await {
                Ok(()) => return Ok(()),
                // The actor left in this moment; load the run again.
                Err(returned) => message = returned.0,
            }
            continue;
        }
        let loaded = load_run(shared, tenant, run).await?;
        if loaded.run.status.is_final() && !still_takes(&loaded.run, &message.fact) {
            return Err(ended(&loaded.run));
        }
        enter(shared, tenant, loaded, Vec::new())?;
    }
}

/// A run that failed can be taken up again, and may have its failure still to be handled.
fn still_takes(run: &Run, fact: &Fact) -> bool {
    run.owes_failure_handling()
        || run.status == RunStatus::Failed && matches!(fact, Fact::Revive { .. })
}

pub(crate) fn ended(run: &Run) -> EngineError {
    EngineError::Conflict {
        code: "run_ended",
        message: format!("{} has ended: {}", run.id, run.status.as_str()),
    }
}

/// Hands a fact to a run and waits until it is durable.
pub(crate) async fn tell(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    run: RunId,
    fact: Fact,
) -> Result<(), EngineError> {
    loop {
        let (done, durable) = oneshot::channel();
        let message = Message { done: Some(done), ..Message::of(fact.clone()) };
        send(shared, tenant, run, message).await?;
        match durable.await {
            Ok(Err(EngineError::Busy { .. })) | Err(_) => {
                // The run was put to sleep in this moment, or its actor was: once more. A process
                // that stops answers here.
                if shared.shutdown.is_cancelled() {
                    return Err(EngineError::Host("the engine is stopping".into()));
                }
            }
            Ok(result) => return result,
        }
    }
}

/// Tells of a run that has begun, and drives it where it goes on.
pub(crate) async fn launch(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    begun: Begun,
    before: Seq,
) -> Result<(), EngineError> {
    let Begun { run, mut since, events, commands } = begun;
    shared.stats.count(&events, run.degraded);
    OpenStep::default().follow(&shared.stats, run.started_at, &events);
    shared.parts.bus.publish(tenant, run.id, stored(before, events));
    if let Some(thread) = run.started.as_ref().and_then(|started| started.thread) {
        shared.parts.bus.has_begun(tenant, thread);
    }
    if run.status == RunStatus::Running || run.owes_failure_handling() {
        let id = run.id;
        return match enter(shared, tenant, Loaded { run, since }, commands) {
            // It has begun durably: what is to be done is found again when it is loaded.
            Err(EngineError::Busy { retry_after_ms, .. }) => {
                let now = shared.parts.clock.now();
                shared.registry.sleep(tenant.clone(), id, now.after_ms(retry_after_ms));
                Ok(())
            }
            entered => entered,
        };
    }
    save_if_due(shared, tenant, &run, &mut since).await;
    shared.note_border(tenant, &run, since);
    Ok(())
}

/// Does that on the engine's threads, to its end. A run begins with all of its first steps that
/// wait for nobody, which may be many: nothing for the threads of whoever asks.
///
/// # Errors
/// Those of the work; a panic in it is the host's own failure.
pub(crate) async fn on_the_lane<T: Send + 'static>(
    shared: &Shared,
    work: impl Future<Output = Result<T, EngineError>> + Send + 'static,
) -> Result<T, EngineError> {
    let task = shared.tracker.spawn_on(TraceOrigin::carried(work), &shared.parts.lanes.engine);
    task.await.map_err(|error| EngineError::Host(Box::new(error)))?
}

/// Puts a loaded run into memory and drives it. Where somebody else did so first, theirs goes on.
pub(crate) fn enter(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    loaded: Loaded,
    first: Vec<Command>,
) -> Result<(), EngineError> {
    // Before it is asked whether the tenant stands still: whoever has it stand still says so first
    // and cancels this afterwards.
    let stop = shared.stop_of(tenant);
    if let Some(thread) = loaded.run.started.as_ref().and_then(|started| started.thread) {
        shared.carried.forget(tenant, thread, loaded.run.id);
    }
    let (sender, inbox) = mpsc::channel(shared.options.inbox_max);
    let (run, room) = (loaded.run.id, room_of(shared, tenant));
    match shared.registry.enter(tenant, run, sender.clone(), room) {
        Place::Taken => Ok(()),
        Place::Full(full) => Err(too_many_live(full, room)),
        Place::Ours => {
            if let Err(closed) = check_open(shared, tenant) {
                shared.registry.leave(tenant, run, None);
                return Err(closed);
            }
            let span = run_span(shared.parts.traces, tenant, run);
            // The first fact keeps an actor whose run waits from leaving before it is told why it
            // was woken.
            let _ = sender.try_send(Message::of(Fact::Time));
            for released in quarantine::released(shared, tenant, &loaded.run) {
                let _ = sender.try_send(Message::of(released));
            }
            let actor = Actor::new((shared.clone(), stop), tenant.clone(), loaded, (sender, inbox));
            let drive = actor.drive(first).instrument(span);
            shared.tracker.spawn_on(drive, &shared.parts.lanes.engine);
            Ok(())
        }
    }
}

/// That nothing goes on for a tenant.
fn standing_still(tenant: &Tenant) -> EngineError {
    let code = match tenant.state {
        TenantState::Active | TenantState::Suspended => "tenant_suspended",
        TenantState::Erasing | TenantState::Erased => "tenant_erased",
    };
    let message = format!("the tenant {} is {}", tenant.id, tenant.state.as_str());
    EngineError::Conflict { code, message }
}

/// Lets something begin for a tenant, unless it is suspended or erased. One that nobody made has
/// nothing that could not.
pub(crate) fn check_open(shared: &Shared, id: &TenantId) -> Result<(), EngineError> {
    match shared.directory.tenant(id) {
        Some(tenant) if tenant.state != TenantState::Active => Err(standing_still(&tenant)),
        Some(_) | None => Ok(()),
    }
}

/// How many runs may be in memory.
pub(crate) fn room_of(shared: &Shared, tenant: &TenantId) -> Room {
    let of_tenant = tenancy::quotas(shared, tenant).runs_live_max;
    Room {
        of_tenant: usize::try_from(of_tenant).unwrap_or(usize::MAX),
        of_all: shared.options.runs_live_max,
    }
}

/// That no further run fits into memory.
pub(crate) fn too_many_live(full: Full, room: Room) -> EngineError {
    let message = match full {
        Full::Tenant => format!("{} runs of the tenant are live: runs_live_max", room.of_tenant),
        Full::All => format!("{} runs are live, as many as runs.live_max allows", room.of_all),
    };
    EngineError::Busy { message, retry_after_ms: 1_000 }
}
