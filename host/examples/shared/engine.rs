//! The engine over sled as `wforge` composes it, for the programs that measure it.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wforge_effects::{BlobLimits, Blobs, EffectsParts, KvLimits, RecordedEffects, Secrets, World};
use wforge_engine::{
    Engine, EngineOptions, EngineParts, FixedGrants, Handle, Lanes, RunBus, StartRun, WaitFor,
    WorkflowChoice,
};
use wforge_model::head::RunStatus;
use wforge_model::limits::SandboxLimits;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, Object, TenantId};
use wforge_ports::{AgentRuntime, BoxError, Clock, Effects, Entropy, PluginAdmission, Store};
use wforge_runtime::{RuntimeOptions, RuntimeParts, SandboxRuntime};
use wforge_spec::Cel;
use wforge_store::{SledOptions, SledStore};

/// What every composition has.
pub(crate) struct Base {
    pub(crate) sled: Arc<SledStore>,
    pub(crate) sandbox: Arc<SandboxRuntime>,
    bus: Arc<RunBus>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    lanes: Lanes,
}

/// The parts that a program may wrap.
pub(crate) struct Layers {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<dyn AgentRuntime>,
    pub(crate) admission: Arc<dyn PluginAdmission>,
    pub(crate) effects: Arc<dyn Effects>,
}

/// A running engine with one plugin installed.
pub(crate) struct Running {
    handle: Handle,
    store: Arc<dyn Store>,
    tenant: TenantId,
    shutdown: CancellationToken,
    service: tokio::task::JoinHandle<()>,
}

impl Base {
    pub(crate) fn open(
        folder: &Path,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        lanes: Lanes,
    ) -> Result<Self> {
        let options = SledOptions { clock: Some(clock.clone()), ..SledOptions::default() };
        let sled = Arc::new(SledStore::open(&folder.join("store"), options, entropy.clone())?);
        let parts =
            RuntimeParts { clock: clock.clone(), host_key: [7; 32], policy: None, compiler: None };
        let sandbox = SandboxRuntime::open(RuntimeOptions::at(folder.join("sandbox")), parts)?;
        let bus = Arc::new(RunBus::new(EngineOptions::default().subscriber_lag_max));
        Ok(Self { sled, sandbox: Arc::new(sandbox), bus, clock, entropy, lanes })
    }

    /// Effects as they are everywhere: recorded.
    pub(crate) fn recorded(&self, world: Arc<dyn World>) -> Arc<dyn Effects> {
        Arc::new(RecordedEffects::new(EffectsParts {
            secrets: Secrets::new(self.sled.clone()),
            store: self.sled.clone(),
            clock: self.clock.clone(),
            output: self.bus.clone(),
            host_key: [9; 32],
            limits: Arc::new(SandboxLimits::default()),
            world,
            tools: Arc::default(),
            grants: Arc::new(wforge_ports::grants::Unrevoked),
            threads: self.lanes.engine.clone(),
            flights: TaskTracker::new(),
            failpoints: None,
            at_once_max: 64,
            kv: KvLimits::default(),
            blobs: Blobs::new(self.sled.clone(), BlobLimits::default()),
        }))
    }

    /// Starts the engine and installs the plugin.
    pub(crate) async fn start(self, layers: Layers, component: Vec<u8>) -> Result<Running> {
        let threads = self.lanes.engine.clone();
        // What the plugin, which is ours, needs.
        let needs = ["ask", "llm:fast"].iter().filter_map(|need| need.parse().ok()).collect();
        let parts = EngineParts {
            store: layers.store,
            driver: self.sled.clone(),
            runtime: layers.runtime,
            effects: layers.effects,
            admission: layers.admission,
            expressions: Arc::new(Cel::new()),
            grants: Arc::new(FixedGrants(needs)),
            posts: Arc::new(wforge_ports::NoPosts),
            clock: self.clock,
            entropy: self.entropy,
            bus: self.bus,
            call_log: None,
            failpoints: None,
            digest: digest_of,
            traces: wforge_engine::TraceHooks::default(),
            lanes: self.lanes,
        };
        let shutdown = CancellationToken::new();
        let engine = Engine::new(parts, EngineOptions::default(), shutdown.clone());
        let handle = engine.handle();
        let service = threads.spawn(engine.run());
        let tenant: TenantId = "default".parse()?;
        handle.install_plugin(&tenant, component, "bench").await?;
        Ok(Running { handle, store: self.sled, tenant, shutdown, service })
    }
}

impl Running {
    /// Runs the workflow once, to its end.
    pub(crate) async fn run(&self, draft: &Arc<WorkflowDraft>, input: Object) -> Result<()> {
        let workflow = WorkflowChoice::Draft(draft.clone());
        let request = StartRun { input, ..StartRun::of(workflow, "bench") };
        let started = self.handle.start(&self.tenant, request).await?;
        let head = self.handle.wait(&self.tenant, started.run, WaitFor::Settled).await?;
        ensure!(head.status == RunStatus::Completed, "the run ended with {:?}", head.error);
        Ok(())
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.shutdown.cancel();
        self.service.await.context("the engine broke off")?;
        self.store.close().await.context("closing the store")
    }
}

/// The workflow that the text describes.
pub(crate) fn draft(text: &str) -> Result<Arc<WorkflowDraft>> {
    match wforge_spec::parse("bench.yaml", text) {
        Ok(parsed) => Ok(Arc::new(parsed.draft)),
        Err(reports) => anyhow::bail!("no workflow: {reports:?}"),
    }
}

fn digest_of(draft: &WorkflowDraft) -> Result<Digest, BoxError> {
    wforge_spec::digest(draft).map_err(Into::into)
}
