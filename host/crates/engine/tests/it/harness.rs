//! An engine on a store in memory, with agents that do what a test says.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use wforge_engine::{
    Engine, EngineOptions, EngineParts, FixedGrants, Handle, Lanes, RunBus, StartRun, TenantTokens,
    WorkflowChoice,
};
use wforge_model::agent::{AgentCall, Execution, Reply};
use wforge_model::manifest::Manifest;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, Failure, Problem, SandboxUse, TaskId, TenantId, Timestamp, Value};
use wforge_ports::effects::{EffectAnswer, EffectRequest, EffectSession};
use wforge_ports::plugins::{AdmissionError, Admitted, Gate, PluginAdmission};
use wforge_ports::runtime::{AgentRuntime, RuntimeError, RuntimeFigures};
use wforge_ports::{Clock, Entropy};
use wforge_spec::Cel;
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::store::Backend;
use wforge_testkit::{SimClock, SimEntropy};

use crate::effects::SmallEffects;
use crate::webhooks::Receiver;

pub(crate) type Script = Arc<dyn Fn(&AgentCall) -> Answer + Send + Sync>;

/// What an agent does when it is called.
pub(crate) enum Answer {
    Reply(Value),
    Fail(Failure),
    /// Makes these host calls and replies with their answers.
    Perform(Vec<EffectRequest>),
    /// Makes these host calls and fails.
    PerformAndFail(Vec<EffectRequest>, Failure),
    /// Makes these host calls and never ends.
    PerformAndHang(Vec<EffectRequest>),
    /// There is no sandbox.
    Busy,
    /// Never answers: the call is under way until its sandbox is dropped.
    Hang,
}

/// An engine under test; its store outlives it.
pub(crate) struct World {
    pub(crate) handle: Handle,
    pub(crate) clock: SimClock,
    pub(crate) agents: Arc<Agents>,
    pub(crate) effects: Arc<SmallEffects>,
    pub(crate) tokens: Arc<TenantTokens>,
    /// Who gets what webhooks are told.
    pub(crate) receiver: Arc<Receiver>,
    store: Arc<dyn Backend>,
    shutdown: CancellationToken,
    service: tokio::task::JoinHandle<()>,
}

/// Agents that do what a script says, and remember what they were asked.
pub(crate) struct Agents {
    script: Mutex<Script>,
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) tasks: Mutex<HashMap<TaskId, usize>>,
    running: AtomicUsize,
    cpu_ms: AtomicU64,
    /// What each call takes of the sandbox.
    pub(crate) call_cpu_us: AtomicU64,
    pub(crate) running_most: AtomicUsize,
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Agents")
    }
}

