//! Health checks at a fixed rate while something else goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::http::Client;

/// Between the beginnings of two checks.
const EVERY: Duration = Duration::from_millis(10);

/// A thread that checks.
#[derive(Debug)]
pub(crate) struct Probe {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl Probe {
    pub(crate) fn start(url: &str) -> Self {
        let client = Client::new(url, None, Duration::from_secs(10));
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut took, mut due) = (Vec::new(), Instant::now());
            while !stopped.load(Ordering::Relaxed) {
                // From when it was due: a check that waits for the one before has waited too.
                let answered = client.get("/healthz").is_ok_and(|reply| reply.status == 200);
                let ms = if answered { due.elapsed() } else { Duration::from_secs(10) };
                took.push(ms);
                due += EVERY;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            took
        });
        Self { stop, thread }
    }

    /// The 99th percentile, and how many checks there were.
    pub(crate) fn finish(self) -> (Duration, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let mut took = self.thread.join().unwrap_or_default();
        (percentile(&mut took, 99), took.len())
    }
}

/// The nearest rank.
pub(crate) fn percentile(took: &mut [Duration], of: usize) -> Duration {
    took.sort_unstable();
    let rank = (took.len() * of).div_ceil(100).max(1) - 1;
    took.get(rank).copied().unwrap_or(Duration::MAX)
}
