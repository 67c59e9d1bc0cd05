//! The composition root: makes clock, store, sandbox, effects and engine of a configuration, and
//! ends them in order.
//!
//! Never here: what a command does with them.

mod api;
mod cassettes;
pub(crate) mod lanes;
mod parts;
mod plugin_dirs;
pub(crate) mod tls;
mod world;

use std::sync::Arc;

use anyhow::Context as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wforge_api::Pepper;
use wforge_effects::{Blobs, EffectsParts, OutboundPosts, RecordedEffects, Secrets, Tools};
use wforge_engine::{
    CallLog, Engine, EngineOptions, EngineParts, Handle, LiveGrants, MemoryOptions, RunBus,
    ScheduleOptions, TenantTokens, TraceHooks,
};
use wforge_model::TenantId;
use wforge_ports::{Clock, Entropy, Failpoints, LimitPolicy, Store};
use wforge_spec::Cel;

use crate::call_log::FileCallLog;
use crate::clock::{SystemClock, SystemEntropy};
use crate::config::{Config, Environment};
use crate::failpoint::FileFailpoints;
use crate::grants::{self, Grants};
use crate::reader::{self, Reader};
use crate::secrets::{key_file, private_folder};
use lanes::Lanes;

pub(crate) use api::{Tokens, VERSION, api_parts, tokens};
pub(crate) use parts::{COMPILE_WORKER, LOCKED, OURSELVES};
pub(crate) use plugin_dirs::{components_in, read_component, read_signature};

/// What the engine is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// To look and to change what is no run; nothing is driven.
    Look,
    /// To drive the runs that are asked for.
    Drive,
    /// To drive all live runs of the data directory.
    Serve,
}

/// The engine of this process with everything below it.
pub(crate) struct Host {
    pub(crate) handle: Handle,
    pub(crate) reader: Arc<Reader>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) grants: Arc<Grants>,
    pub(crate) config: Config,
    pub(crate) pepper: Pepper,
    store: Arc<dyn Store>,
    service: Option<JoinHandle<()>>,
    shutdown: CancellationToken,
    lanes: Lanes,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// How runs join the traces of those who ask for them.
const TRACES: TraceHooks =
    TraceHooks { join: wforge_telemetry::join, parent_of: wforge_telemetry::parent_of };

/// Time and randomness, and a folder for whatever is kept.
fn surroundings(config: &Config) -> anyhow::Result<(Arc<dyn Clock>, Arc<dyn Entropy>)> {
    private_folder(&config.data_dir)?;
    let entropy = SystemEntropy::open().context("randomness")?;
    Ok((Arc::new(SystemClock), Arc::new(entropy)))
}

impl Host {
    /// Opens everything; what fails says which part.
    pub(crate) async fn open(config: &Config, mode: Mode) -> anyhow::Result<Self> {
        let (clock, entropy) = surroundings(config)?;
        let HostKeys { aot, effects: effects_key, pepper } = HostKeys::open(config, &entropy)?;
        let (grants, policy) = grants::open(&config.plugins.grants_file, &config.sandbox)?;
        let lanes = Lanes::start(config.runs.plugin_threads)?;
        let handles = lanes.handles().context("the lanes have ended")?;

        let bus = Arc::new(RunBus::new(config.runs.subscriber_lag_max));
        let opened = parts::open_store(config, &clock, &entropy).await?;
        let sandbox = parts::open_sandbox(config, &clock, aot, &policy)?;
        let witnesses = Witnesses::open(config)?;
        let acting = Acting::open(
            config,
            ActingParts {
                store: opened.store.clone(),
                clock: clock.clone(),
                bus: bus.clone(),
                host_key: effects_key,
                policy,
                threads: handles.engine.clone(),
                failpoints: witnesses.failpoints.clone(),
            },
        )?;
        let expressions: Arc<dyn wforge_graph::Expressions> = Arc::new(Cel::new());
        let engine_parts = EngineParts {
            store: opened.store.clone(),
            driver: opened.driver,
            runtime: sandbox.clone(),
            effects: acting.effects.clone(),
            admission: sandbox,
            expressions: expressions.clone(),
            grants: grants.clone(),
            posts: acting.posts.clone(),
            clock: clock.clone(),
            entropy: entropy.clone(),
            bus,
            call_log: witnesses.call_log,
            failpoints: witnesses.failpoints,
            digest: reader::digest,
            traces: TRACES,
            lanes: handles.clone(),
        };
        let shutdown = CancellationToken::new();
        let engine = Engine::new(engine_parts, options(config, mode), shutdown.clone());
        acting.join(&engine);
        let handle = engine.handle();
        let service = (mode != Mode::Look).then(|| lanes::spawn_on(&handles.engine, engine.run()));
        Ok(Self {
            handle,
            reader: Arc::new(Reader::new(expressions)),
            clock,
            entropy,
            grants,
            config: config.clone(),
            pepper,
            store: opened.store,
            service,
            shutdown,
            lanes,
        })
    }

    /// Stops driving: sandboxes are dropped, runs go on at the next start.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.shutdown.cancel();
        if let Some(service) = self.service {
            service.await.context("the engine broke off")?;
        }
        self.store.close().await.context("closing the store")?;
        drop(self.lanes);
        Ok(())
    }
}

