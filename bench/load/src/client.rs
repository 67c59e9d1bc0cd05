//! A client of one server with one key, which takes every status for an answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

/// Only a server that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Whether it said when to come back.
    pub(crate) retry_after: bool,
    pub(crate) body: Bytes,
}

impl Reply {
    /// The body as JSON, if the status is one of success.
    pub(crate) fn json(&self) -> Result<Value> {
        let text = String::from_utf8_lossy(&self.body);
        let short: String = text.chars().take(300).collect();
        anyhow::ensure!((200..300).contains(&self.status), "{}: {short}", self.status);
        serde_json::from_str(&text).with_context(|| format!("no JSON: {short}"))
    }
}

/// The client. Clones share their connections.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    inner: hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>,
    url: String,
    authorization: HeaderValue,
}

impl Client {
    pub(crate) fn new(url: &str, key: &str) -> Result<Self> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let inner = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(connector);
        let authorization = HeaderValue::try_from(format!("Bearer {key}"))?;
        Ok(Self { inner, url: url.to_owned(), authorization })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Reply> {
        let request = self.request(Method::GET, path).body(Full::default())?;
        whole(self.inner.request(request), path).await
    }

    pub(crate) async fn post(&self, path: &str, body: Bytes) -> Result<Reply> {
        self.post_as(path, "application/json", body).await
    }

    /// Registers a workflow file.
    pub(crate) async fn register(&self, file: &'static str) -> Result<Value> {
        let body = Bytes::from_static(file.as_bytes());
        self.post_as("/v1/workflows", "application/yaml", body).await?.json()
    }

    async fn post_as(&self, path: &str, media_type: &str, body: Bytes) -> Result<Reply> {
        let request = self.request(Method::POST, path);
        let request = request.header(CONTENT_TYPE, media_type).body(Full::new(body))?;
        whole(self.inner.request(request), path).await
    }

    /// The same with JSON, of which the answer must be a success.
    pub(crate) async fn tell(&self, path: &str, body: &Value) -> Result<Value> {
        let reply = self.post(path, Bytes::from(body.to_string())).await?;
        reply.json().with_context(|| format!("POST {path}"))
    }

    /// Opens a stream of events after the one with that id.
    pub(crate) async fn events(&self, path: &str, after: u64) -> Result<Response<Incoming>> {
        let request = self.request(Method::GET, path).header(ACCEPT, "text/event-stream");
        let request = match after {
            0 => request,
            after => request.header("last-event-id", after),
        };
        let opened = self.inner.request(request.body(Full::default())?);
        Ok(tokio::time::timeout(PATIENCE, opened).await??)
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let uri = format!("{}{path}", self.url);
        let request = Request::builder().method(method).uri(uri);
        request.header(AUTHORIZATION, self.authorization.clone())
    }
}

/// The whole answer.
async fn whole(response: hyper_util::client::legacy::ResponseFuture, path: &str) -> Result<Reply> {
    let read = async {
        let (head, body) = response.await?.into_parts();
        let body = body.collect().await?.to_bytes();
        let retry_after = head.headers.contains_key(RETRY_AFTER);
        anyhow::Ok(Reply { status: head.status.as_u16(), retry_after, body })
    };
    let read = tokio::time::timeout(PATIENCE, read).await;
    read.with_context(|| format!("{path}: no answer"))?.with_context(|| path.to_owned())
}
