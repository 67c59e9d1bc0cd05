//! Threads for heavy work, and turns so that one tenant cannot fill them all.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rustix::process::nice;
use tokio::sync::{OwnedMutexGuard, oneshot};
use wforge_model::TenantId;

/// Cranelift recurses with the shape of what it compiles.
const STACK_BYTES: usize = 16 << 20;

/// Jobs that may wait for a thread; one for each tenant is enough.
const WAITING_MAX: usize = 1_024;

type Job = Box<dyn FnOnce() + Send>;

/// The threads. They end when the lane is dropped and its jobs are done.
#[derive(Debug)]
pub(crate) struct Lane {
    jobs: mpsc::SyncSender<Job>,
    turns: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
}

/// These threads' own, above that of the threads of plugins: whoever calls an agent goes before
/// whoever installs one.
const NICE: i32 = 8;

/// Why a job was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaneError {
    /// More work is waiting than the lane takes: try again.
    #[error("too many components are waiting to be loaded")]
    Full,
    /// The job panicked; its thread goes on.
    #[error("loading the component ended without a result")]
    Lost,
}

impl Lane {
    pub(crate) fn start(threads: u32) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::sync_channel::<Job>(WAITING_MAX);
        let queue = Arc::new(Mutex::new(queue));
        for number in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("wforge-load-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    // Where the system has it otherwise, it is as urgent as the rest.
                    let _ = nice(NICE);
                    work(&queue);
                })?;
        }
        Ok(Self { jobs, turns: Mutex::default() })
    }

    /// Does the job on one of the threads, as soon as no other job of the tenant is under way.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaneError> {
        let turn = self.turn(tenant).await;
        let (report, result) = oneshot::channel();
        let job = move || {
            // Nobody may be waiting any more; the job's work on disk still counts.
            let _unheard = report.send(job());
            drop(turn);
        };
        self.jobs.try_send(Box::new(job)).map_err(|_| LaneError::Full)?;
        result.await.map_err(|_| LaneError::Lost)
    }

    async fn turn(&self, tenant: &TenantId) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            turns.retain(|_, turn| Arc::strong_count(turn) > 1);
            Arc::clone(turns.entry(tenant.clone()).or_default())
        };
        turn.lock_owned().await
    }
}

fn work(queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a job of the loading lane panicked");
        }
    }
}
