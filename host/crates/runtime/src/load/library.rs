//! The components that can be called: on disk by digest, as native code, and the most used of them
//! ready in memory.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wforge_model::defence::{Defence, holds};
use wforge_model::limits::AdmissionLimits;
use wforge_model::manifest::LimitHints;
use wforge_model::{Digest, TenantId};
use wforge_ports::figures::Kept;
use wforge_ports::{AdmissionError, Admitted, Gate, RuntimeError};

use super::aot::AotCache;
use super::compile::{CompileError, Compiler};
use super::files;
use super::inspect::{self, refused};
use super::lane::{Lane, LaneError};
use crate::admission;
use crate::bindings::PluginPre;
use crate::engine;
use crate::guest::state::Guest;

/// A component that is linked and can be instantiated.
pub(crate) struct Ready {
    pub(crate) pre: PluginPre<Guest>,
    pub(crate) hints: LimitHints,
    /// Its native code, as it is mapped: what was run of it is in memory.
    code_bytes: usize,
}

/// The library.
pub(crate) struct Library {
    shelf: Arc<Shelf>,
    lane: Lane,
    ready: Mutex<ReadyComponents>,
}

/// What the lane's threads work with.
pub(crate) struct Shelf {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<Guest>,
    pub(crate) compiler: Arc<dyn Compiler>,
    pub(crate) aot: AotCache,
    pub(crate) components_dir: PathBuf,
    pub(crate) admission: AdmissionLimits,
    pub(crate) compiled: AtomicU64,
}

/// Why a component could not be loaded: by its own fault, or not.
enum LoadError {
    Compile(CompileError),
    TooLarge(String),
    World(String),
    Runtime(RuntimeError),
}

impl Library {
    pub(crate) fn new(shelf: Shelf, lane: Lane, ready_max: usize) -> Self {
        let ready = Mutex::new(ReadyComponents::new(ready_max));
        Self { shelf: Arc::new(shelf), lane, ready }
    }

    pub(crate) fn compiled(&self) -> u64 {
        self.shelf.compiled.load(Ordering::Relaxed)
    }

    /// The components that are ready with their native code, and what their engine keeps.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        let mut kept = engine::kept(&self.shelf.engine);
        let ready = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = ready.cells.values().filter_map(|(_, cell)| cell.get());
        let code_bytes = filled.map(|ready| ready.code_bytes).sum();
        kept.push(Kept::bytes("components", ready.cells.len(), code_bytes));
        kept
    }

    pub(crate) fn tampered(&self) -> u64 {
        self.shelf.aot.tampered()
    }

    /// The component, ready; the work is done once, however many wait for it.
    pub(crate) async fn ready(
        &self,
        tenant: &TenantId,
        digest: Digest,
    ) -> Result<Arc<Ready>, RuntimeError> {
        let cell = self.cell(digest);
        if let Some(ready) = cell.get() {
            return Ok(Arc::clone(ready));
        }
        cell.get_or_try_init(|| self.load(tenant, digest)).await.cloned()
    }

    /// Checks a component, compiles it and keeps it.
    pub(crate) async fn admit(
        &self,
        tenant: &TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> Result<Admitted, AdmissionError> {
        let shelf = Arc::clone(&self.shelf);
        let job = move || shelf.admit(&bytes, gate);
        let (admitted, ready) = self
            .lane
            .run(tenant, job)
            .await
            .map_err(|error| AdmissionError::Host(error.into()))??;
        if let Some(ready) = ready {
            // Whoever made it ready first is as good.
            let _already = self.cell(admitted.component).set(Arc::new(ready));
        }
        Ok(admitted)
    }

    async fn load(&self, tenant: &TenantId, digest: Digest) -> Result<Arc<Ready>, RuntimeError> {
        let shelf = Arc::clone(&self.shelf);
        let loaded = self.lane.run(tenant, move || shelf.load(digest)).await;
        let loaded = loaded.map_err(|error| match error {
            LaneError::Full => RuntimeError::Busy,
            LaneError::Lost => host(error),
        });
        loaded?.map(Arc::new)
    }

    /// Removes a component that nobody has any more; calls that are under way end by themselves.
    pub(crate) async fn forget(&self, digest: Digest) -> Result<(), AdmissionError> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).cells.remove(&digest);
        let shelf = Arc::clone(&self.shelf);
        let removed = tokio::task::spawn_blocking(move || shelf.forget(digest)).await;
        let removed = removed.map_err(std::io::Error::other).and_then(|removed| removed);
        removed.map_err(|error| AdmissionError::Host(error.into()))
    }

    fn cell(&self, digest: Digest) -> Cell {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).cell(digest)
    }
}

impl Shelf {
    fn load(&self, digest: Digest) -> Result<Ready, RuntimeError> {
        let ready = match self.aot.load(&self.engine, digest) {
            Some((component, hints)) => self.link(&component, hints),
            None => self.component(digest).map_err(LoadError::Runtime).and_then(|bytes| {
                let hints = inspect::inspect(&bytes, &self.admission);
                let hints = hints.map_err(|error| runtime(host(error)))?;
                self.build(digest, &bytes, hints.manifest.limits)
            }),
        };
        ready.map_err(|error| match error {
            LoadError::Runtime(error) => error,
            LoadError::Compile(error) => host(error),
            LoadError::World(error) => {
                let plugin = format!("component {digest}");
                RuntimeError::Host(admission::misfit(&plugin, &error).into())
            }
            LoadError::TooLarge(message) => RuntimeError::Host(message.into()),
        })
    }

