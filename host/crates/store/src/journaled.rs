//! The backend that acknowledges by a journal: its threads, its queue, and how it ends.
//!
//! A write is prepared on its caller's thread, decided and made durable by the committer, and
//! answered: two hops. A read that the overlay can answer needs none.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use rustix::process::setpriority_process;
use tokio::sync::{Semaphore, mpsc, oneshot};
use wforge_model::TenantId;
use wforge_ports::store::StoreFigures;

use crate::budget::{Budget, OPERATION_BYTES_MAX, QUICK_BYTES_MAX};
use crate::committer::{Committer, EndSegment, Queued, Waiter};
use crate::error::{Fault, Gone};
use crate::facade::Backend;
use crate::keeper;
use crate::kv::Rows;
use crate::lists::ListVersions;
use crate::pool::Pool;
use crate::rules::Operation;
use crate::shared::Shared;
use crate::vault::{Refused, Vault};

/// The niceness of the view's thread; the committer has 0.
const VIEW_NICE: i32 = 3;

/// Operations that may wait for the committer.
const QUEUE_MAX: usize = 1_024;
/// What all operations that wait may hold together, in KiB: two of the largest.
const QUEUE_KIB_MAX: usize = 128 << 10;

/// A store with a journal.
pub struct Journaled {
    kind: &'static str,
    queue: Mutex<Option<mpsc::Sender<Box<dyn Queued>>>>,
    room: Arc<Semaphore>,
    ending: Arc<Ending>,
}

/// What it takes to end; shared with the thread that waits for the end.
struct Ending {
    shared: Arc<Shared>,
    pool: Pool,
    threads: Mutex<Option<Threads>>,
    /// Let go last, when nobody has the view any more.
    _keep: Box<dyn Send + Sync>,
}

#[derive(Debug)]
struct Threads {
    committer: JoinHandle<()>,
    keeper: JoinHandle<()>,
}

impl fmt::Debug for Journaled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journaled")
            .field("kind", &self.kind)
            .field("shared", &self.ending.shared)
            .finish_non_exhaustive()
    }
}

impl Journaled {
    /// Starts the threads. `keep` is dropped after the view.
    pub(crate) fn start(
        kind: &'static str,
        shared: Arc<Shared>,
        committer: Committer,
        keep: Box<dyn Send + Sync>,
    ) -> std::io::Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let pool = Pool::start()?;
        let kept = Arc::clone(&shared);
        let keeper = Builder::new().name("store-view".to_owned()).spawn(move || {
            // Nobody waits for the view, unless it is far behind. Where the system has it
            // otherwise, it is as urgent.
            let _ = setpriority_process(None, VIEW_NICE);
            stop_if_it_panics(&kept, || keeper::run(&kept));
        })?;
        let decided = Arc::clone(&shared);
        let committer = Builder::new()
            .name("store-commit".to_owned())
            .spawn(move || stop_if_it_panics(&decided, || committer.run(waiting)))?;
        let threads = Mutex::new(Some(Threads { committer, keeper }));
        Ok(Self {
            kind,
            queue: Mutex::new(Some(queue)),
            room: Arc::new(Semaphore::new(QUEUE_KIB_MAX)),
            ending: Arc::new(Ending { shared, pool, threads, _keep: keep }),
        })
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.ending.shared
    }

    fn gone(&self) -> Fault {
        self.shared().why_gone().into()
    }

    fn queue(&self) -> Result<mpsc::Sender<Box<dyn Queued>>, Fault> {
        self.shared().check()?;
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.clone().ok_or_else(|| self.gone())
    }

    /// Prepares a small operation here, and a large one where it may block. Gives the bytes that it
    /// takes in the queue as well.
    async fn prepare<O: Operation>(&self, mut operation: O) -> Result<(O, u64), O::Error> {
        let mut budget = Budget::new(QUICK_BYTES_MAX);
        let quick = operation.prepare(&self.shared().vault, &mut budget);
        let prepared = match quick {
            Err(Refused::TooLarge(_)) => {
                let shared = Arc::clone(self.shared());
                let job = move || {
                    let mut budget = Budget::new(OPERATION_BYTES_MAX);
                    operation
                        .prepare(&shared.vault, &mut budget)
                        .map(|()| (operation, budget.used()))
                };
                self.ending.pool.run(job).await.map_err(|_| self.gone())?
            }
            quick => quick.map(|()| (operation, budget.used())),
        };
        prepared.map_err(|refused| match refused {
            Refused::TooLarge(too_large) => too_large.into(),
            Refused::Fault(fault) => fault.into(),
        })
    }
}

