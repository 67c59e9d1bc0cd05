//! Two threads for what may wait for a disk: reads that miss the overlay, large values on their
//! way in. A lane of its own, so that neither plugins nor the API feel a slow disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use tokio::sync::{mpsc, oneshot};

/// Jobs that may wait.
const QUEUE_MAX: usize = 256;
const THREADS: usize = 2;

type Job = Box<dyn FnOnce() + Send>;

/// The threads, and the queue before them.
#[derive(Debug)]
pub(crate) struct Pool {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The pool was closed, or the job panicked.
#[derive(Debug)]
pub(crate) struct NotRun;

impl Pool {
    pub(crate) fn start() -> std::io::Result<Self> {
        let (queue, jobs) = mpsc::channel::<Job>(QUEUE_MAX);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = (0..THREADS)
            .map(|number| {
                let jobs = Arc::clone(&jobs);
                Builder::new().name(format!("store-io-{number}")).spawn(move || serve(&jobs))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) })
    }

    /// Runs a job on one of the threads.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move || {
            // Whoever asked may have gone.
            let _ = reply.send(job());
        });
        queue.ok_or(NotRun)?.send(job).await.map_err(|_| NotRun)?;
        answer.await.map_err(|_| NotRun)
    }

    /// Ends the threads after what waits.
    pub(crate) fn close(&self) {
        drop(self.queue.lock().unwrap_or_else(PoisonError::into_inner).take());
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A job's panic is caught, so a thread ends well.
            let _ = thread.join();
        }
    }
}

fn serve(jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        let Some(job) = job else { return };
        // sled may panic on a damaged page; whoever asked hears it from the dropped reply.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a storage job panicked");
        }
    }
}
