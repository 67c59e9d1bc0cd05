//! The parts below the engine: store, sandbox, effects.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use wforge_ports::{Clock, Driver, Entropy, LimitPolicy, Store};
use wforge_runtime::{ChildCompiler, Compiler, RuntimeOptions, RuntimeParts, SandboxRuntime};
use wforge_store::{Kek, MemoryStore, OpenError, SledOptions, SledStore, StoreParts};

use super::lanes::plugin_threads;
use crate::cli::refusal::Refusal;
use crate::config::{Config, StoreKind};

/// A store, as both ports that it serves.
#[derive(Debug)]
pub(super) struct OpenedStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) driver: Arc<dyn Driver>,
}

impl OpenedStore {
    fn of<S: Store + Driver + 'static>(store: S) -> Self {
        let store = Arc::new(store);
        Self { store: store.clone(), driver: store }
    }
}

/// Opens the store; somebody else may hold it.
pub(super) async fn open_store(
    config: &Config,
    clock: &Arc<dyn Clock>,
    entropy: &Arc<dyn Entropy>,
) -> anyhow::Result<OpenedStore> {
    match config.store.kind {
        StoreKind::Memory => {
            let parts = StoreParts { entropy: entropy.clone() };
            Ok(OpenedStore::of(MemoryStore::new(parts)))
        }
        StoreKind::Sled => {
            let options = SledOptions {
                kek: config.store.kek.as_ref().map(|kek| Kek::from_bytes(kek.0)),
                clock: Some(clock.clone()),
                ..SledOptions::default()
            };
            let (dir, entropy) = (config.data_dir.join("store"), entropy.clone());
            let open = move || SledStore::open(&dir, options, entropy);
            let opened = tokio::task::spawn_blocking(open).await.context("opening the store")?;
            Ok(OpenedStore::of(opened.map_err(refused)?))
        }
    }
}

/// The code of [`Refusal`] where another process holds the store.
pub(crate) const LOCKED: &str = "data_dir_in_use";

fn refused(error: OpenError) -> anyhow::Error {
    match error {
        OpenError::Locked { .. } => Refusal::failed(LOCKED, error.to_string())
            .help("wait until it has ended; or run wforge serve, and commands go through it")
            .into(),
        error => error.into(),
    }
}

/// This very program, also after the file that it was started from has been replaced.
pub(crate) const OURSELVES: &str = "/proc/self/exe";
/// The hidden command under which it compiles.
pub(crate) const COMPILE_WORKER: &str = "compile-worker";

/// Opens the sandbox.
pub(super) fn open_sandbox(
    config: &Config,
    clock: &Arc<dyn Clock>,
    host_key: [u8; 32],
    policy: &Arc<dyn LimitPolicy>,
) -> anyhow::Result<Arc<SandboxRuntime>> {
    let options = RuntimeOptions {
        limits: config.sandbox.clone(),
        threads: config.runs.plugin_threads.unwrap_or_else(plugin_threads).max(1),
        admission: config.admission.clone(),
        ..RuntimeOptions::at(&config.data_dir)
    };
    let compiler = ChildCompiler::new(
        PathBuf::from(OURSELVES),
        vec![COMPILE_WORKER.into()],
        config.admission.clone(),
    );
    let compiler: Arc<dyn Compiler> = Arc::new(compiler);
    let parts = RuntimeParts {
        clock: clock.clone(),
        host_key,
        policy: Some(policy.clone()),
        compiler: Some(compiler),
    };
    Ok(Arc::new(SandboxRuntime::open(options, parts).context("opening the sandbox")?))
}
