//! The sandbox as a whole: opened once, called by the engine, asked by the operator.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};
use wforge_model::agent::{AgentCall, Execution};
use wforge_model::limits::{AdmissionLimits, SandboxLimits};
use wforge_model::{Digest, TenantId};
use wforge_ports::runtime::RuntimeFigures;
use wforge_ports::{
    AdmissionError, Admitted, AgentRuntime, BoxFuture, Clock, EffectSession, Gate, PluginAdmission,
    RuntimeError,
};

use crate::bindings::Plugin;
use crate::call::Surroundings;
use crate::engine::{self, MadeEngine};
use crate::guest::state::Guest;
use crate::load::aot::AotCache;
use crate::load::compile::{Compiler, InProcess};
use crate::load::files;
use crate::load::inspect::refused;
use crate::load::lane::Lane;
use crate::load::library::{Library, Shelf};
use crate::options::{OpenRuntimeError, RuntimeOptions, RuntimeParts};

/// Runs agents in fresh sandboxes, and lets components in.
pub struct SandboxRuntime {
    library: Library,
    limits: SandboxLimits,
    clock: Arc<dyn Clock>,
    sandboxes: Semaphore,
    sandboxes_max: u32,
    admission: AdmissionLimits,
    allocator: &'static str,
    calls: AtomicU64,
    /// Milliseconds of CPU time of each tenant.
    bills: Mutex<HashMap<TenantId, Arc<AtomicU64>>>,
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
        engine::start_ticker(&engine)?;
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
            limits: options.limits,
            clock: parts.clock,
            sandboxes: Semaphore::new(usize::try_from(options.sandboxes_max).unwrap_or(1)),
            sandboxes_max: options.sandboxes_max,
            admission: options.admission,
            allocator,
            calls: AtomicU64::new(0),
            bills: Mutex::default(),
        })
    }

    fn bill(&self, tenant: &TenantId) -> Arc<AtomicU64> {
        let mut bills = self.bills.lock().unwrap_or_else(PoisonError::into_inner);
        match bills.get(tenant) {
            Some(bill) => Arc::clone(bill),
            None => Arc::clone(bills.entry(tenant.clone()).or_default()),
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
            let _permit = self.sandboxes.try_acquire().map_err(|_| RuntimeError::Busy)?;
            self.calls.fetch_add(1, Ordering::Relaxed);
            let (limits, clock) = (&self.limits, &self.clock);
            let bill = &self.bill(&call.tenant);
            let surroundings = Surroundings { ready: &ready, limits, clock, bill };
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
        self.bill(tenant).load(Ordering::Relaxed)
    }

    fn figures(&self) -> RuntimeFigures {
        let free = u32::try_from(self.sandboxes.available_permits()).unwrap_or(u32::MAX);
        RuntimeFigures {
            allocator: self.allocator,
            sandboxes: u64::from(self.sandboxes_max.saturating_sub(free)),
            calls: self.calls.load(Ordering::Relaxed),
            compiled: self.library.compiled(),
            tampered: self.library.tampered(),
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
