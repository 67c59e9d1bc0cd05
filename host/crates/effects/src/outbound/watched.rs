//! What is seen of requests on their way out: how many, how large, how they ended; and, where the
//! operator wants that, the trace that they belong to goes along.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures::StreamExt as _;
use futures::future::BoxFuture;
use wforge_model::TenantId;
use wforge_ports::figures::EgressFigures;

use super::{Outbound, OutboundError, OutboundRequest, OutboundResponse};

/// The header of W3C's Trace Context.
const TRACEPARENT: &str = "traceparent";

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    /// What plugins ask of servers, and what webhooks are told.
    Http,
    /// Questions to models.
    Model,
    /// Calls of tools of MCP servers.
    Tool,
}

/// All of them, at the places of their counts.
const SURFACES: [(Surface, &str); 3] =
    [(Surface::Http, "http"), (Surface::Model, "model"), (Surface::Tool, "tool")];

/// How a request can end, at the places of their counts.
const OUTCOMES: [&str; 8] = [
    "ok",
    "invalid",
    "forbidden_address",
    "unreachable",
    "broken",
    "circuit_open",
    "timeout",
    "too_large",
];

const fn outcome(error: Option<&OutboundError>) -> usize {
    match error {
        None => 0,
        Some(OutboundError::Invalid { .. }) => 1,
        Some(OutboundError::Forbidden { .. }) => 2,
        Some(OutboundError::Unreachable { .. }) => 3,
        Some(OutboundError::Broken { .. }) => 4,
        Some(OutboundError::Resting { .. }) => 5,
        Some(OutboundError::Timeout { .. }) => 6,
        Some(OutboundError::TooLarge { .. }) => 7,
    }
}

/// Counts over all tenants, for all ways out of a host.
#[derive(Debug, Default)]
pub struct EgressCounts([Counts; SURFACES.len()]);

#[derive(Debug, Default)]
struct Counts {
    ended: [AtomicU64; OUTCOMES.len()],
    sent_bytes: AtomicU64,
    received_bytes: AtomicU64,
}

impl EgressCounts {
    fn of(&self, surface: Surface) -> Option<&Counts> {
        SURFACES.iter().zip(&self.0).find(|((its, _), _)| *its == surface).map(|(_, counts)| counts)
    }

    /// What was counted until now.
    #[must_use]
    pub fn read(&self) -> EgressFigures {
        let mut figures = EgressFigures::default();
        for ((_, surface), counts) in SURFACES.iter().zip(&self.0) {
            let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
            let ended = OUTCOMES.iter().zip(&counts.ended);
            figures
                .requests
                .extend(ended.map(|(outcome, count)| (*surface, *outcome, read(count))));
            figures.sent_bytes.push((*surface, read(&counts.sent_bytes)));
            figures.received_bytes.push((*surface, read(&counts.received_bytes)));
        }
        figures
    }
}

/// A way out that is watched.
#[derive(Debug)]
pub struct Watched {
    inner: Arc<dyn Outbound>,
    surface: Surface,
    counts: Arc<EgressCounts>,
    trace: Option<fn() -> Option<String>>,
}

impl Watched {
    /// Watches that way.
    #[must_use]
    pub fn new(inner: Arc<dyn Outbound>, surface: Surface, counts: Arc<EgressCounts>) -> Self {
        Self { inner, surface, counts, trace: None }
    }

    /// The same, whose requests say to which trace they belong: `trace` gives the `traceparent` of
    /// what is under way, where there is one.
    #[must_use]
    pub const fn telling(mut self, trace: Option<fn() -> Option<String>>) -> Self {
        self.trace = trace;
        self
    }

