//! What the handlers share: everything that the host hands in, and what is counted here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;
use wforge_engine::{EngineError, Handle, TraceOrigin};
use wforge_model::Timestamp;
use wforge_ports::workflows::WorkflowReader;
use wforge_ports::{Clock, Entropy};

use crate::auth::{Credentials, Failures, Pepper, TokenRules};
use crate::cors::Origins;
use crate::error::ApiError;
use crate::gate::{Gate, Queue};
use crate::guard::HostNames;
use crate::host_log::HostLog;
use crate::idempotency::{Held, UnderWay};
use crate::limits::ApiLimits;
use crate::log_level::Temporary;
use crate::machine::Machine;
use crate::metrics::HttpMetrics;
use crate::rates::{HookRates, Rates};

/// What the API is made of.
#[derive(Debug, Clone)]
pub struct ApiParts {
    /// The engine.
    pub engine: Handle,
    /// Reads workflow files.
    pub reader: Arc<dyn WorkflowReader>,
    /// The known keys, people and tenants.
    pub credentials: Arc<dyn Credentials>,
    /// What keys are hashed with.
    pub pepper: Pepper,
    /// Which tokens are taken; none: no token is.
    pub tokens: Option<Arc<TokenRules>>,
    /// The web pages that may call the API.
    pub origins: Origins,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness for request ids.
    pub entropy: Arc<dyn Entropy>,
    /// The host names that the server answers for.
    pub hosts: HostNames,
    /// What `/v1/system` says of the host.
    pub system: SystemInfo,
    /// The host's log.
    pub log: Arc<dyn HostLog>,
    /// What the process takes of its machine.
    pub machine: Arc<dyn Machine>,
    /// What `/readyz` says.
    pub readiness: Readiness,
    /// Ends waits and event streams, so that a stop need not wait for them.
    pub shutdown: CancellationToken,
    /// Changes that go on although their client has left; wait for it after the server ended.
    pub tasks: TaskTracker,
    /// The limits.
    pub limits: ApiLimits,
}

/// What `/v1/system` says of the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SystemInfo {
    /// The version of the binary.
    pub version: String,
    /// What it was built of and with.
    pub build: BuildInfo,
    /// `development`, `testing`, `production`.
    pub environment: String,
    /// The host's own mock mode, where one is set.
    #[schema(required)]
    pub mock: Option<String>,
    /// Whether clients reach it by TLS.
    pub tls: bool,
}

/// What a binary was built of and with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BuildInfo {
    /// The commit of its sources, where whoever built it said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The compiler.
    pub rustc: String,
    /// The version of the sandbox's engine.
    pub wasmtime: String,
}

/// Whether the server takes work. Cheap to clone; the host keeps one to change it.
#[derive(Debug, Clone, Default)]
pub struct Readiness(Arc<AtomicU8>);

/// The phases of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Not yet: live runs are being taken over.
    Starting,
    /// Takes work.
    Ready,
    /// Finishes what it has and takes nothing new.
    Draining,
}

impl Readiness {
    /// Says so from now on.
    pub fn set(&self, phase: Phase) {
        let number = match phase {
            Phase::Starting => 0,
            Phase::Ready => 1,
            Phase::Draining => 2,
        };
        self.0.store(number, Ordering::Release);
    }

    /// What was said last; starting where nothing was.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Ready,
            _ => Phase::Draining,
        }
    }
}

/// The parts, and what is counted beside them.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: ApiParts,
    /// When the server began.
    pub(crate) began_at: Timestamp,
    pub(crate) requests: Gate,
    pub(crate) streams: Gate,
    pub(crate) uploads: Gate,
    /// Workflow files that are read: checking one may take a while.
    pub(crate) readings: Queue,
    pub(crate) rates: Rates,
    /// Posts to inbound webhooks.
    pub(crate) hook_rates: HookRates,
    pub(crate) failures: Failures,
    pub(crate) keys_under_way: UnderWay,
    pub(crate) metrics: HttpMetrics,
    pub(crate) log_level: Temporary,
}

/// How handlers hold it.
pub(crate) type Api = Arc<Shared>;

impl Shared {
    pub(crate) fn new(parts: ApiParts) -> Self {
        Self {
            requests: Gate::new("requests", parts.limits.requests),
            streams: Gate::new("event streams", parts.limits.streams),
            readings: Queue::default(),
            uploads: Gate::new("uploads", parts.limits.uploads),
            rates: Rates::new(Arc::clone(&parts.clock)),
            hook_rates: HookRates::new(
                parts.limits.hook_posts_per_second_max,
                Arc::clone(&parts.clock),
            ),
            failures: Failures::new(
                parts.limits.auth_failures_per_minute_max,
                Arc::clone(&parts.clock),
            ),
            keys_under_way: UnderWay::default(),
            metrics: HttpMetrics::default(),
            log_level: Temporary::default(),
            began_at: parts.clock.now(),
            parts,
        }
    }

    /// Makes a change to its end, also where the client leaves or its time is up. A request that is
    /// dropped must not leave a run behind that is durable and that nobody drives.
    ///
    /// # Errors
    /// Those of the change; a panic in it is the host's own failure.
    pub(crate) async fn whole<T: Send + 'static>(
        &self,
        change: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        // What goes on after the request was answered still says which one it follows from.
        let task = self.parts.tasks.spawn(TraceOrigin::carried(change));
        Ok(task.await.map_err(ApiError::internal)??)
    }

    /// The same of a change whose idempotency key is under way until its end.
    ///
    /// # Errors
    /// Those of the change; a panic in it is the host's own failure.
    pub(crate) async fn whole_under<T: Send + 'static>(
        &self,
        held: Option<Held>,
        change: impl Future<Output = Result<T, EngineError>> + Send + 'static,
    ) -> Result<T, ApiError> {
        let change = async move {
            let _held = held;
            change.await
        };
        self.whole(change).await
    }
}
