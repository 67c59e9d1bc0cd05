//! A session of effects that somebody attends to: who notes what a guest does, and hands it on.

use tracing::{Instrument as _, debug_span};
use wforge_model::{SandboxUse, Timestamp, Value};
use wforge_ports::effects::{EffectAnswer, EffectRequest, EffectSession, EffectsError, GuestLine};
use wforge_ports::{BoxFuture, RawFailure, RawRequest, RawResponse};

/// Is told what came of something that was sent.
pub(crate) type Sent = Box<dyn FnOnce(&Result<RawResponse, RawFailure>) + Send>;

/// Who attends to a session. Changes nothing of what the guest gets.
pub(crate) trait Attends: std::fmt::Debug + Send {
    /// The guest asks for something, at that position of its record.
    ///
    /// # Errors
    /// Why it cannot be performed.
    fn before<'a>(
        &'a mut self,
        _request: &'a EffectRequest,
        _position: u32,
    ) -> BoxFuture<'a, Result<(), EffectsError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// It is about to be performed.
    fn begins(&mut self, _request: &EffectRequest) {}

    /// It was answered; so many of the first answers are those of an earlier execution.
    fn after(&mut self, _answer: &EffectAnswer, _recorded: usize) {}

    /// The guest sends something that leaves no record; what is returned is called at its end.
    fn sends(&mut self, _request: &RawRequest) -> Sent {
        Box::new(|_| {})
    }

    /// So many log lines of the guest were over its budget.
    fn dropped(&mut self, _lines: u64) {}

    /// The guest said something, to the log or as an event.
    fn said(&mut self) {}

    /// The call took so much of the sandbox.
    fn spent(&mut self, _spent: SandboxUse) {}
}

/// Both, one after the other.
impl<A: Attends, B: Attends> Attends for (A, B) {
    fn before<'a>(
        &'a mut self,
        request: &'a EffectRequest,
        position: u32,
    ) -> BoxFuture<'a, Result<(), EffectsError>> {
        Box::pin(async move {
            self.0.before(request, position).await?;
            self.1.before(request, position).await
        })
    }

    fn begins(&mut self, request: &EffectRequest) {
        self.0.begins(request);
        self.1.begins(request);
    }

    fn after(&mut self, answer: &EffectAnswer, recorded: usize) {
        self.0.after(answer, recorded);
        self.1.after(answer, recorded);
    }

    fn sends(&mut self, request: &RawRequest) -> Sent {
        let (first, second) = (self.0.sends(request), self.1.sends(request));
        Box::new(move |outcome| {
            first(outcome);
            second(outcome);
        })
    }

    fn said(&mut self) {
        self.0.said();
        self.1.said();
    }

    fn spent(&mut self, spent: SandboxUse) {
        self.0.spent(spent);
        self.1.spent(spent);
    }

    fn dropped(&mut self, lines: u64) {
        self.0.dropped(lines);
        self.1.dropped(lines);
    }
}

/// The session, attended to.
#[derive(Debug)]
pub(crate) struct Attended<A> {
    inner: Box<dyn EffectSession>,
    pub(crate) by: A,
}

impl<A> Attended<A> {
    pub(crate) const fn new(inner: Box<dyn EffectSession>, by: A) -> Self {
        Self { inner, by }
    }
}

impl<A: Attends> EffectSession for Attended<A> {
    fn perform(&mut self, request: EffectRequest) -> BoxFuture<'_, EffectAnswer> {
        let span = debug_span!("host_call", operation = request.operation.as_str());
        let performing = async move {
            let position = self.inner.position();
            if let Err(error) = self.by.before(&request, position).await {
                return EffectAnswer::Fault(error);
            }
            self.by.begins(&request);
            let answer = self.inner.perform(request).await;
            let recorded = self.inner.recorded().saturating_sub(position);
            self.by.after(&answer, usize::try_from(recorded).unwrap_or(usize::MAX));
            answer
        };
        Box::pin(performing.instrument(span))
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        let ends = self.by.sends(&request);
        let exchange = self.inner.exchange(request);
        Box::pin(async move {
            let outcome = exchange.await;
            ends(&outcome);
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

    fn recorded(&self) -> u32 {
        self.inner.recorded()
    }

    fn log(&mut self, line: GuestLine) {
        self.by.said();
        self.inner.log(line);
    }

    fn log_dropped(&mut self, lines: u64) {
        self.by.dropped(lines);
        self.inner.log_dropped(lines);
    }

    fn spent(&mut self, spent: SandboxUse) {
        self.by.spent(spent);
        self.inner.spent(spent);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        self.by.said();
        self.inner.emit(topic, payload);
    }
}
