//! How long a call has done nothing that the host could see: no host call, no line, no event. And
//! what is known of its host calls where its sandbox is dropped in the middle of one, and of what
//! it took of the sandbox.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wforge_model::{Failure, Problem, SandboxUse, Timestamp};
use wforge_ports::effects::{EffectAnswer, EffectRequest};
use wforge_ports::{Clock, RawRequest};

use crate::attended::{Attends, Sent};

/// When a call was last seen doing something.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    clock: Arc<dyn Clock>,
    last_ms: Arc<AtomicU64>,
    has_asked: Arc<AtomicBool>,
    is_writing: Arc<AtomicBool>,
    /// Whether something was sent that leaves no record.
    has_sent: Arc<AtomicBool>,
    cpu_us: Arc<AtomicU64>,
    memory_bytes_peak: Arc<AtomicU64>,
}

impl Pulse {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let last_ms = Arc::new(AtomicU64::new(now.0));
        let (has_asked, is_writing, has_sent) = Default::default();
        let (cpu_us, memory_bytes_peak) = Default::default();
        Self { clock, last_ms, has_asked, is_writing, has_sent, cpu_us, memory_bytes_peak }
    }

    /// Whether the call asked anything of the host.
    pub(crate) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Whether the call was dropped while the host wrote something for it, so that nobody knows
    /// yet what came of that; or sent something that leaves no record.
    pub(crate) fn may_have_written(&self) -> bool {
        self.is_writing.load(Ordering::Relaxed) || self.has_sent.load(Ordering::Relaxed)
    }

    /// What the call took of the sandbox; nothing where it was dropped.
    pub(crate) fn sandbox(&self) -> SandboxUse {
        SandboxUse {
            cpu_us: self.cpu_us.load(Ordering::Relaxed),
            memory_bytes_peak: self.memory_bytes_peak.load(Ordering::Relaxed),
        }
    }

    fn beat(&self) {
        self.last_ms.store(self.clock.now().0, Ordering::Relaxed);
    }

    /// Ends once nothing was seen for so long; gives the failure that this is.
    pub(crate) async fn stops(self, idle_ms: u64) -> Failure {
        loop {
            let until = Timestamp(self.last_ms.load(Ordering::Relaxed)).after_ms(idle_ms);
            if until <= self.clock.now() {
                let message = format!(
                    "the agent made no host call and wrote nothing for {idle_ms} ms \
                     (timeout.idle); raise it, or let the agent log as it goes on"
                );
                return Failure::Timeout(Problem::new("idle_timeout", message));
            }
            self.clock.sleep_until(until).await;
        }
    }
}

impl Attends for Pulse {
    fn begins(&mut self, request: &EffectRequest) {
        self.beat();
        self.has_asked.store(true, Ordering::Relaxed);
        let writes = request.elements.iter().any(|element| request.operation.writes(element));
        self.is_writing.store(writes, Ordering::Relaxed);
    }

    fn after(&mut self, _answer: &EffectAnswer, _recorded: usize) {
        self.is_writing.store(false, Ordering::Relaxed);
        self.beat();
    }

    fn sends(&mut self, request: &RawRequest) -> Sent {
        self.beat();
        if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS") {
            self.has_sent.store(true, Ordering::Relaxed);
        }
        let pulse = self.clone();
        Box::new(move |_| pulse.beat())
    }

    fn said(&mut self) {
        self.beat();
    }

    fn spent(&mut self, spent: SandboxUse) {
        self.cpu_us.fetch_add(spent.cpu_us, Ordering::Relaxed);
        self.memory_bytes_peak.fetch_max(spent.memory_bytes_peak, Ordering::Relaxed);
    }
}
