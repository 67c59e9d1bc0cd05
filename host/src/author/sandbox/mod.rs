//! The host's own sandbox for one component: admission and calls as a run has them, with effects
//! that somebody hands in.
//!
//! Never here: a store, a workflow, or what a host call is answered with.

mod effect;
mod witness;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, bail};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use wforge_model::agent::{AgentCall, Execution, Reply};
use wforge_model::limits::{AdmissionLimits, SandboxLimits};
use wforge_model::{
    Capability, Digest, Failure, FailureKind, Grants, PluginName, RunId, TaskId, TenantId,
    ThreadId, Value,
};
use wforge_ports::effects::GuestLine;
use wforge_ports::plugins::{AdmissionError, Admitted};
use wforge_ports::{AgentRuntime as _, Clock, EffectSession, PluginAdmission as _, open_gate};
use wforge_runtime::{
    Allocator, ChildCompiler, Compiler, RuntimeOptions, RuntimeParts, SandboxRuntime,
};

pub(crate) use effect::Effect;
use witness::Witness;

use super::script::Scripted;
use crate::cli::refusal::Refusal;
use crate::clock::{SystemClock, SystemEntropy};
use crate::compose::{COMPILE_WORKER, OURSELVES};
use crate::secrets::{key_file, private_folder};

/// The agent that a component answers with what it knows of its agents. No manifest may name it.
pub(crate) const DESCRIBE: &str = "workflowforge:describe";

/// A sandbox of this process alone.
#[derive(Debug)]
pub(crate) struct Sandbox {
    runtime: SandboxRuntime,
    clock: Arc<dyn Clock>,
    calls: AtomicU64,
    /// Where the native code of the last component is kept, and of none before it.
    kept: Option<PathBuf>,
    /// Removed with the sandbox.
    _folder: Option<tempfile::TempDir>,
}

/// One call of an agent.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) agent: String,
    pub(crate) input: Value,
    pub(crate) config: Value,
    pub(crate) context: Value,
    /// What it may do; the session that answers it decides by these too.
    pub(crate) grants: Grants,
    /// From 1.
    pub(crate) attempt: u32,
    /// The same seed gives the same randomness.
    pub(crate) seed: u64,
}

impl Call {
    /// The first call of an agent, granted nothing.
    pub(crate) fn of(agent: &str, input: Value) -> Self {
        Self {
            agent: agent.to_owned(),
            input,
            config: json!({}),
            context: json!({}),
            grants: Grants::default(),
            attempt: 1,
            seed: 0,
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Reply, Failure>,
    pub(crate) logs: Vec<GuestLine>,
    pub(crate) events: Vec<(String, Value)>,
    /// Every element of every host call, in order.
    pub(crate) effects: Vec<Effect>,
    pub(crate) cost: Cost,
}

/// What a call took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Cost {
    /// CPU time of the guest.
    pub(crate) cpu_us: u64,
    /// The most linear memory that it had.
    pub(crate) memory_bytes: u64,
    /// Elements of its host calls.
    pub(crate) host_calls: u32,
    /// From the call to its end, the making of the sandbox included.
    pub(crate) wall_us: u64,
}

impl Sandbox {
    /// A sandbox that keeps nothing.
    pub(crate) fn open(limits: &SandboxLimits) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("wforge-").tempdir();
        let folder = folder.context("making a folder for the sandbox")?;
        let sandbox = Self::at(folder.path(), limits)?;
        Ok(Self { _folder: Some(folder), ..sandbox })
    }

    /// A sandbox for a component. That of a project keeps its native code below the project's
    /// `target`, so that the next command does not compile it again.
    pub(crate) fn for_component(component: &Path, limits: &SandboxLimits) -> anyhow::Result<Self> {
        let folder = component.parent().unwrap_or(Path::new("."));
        if folder.file_name().is_none_or(|name| name != "target") {
            return Self::open(limits);
        }
        let kept = folder.join("wforge").join("sandbox");
        private_folder(&kept)?;
        Ok(Self { kept: Some(kept.clone()), ..Self::at(&kept, limits)? })
    }

