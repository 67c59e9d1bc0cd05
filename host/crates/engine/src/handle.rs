//! What the world sees of the engine: a cheap clone, one method for each thing that can be asked.

use std::sync::Arc;

use futures::stream::BoxStream;
use wforge_model::command::Fact;
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{RunId, Seq, TenantId, Value};
use wforge_ports::figures::Kept;

use crate::chunks::Streamed;
use crate::door::PlaceToBegin;
use crate::notes::What;
use crate::request::{EngineError, RunMessage, RunView, StartRun, Started, StreamRequest, WaitFor};
use crate::service::{Shared, launch, on_the_lane, tell};
use crate::start::Start;
use crate::stats::EngineFigures;
use crate::traces::TraceHooks;
use crate::{cache, chunks, load, start, subscribe, tenancy, views};

mod brakes;
mod catalog;
mod grants;
mod inbound;
mod inbox;
mod kv;
mod people;
mod replay;
mod runs;
mod schedules;
mod secrets;
mod steering;
mod tenants;
mod threads;
mod trust;
mod webhooks;

pub use runs::LinesWanted;
pub use schedules::ScheduleView;

pub use inbox::Assign;
pub use kv::KvPut;

/// A handle on the engine.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Starts a run. It is durable on return; the same idempotency key gives the same run.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the request is wrong; nothing is left behind then.
    pub async fn start(
        &self,
        tenant: &TenantId,
        request: StartRun,
    ) -> Result<Started, EngineError> {
        Ok(self.start_held(tenant, request).await?.0)
    }

    /// The same, with the place that the run had, for whoever has still to answer a client: to be
    /// held until then, but not while anything is waited for that others do. A run on a thread
    /// has given its own back: it may have waited for the thread's turn.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] where the request is wrong; nothing is left behind then.
    pub async fn start_held(
        &self,
        tenant: &TenantId,
        request: StartRun,
    ) -> Result<(Started, Option<PlaceToBegin>), EngineError> {
        if let Some(key) = &request.idempotency
            && let Some(before) = start::replied(&self.shared, tenant, key).await?
        {
            return Ok((before, None));
        }
        let admission = tenancy::admit_run(&self.shared, tenant).await?;
        let place = match request.thread {
            None => Some(self.shared.place_to_begin(tenant).await?),
            Some(_) => None,
        };
        let (engine, of, held) = (self.clone(), tenant.clone(), place.clone());
        let begin = async move {
            let _held = held;
            engine.begin(&of, request).await
        };
        let started = on_the_lane(&self.shared, begin).await?;
        if !started.replayed {
            admission.used().await;
        }
        Ok((started, place))
    }

    /// Whether no run of that tenant would be let in now, so that nothing need be read of a request
    /// for one.
    ///
    /// # Errors
    /// [`EngineError::Busy`]: more runs begin than the machine can do.
    pub fn check_busy(&self, tenant: &TenantId) -> Result<(), EngineError> {
        self.shared.door.check(tenant)
    }

    async fn begin(&self, tenant: &TenantId, request: StartRun) -> Result<Started, EngineError> {
        if let Some(thread) = request.thread {
            return Box::pin(crate::threads::start(&self.shared, tenant, thread, request)).await;
        }
        let begun = match Box::pin(start::start(&self.shared, tenant, request)).await? {
            Start::Begun(begun) => *begun,
            Start::Replied(started) => return Ok(started),
        };
        let run = begun.run.id;
        launch(&self.shared, tenant, begun, Seq(0)).await?;
        Ok(Started { run, replayed: false })
    }

    /// Waits until a run has ended, is blocked, or waits for a person.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn wait(
        &self,
        tenant: &TenantId,
        run: RunId,
        wait: WaitFor,
    ) -> Result<RunHead, EngineError> {
        subscribe::wait(&self.shared, tenant, run, wait).await
    }

    /// The row of a run.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn head(&self, tenant: &TenantId, run: RunId) -> Result<RunHead, EngineError> {
        subscribe::head(&self.shared, tenant, run).await
    }

    /// Rows of runs older than `before`, newest first.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn heads(
        &self,
        tenant: &TenantId,
        before: Option<RunId>,
        limit: usize,
    ) -> Result<Vec<RunHead>, EngineError> {
        Ok(self.shared.parts.store.heads(tenant, before, limit).await?)
    }

    /// A run with its tasks and questions.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn view(&self, tenant: &TenantId, run: RunId) -> Result<RunView, EngineError> {
        self.view_of(self.head(tenant, run).await?).await
    }

    /// The same of a run whose row was read.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn view_of(&self, head: RunHead) -> Result<RunView, EngineError> {
        views::view(&self.shared, head).await
    }

    /// At most `limit` durable events of a run after `after`.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn events(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<StoredEvent>, EngineError> {
        Ok(self.shared.parts.store.events(tenant, run, after, limit).await?)
    }

    /// The events of a run after `after`, then whatever comes; ends with the run.
    #[must_use]
    pub fn subscribe(
        &self,
        tenant: &TenantId,
        run: RunId,
        after: Seq,
    ) -> BoxStream<'static, Result<RunMessage, EngineError>> {
        subscribe::subscribe(self.shared.clone(), tenant.clone(), run, after)
    }

    /// The chunks of a run in some modes, then whatever comes; ends with the run. A chunk that
    /// follows from a durable event has its sequence.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn stream(
        &self,
        tenant: &TenantId,
        run: RunId,
        request: StreamRequest,
    ) -> Result<BoxStream<'static, Result<Streamed, EngineError>>, EngineError> {
        chunks::chunks(self.shared.clone(), tenant.clone(), run, request).await
    }

    /// The state of a run after its last committed super-step, by key.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's run too.
    pub async fn state(&self, tenant: &TenantId, run: RunId) -> Result<Value, EngineError> {
        let loaded = load::load_run(&self.shared, tenant, run).await?;
        let state = loaded.run.persisted_state();
        serde_json::to_value(&state).map_err(|error| EngineError::Host(Box::new(error)))
    }

    /// Forgets every result that nodes of the tenant keep in their caches, and says how many.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn clear_cache(&self, tenant: &TenantId) -> Result<u64, EngineError> {
        cache::clear(&self.shared, tenant).await
    }

    /// Who keeps traces.
    #[must_use]
    pub fn traces(&self) -> TraceHooks {
        self.shared.parts.traces
    }

    /// Counters and figures.
    #[must_use]
    pub fn figures(&self) -> EngineFigures {
        let (breakers_open, circuit_refusals) = self.shared.breakers.figures();
        let (stopped, refusals_not_noted) = self.shared.notes.figures();
        let named =
            |((what, code), count): ((What, &'static str), u64)| (what.as_str(), code, count);
        EngineFigures {
            breakers_open,
            circuit_refusals,
            stopped: stopped.into_iter().map(named).collect(),
            refusals_not_noted,
            quarantines: self.shared.quarantines.count(),
            webhooks: self.shared.webhooks.figures(),
            runs_live: self.shared.registry.live() as u64,
            schedules: self.shared.schedules.count(),
            runs_asleep: self.shared.registry.asleep() as u64,
            runs_live_max: self.shared.options.runs_live_max as u64,
            runs_beginning: self.shared.door.len() as u64,
            runs_refused: self.shared.door.refused(),
            kept: kept(&self.shared),
            egress: self.shared.parts.effects.figures(),
            store: self.shared.parts.store.figures(),
            runtime: self.shared.parts.runtime.figures(),
            ..self.shared.stats.read()
        }
    }

    /// Hands a fact to a run and waits until it is durable.
    pub(crate) async fn tell(
        &self,
        tenant: &TenantId,
        run: RunId,
        fact: Fact,
    ) -> Result<(), EngineError> {
        tell(&self.shared, tenant, run, fact).await
    }
}

/// What is kept in memory beside the runs that are live.
fn kept(shared: &Shared) -> Vec<Kept> {
    let mut kept = vec![
        shared.workflows.kept(),
        shared.lists.kept(),
        shared.carried.kept(),
        shared.locks.kept(),
        shared.breakers.kept(),
        shared.notes.kept(),
        shared.used.kept(),
    ];
    kept.extend(shared.parts.bus.kept());
    kept.extend(shared.parts.effects.kept());
    kept
}