impl Backend for Journaled {
    async fn submit<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        let began_ns = self.shared().now_ns();
        let queue = self.queue()?;
        let (operation, bytes) = self.prepare(operation).await?;
        let kib = u32::try_from(bytes / 1_024 + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(kib).await;
        let room = room.map_err(|_| self.gone())?;
        let (reply, answer) = oneshot::channel();
        let waiter = Box::new(Waiter::new(operation, reply, room));
        queue.send(waiter).await.map_err(|_| self.gone())?;
        drop(queue);
        let answer = answer.await.unwrap_or_else(|_| Err(self.gone().into()));
        let shared = self.shared();
        shared.counters.operation.count_ns(shared.now_ns().saturating_sub(began_ns));
        answer
    }

    async fn read<T, R>(&self, read: R) -> Result<T, Fault>
    where
        T: Send + 'static,
        R: Fn(&Vault, &dyn Rows) -> Result<T, Fault> + Send + 'static,
    {
        let shared = self.shared();
        match read(&shared.vault, &shared.in_memory()) {
            Err(Fault::NotInMemory) => {}
            found => return found,
        }
        let shared = Arc::clone(shared);
        let job = move || read(&shared.vault, &shared.rows());
        self.ending.pool.run(job).await.map_err(|_| self.gone())?
    }

    fn figures(&self) -> StoreFigures {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |queue: &mpsc::Sender<_>| queue.max_capacity() - queue.capacity();
        let queued = queue.as_ref().map_or(0, waiting);
        StoreFigures {
            queued: u64::try_from(queued).unwrap_or(u64::MAX),
            ..self.shared().figures(self.kind)
        }
    }

    fn vault(&self) -> &Vault {
        &self.shared().vault
    }

    fn lists(&self) -> &ListVersions {
        &self.shared().overlay.lists
    }

    fn stored_bytes(&self, tenant: &TenantId) -> u64 {
        self.shared().usage.of(tenant)
    }

    async fn scrub(&self, tenant: TenantId) -> Result<(), Fault> {
        let (reply, ended) = oneshot::channel();
        let queue = self.queue()?;
        queue.send(Box::new(EndSegment(reply))).await.map_err(|_| self.gone())?;
        drop(queue);
        ended.await.map_err(|_| self.gone())??;
        let (shared, (reply, answer)) = (Arc::clone(self.shared()), oneshot::channel());
        Builder::new()
            .name("store-scrub".to_owned())
            .spawn(move || {
                let removed = shared.vault.remove_files(&tenant);
                let _ = reply.send(removed.and_then(|()| keeper::scrub(&shared)));
            })
            .map_err(|error| Fault::rows("starting a thread", error))?;
        answer.await.map_err(|_| self.gone())?
    }

    async fn close(&self) -> Result<(), Fault> {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let ending = Arc::clone(&self.ending);
        let (reply, answer) = oneshot::channel();
        Builder::new()
            .name("store-close".to_owned())
            .spawn(move || {
                let outcome = ending.end(Last::Word);
                // Whoever hears that it is closed may drop it and open it again.
                drop(ending);
                let _ = reply.send(outcome);
            })
            .map_err(|error| Fault::rows("closing", error))?;
        answer.await.map_err(|_| self.gone())?
    }
}

/// Whether the next opening is spared the replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Word,
    Nothing,
}

impl Ending {
    /// Ends the threads when what waits is done. Does nothing when that was done before.
    fn end(&self, last: Last) -> Result<(), Fault> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(threads) = threads else { return Ok(()) };
        // Panics of both threads are caught and stop the store.
        let _ = threads.committer.join();
        self.shared.overlay.close();
        let _ = threads.keeper.join();
        self.pool.close();
        let outcome = match self.shared.check() {
            Ok(()) if last == Last::Word => keeper::finish(&self.shared),
            checked => checked.map_err(Fault::from),
        };
        self.shared.stop(Gone::Closed);
        outcome
    }
}

/// Whoever drops a store without closing it leaves everything acknowledged behind, and a replay
/// for the next opening.
impl Drop for Journaled {
    fn drop(&mut self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        if let Err(fault) = self.ending.end(Last::Nothing) {
            tracing::warn!(%fault, "the store ended after a failure");
        }
    }
}

fn stop_if_it_panics(shared: &Shared, run: impl FnOnce()) {
    if std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err() {
        shared.stop(Gone::Failed("a thread of the store panicked".to_owned()));
        shared.overlay.fail();
    }
}