/// What agents do to the world, and what the engine adds to it.
struct Acting {
    effects: Arc<RecordedEffects>,
    tools: Arc<Tools>,
    posts: Arc<OutboundPosts>,
    tokens: Arc<TenantTokens>,
    grants: Arc<LiveGrants>,
}

/// What that takes.
struct ActingParts {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    bus: Arc<RunBus>,
    host_key: [u8; 32],
    policy: Arc<dyn LimitPolicy>,
    threads: tokio::runtime::Handle,
    failpoints: Option<Arc<dyn Failpoints>>,
}

impl Acting {
    fn open(config: &Config, parts: ActingParts) -> anyhow::Result<Self> {
        let ActingParts { store, clock, bus, host_key, policy, threads, failpoints } = parts;
        let tokens = Arc::new(TenantTokens::default());
        let grants = Arc::new(LiveGrants::default());
        let blobs = Blobs::new(store.clone(), config.reach.blobs);
        let secrets = Secrets::new(store.clone());
        let parts = world::WorldParts {
            blobs: blobs.clone(),
            secrets: secrets.clone(),
            clock: clock.clone(),
            meter: tokens.clone(),
        };
        let (outside, tools) = world::open(config, &parts)?;
        let posts = Arc::new(OutboundPosts::new(outside.outbound.clone(), clock.clone()));
        let effects = RecordedEffects::new(EffectsParts {
            store,
            clock,
            output: bus,
            tools: tools.clone(),
            host_key,
            limits: policy,
            grants: grants.clone(),
            kv: config.reach.kv,
            blobs,
            world: Arc::new(outside),
            secrets,
            threads,
            flights: TaskTracker::new(),
            failpoints,
            at_once_max: config.outside.at_once_max,
        });
        Ok(Self { effects: Arc::new(effects), tools, posts, tokens, grants })
    }

    /// Adds the engine's agents to the tools, its tenants' quotas to the models, and its grants to
    /// what effects may do.
    fn join(&self, engine: &Engine) {
        engine.meters(&self.tokens);
        engine.grants(&self.grants);
        self.tools.offer_agents(engine.agent_tools());
    }
}

/// What tests have written down outside the store.
struct Witnesses {
    call_log: Option<Arc<dyn CallLog>>,
    failpoints: Option<Arc<dyn Failpoints>>,
}

impl Witnesses {
    fn open(config: &Config) -> anyhow::Result<Self> {
        let call_log = match &config.runs.call_log {
            Some(path) => Some(Arc::new(FileCallLog::open(path)?) as Arc<dyn CallLog>),
            None => None,
        };
        let failpoints = match &config.runs.failpoint_log {
            Some(path) => {
                let opened = FileFailpoints::open(path, config.runs.failpoint_kill)?;
                Some(Arc::new(opened) as Arc<dyn Failpoints>)
            }
            None => None,
        };
        Ok(Self { call_log, failpoints })
    }
}

/// The secrets of the host's own.
struct HostKeys {
    /// Of the MAC of compiled components.
    aot: [u8; 32],
    /// Of guests' randomness and idempotency keys.
    effects: [u8; 32],
    pepper: Pepper,
}

impl HostKeys {
    /// From the data directory, where they are made on first use, and from the configuration.
    fn open(config: &Config, entropy: &Arc<dyn Entropy>) -> anyhow::Result<Self> {
        let dir = config.data_dir.join("keys");
        private_folder(&dir)?;
        let file = |name: &str| key_file(&dir.join(name), entropy.as_ref());
        let pepper = match &config.auth.pepper {
            Some(pepper) => pepper.0,
            None => file("pepper")?,
        };
        Ok(Self { aot: file("aot")?, effects: file("effects")?, pepper: Pepper::new(pepper) })
    }
}

fn options(config: &Config, mode: Mode) -> EngineOptions {
    EngineOptions {
        mock_mode: config.mock.mode,
        production: config.env == Environment::Production,
        mock_production: config.mock.production,
        claims: mode == Mode::Serve,
        runs_live_max: config.runs.live_max,
        runs_beginning_max: config.runs.beginning_max,
        subscriber_lag_max: config.runs.subscriber_lag_max,
        snapshot_steps: config.runs.snapshot_steps,
        inbox_max: config.runs.inbox_max,
        run_limits: config.run_limits.clone(),
        quotas: config.quotas,
        secrets: config.secrets,
        webhooks: config.webhooks.clone(),
        trust: config.trust,
        require_signed: config.plugins.require_signed,
        breaker: config.breaker.clone(),
        blobs: config.blobs,
        retention: config.retention,
        schedules: ScheduleOptions {
            fires: mode == Mode::Serve,
            count_max: config.schedules_count_max,
        },
        memory: MemoryOptions {
            key_bytes_max: config.reach.kv.key_bytes_max,
            value_bytes_max: config.reach.kv.value_bytes_max,
            space_keys_max: config.reach.kv.space_keys_max,
            space_bytes_max: config.reach.kv.space_bytes_max,
        },
        refusals_noted_per_minute_max: config.refusals_noted_per_minute_max,
    }
}

/// The tenant of the command line.
pub(crate) fn default_tenant() -> anyhow::Result<TenantId> {
    wforge_model::tenancy::DEFAULT.parse().context("the default tenant")
}
