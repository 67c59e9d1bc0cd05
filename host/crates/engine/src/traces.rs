//! How what happens here is tied to traces that go beyond this process.
//!
//! Spans are tracing's own, and whoever keeps them decides what becomes of them. All that is known
//! here of a trace is the text of a W3C `traceparent`.

use std::sync::Arc;

use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};
use wforge_model::{RunId, TenantId};

/// What whoever keeps traces does with spans; nothing where nobody keeps any.
#[derive(Debug, Clone, Copy)]
pub struct TraceHooks {
    /// The span, below which nothing was begun yet, goes on in the trace of that `traceparent`. One
    /// that cannot be read changes nothing, nor does any once `parent_of` was asked of the span.
    pub join: fn(&Span, &str),
    /// The `traceparent` of what the span begins.
    pub parent_of: fn(&Span) -> Option<String>,
}

impl Default for TraceHooks {
    fn default() -> Self {
        Self { join: |_, _| {}, parent_of: |_| None }
    }
}

/// The request that something follows from, for the spans of what goes on after it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceOrigin {
    /// The id of the request.
    pub request_id: Arc<str>,
    /// The `traceparent` of its span.
    pub traceparent: Option<Arc<str>>,
}

tokio::task_local! {
    static ORIGIN: TraceOrigin;
}

impl TraceOrigin {
    /// Does something that follows from that request.
    pub async fn scope<F: Future>(self, work: F) -> F::Output {
        ORIGIN.scope(self, work).await
    }

    /// Work of a request that goes on elsewhere: in the same span, following from the same request.
    pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
        let origin = Self::current();
        let work = async move {
            match origin {
                Some(origin) => origin.scope(work).await,
                None => work.await,
            }
        };
        work.in_current_span()
    }

    /// The request that this follows from, if it follows from one.
    #[must_use]
    pub fn current() -> Option<Self> {
        ORIGIN.try_with(Clone::clone).ok()
    }
}

/// The span of a run for as long as it is in memory. No child of the request's span, which would
/// then last as long as the run; it names the request, and is in its trace.
pub(crate) fn run_span(hooks: TraceHooks, tenant: &TenantId, run: RunId) -> Span {
    let span = tracing::info_span!(parent: None, "run", %tenant, %run, request_id = Empty);
    if let Some(TraceOrigin { request_id, traceparent }) = TraceOrigin::current() {
        span.record("request_id", display(request_id));
        if let Some(traceparent) = traceparent {
            (hooks.join)(&span, &traceparent);
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_follows_from_a_request_knows_it_and_nothing_else_does() {
        let origin = TraceOrigin { request_id: "req_1".into(), traceparent: None };
        let inside = origin.clone().scope(async { TraceOrigin::current() }).await;
        assert_eq!((inside, TraceOrigin::current()), (Some(origin), None));
    }
}
