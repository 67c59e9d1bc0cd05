//! A session of effects that somebody attends to: who notes what a guest does, and hands it on.

use wforge_model::{Timestamp, Value};
use wforge_ports::effects::{EffectAnswer, EffectRequest, EffectSession, EffectsError, GuestLine};
use wforge_ports::{BoxFuture, RawFailure, RawRequest, RawResponse};

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

    /// It was answered.
    fn after(&mut self) {}

    /// The guest sends something that leaves no record; what is returned is called at its end.
    fn sends(&mut self, _request: &RawRequest) -> Box<dyn FnOnce() + Send> {
        Box::new(|| {})
    }

    /// The guest said something, to the log or as an event.
    fn said(&mut self) {}
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
        Box::pin(async move {
            if let Err(error) = self.by.before(&request, self.inner.position()).await {
                return EffectAnswer::Fault(error);
            }
            let answer = self.inner.perform(request).await;
            self.by.after();
            answer
        })
    }

    fn exchange(
        &mut self,
        request: RawRequest,
    ) -> BoxFuture<'static, Result<RawResponse, RawFailure>> {
        let ends = self.by.sends(&request);
        let exchange = self.inner.exchange(request);
        Box::pin(async move {
            let outcome = exchange.await;
            ends();
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
        self.by.said();
        self.inner.log(line);
    }

    fn emit(&mut self, topic: String, payload: Value) {
        self.by.said();
        self.inner.emit(topic, payload);
    }
}
