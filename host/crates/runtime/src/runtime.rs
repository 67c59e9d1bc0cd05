//! The sandbox as a whole: opened once, called by the engine, asked by the operator.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::{Either, select};
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::defence::{Defence, holds};
use wforge_model::limits::{AdmissionLimits, SandboxLimits};
use wforge_model::manifest::LimitHints;
use wforge_model::{Digest, TenantId};
use wforge_ports::runtime::RuntimeFigures;
use wforge_ports::{
    AdmissionError, Admitted, AgentRuntime, BoxFuture, Clock, EffectSession, Gate, LimitPolicy,
    PluginAdmission, RuntimeError,
};

use crate::bindings::Plugin;
use crate::call::Surroundings;
use crate::engine::{self, MadeEngine};
use crate::guest::state::Guest;
use crate::guest::timers;
use crate::load::aot::AotCache;
use crate::load::compile::{Compiler, InProcess};
use crate::load::files;
use crate::load::inspect::refused;
use crate::load::lane::Lane;
use crate::load::library::{Library, Shelf};
use crate::options::{OpenRuntimeError, RuntimeOptions, RuntimeParts};
use crate::places::{Place, Places, Wanted};
use crate::tenants::{Tenants, Used};
use crate::turns::Turns;

/// How long an agent that another one called waits for a place, in milliseconds.
const NESTED_WAIT_MS: u64 = 20;

/// Runs agents in fresh sandboxes, and lets components in.
pub struct SandboxRuntime {
    library: Library,
    policy: Arc<dyn LimitPolicy>,
    clock: Arc<dyn Clock>,
    places: Places,
    turns: Arc<Turns>,
    tenants: Tenants,
    admission: AdmissionLimits,
    allocator: &'static str,
    calls: AtomicU64,
}

impl SandboxRuntime {
    /// Makes the engine, its directories and its threads. Blocks shortly.
    ///
    /// # Errors
    /// What of it this machine does not allow.
    pub fn open(options: RuntimeOptions, parts: RuntimeParts) -> Result<Self, OpenRuntimeError> {
        let MadeEngine { engine, allocator } = engine::make(&options)?;
        let linker = link(&engine).map_err(|error| OpenRuntimeError::Engine(error.into()))?;
        let components_dir = options.data_dir.join("components");
        files::make_private_dir(&components_dir).map_err(|source| OpenRuntimeError::Directory {
            path: components_dir.clone(),
            source,
        })?;
        let aot_dir = options.data_dir.join("aot");
        let aot = AotCache::open(&aot_dir, &parts.host_key, &engine)
            .map_err(|source| OpenRuntimeError::Directory { path: aot_dir, source })?;
        let ticks = engine::start_ticker(&engine)?;
        // Without a lane of their own nothing holds plugins back from the threads of others.
        let turns = if holds(Defence::Lanes) { options.threads } else { usize::MAX };
        let lane =
            Lane::start(options.admission.compile_at_once_max).map_err(OpenRuntimeError::Thread)?;
        let shelf = Shelf {
            engine,
            linker,
            compiler: parts.compiler.unwrap_or_else(|| in_process(&options.admission)),
            aot,
            components_dir,
            admission: options.admission.clone(),
            compiled: AtomicU64::new(0),
        };
        Ok(Self {
            library: Library::new(shelf, lane, options.ready_components_max),
            policy: parts.policy.unwrap_or_else(|| Arc::new(options.limits)),
            clock: parts.clock,
            places: Places::new(options.sandboxes_max),
            turns: Arc::new(Turns::new(turns, ticks)),
            tenants: Tenants::default(),
            admission: options.admission,
            allocator,
            calls: AtomicU64::new(0),
        })
    }

    /// What the sandboxes of a tenant have used since the start.
    #[must_use]
    pub fn used(&self, tenant: &TenantId) -> Used {
        self.tenants.of(tenant).used()
    }

