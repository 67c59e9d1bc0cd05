//! What the threads of a journaled store share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use wforge_ports::Clock;
use wforge_ports::figures::Durations;
use wforge_ports::store::StoreFigures;

use crate::error::Gone;
use crate::journal::Segments;
use crate::kv::Kv;
use crate::overlay::{Everything, InMemory, Overlay};
use crate::usage::Usage;
use crate::vault::Vault;

/// An open store without its threads.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) vault: Vault,
    pub(crate) overlay: Overlay,
    pub(crate) view: Box<dyn Kv>,
    pub(crate) segments: Arc<Segments>,
    pub(crate) counters: Counters,
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) usage: Usage,
    /// Held by whoever writes the view.
    view_writer: Mutex<()>,
    gone: OnceLock<Gone>,
}

/// What is counted since the store was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) groups: AtomicU64,
    pub(crate) operations: AtomicU64,
    pub(crate) journal_bytes: AtomicU64,
    pub(crate) fsync: Durations,
    pub(crate) operation: Durations,
    pub(crate) rebuilds: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        vault: Vault,
        overlay: Overlay,
        view: Box<dyn Kv>,
        segments: Arc<Segments>,
        clock: Option<Arc<dyn Clock>>,
    ) -> Self {
        let (counters, gone) = (Counters::default(), OnceLock::new());
        let (usage, view_writer) = (Usage::default(), Mutex::default());
        Self { vault, overlay, view, segments, counters, clock, usage, view_writer, gone }
    }

    /// Keeps others from writing the view.
    pub(crate) fn hold_view(&self) -> MutexGuard<'_, ()> {
        self.view_writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was acknowledged.
    pub(crate) fn rows(&self) -> Everything<'_> {
        Everything { overlay: &self.overlay, view: self.view.as_ref() }
    }

    /// What can be read without a disk.
    pub(crate) const fn in_memory(&self) -> InMemory<'_> {
        InMemory(&self.overlay)
    }

    /// Why nothing is served any more; closed where nothing else is known.
    pub(crate) fn why_gone(&self) -> Gone {
        self.gone.get().cloned().unwrap_or(Gone::Closed)
    }

    pub(crate) fn check(&self) -> Result<(), Gone> {
        self.gone.get().map_or(Ok(()), |gone| Err(gone.clone()))
    }

    /// Stops the store; the first reason stays.
    pub(crate) fn stop(&self, gone: Gone) {
        if let Gone::Failed(reason) = &gone {
            tracing::error!(reason, "the store accepts nothing any more");
        }
        let _ = self.gone.set(gone);
    }

    pub(crate) fn stop_after(&self, doing: &str, fault: &dyn std::error::Error) {
        let mut reason = format!("{doing}: {fault}");
        let mut cause = fault.source();
        while let Some(error) = cause {
            reason = format!("{reason}: {error}");
            cause = error.source();
        }
        self.stop(Gone::Failed(reason));
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.as_ref().map_or(0, |clock| clock.monotonic_ns())
    }

    pub(crate) fn figures(&self, kind: &'static str) -> StoreFigures {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        StoreFigures {
            kind,
            commits: get(&self.counters.groups),
            operations: get(&self.counters.operations),
            journal_bytes: get(&self.counters.journal_bytes),
            view_lag: self.overlay.lag(),
            fsync: self.counters.fsync.read(),
            operation: self.counters.operation.read(),
            queued: 0,
            rebuilds: get(&self.counters.rebuilds),
            kept: self.overlay.kept().to_vec(),
        }
    }
}
