//! The engine over sled with a chain of ten nodes, as `wforge` composes it, its parts noted.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use tokio::runtime::Handle as Threads;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wforge_effects::{BlobLimits, Blobs, EffectsParts, KvLimits, Nowhere, RecordedEffects};
use wforge_engine::{
    Engine, EngineOptions, EngineParts, GrantPolicy, Handle, Lanes, RunBus, StartRun, WaitFor,
    WorkflowChoice,
};
use wforge_model::head::RunStatus;
use wforge_model::limits::SandboxLimits;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Capability, Digest, Object, PluginName, TenantId, Value};
use wforge_ports::store::StoreFigures;
use wforge_ports::{BoxError, Clock, Entropy, Store};
use wforge_runtime::{RuntimeOptions, RuntimeParts, SandboxRuntime};
use wforge_spec::Cel;
use wforge_store::{SledOptions, SledStore};

use crate::marks::{Mark, Marks, NotedRuntime, NotedStore};

pub(crate) const NODES: usize = 10;

/// A running engine with the chain's plugin installed.
pub(crate) struct Chain {
    handle: Handle,
    marks: Arc<Marks>,
    store: Arc<dyn Store>,
    tenant: TenantId,
    draft: Arc<WorkflowDraft>,
    shutdown: CancellationToken,
    service: tokio::task::JoinHandle<()>,
}

/// What the operator grants here: everything, since the plugin is ours.
#[derive(Debug)]
struct AllOfProbe;

impl GrantPolicy for AllOfProbe {
    fn granted(&self, _tenant: &TenantId, _plugin: &PluginName) -> Vec<Capability> {
        ["ask", "llm:fast"].iter().filter_map(|text| text.parse().ok()).collect()
    }
}

impl Chain {
    pub(crate) async fn open(
        folder: &Path,
        component: Vec<u8>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        lanes: Lanes,
    ) -> Result<Self> {
        let marks = Arc::new(Marks::new(clock.clone()));
        let options = SledOptions { clock: Some(clock.clone()), ..SledOptions::default() };
        let sled = Arc::new(SledStore::open(&folder.join("store"), options, entropy.clone())?);
        let store = Arc::new(NotedStore { inner: sled.clone(), marks: marks.clone() });
        let parts = RuntimeParts { clock: clock.clone(), host_key: [7; 32], compiler: None };
        let sandbox = SandboxRuntime::open(RuntimeOptions::at(folder.join("sandbox")), parts)?;
        let sandbox = Arc::new(NotedRuntime { inner: Arc::new(sandbox), marks: marks.clone() });
        let bus = Arc::new(RunBus::new(EngineOptions::default().subscriber_lag_max));
        let effects = RecordedEffects::new(EffectsParts {
            store: sled.clone(),
            clock: clock.clone(),
            output: bus.clone(),
            host_key: [9; 32],
            limits: SandboxLimits::default(),
            world: Arc::new(Nowhere),
            tools: Arc::default(),
            threads: lanes.engine.clone(),
            flights: TaskTracker::new(),
            failpoints: None,
            at_once_max: 64,
            kv: KvLimits::default(),
            blobs: Blobs::new(sled.clone(), BlobLimits::default()),
        });
        let threads: Threads = lanes.engine.clone();
        let parts = EngineParts {
            store,
            driver: sled.clone(),
            runtime: sandbox.clone(),
            effects: Arc::new(effects),
            admission: sandbox,
            expressions: Arc::new(Cel::new()),
            grants: Arc::new(AllOfProbe),
            clock,
            entropy,
            bus,
            call_log: None,
            failpoints: None,
            digest: digest_of,
            lanes,
        };
        let shutdown = CancellationToken::new();
        let engine = Engine::new(parts, EngineOptions::default(), shutdown.clone());
        let handle = engine.handle();
        let service = threads.spawn(engine.run());
        let tenant: TenantId = "default".parse()?;
        handle.install_plugin(&tenant, component, "bench").await?;
        let draft = Arc::new(draft()?);
        Ok(Self { handle, marks, store: sled, tenant, draft, shutdown, service })
    }

    /// Runs the chain once; gives what was noted.
    pub(crate) async fn run(&self, input: &Value) -> Result<Vec<(Mark, u64)>> {
        self.marks.take();
        let workflow = WorkflowChoice::Draft(self.draft.clone());
        let request = StartRun {
            input: Object::from_iter([("text".to_owned(), input.clone())]),
            ..StartRun::of(workflow, "bench")
        };
        let started = self.handle.start(&self.tenant, request).await?;
        let head = self.handle.wait(&self.tenant, started.run, WaitFor::Settled).await?;
        ensure!(head.status == RunStatus::Completed, "the chain ended with {:?}", head.error);
        Ok(self.marks.take())
    }

    pub(crate) fn figures(&self) -> StoreFigures {
        self.store.figures()
    }

    pub(crate) async fn close(self) -> Result<()> {
        self.shutdown.cancel();
        self.service.await.context("the engine broke off")?;
        self.store.close().await.context("closing the store")
    }
}

fn draft() -> Result<WorkflowDraft> {
    let mut text = "apiVersion: workflowforge/v1\nname: chain\nversion: 1.0.0\n\
                    state: { text: {} }\ninput: [text]\noutput: [text]\nnodes:\n"
        .to_owned();
    let node = "{ agent: wforge/probe.echo, in: { text: state.text }, out: { text: result.text } }";
    for place in 0..NODES {
        text.push_str(&format!("  n{place}: {node}\n"));
    }
    text.push_str("edges:\n  - { from: START, to: n0 }\n");
    for place in 1..NODES {
        text.push_str(&format!("  - {{ from: n{}, to: n{place} }}\n", place - 1));
    }
    match wforge_spec::parse("chain.yaml", &text) {
        Ok(parsed) => Ok(parsed.draft),
        Err(reports) => anyhow::bail!("the chain is no workflow: {reports:?}"),
    }
}

fn digest_of(draft: &WorkflowDraft) -> Result<Digest, BoxError> {
    wforge_spec::digest(draft).map_err(Into::into)
}
