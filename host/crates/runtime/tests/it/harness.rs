//! A runtime in a temporary directory, a clock that stands still, and effects that follow a script.

use std::collections::VecDeque;
use std::sync::Arc;

use futures::future::{self, BoxFuture};
use tempfile::TempDir;
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Digest, TenantId, Timestamp, Value};
use wforge_ports::effects::{EffectRequest, GuestLine};
use wforge_ports::{
    AdmissionError, Admitted, AgentRuntime, Clock, EffectAnswer, EffectSession, PluginAdmission,
    RawFailure, RawRequest, RawResponse, RuntimeError,
};
use wforge_runtime::{RuntimeOptions, RuntimeParts, SandboxRuntime};

/// The moment at which every test takes place.
pub(crate) const NOON: Timestamp = Timestamp(1_700_000_000_000);

/// A clock that stands still; its deadlines have come already, or never come.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct StillClock {
    pub(crate) is_over: bool,
}

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        NOON
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }

    fn sleep_until(&self, _at: Timestamp) -> BoxFuture<'static, ()> {
        if self.is_over { Box::pin(future::ready(())) } else { Box::pin(future::pending()) }
    }
}

/// Effects that give the answers of a script, in order, and remember everything. A script that has
/// ended leaves the guest waiting.
#[derive(Debug, Default)]
pub(crate) struct Script {
    pub(crate) answers: VecDeque<EffectAnswer>,
    pub(crate) asked: Vec<String>,
    pub(crate) lines: Vec<GuestLine>,
    pub(crate) events: Vec<String>,
    pub(crate) seed: [u8; 32],
    pub(crate) later_ms: u64,
}

impl Script {
    pub(crate) fn of(answers: impl IntoIterator<Item = EffectAnswer>) -> Self {
        Self { answers: answers.into_iter().collect(), ..Self::default() }
    }

    /// What the guest wrote, one line each.
    pub(crate) fn log(&self) -> Vec<String> {
        self.lines.iter().map(|line| format!("{:?} {}", line.level, line.message)).collect()
    }
}

impl EffectSession for Script {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        let elements = Value::Array(request.elements);
        self.asked.push(format!("{} {elements}", request.operation));
        match self.answers.pop_front() {
            Some(answer) => Box::pin(future::ready(answer)),
            None => Box::pin(future::pending()),
        }
    }

    fn exchange(
        &mut self,
        _request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        Box::pin(future::ready(Err(RawFailure::Unserved)))
    }

    fn now(&self) -> Timestamp {
        NOON.after_ms(self.later_ms)
    }

    fn random_seed(&self) -> [u8; 32] {
        self.seed
    }

    fn position(&self) -> u32 {
        u32::try_from(self.asked.len()).unwrap()
    }

    fn log(&mut self, line: GuestLine) {
        self.lines.push(line);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        self.events.push(format!("{topic} {payload}"));
    }
}

/// A runtime and the directory it lives in.
pub(crate) struct Sandbox {
    pub(crate) runtime: SandboxRuntime,
    pub(crate) dir: Arc<TempDir>,
}

pub(crate) fn sandbox() -> Sandbox {
    sandbox_with(|_| {}, StillClock::default())
}

pub(crate) fn limited(limit: impl FnOnce(&mut SandboxLimits)) -> Sandbox {
    sandbox_with(|options| limit(&mut options.limits), StillClock::default())
}

pub(crate) fn sandbox_with(
    set: impl FnOnce(&mut RuntimeOptions),
    clock: impl Clock + 'static,
) -> Sandbox {
    sandbox_in(Arc::new(tempfile::tempdir().unwrap()), set, clock)
}

pub(crate) fn sandbox_in(
    dir: Arc<TempDir>,
    set: impl FnOnce(&mut RuntimeOptions),
    clock: impl Clock + 'static,
) -> Sandbox {
    let mut options = RuntimeOptions::at(dir.path());
    options.sandboxes_max = 8;
    set(&mut options);
    let parts =
        RuntimeParts { clock: Arc::new(clock), host_key: [7; 32], policy: None, compiler: None };
    Sandbox { runtime: SandboxRuntime::open(options, parts).unwrap(), dir }
}

impl Sandbox {
    pub(crate) async fn admit(&self, bytes: Vec<u8>) -> Result<Admitted, AdmissionError> {
        self.runtime.admit(&tenant(), bytes, wforge_ports::open_gate()).await
    }

    /// Admits the component and calls it once.
    pub(crate) async fn run(
        &self,
        component: Vec<u8>,
        input: Value,
        script: &mut Script,
    ) -> Execution {
        let admitted = self.admit(component).await.unwrap();
        self.call(admitted.component, input, script).await.unwrap()
    }

    pub(crate) async fn call(
        &self,
        component: Digest,
        input: Value,
        script: &mut Script,
    ) -> Result<Execution, RuntimeError> {
        self.runtime.call(&call_of(component, input), script).await
    }
}

pub(crate) fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

pub(crate) fn call_of(component: Digest, input: Value) -> AgentCall {
    AgentCall { component, input, began_at: NOON, ..wforge_testkit::call() }
}

/// An execution in one line.
pub(crate) fn told(execution: &Execution) -> String {
    match execution {
        Execution::Replied(reply) => format!("replied {}", reply.output),
        Execution::Suspended(waiting) => format!("suspended {waiting:?}"),
        Execution::Failed { failure, effects } => format!("{failure} after {effects} effects"),
        Execution::Diverged(divergence) => format!("diverged {divergence:?}"),
    }
}