    /// What a plugin says itself stays.
    fn tell_trace(&self, request: &mut OutboundRequest) {
        let is_said =
            request.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(TRACEPARENT));
        if let (false, Some(trace)) = (is_said, self.trace)
            && let Some(parent) = trace()
        {
            request.headers.push((TRACEPARENT.to_owned(), parent));
        }
    }

    async fn watched(
        &self,
        tenant: &TenantId,
        mut request: OutboundRequest,
    ) -> Result<OutboundResponse, OutboundError> {
        self.tell_trace(&mut request);
        let bytes = request.body.len() as u64;
        let result = self.inner.send(tenant, request).await;
        let Some(counts) = self.counts.of(self.surface) else { return result };
        counts.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
        if let Some(count) = counts.ended.get(outcome(result.as_ref().err())) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        result.map(|response| self.counting(response))
    }

    fn counting(&self, response: OutboundResponse) -> OutboundResponse {
        let (counts, surface) = (Arc::clone(&self.counts), self.surface);
        let body = response.body.inspect(move |piece| {
            if let (Ok(piece), Some(counts)) = (piece, counts.of(surface)) {
                counts.received_bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
        });
        OutboundResponse { body: body.boxed(), ..response }
    }
}

impl Outbound for Watched {
    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        Box::pin(self.watched(tenant, request))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use bytes::Bytes;
    use futures::stream;

    use super::*;

    /// Answers with four bytes, and remembers the headers; not reached where it is asked for /gone.
    #[derive(Debug, Default)]
    struct Server(Mutex<Vec<(String, String)>>);

    impl Outbound for Server {
        fn send<'a>(
            &'a self,
            _tenant: &'a TenantId,
            request: OutboundRequest,
        ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
            let is_gone = request.url.ends_with("/gone");
            *self.0.lock().unwrap() = request.headers;
            let body = stream::iter([Ok(Bytes::from_static(b"pong"))]).boxed();
            let response = OutboundResponse { status: 200, headers: Vec::new(), body };
            let gone = OutboundError::Timeout { host: "example.org".into(), limit_ms: 1 };
            Box::pin(std::future::ready(if is_gone { Err(gone) } else { Ok(response) }))
        }
    }

    fn request(path: &str, headers: &[(&str, &str)]) -> OutboundRequest {
        OutboundRequest {
            method: "POST".into(),
            url: format!("https://example.org/{path}"),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: Bytes::from_static(b"ping!"),
            timeout: Duration::from_secs(1),
            response_bytes_max: 100,
        }
    }

    fn tenant() -> TenantId {
        "acme".parse().unwrap()
    }

    #[tokio::test]
    async fn requests_are_counted_by_what_they_are_for_and_how_they_end() {
        let counts = Arc::new(EgressCounts::default());
        let server = Arc::new(Server::default());
        let watched = Watched::new(server, Surface::Model, Arc::clone(&counts));
        let response = watched.send(&tenant(), request("", &[])).await.unwrap();
        assert_eq!(response.body.count().await, 1);
        watched.send(&tenant(), request("gone", &[])).await.unwrap_err();
        let figures = counts.read();
        let ended: Vec<_> = figures.requests.into_iter().filter(|(.., count)| *count > 0).collect();
        assert_eq!(ended, [("model", "ok", 1), ("model", "timeout", 1)]);
        assert_eq!(figures.sent_bytes, [("http", 0), ("model", 10), ("tool", 0)]);
        assert_eq!(figures.received_bytes, [("http", 0), ("model", 4), ("tool", 0)]);
    }

    #[tokio::test]
    async fn a_trace_goes_along_only_where_it_shall_and_a_plugins_own_stays() {
        let ours: fn() -> Option<String> = || Some("00-ours".into());
        for (trace, said, expected) in [
            (None, vec![], None),
            (Some(ours), vec![], Some("00-ours")),
            (Some(ours), vec![("TraceParent", "00-its")], Some("00-its")),
        ] {
            let server = Arc::new(Server::default());
            let counts = Arc::new(EgressCounts::default());
            let watched = Watched::new(server.clone(), Surface::Http, counts).telling(trace);
            watched.send(&tenant(), request("", &said)).await.unwrap();
            let headers = server.0.lock().unwrap().clone();
            let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("traceparent"));
            assert_eq!(found.map(|(_, value)| value.as_str()), expected);
            assert!(headers.len() <= 1);
        }
    }
}