    fn admit(&self, bytes: &[u8], gate: Gate) -> Result<(Admitted, Option<Ready>), AdmissionError> {
        let inspected = inspect::inspect(bytes, &self.admission)?;
        let imports = match admission::check_world(&inspected) {
            Err(_) if !holds(Defence::World) => Vec::new(),
            checked => checked?,
        };
        gate(&inspected.manifest)?;
        let digest = Digest::from_bytes(Sha256::digest(bytes).into());
        let limits = inspected.manifest.limits.clone();
        let ready = match self.aot.load(&self.engine, digest) {
            Some((component, hints)) => self.link(&component, hints),
            None => self.build(digest, bytes, limits),
        };
        let refused = |error| match error {
            LoadError::World(error) => {
                let plugin = inspected.manifest.name.as_str();
                refused("wrong_world", admission::misfit(plugin, &error))
            }
            LoadError::TooLarge(message) => refused("too_large", message),
            LoadError::Compile(CompileError::Refused(message)) => refused("invalid", message),
            LoadError::Compile(CompileError::Limit(message)) => refused("compile_limit", message),
            LoadError::Compile(CompileError::Failed(message)) => refused("compile_failed", message),
            LoadError::Runtime(error) => AdmissionError::Host(error.into()),
        };
        let ready = match ready {
            Err(_) if !holds(Defence::Validation) => None,
            ready => Some(ready.map_err(|error| {
                self.leave_no_code(digest);
                refused(error)
            })?),
        };
        self.keep(digest, bytes).map_err(|error| AdmissionError::Host(error.into()))?;
        let admitted = Admitted {
            component: digest,
            bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            api: inspected.api,
            manifest: inspected.manifest,
            imports,
        };
        Ok((admitted, ready))
    }

    /// Removes the code of what is not let in after all: nobody would be charged for it.
    fn leave_no_code(&self, digest: Digest) {
        if let Err(error) = self.aot.forget(digest) {
            tracing::warn!(%digest, %error, "the code of a refused component cannot be removed");
        }
    }

    /// Compiles, keeps the code, and links what was kept, so that the first call runs the same
    /// mapped code as every later one.
    fn build(&self, digest: Digest, bytes: &[u8], hints: LimitHints) -> Result<Ready, LoadError> {
        let code = self.compiler.compile(&self.engine, bytes).map_err(LoadError::Compile)?;
        self.compiled.fetch_add(1, Ordering::Relaxed);
        self.aot.keep(digest, &code, &hints).map_err(|error| runtime(host(error)))?;
        let component = self.aot.load_kept(&self.engine, digest).map_err(|error| {
            let message = format!("the component asks for more than a sandbox has: {error:#}");
            LoadError::TooLarge(message)
        })?;
        self.link(&component, hints)
    }

    fn link(&self, component: &Component, hints: LimitHints) -> Result<Ready, LoadError> {
        let linked = self.linker.instantiate_pre(component).and_then(PluginPre::new);
        let pre = linked.map_err(|error| LoadError::World(format!("{error:#}")))?;
        let code = component.image_range();
        let code_bytes = code.end.addr().saturating_sub(code.start.addr());
        Ok(Ready { pre, hints, code_bytes })
    }

    /// Reads a component that was let in, and checks that it is still the same.
    fn component(&self, digest: Digest) -> Result<Vec<u8>, RuntimeError> {
        let bytes = files::read(&self.component_path(digest), self.admission.component_bytes_max)
            .map_err(host)?
            .ok_or(RuntimeError::NoComponent { component: digest })?;
        if Sha256::digest(&bytes).as_slice() == digest.as_bytes() {
            return Ok(bytes);
        }
        let message =
            format!("the file of component {digest} is damaged; install the plugin again");
        Err(RuntimeError::Host(message.into()))
    }

    fn keep(&self, digest: Digest, bytes: &[u8]) -> std::io::Result<()> {
        if self.component(digest).is_ok() {
            return Ok(());
        }
        files::write_durably(&self.component_path(digest), bytes)
    }

    fn forget(&self, digest: Digest) -> std::io::Result<()> {
        self.aot.forget(digest)?;
        files::remove(&self.component_path(digest))
    }

    fn component_path(&self, digest: Digest) -> PathBuf {
        self.components_dir.join(digest.hex()).with_extension("wasm")
    }
}

fn host(error: impl Into<wforge_ports::BoxError>) -> RuntimeError {
    RuntimeError::Host(error.into())
}

fn runtime(error: RuntimeError) -> LoadError {
    LoadError::Runtime(error)
}

/// Filled by whoever comes first; the others wait for it.
type Cell = Arc<OnceCell<Arc<Ready>>>;

/// A bounded map; the component that was unused for longest makes room. One that is still running
/// lives on until its calls end.
struct ReadyComponents {
    max: usize,
    uses: u64,
    cells: HashMap<Digest, (u64, Cell)>,
}

impl ReadyComponents {
    fn new(max: usize) -> Self {
        Self { max: max.max(1), uses: 0, cells: HashMap::new() }
    }

    fn cell(&mut self, digest: Digest) -> Cell {
        self.uses += 1;
        if !self.cells.contains_key(&digest) && self.cells.len() >= self.max {
            let oldest = self.cells.iter().min_by_key(|(_, (used, _))| *used).map(|(key, _)| *key);
            oldest.and_then(|oldest| self.cells.remove(&oldest));
        }
        let (used, cell) = self.cells.entry(digest).or_default();
        *used = self.uses;
        Arc::clone(cell)
    }
}