    /// The limits of one call: what the operator leaves to it, or what its plugin's manifest asks
    /// for below.
    fn limits_of(&self, call: &AgentCall, hints: &LimitHints) -> SandboxLimits {
        let limits = self.policy.limits(&call.tenant, &call.plugin);
        let memory = hints.memory_mib_max.map_or(u64::MAX, |mib| u64::from(mib) << 20);
        let wall_ms = hints.timeout_ms.unwrap_or(u64::MAX);
        SandboxLimits {
            memory_bytes_max: limits.memory_bytes_max.min(memory),
            wall_ms_max: limits.wall_ms_max.min(wall_ms),
            ..limits
        }
    }

    /// A place for one call. An agent that another one called waits for a moment only: whoever
    /// called it holds a place while it waits.
    async fn place(&self, call: &AgentCall, limits: &SandboxLimits) -> Result<Place, RuntimeError> {
        let wanted = Wanted {
            tenant: call.tenant.clone(),
            component: call.component,
            tenant_max: limits.calls_per_tenant_max,
            plugin_max: limits.calls_per_plugin_max,
            is_nested: call.depth > 0,
        };
        let place = pin!(self.places.take(&wanted));
        if !wanted.is_nested {
            return Ok(place.await);
        }
        let until = self.clock.now().after_ms(NESTED_WAIT_MS);
        match select(place, self.clock.sleep_until(until)).await {
            Either::Left((place, _)) => Ok(place),
            Either::Right(_) => Err(RuntimeError::Busy),
        }
    }
}

fn in_process(limits: &AdmissionLimits) -> Arc<dyn Compiler> {
    Arc::new(InProcess(limits.clone()))
}

/// Every interface of the contract and all of WASI, for every component: what a plugin may do is
/// decided at each call, and what it may import at its admission.
fn link(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    timers::link(&mut linker)?;
    Plugin::add_to_linker::<_, HasSelf<Guest>>(&mut linker, |guest| guest)?;
    Ok(linker)
}

impl std::fmt::Debug for SandboxRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SandboxRuntime").field("figures", &self.figures()).finish_non_exhaustive()
    }
}

impl AgentRuntime for SandboxRuntime {
    fn call<'a>(
        &'a self,
        call: &'a AgentCall,
        effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>> {
        Box::pin(async move {
            let ready = self.library.ready(&call.tenant, call.component).await?;
            let limits = self.limits_of(call, &ready.hints);
            let _place = self.place(call, &limits).await?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let surroundings = Surroundings {
                ready: &ready,
                limits,
                clock: self.clock.as_ref(),
                turns: &self.turns,
                tenant: self.tenants.of(&call.tenant),
            };
            surroundings.call(call, effects).await
        })
    }

    fn prepare<'a>(
        &'a self,
        tenant: &'a TenantId,
        component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>> {
        Box::pin(async move { self.library.ready(tenant, component).await.map(drop) })
    }

    fn cpu_ms(&self, tenant: &TenantId) -> u64 {
        self.tenants.of(tenant).cpu_ms()
    }

    fn figures(&self) -> RuntimeFigures {
        RuntimeFigures {
            allocator: self.allocator,
            sandboxes: u64::from(self.places.taken()),
            sandboxes_max: u64::from(self.places.max()),
            waiting: self.places.waiting(),
            memory_bytes: self.tenants.memory_bytes(),
            calls: self.calls.load(Ordering::Relaxed),
            compiled: self.library.compiled(),
            tampered: self.library.tampered(),
            kept: self.library.kept(),
        }
    }
}

impl PluginAdmission for SandboxRuntime {
    fn admit<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>> {
        Box::pin(async move {
            let max = self.admission.component_bytes_max;
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            if size > max {
                let message = format!(
                    "the component has {size} bytes, more than limits.admission.\
                     component_bytes_max ({max}) allows"
                );
                return Err(refused("too_large", message));
            }
            self.library.admit(tenant, bytes, gate).await
        })
    }

    fn forget(&self, component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>> {
        Box::pin(async move { self.library.forget(component).await })
    }
}