    /// A sandbox that keeps the native code of components in that folder.
    pub(crate) fn at(folder: &Path, limits: &SandboxLimits) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let admission = AdmissionLimits::default();
        let options = RuntimeOptions {
            limits: limits.clone(),
            admission: admission.clone(),
            allocator: Allocator::OnDemand,
            ..RuntimeOptions::at(folder)
        };
        // A stranger's component is compiled where it can harm nobody, here as in a host.
        let worker = vec![COMPILE_WORKER.into()];
        let compiler = ChildCompiler::new(PathBuf::from(OURSELVES), worker, admission);
        let compiler: Arc<dyn Compiler> = Arc::new(compiler);
        let entropy = SystemEntropy::open().context("randomness")?;
        let parts = RuntimeParts {
            clock: clock.clone(),
            host_key: host_key(folder, &entropy)?,
            policy: None,
            compiler: Some(compiler),
        };
        let runtime = SandboxRuntime::open(options, parts).context("opening the sandbox")?;
        Ok(Self { runtime, clock, calls: AtomicU64::new(0), kept: None, _folder: None })
    }

    /// Lets a component in, or says why a host would refuse it.
    pub(crate) async fn admit(&self, bytes: Vec<u8>) -> Result<Admitted, AdmissionError> {
        let tenant = tenant("author").map_err(|error| AdmissionError::Host(error.into()))?;
        let admitted = self.runtime.admit(&tenant, bytes, open_gate()).await?;
        if let Some(kept) = &self.kept {
            for other in components_in(kept).filter(|other| *other != admitted.component) {
                self.runtime.forget(other).await?;
            }
        }
        Ok(admitted)
    }

    /// Makes one call in a fresh sandbox. What the guest does wrong is in the outcome.
    pub(crate) async fn call(
        &self,
        admitted: &Admitted,
        call: Call,
        effects: &mut dyn EffectSession,
    ) -> anyhow::Result<Outcome> {
        // A tenant of its own for each call, so that what it used can be told from the others.
        let tenant = tenant(&format!("call-{}", self.calls.fetch_add(1, Ordering::Relaxed)))?;
        let mut witness = Witness::new(effects, seed_of(call.seed, call.attempt));
        let call = agent_call(admitted, tenant.clone(), call, witness.now())?;
        let began_ns = self.clock.monotonic_ns();
        let execution = self.runtime.call(&call, &mut witness).await;
        let wall_us = self.clock.monotonic_ns().saturating_sub(began_ns) / 1_000;
        let used = self.runtime.used(&tenant);
        let (logs, events, effects) = witness.told();
        let result = match execution.context("calling the agent")? {
            Execution::Replied(reply) => Ok(reply),
            Execution::Failed { failure, .. } => Err(failure),
            Execution::Suspended(waiting) => bail!("the call waits for {waiting:?}"),
            Execution::Diverged(divergence) => bail!("the call diverged: {divergence:?}"),
        };
        let cost = Cost {
            cpu_us: used.cpu_ns / 1_000,
            memory_bytes: used.memory_bytes_peak,
            host_calls: u32::try_from(effects.len()).unwrap_or(u32::MAX),
            wall_us,
        };
        Ok(Outcome { result, logs, events, effects, cost })
    }

    /// What a component says of its agents and their schemas, `{"agents": {"main": {…}}}`; none
    /// where its SDK knows nothing of them. Inside: what the component did wrong when it was asked.
    pub(crate) async fn describe(
        &self,
        admitted: &Admitted,
    ) -> anyhow::Result<Result<Option<Value>, String>> {
        let call = Call::of(DESCRIBE, json!({}));
        let mut nothing = Scripted::nothing(&admitted.manifest.name, &call);
        let outcome = self.call(admitted, call, &mut nothing).await?;
        Ok(match outcome.result {
            Ok(reply) => {
                let is_told = reply.output.get("agents").is_some_and(Value::is_object);
                Ok(is_told.then_some(reply.output))
            }
            Err(failure) if knows_nothing(&failure) => Ok(None),
            Err(failure) => Err(format!(
                "the component was asked what agents it has, and did not answer: {failure}"
            )),
        })
    }
}

/// The key of the MAC on native code, where a host has it: one that is opened over the same folder
/// takes what was compiled here.
fn host_key(folder: &Path, entropy: &SystemEntropy) -> anyhow::Result<[u8; 32]> {
    let keys = folder.join("keys");
    private_folder(&keys)?;
    key_file(&keys.join("aot"), entropy)
}

/// Why a component was not let in, as a command says it.
pub(crate) fn refusal_of(error: AdmissionError, component: &Path) -> anyhow::Error {
    match error {
        AdmissionError::Refused { code, message } => {
            Refusal::user(code, format!("{}: {message}", component.display())).into()
        }
        AdmissionError::Host(_) => error.into(),
    }
}

/// Whether an agent's failure only says that it does not know that one.
fn knows_nothing(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Failed => failure.code() != "exception",
        FailureKind::Trap | FailureKind::Limit | FailureKind::Timeout => false,
        _ => true,
    }
}

/// The components that a sandbox over that folder has.
fn components_in(folder: &Path) -> impl Iterator<Item = Digest> {
    let entries = fs_err::read_dir(folder.join("components"));
    entries.into_iter().flatten().filter_map(|entry| {
        let path = entry.ok()?.path();
        format!("sha256:{}", path.file_stem()?.to_str()?).parse().ok()
    })
}

fn tenant(name: &str) -> anyhow::Result<TenantId> {
    name.parse().context("the name of a tenant")
}

fn agent_call(
    admitted: &Admitted,
    tenant: TenantId,
    call: Call,
    now: wforge_model::Timestamp,
) -> anyhow::Result<AgentCall> {
    let plugin: PluginName = admitted.manifest.name.clone();
    let has_thread = call.grants.allow(&Capability::of("kv", "thread:ro"));
    Ok(AgentCall {
        tenant,
        plugin,
        component: admitted.component,
        agent: call.agent,
        task: TaskId::from_bytes(*b"wforge-test-task"),
        run: RunId::from_bytes(*b"wforge-test-run\0"),
        thread: has_thread.then(|| ThreadId::from_bytes(*b"wforge-thread\0\0\0")),
        workflow: "test@0.0.0".to_owned(),
        node: "test".parse().context("the name of a node")?,
        step: 1,
        attempt: call.attempt,
        timeout_ms: None,
        input: call.input,
        config: call.config,
        context: call.context,
        grants: call.grants,
        began_at: now,
        answers: Vec::new(),
        kept_effects: 0,
        first_attempt: 1,
        fails_unknown: false,
        is_idempotent: admitted.manifest.behaviour.idempotent,
        tools: Arc::default(),
        depth: 0,
    })
}

/// The seed of the guest's randomness.
fn seed_of(seed: u64, attempt: u32) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"wforge.author.seed.v1");
    hasher.update(seed.to_le_bytes());
    hasher.update(attempt.to_le_bytes());
    hasher.finalize().into()
}
