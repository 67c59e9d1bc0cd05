//! A way out that leads to the loopback address only.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use wforge_effects::outbound::{Outbound, OutboundError, OutboundRequest, OutboundResponse};
use wforge_model::TenantId;

#[derive(Debug, Default)]
pub(crate) struct Loopback;

impl Outbound for Loopback {
    fn send<'a>(
        &'a self,
        _tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        Box::pin(async move {
            let limit = Limit {
                host: "127.0.0.1".to_owned(),
                until: Instant::now() + request.timeout,
                timeout: request.timeout,
                bytes_max: request.response_bytes_max,
                bytes_left: request.response_bytes_max,
            };
            let head = tokio::time::timeout_at(limit.until, exchange(&limit.host, request));
            let response = head.await.map_err(|_| limit.passed())??;
            let text = |value: &hyper::header::HeaderValue| value.to_str().ok().map(str::to_owned);
            let headers = response.headers().iter();
            let headers =
                headers.filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)));
            Ok(OutboundResponse {
                status: response.status().as_u16(),
                headers: headers.collect(),
                body: pieces(response.into_body(), limit),
            })
        })
    }
}

struct Limit {
    host: String,
    until: Instant,
    timeout: Duration,
    bytes_max: u64,
    bytes_left: u64,
}

impl Limit {
    fn passed(&self) -> OutboundError {
        let limit_ms = u64::try_from(self.timeout.as_millis()).unwrap();
        OutboundError::Timeout { host: self.host.clone(), limit_ms }
    }
}

async fn exchange(
    host: &str,
    request: OutboundRequest,
) -> Result<Response<Incoming>, OutboundError> {
    let rest = request.url.strip_prefix("http://").unwrap();
    let (authority, path) = rest.split_once('/').unwrap();
    assert!(authority.starts_with("127.0.0.1:"), "only the loopback address: {authority}");
    let stream = TcpStream::connect(authority).await;
    let stream = stream.map_err(|_| OutboundError::Unreachable {
        host: host.to_owned(),
        reason: "connection refused".to_owned(),
        is_timeout: false,
    })?;
    let broken = |_| OutboundError::Broken {
        host: host.to_owned(),
        reason: "the connection ended".to_owned(),
    };
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    TaskTracker::new().spawn(connection);
    let mut builder = Request::builder().method(request.method.as_str()).uri(format!("/{path}"));
    builder = builder.header("host", authority);
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(Full::new(request.body)).unwrap();
    sender.send_request(request).await.map_err(broken)
}

fn pieces(body: Incoming, limit: Limit) -> BoxStream<'static, Result<Bytes, OutboundError>> {
    let body = body.into_data_stream();
    futures::stream::unfold(Some((body, limit)), |state| async move {
        let (mut body, mut limit) = state?;
        let piece = match tokio::time::timeout_at(limit.until, body.next()).await {
            Err(_) => Err(limit.passed()),
            Ok(None) => return None,
            Ok(Some(Ok(bytes))) => match limit.bytes_left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    limit.bytes_left = left;
                    return Some((Ok(bytes), Some((body, limit))));
                }
                None => Err(OutboundError::TooLarge { host: limit.host, limit: limit.bytes_max }),
            },
            Ok(Some(Err(_))) => Err(OutboundError::Broken {
                host: limit.host,
                reason: "the connection ended".to_owned(),
            }),
        };
        Some((piece, None))
    })
    .boxed()
}