impl Agents {
    /// Calls that are under way.
    pub(crate) fn running_now(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    /// Has used so much CPU time more.
    pub(crate) fn use_cpu_ms(&self, ms: u64) {
        self.cpu_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl World {
    /// An engine on an empty store.
    pub(crate) fn new(script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static) -> Self {
        Self::with(EngineOptions::default(), script)
    }

    pub(crate) fn with(
        options: EngineOptions,
        script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
        let store = Arc::new(MemoryStore::new(StoreParts { entropy }));
        Self::on(store, new_clock(), options, Arc::new(script))
    }

    /// An engine on a store that does not answer at once, as the one in memory does.
    pub(crate) fn over(
        store: Arc<dyn Backend>,
        script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::on(store, new_clock(), EngineOptions::default(), Arc::new(script))
    }

    /// An engine of a simulation: its chance follows from a seed, its clock is the simulation's.
    pub(crate) fn simulated(
        store: Arc<dyn Backend>,
        clock: SimClock,
        seed: u64,
        script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let entropy = SimEntropy::new(seed);
        Self::of(store, clock, EngineOptions::default(), Arc::new(script), entropy)
    }

    fn on(
        store: Arc<dyn Backend>,
        clock: SimClock,
        options: EngineOptions,
        script: Script,
    ) -> Self {
        Self::of(store, clock, options, script, SimEntropy::new(2))
    }

    fn of(
        store: Arc<dyn Backend>,
        clock: SimClock,
        options: EngineOptions,
        script: Script,
        entropy: SimEntropy,
    ) -> Self {
        let agents = Arc::new(Agents {
            script: Mutex::new(script),
            calls: Mutex::default(),
            tasks: Mutex::default(),
            running: AtomicUsize::new(0),
            cpu_ms: AtomicU64::new(0),
            call_cpu_us: AtomicU64::new(0),
            running_most: AtomicUsize::new(0),
        });
        let threads = tokio::runtime::Handle::current();
        let effects = Arc::new(SmallEffects::new(store.clone()));
        let receiver = Arc::<Receiver>::default();
        let parts = EngineParts {
            store: store.clone(),
            driver: store.clone(),
            runtime: agents.clone(),
            effects: effects.clone(),
            admission: Arc::new(NoAdmission),
            expressions: Arc::new(Cel::default()),
            grants: Arc::new(FixedGrants(GENEROUS.map(|it| it.parse().unwrap()).into())),
            posts: receiver.clone(),
            clock: Arc::new(clock.clone()),
            entropy: Arc::new(entropy),
            bus: Arc::new(RunBus::new(options.subscriber_lag_max)),
            call_log: None,
            failpoints: None,
            digest: |draft| wforge_spec::digest(draft).map_err(Into::into),
            traces: wforge_engine::TraceHooks::default(),
            lanes: Lanes { engine: threads.clone(), plugins: threads },
        };
        let shutdown = CancellationToken::new();
        let engine = Engine::new(parts, options, shutdown.clone());
        effects.offer_agents(engine.agent_tools());
        let tokens = Arc::<TenantTokens>::default();
        engine.meters(&tokens);
        let handle = engine.handle();
        let service = tokio_util::task::TaskTracker::new().spawn(engine.run());
        Self { handle, clock, agents, effects, tokens, receiver, store, shutdown, service }
    }

    /// Stops the engine as a kill would, but for what the store has, and starts another.
    pub(crate) async fn restart(
        self,
        script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.restart_with(EngineOptions::default(), script).await
    }

    pub(crate) async fn restart_with(
        self,
        options: EngineOptions,
        script: impl Fn(&AgentCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        self.shutdown.cancel();
        self.service.await.unwrap();
        Self::on(self.store, self.clock, options, Arc::new(script))
    }

    /// Stops the engine, lets time pass in which nobody is there, and starts another.
    pub(crate) async fn away(self, ms: u64) -> Self {
        self.shutdown.cancel();
        self.service.await.unwrap();
        self.clock.advance(Duration::from_millis(ms));
        Self::on(self.store, self.clock, EngineOptions::default(), Arc::new(ok))
    }

    /// Stops the engine as a kill would, but for what the store has.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.service.await.unwrap();
    }

    /// The store, as it is behind the engine.
    pub(crate) fn store(&self) -> &dyn Backend {
        self.store.as_ref()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.agents.calls.lock().unwrap().clone()
    }

    /// Lets everything that can run, run.
    pub(crate) async fn idle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Waits in real time, for threads of the store, until something holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        for _ in 0..100_000 {
            if holds(self) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it never came to hold");
    }

    pub(crate) fn advance(&self, ms: u64) {
        self.clock.advance(Duration::from_millis(ms));
    }
}

fn new_clock() -> SimClock {
    SimClock::at(Timestamp(1_700_000_000_000))
}

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn draft(text: &str) -> WorkflowDraft {
    draft_of("test", "1.0.0", text)
}

pub(crate) fn draft_of(name: &str, version: &str, text: &str) -> WorkflowDraft {
    let header = format!("apiVersion: workflowforge/v1\nname: {name}\nversion: {version}\n");
    match wforge_spec::parse("test.yaml", &format!("{header}{text}")) {
        Ok(parsed) => parsed.draft,
        Err(reports) => {
            panic!("{}", reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        }
    }
}

/// A request to run a workflow with every agent of the publisher `t` at hand.
pub(crate) fn request(text: &str) -> StartRun {
    StartRun {
        plugins: Some(["t/a", "t/b", "t/c"].map(admitted).into()),
        ..StartRun::of(WorkflowChoice::Draft(Arc::new(draft(text))), "test")
    }
}

/// A JSON object from its text.
pub(crate) fn object(text: &str) -> wforge_model::Object {
    serde_json::from_str(text).unwrap()
}

/// A chain of three agents that each append their node's name.
pub(crate) const CHAIN: &str = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: a }, { from: a, to: b }, { from: b, to: c }]
";

/// Whatever a plugin asks for of these is granted.
const GENEROUS: [&str; 3] = ["ask", "http:*", "tool:*"];

/// The plugin of a text `name[@version] needs…`. One with a version has a component of its own.
pub(crate) fn admitted(text: &str) -> Admitted {
    let mut words = text.split_whitespace();
    let (name, version) =
        words.next().map(|name| name.split_once('@').unwrap_or((name, ""))).unwrap();
    let needs: Vec<Value> =
        words.map(|need| json!({ "capability": need, "reason": "it asks" })).collect();
    let component = Digest::from_bytes([version.bytes().fold(9, u8::wrapping_add); 32]);
    let version = if version.is_empty() { "1.0.0" } else { version };
    let manifest: Manifest = serde_json::from_value(json!({
        "name": name, "version": version, "agents": [{ "name": "main" }], "needs": needs
    }))
    .unwrap();
    Admitted { component, bytes: 1, api: "0.1.0".into(), manifest, imports: Vec::new() }
}

pub(crate) fn ok(_: &AgentCall) -> Answer {
    Answer::Reply(json!({}))
}

pub(crate) fn upstream() -> Answer {
    Answer::Fail(Failure::Upstream(Problem::new("busy", "come back later")))
}

/// A call that is under way until its sandbox is dropped.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl AgentRuntime for Agents {
    fn call<'a>(
        &'a self,
        call: &'a AgentCall,
        effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>> {
        async move {
            self.calls.lock().unwrap().push(call.node.to_string());
            *self.tasks.lock().unwrap().entry(call.task).or_default() += 1;
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            let _running = UnderWay(&self.running);
            self.running_most.fetch_max(running, Ordering::SeqCst);
            let script = self.script.lock().unwrap().clone();
            tokio::task::yield_now().await;
            let cpu_us = self.call_cpu_us.load(Ordering::SeqCst);
            effects.spent(SandboxUse { cpu_us, memory_bytes_peak: 0 });
            let execution = match script(call) {
                Answer::Reply(output) => Execution::Replied(Reply { output, exits: Vec::new() }),
                Answer::Fail(failure) => Execution::Failed { failure, effects: 0 },
                Answer::Busy => return Err(RuntimeError::Busy),
                Answer::Perform(requests) => return performed(effects, requests).await,
                Answer::PerformAndFail(requests, failure) => {
                    performed(effects, requests).await?;
                    Execution::Failed { failure, effects: effects.position() }
                }
                Answer::PerformAndHang(requests) => {
                    performed(effects, requests).await?;
                    futures::future::pending().await
                }
                Answer::Hang => futures::future::pending().await,
            };
            Ok(execution)
        }
        .boxed()
    }

    fn prepare<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>> {
        futures::future::ready(Ok(())).boxed()
    }

    fn cpu_ms(&self, _tenant: &TenantId) -> u64 {
        self.cpu_ms.load(Ordering::SeqCst)
    }

    fn figures(&self) -> RuntimeFigures {
        RuntimeFigures::default()
    }
}

/// What an agent that makes these host calls comes to.
async fn performed(
    effects: &mut dyn EffectSession,
    requests: Vec<EffectRequest>,
) -> Result<Execution, RuntimeError> {
    let mut told = Vec::new();
    for request in requests {
        let failed = |failure| Ok(Execution::Failed { failure, effects: 0 });
        match effects.perform(request).await {
            EffectAnswer::Answered(answers) => {
                told.extend(answers.into_iter().map(|answer| {
                    answer.unwrap_or_else(|failure| Value::String(failure.to_string()))
                }));
            }
            EffectAnswer::Refused(failure) => return failed(failure),
            EffectAnswer::Suspend(waiting) => return Ok(Execution::Suspended(waiting)),
            EffectAnswer::Diverged(divergence) => return Ok(Execution::Diverged(divergence)),
            EffectAnswer::Failed(failure) => return failed(failure),
            EffectAnswer::Fault(error) => return Err(RuntimeError::Host(error.into())),
        }
    }
    Ok(Execution::Replied(Reply { output: Value::Array(told), exits: Vec::new() }))
}

#[derive(Debug)]
struct NoAdmission;

impl PluginAdmission for NoAdmission {
    fn admit<'a>(
        &'a self,
        _tenant: &'a TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>> {
        let admitted = admitted(&String::from_utf8(bytes).unwrap());
        let let_in = gate(&admitted.manifest).map(|()| admitted);
        futures::future::ready(let_in).boxed()
    }

    fn forget(&self, _component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>> {
        Box::pin(async { Ok(()) })
    }
}

/// The clock's time, for tests that hand in a deadline.
pub(crate) fn now(world: &World) -> Timestamp {
    world.clock.now()
}
