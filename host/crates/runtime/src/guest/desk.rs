//! Where a guest's host calls are handed over to the effects session.
//!
//! A store's data must own what it holds, but the session is borrowed for the call only. So a host
//! function puts its request on the desk and waits; whoever polls the guest finds it there, has it
//! performed, puts the answer back and polls again. Both ends run in one task, one after the other.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use wforge_ports::{EffectAnswer, EffectRequest, EffectSession};

use super::errand::Taken;
use super::voice::Voice;
use super::wasi::GuestClock;

/// One of the two ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Desk(Arc<Mutex<Slot>>);

#[derive(Debug, Default)]
enum Slot {
    #[default]
    Free,
    Asked(EffectRequest),
    Answered(EffectAnswer),
}

impl Desk {
    /// The guest's end: hands a request over and waits for its answer.
    pub(crate) async fn ask(&self, request: EffectRequest) -> EffectAnswer {
        self.put(Slot::Asked(request));
        poll_fn(|_| match self.take(|slot| matches!(slot, Slot::Answered(_))) {
            Some(Slot::Answered(answer)) => Poll::Ready(answer),
            _ => Poll::Pending,
        })
        .await
    }

    fn asked(&self) -> Option<EffectRequest> {
        match self.take(|slot| matches!(slot, Slot::Asked(_))) {
            Some(Slot::Asked(request)) => Some(request),
            _ => None,
        }
    }

    fn put(&self, slot: Slot) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = slot;
    }

    fn take(&self, wanted: impl FnOnce(&Slot) -> bool) -> Option<Slot> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wanted(&slot).then(|| std::mem::take(&mut *slot))
    }
}

/// The host's end of one call.
#[derive(Debug)]
pub(crate) struct Attendant {
    pub(crate) desk: Desk,
    pub(crate) voice: Voice,
    pub(crate) guest_clock: GuestClock,
}

enum Event<T> {
    Ended(T),
    Asked(EffectRequest),
}

impl Attendant {
    /// Polls the guest to its end and has performed what it asks on the way.
    pub(crate) async fn serve<T>(
        &self,
        guest: impl Future<Output = T>,
        mut errands: Taken,
        effects: &mut dyn EffectSession,
    ) -> T {
        let mut guest = pin!(guest);
        loop {
            let event = poll_fn(|cx| {
                let polled = guest.as_mut().poll(cx);
                self.voice.forward(effects);
                errands.begin(cx, effects);
                match (polled, self.desk.asked()) {
                    (Poll::Ready(end), _) => Poll::Ready(Event::Ended(end)),
                    (Poll::Pending, Some(request)) => Poll::Ready(Event::Asked(request)),
                    (Poll::Pending, None) => Poll::Pending,
                }
            });
            match event.await {
                Event::Ended(end) => return end,
                Event::Asked(request) => self.perform(request, effects).await,
            }
        }
    }

    async fn perform(&self, request: EffectRequest, effects: &mut dyn EffectSession) {
        let answer = effects.perform(request).await;
        self.guest_clock.set(effects.now());
        self.desk.put(Slot::Answered(answer));
    }
}
