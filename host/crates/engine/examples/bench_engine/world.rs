//! An engine on a store in memory, whose agents are all mocks: what a super-step costs by itself.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use wforge_engine::{Engine, EngineOptions, EngineParts, FixedGrants, Handle, Lanes, RunBus};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::{Digest, RunId, Seq, TenantId, Timestamp};
use wforge_ports::effects::{EffectSession, Effects, EffectsError, TaskContext};
use wforge_ports::plugins::{AdmissionError, Admitted, Gate, PluginAdmission};
use wforge_ports::runtime::{AgentRuntime, RuntimeError, RuntimeFigures};
use wforge_ports::{BoxFuture, Entropy, Store as _};
use wforge_spec::Cel;
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{SimClock, SimEntropy};

use crate::Measured;

/// An engine under measurement.
pub(crate) struct World {
    pub(crate) handle: Handle,
    store: Arc<MemoryStore>,
}

impl World {
    pub(crate) fn new() -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
        let store = Arc::new(MemoryStore::new(StoreParts { entropy: entropy.clone() }));
        let options = EngineOptions::default();
        let threads = tokio::runtime::Handle::current();
        let parts = EngineParts {
            store: store.clone(),
            driver: store.clone(),
            runtime: Arc::new(Nobody),
            effects: Arc::new(Nobody),
            admission: Arc::new(Nobody),
            expressions: Arc::new(Cel::default()),
            grants: Arc::new(FixedGrants::default()),
            posts: Arc::new(wforge_ports::NoPosts),
            clock: Arc::new(SimClock::at(Timestamp(1_800_000_000_000))),
            entropy,
            bus: Arc::new(RunBus::new(options.subscriber_lag_max)),
            call_log: None,
            failpoints: None,
            digest: |draft| wforge_spec::digest(draft).map_err(Into::into),
            traces: wforge_engine::TraceHooks::default(),
            lanes: Lanes { engine: threads.clone(), plugins: threads },
        };
        let engine = Engine::new(parts, options, CancellationToken::new());
        let handle = engine.handle();
        tokio_util::task::TaskTracker::new().spawn(engine.run());
        Self { handle, store }
    }

    /// The bytes of the logs and snapshots of these runs.
    pub(crate) async fn stored_bytes(&self, tenant: &TenantId, runs: &[RunId]) -> Measured<usize> {
        let mut bytes = 0;
        for run in runs {
            let events = self.store.events(tenant, *run, Seq(0), usize::MAX).await?;
            bytes += serde_json::to_vec(&events)?.len();
            let snapshot = self.store.snapshot(tenant, *run).await?;
            bytes += snapshot.map_or(0, |snapshot| snapshot.state.len());
        }
        Ok(bytes)
    }
}

/// Ports behind which nobody stands: every agent is a mock.
#[derive(Debug)]
struct Nobody;

impl AgentRuntime for Nobody {
    fn call<'a>(
        &'a self,
        _call: &'a AgentCall,
        _effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>> {
        futures::future::ready(Err(RuntimeError::Host("nobody serves agents here".into()))).boxed()
    }

    fn prepare<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn cpu_ms(&self, _tenant: &TenantId) -> u64 {
        0
    }

    fn figures(&self) -> RuntimeFigures {
        RuntimeFigures::default()
    }
}

impl Effects for Nobody {
    fn open<'a>(
        &'a self,
        _task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        futures::future::ready(Err(EffectsError::Unavailable("no effects here".into()))).boxed()
    }

    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        self.open(task)
    }

    fn redacted(
        &self,
        _tenant: &wforge_model::TenantId,
        execution: wforge_model::agent::Execution,
    ) -> wforge_model::agent::Execution {
        execution
    }

    fn forget_tenant(&self, _tenant: &TenantId) {}
}

impl PluginAdmission for Nobody {
    fn admit<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _bytes: Vec<u8>,
        _gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>> {
        futures::future::pending().boxed()
    }

    fn forget(&self, _component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>> {
        Box::pin(async { Ok(()) })
    }
}
