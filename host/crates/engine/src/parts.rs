//! What the engine is made of, handed in by the composition root.

use std::fmt::Debug;
use std::sync::Arc;

use serde::Serialize;
use wforge_graph::Expressions;
use wforge_model::agent::AgentCall;
use wforge_model::limits::{BreakerLimits, RunLimits};
use wforge_model::mock::MockMode;
use wforge_model::tenancy::Quotas;
use wforge_model::trust::TrustLimits;
use wforge_model::webhook::WebhookLimits;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Capability, Digest, NodeId, PluginName, SecretLimits, TaskId, TenantId};
use wforge_ports::{
    AgentRuntime, BoxError, Clock, Driver, Effects, Entropy, Failpoints, PluginAdmission, Posts,
    Store,
};

use crate::bus::RunBus;
use crate::schedules::ScheduleOptions;
use crate::traces::TraceHooks;

/// The ports and services that the engine uses.
#[derive(Debug, Clone)]
pub struct EngineParts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Who says which runs are ours.
    pub driver: Arc<dyn Driver>,
    /// The sandbox.
    pub runtime: Arc<dyn AgentRuntime>,
    /// The host calls of guests.
    pub effects: Arc<dyn Effects>,
    /// Who lets components in.
    pub admission: Arc<dyn PluginAdmission>,
    /// Expressions and schemas.
    pub expressions: Arc<dyn Expressions>,
    /// What the operator granted.
    pub grants: Arc<dyn GrantPolicy>,
    /// Who sends what webhooks are told.
    pub posts: Arc<dyn Posts>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for the ids of runs.
    pub entropy: Arc<dyn Entropy>,
    /// Where subscribers listen; guests' output goes there too.
    pub bus: Arc<RunBus>,
    /// A log of calls outside the store, where one is wanted.
    pub call_log: Option<Arc<dyn CallLog>>,
    /// Told once events are durable; for tests.
    pub failpoints: Option<Arc<dyn Failpoints>>,
    /// The digest of a workflow, over its canonical JSON.
    pub digest: fn(&WorkflowDraft) -> Result<Digest, BoxError>,
    /// Who keeps traces.
    pub traces: TraceHooks,
    /// The threads.
    pub lanes: Lanes,
}

/// Threads by what runs on them, so that no plugin slows anything else.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// Runs are decided here, and their expressions evaluated; never on the API's threads.
    pub engine: tokio::runtime::Handle,
    /// Plugins run here.
    pub plugins: tokio::runtime::Handle,
}

/// Settings of the engine, each with a limit's default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// The host's mock mode, where one is set.
    pub mock_mode: Option<MockMode>,
    /// Whether the mock agent needs the operator's and the author's consent.
    pub production: bool,
    /// The operator's consent to mocks in production.
    pub mock_production: bool,
    /// Whether to go on with the live runs of the store at the start.
    pub claims: bool,
    /// Runs that are in memory at once; more are refused with `Busy`.
    pub runs_live_max: usize,
    /// Runs that begin at once: more wait for a moment, and are refused with `Busy`.
    pub runs_beginning_max: usize,
    /// Messages that a subscriber may be behind before it misses those that are not kept.
    pub subscriber_lag_max: usize,
    /// Super-steps between two snapshots of a run.
    pub snapshot_steps: u32,
    /// Facts that wait for one run.
    pub inbox_max: usize,
    /// What one run may use: where its workflow says nothing, and at most.
    pub run_limits: RunLimits,
    /// What one tenant may use, where nothing else was said of it.
    pub quotas: Quotas,
    /// What tenants may keep as secrets.
    pub secrets: SecretLimits,
    /// What webhooks may use.
    pub webhooks: WebhookLimits,
    /// What tenants may keep in their trust stores.
    pub trust: TrustLimits,
    /// Whether no tenant lets in or starts what is not signed, whatever its policy says.
    pub require_signed: bool,
    /// When a plugin that keeps breaking is left alone.
    pub breaker: BreakerLimits,
    /// When blobs go that nothing names.
    pub blobs: BlobOptions,
    /// How long what has ended is kept.
    pub retention: RetentionOptions,
    /// What schedules may be, and whether this engine fires them.
    pub schedules: ScheduleOptions,
    /// What people may write to what plugins remember.
    pub memory: MemoryOptions,
    /// Entries of one tenant's audit log in a minute that say what was stopped or refused; further
    /// ones are counted only.
    pub refusals_noted_per_minute_max: u32,
}

