//! Threads: runs that go on from each other, one at a time.
//!
//! Whoever changes a thread holds its lock; the version of its row keeps other processes out. A
//! run that ends lets the next in the queue begin.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use wforge_graph::Carried;
use wforge_model::head::RunHead;
use wforge_model::{Checkpoint, RunId, TenantId, ThreadId, Version};
use wforge_ports::figures::Kept;
use wforge_ports::threads::{StoredThread, ThreadRow};

use crate::load::{Since, carried_at, load_run};
use crate::request::EngineError;
use crate::retention;
use crate::service::Shared;
use crate::start::new_run_id;

mod cache;
mod copy;
mod fork;
mod history;
mod migrate;
mod prune;
mod queue;
mod replies;
mod start;
mod taken_back;

pub(crate) use cache::CarriedCache;
pub(crate) use copy::{copy, fork};
pub(crate) use fork::{continue_from, update};
pub(crate) use history::{history, view};
pub(crate) use migrate::migrate;
pub(crate) use prune::prune;
pub(crate) use queue::begin_next;
pub(crate) use start::start;
pub(crate) use taken_back::{change_of, put_of};

/// Locks that are remembered although nobody holds them.
const IDLE_LOCKS_MAX: usize = 1_024;

/// How often a change of a thread is tried again that somebody else changed in between.
pub(crate) const TRIES_MAX: usize = 8;

type ThreadKey = (TenantId, ThreadId);

/// One lock for each thread that somebody changes.
#[derive(Debug, Default)]
pub(crate) struct ThreadLocks(Mutex<HashMap<ThreadKey, Arc<AsyncMutex<()>>>>);

impl ThreadLocks {
    /// Those that are remembered.
    pub(crate) fn kept(&self) -> Kept {
        let locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Kept::entries("thread_locks", locks.len())
    }

    /// Waits until nobody else changes the thread.
    pub(crate) async fn lock(&self, tenant: &TenantId, thread: ThreadId) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if locks.len() > IDLE_LOCKS_MAX {
                locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            }
            Arc::clone(locks.entry((tenant.clone(), thread)).or_default())
        };
        lock.lock_owned().await
    }
}

/// A thread as it stands while its lock is held.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) thread: ThreadId,
    pub(crate) stored: Option<StoredThread>,
    /// The row of its head.
    pub(crate) head: Option<RunHead>,
    /// Its first place where it begins: after those that are left of a thread that was removed
    /// under its id.
    pub(crate) first_place: Version,
}

impl Standing {
    pub(crate) async fn read(
        shared: &Shared,
        tenant: &TenantId,
        thread: ThreadId,
    ) -> Result<Self, EngineError> {
        let stored = shared.parts.store.thread(tenant, thread).await?;
        let head = match stored.as_ref().and_then(|stored| stored.row.head) {
            Some(head) => shared.parts.store.head(tenant, head).await?,
            None => None,
        };
        let first_place = match &stored {
            Some(_) => Version(0),
            None => retention::first_place(shared, tenant, thread).await?,
        };
        Ok(Self { thread, stored, head, first_place })
    }

    pub(crate) fn row(&self) -> Option<&ThreadRow> {
        self.stored.as_ref().map(|stored| &stored.row)
    }

    pub(crate) fn version(&self) -> Version {
        self.stored.as_ref().map_or(Version(0), |stored| stored.version)
    }

    /// An id that sorts after those of the runs that the thread has.
    pub(crate) fn new_run_id(&self, shared: &Shared) -> RunId {
        if let Some(head) = self.row().and_then(|row| row.head) {
            shared.ids.raise(head);
        }
        new_run_id(shared)
    }

    /// The head, where it has not ended.
    pub(crate) fn live(&self) -> Option<&RunHead> {
        self.head.as_ref().filter(|head| !head.status.is_final())
    }

    /// Whether a run must wait before it can begin.
    pub(crate) fn is_busy(&self) -> bool {
        self.live().is_some() || self.row().is_some_and(|row| !row.queue.is_empty())
    }
}

/// The thread, or that the tenant has none.
pub(crate) async fn existing(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
) -> Result<StoredThread, EngineError> {
    let stored = shared.parts.store.thread(tenant, thread).await?;
    stored.ok_or_else(|| EngineError::NotFound { kind: "thread", name: thread.to_string() })
}

/// The lock of a run's thread, where the run is the newest of it; none where it has no thread.
pub(crate) async fn only_as_head(
    shared: &Shared,
    tenant: &TenantId,
    run: &RunHead,
) -> Result<Option<OwnedMutexGuard<()>>, EngineError> {
    let Some(thread) = run.thread else { return Ok(None) };
    let turn = shared.locks.lock(tenant, thread).await;
    if existing(shared, tenant, thread).await?.row.head == Some(run.run) {
        return Ok(Some(turn));
    }
    Err(EngineError::Conflict {
        code: "not_thread_head",
        message: format!("{} is not the newest run of {thread}, so it stays as it ended", run.run),
    })
}

/// Where a run goes on from, and with what.
#[derive(Debug, Clone)]
pub(crate) struct Base {
    pub(crate) at: Checkpoint,
    pub(crate) carried: Carried,
    pub(crate) since: Since,
}

/// The last border of a run that nobody drives any more.
pub(crate) async fn last_border(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    run: RunId,
) -> Result<Base, EngineError> {
    if let Some(base) = shared.carried.get(tenant, thread, run) {
        return Ok(base);
    }
    let loaded = load_run(shared, tenant, run).await?;
    let at = Checkpoint { run, seq: loaded.run.border };
    let (is_over, bytes) = (loaded.run.status.is_final(), loaded.run.state_bytes());
    let (carried, since) = if loaded.run.tasks().is_empty() {
        (Carried::from(&loaded.run), loaded.since)
    } else {
        carried_at(shared, tenant, at).await?
    };
    let base = Base { at, carried, since };
    if is_over {
        shared.carried.put(tenant, thread, base.clone(), bytes);
    }
    Ok(base)
}
