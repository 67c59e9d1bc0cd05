//! The way of one exchange from a guest's own HTTP client to the effects session and back.
//!
//! wasmtime runs each on a task of its own, while the guest goes on or waits. The session is with
//! whoever polls the guest, so the request is left there, and the exchange that it began is waited
//! for here: dropped with the sandbox, and given up with it.

use std::task::{Context, Poll};

use tokio::sync::{mpsc, oneshot};
use wforge_ports::{BoxFuture, EffectSession, RawFailure, RawRequest, RawResponse};

pub(crate) type Outcome = Result<RawResponse, RawFailure>;

/// A request, and where the exchange goes that was begun for it.
struct Errand {
    request: RawRequest,
    begun: oneshot::Sender<BoxFuture<'static, Outcome>>,
}

/// Both ends for one guest, whose door lets in so many errands at the same time.
pub(crate) fn errands(at_once_max: usize) -> (Errands, Taken) {
    let (sender, receiver) = mpsc::channel(at_once_max.max(1));
    (Errands(sender), Taken(receiver))
}

/// The guest's end.
#[derive(Debug, Clone)]
pub(crate) struct Errands(mpsc::Sender<Errand>);

impl Errands {
    /// Has a request sent and waits for what comes of it.
    pub(crate) async fn run(&self, request: RawRequest) -> Outcome {
        let (begun, exchange) = oneshot::channel();
        self.0.send(Errand { request, begun }).await.map_err(|_| RawFailure::Stopped)?;
        exchange.await.map_err(|_| RawFailure::Stopped)?.await
    }
}

/// The host's end.
#[derive(Debug)]
pub(crate) struct Taken(mpsc::Receiver<Errand>);

impl Taken {
    /// Begins what was left here since the last time, and is woken by the next.
    pub(crate) fn begin(&mut self, cx: &mut Context<'_>, effects: &mut dyn EffectSession) {
        while let Poll::Ready(Some(errand)) = self.0.poll_recv(cx) {
            // Who does not wait for it any more does not get it.
            drop(errand.begun.send(effects.exchange(errand.request)));
        }
    }
}
