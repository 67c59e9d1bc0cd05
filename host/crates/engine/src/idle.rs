//! How long a call has done nothing that the host could see: no host call, no line, no event. And
//! what is known of its host calls where its sandbox is dropped in the middle of one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wforge_model::{Failure, Problem, Timestamp};
use wforge_ports::effects::{EffectAnswer, EffectRequest, EffectSession, GuestLine};
use wforge_ports::{BoxFuture, Clock, RawFailure, RawRequest, RawResponse};

/// When a call was last seen doing something.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    clock: Arc<dyn Clock>,
    last_ms: Arc<AtomicU64>,
    has_asked: Arc<AtomicBool>,
    is_writing: Arc<AtomicBool>,
}

impl Pulse {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let last_ms = Arc::new(AtomicU64::new(now.0));
        Self { clock, last_ms, has_asked: Arc::default(), is_writing: Arc::default() }
    }

    /// Whether the call asked anything of the host.
    pub(crate) fn has_asked(&self) -> bool {
        self.has_asked.load(Ordering::Relaxed)
    }

    /// Whether the call was dropped while the host wrote something for it, so that nobody knows
    /// yet what came of that.
    pub(crate) fn is_writing(&self) -> bool {
        self.is_writing.load(Ordering::Relaxed)
    }

    fn begins(&self, request: &EffectRequest) {
        self.beat();
        self.has_asked.store(true, Ordering::Relaxed);
        let writes = request.elements.iter().any(|element| request.operation.writes(element));
        self.is_writing.store(writes, Ordering::Relaxed);
    }

    fn ends(&self) {
        self.is_writing.store(false, Ordering::Relaxed);
        self.beat();
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

/// A session whose calls are seen.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Box<dyn EffectSession>,
    pulse: Pulse,
}

impl Watched {
    pub(crate) fn new(inner: Box<dyn EffectSession>, pulse: Pulse) -> Self {
        Self { inner, pulse }
    }
}

impl EffectSession for Watched {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        self.pulse.begins(&request);
        let pulse = self.pulse.clone();
        Box::pin(async move {
            let answer = self.inner.perform(request).await;
            pulse.ends();
            answer
        })
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        self.pulse.beat();
        let (pulse, exchange) = (self.pulse.clone(), self.inner.exchange(request));
        Box::pin(async move {
            let outcome = exchange.await;
            pulse.beat();
            outcome
        })
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn random_seed(&self) -> [u8; 32] {
        self.inner.random_seed()
    }

    fn position(&self) -> u32 {
        self.inner.position()
    }

    fn log(&mut self, line: GuestLine) {
        self.pulse.beat();
        self.inner.log(line);
    }

    fn emit(&mut self, topic: String, payload: wforge_model::Value) {
        self.pulse.beat();
        self.inner.emit(topic, payload);
    }
}