/// What people may write to what plugins remember: the same as plugins may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryOptions {
    /// The longest key, in bytes.
    pub key_bytes_max: usize,
    /// The largest value as JSON text, in bytes.
    pub value_bytes_max: usize,
    /// Keys of one thread or plugin.
    pub space_keys_max: u64,
    /// All keys and values of one thread or plugin, in bytes.
    pub space_bytes_max: u64,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            key_bytes_max: 512,
            value_bytes_max: 256 << 10,
            space_keys_max: 10_000,
            space_bytes_max: 16 << 20,
        }
    }
}

/// When blobs go that nothing names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobOptions {
    /// How long a blob must have been found unnamed before it goes, in milliseconds.
    pub grace_ms: u64,
    /// Between two looks for such blobs, in milliseconds; 0: nobody looks unless asked to.
    pub sweep_ms: u64,
}

impl Default for BlobOptions {
    fn default() -> Self {
        Self { grace_ms: 86_400_000, sweep_ms: 0 }
    }
}

/// How long what has ended is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RetentionOptions {
    /// How long a run is kept after its end, in milliseconds; 0: for ever.
    pub runs_ms: u64,
    /// Runs of one tenant that have ended and are kept; 0: any number.
    pub runs_max: u64,
    /// Between two looks for those that are due, in milliseconds; 0: nobody looks unless asked to.
    pub sweep_ms: u64,
}

impl Default for RetentionOptions {
    fn default() -> Self {
        Self { runs_ms: 2_592_000_000, runs_max: 100_000, sweep_ms: 0 }
    }
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            mock_mode: None,
            production: false,
            mock_production: false,
            claims: true,
            runs_live_max: 10_000,
            runs_beginning_max: 56,
            subscriber_lag_max: 256,
            snapshot_steps: 64,
            inbox_max: 4_096,
            run_limits: RunLimits::default(),
            quotas: Quotas::default(),
            secrets: SecretLimits::default(),
            webhooks: WebhookLimits::default(),
            trust: TrustLimits::default(),
            require_signed: false,
            breaker: BreakerLimits::default(),
            blobs: BlobOptions::default(),
            retention: RetentionOptions::default(),
            schedules: ScheduleOptions::default(),
            memory: MemoryOptions::default(),
            refusals_noted_per_minute_max: 60,
        }
    }
}

/// What the operator granted to a plugin, and what may be granted at all. Asked at each host call,
/// so a change holds from the next one on.
pub trait GrantPolicy: Debug + Send + Sync {
    /// The granted capabilities of a tenant's plugin.
    fn granted(&self, tenant: &TenantId, plugin: &PluginName) -> Vec<Capability>;

    /// Whether the operator's policy leaves that to the tenant, whoever granted it.
    fn permits(&self, tenant: &TenantId, wanted: &Capability) -> bool;

    /// Whether what a secret node knows may get to another node of that workflow that reaches out,
    /// because the operator said so and why.
    fn exempts(&self, tenant: &TenantId, workflow: &str, from: &NodeId, to: &NodeId) -> bool;
}

/// Grants that are the same for every plugin of every tenant, for whoever embeds an engine of
/// plugins that are their own.
#[derive(Debug, Clone, Default)]
pub struct FixedGrants(pub Vec<Capability>);

impl GrantPolicy for FixedGrants {
    fn granted(&self, _tenant: &TenantId, _plugin: &PluginName) -> Vec<Capability> {
        self.0.clone()
    }

    fn permits(&self, _tenant: &TenantId, _wanted: &Capability) -> bool {
        true
    }

    fn exempts(&self, _: &TenantId, _: &str, _: &NodeId, _: &NodeId) -> bool {
        false
    }
}

/// A log of calls that is kept outside the store, so that a test can tell what was really done.
pub trait CallLog: Debug + Send + Sync {
    /// The sandbox is about to be called.
    fn called(&self, call: &AgentCall);
    /// The sandbox has answered.
    fn returned(&self, call: &AgentCall);
    /// The task's result is durable.
    fn committed(&self, task: TaskId);
}
