//! Opens the effects of a task.

use std::sync::Arc;

use wforge_model::agent::{AgentCall, Execution};
use wforge_model::{TenantId, Value};
use wforge_ports::effects::{EffectsError, GuestOutput, TaskContext};
use wforge_ports::figures::{EgressFigures, Kept};
use wforge_ports::{
    BoxFuture, Clock, EffectSession, Effects, Failpoints, GrantCheck, LimitPolicy, Store,
};

use crate::blobs::Blobs;
use crate::deed::World;
use crate::emitted::Emitted;
use crate::memory::KvLimits;
use crate::permits::Permits;
use crate::references::References;
use crate::secrets::Secrets;
use crate::session::Session;
use crate::tools::Tools;

const SEED_CONTEXT: &str = "WorkflowForge 2026 randomness of guests v1";

/// What effects need of their host.
#[derive(Clone)]
pub struct EffectsParts {
    /// Keeps the records.
    pub store: Arc<dyn Store>,
    /// Dates answers and deadlines.
    pub clock: Arc<dyn Clock>,
    /// Where what guests write goes. Gets the call without its input, config and context.
    pub output: Arc<dyn GuestOutput>,
    /// Agents and MCP servers as tools.
    pub tools: Arc<Tools>,
    /// The host's secret key, from which the guests' randomness is derived.
    pub host_key: [u8; 32],
    /// Budgets of one task, by whose it is.
    pub limits: Arc<dyn LimitPolicy>,
    /// What tasks may remember.
    pub kv: KvLimits,
    /// The blobs that tasks keep and open.
    pub blobs: Blobs,
    /// Whether what was granted when a run began still is.
    pub grants: Arc<dyn GrantCheck>,
    /// Models, servers and tools.
    pub world: Arc<dyn World>,
    /// Secrets; the same for the world, so that what one opens the other takes out.
    pub secrets: Secrets,
    /// Where effects are performed.
    pub threads: tokio::runtime::Handle,
    /// Effects that are under way: whoever ends the host may wait for them.
    pub flights: tokio_util::task::TaskTracker,
    /// Told before and after an answer is recorded; for tests.
    pub failpoints: Option<Arc<dyn Failpoints>>,
    /// Effects of one tenant that are performed at once; more wait for their turn.
    pub at_once_max: u32,
}

impl std::fmt::Debug for EffectsParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EffectsParts")
            .field("limits", &self.limits)
            .field("kv", &self.kv)
            .field("blobs", &self.blobs)
            .finish_non_exhaustive()
    }
}

/// Effects that are written down before the guest sees their answers.
#[derive(Debug, Clone)]
pub struct RecordedEffects {
    shared: Arc<Shared>,
}

/// What all sessions share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: EffectsParts,
    pub(crate) emitted: Emitted,
    pub(crate) permits: Permits,
    seed_key: [u8; 32],
}

impl RecordedEffects {
    /// Effects over that store.
    #[must_use]
    pub fn new(parts: EffectsParts) -> Self {
        let seed_key = blake3::derive_key(SEED_CONTEXT, &parts.host_key);
        let permits = Permits::new(parts.at_once_max);
        let emitted = Emitted::default();
        Self { shared: Arc::new(Shared { parts, emitted, permits, seed_key }) }
    }
}

impl Effects for RecordedEffects {
    /// Costs nothing where the task is new: its record is read when the guest first asks for
    /// something, so that a task that asks for nothing never touches the store.
    fn open<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        let (call, references) = (without_payload(task.call), References::of(task.call));
        let mut session = Session::new(Arc::clone(&self.shared), call, references, task.lease);
        Box::pin(async move {
            if task.may_have_run {
                session.recall().await?;
            }
            Ok(Box::new(session) as Box<dyn EffectSession>)
        })
    }

    fn replay<'a>(
        &'a self,
        task: TaskContext<'a>,
    ) -> BoxFuture<'a, Result<Box<dyn EffectSession>, EffectsError>> {
        let (call, references) = (without_payload(task.call), References::of(task.call));
        let session = Session::replaying(Arc::clone(&self.shared), call, references, task.lease);
        Box::pin(std::future::ready(Ok(Box::new(session) as Box<dyn EffectSession>)))
    }

    fn redacted(&self, tenant: &TenantId, execution: Execution) -> Execution {
        match self.shared.parts.secrets.redactor(tenant) {
            Some(redactor) => redactor.execution(execution),
            None => execution,
        }
    }

    fn redacts(&self, tenant: &TenantId) -> bool {
        self.shared.parts.secrets.redactor(tenant).is_some()
    }

    fn forget_tenant(&self, tenant: &TenantId) {
        self.shared.parts.blobs.forget(tenant);
        self.shared.parts.secrets.forget(tenant);
    }

    fn figures(&self) -> EgressFigures {
        self.shared.parts.world.figures()
    }

    fn kept(&self) -> Vec<Kept> {
        vec![self.shared.parts.blobs.kept(), self.shared.emitted.kept()]
    }
}

impl Shared {
    /// The same for every execution of an attempt, another for everybody else.
    pub(crate) fn seed(&self, call: &AgentCall) -> [u8; 32] {
        let tenant = call.tenant.as_str().as_bytes();
        let mut hasher = blake3::Hasher::new_keyed(&self.seed_key);
        hasher.update(&u64::try_from(tenant.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(tenant).update(call.task.as_bytes()).update(&call.attempt.to_le_bytes());
        *hasher.finalize().as_bytes()
    }
}

/// The call without what may be megabytes and is of no use here.
fn without_payload(call: &AgentCall) -> AgentCall {
    AgentCall {
        tenant: call.tenant.clone(),
        plugin: call.plugin.clone(),
        component: call.component,
        agent: call.agent.clone(),
        task: call.task,
        run: call.run,
        thread: call.thread,
        workflow: call.workflow.clone(),
        node: call.node.clone(),
        step: call.step,
        attempt: call.attempt,
        timeout_ms: call.timeout_ms,
        input: Value::Null,
        config: Value::Null,
        context: Value::Null,
        grants: call.grants.clone(),
        began_at: call.began_at,
        answers: call.answers.clone(),
        kept_effects: call.kept_effects,
        first_attempt: call.first_attempt,
        fails_unknown: call.fails_unknown,
        is_idempotent: call.is_idempotent,
        tools: call.tools.clone(),
        depth: call.depth,
    }
}
