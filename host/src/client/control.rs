//! The control plane: keys, people, tenants, audit. Asked of a server, or of the very same API in
//! this process, so that both do and refuse the same.

use anyhow::Context as _;
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use super::problem;
use super::remote::signature_header;
use super::{Component, Opened, Remote, open_some};
use crate::compose::{Host, Mode, api_parts, default_tenant};
use crate::config::Config;
use crate::known::OwnKey;

/// Rows of one page.
const PAGE: usize = 200;

/// Who is asked.
#[derive(Debug)]
pub(crate) enum Control {
    /// A server.
    Remote(Remote),
    /// The API of this process.
    Here(Box<Here>),
}

/// The API of this process, with the key of whoever owns the data directory.
#[derive(Debug)]
pub(crate) struct Here {
    host: Host,
    router: axum::Router,
    key: String,
}

impl Control {
    /// Finds whom to ask, to look or to drive the runs that are asked for.
    pub(crate) async fn open(config: &Config, mode: Mode) -> anyhow::Result<Self> {
        match open_some(config, mode).await? {
            Opened::Remote(remote) => Ok(Self::Remote(remote)),
            Opened::Host(host) => {
                host.handle.load_directory().await?;
                let tenant = default_tenant()?;
                host.handle.ensure_tenant(tenant.clone(), crate::known::OWNER).await?;
                let (own, key) = OwnKey::issue(tenant, host.entropy.as_ref(), &host.pepper);
                let router = wforge_api::router(api_parts(&host, own)?);
                Ok(Self::Here(Box::new(Here { host: *host, router, key })))
            }
        }
    }

    /// What is at that path.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        match self {
            Self::Remote(remote) => remote.json(remote.get(path)).await,
            Self::Here(here) => here.json(Method::GET, path, None).await,
        }
    }

    /// What came of a change.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        match self {
            Self::Remote(remote) => {
                let request = match body {
                    Some(body) => remote.post(path, body),
                    None => remote.post_nothing(path),
                };
                remote.json(request).await
            }
            Self::Here(here) => {
                let body = body.map(serde_json::to_vec).transpose()?;
                here.json(Method::POST, path, body.map(|body| ("application/json", body))).await
            }
        }
    }

    /// What came of a change that may be asked for again.
    pub(crate) async fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        match self {
            Self::Remote(remote) => remote.json(remote.put(path, body)).await,
            Self::Here(here) => {
                let body = ("application/json", serde_json::to_vec(body)?);
                here.json(Method::PUT, path, Some(body)).await
            }
        }
    }

    /// What was removed.
    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<Value> {
        match self {
            Self::Remote(remote) => remote.json(remote.delete(path)).await,
            Self::Here(here) => here.json(Method::DELETE, path, None).await,
        }
    }

    /// What came of a component, with its signature where it has one.
    pub(crate) async fn send_component(
        &self,
        path: &str,
        component: Component,
    ) -> anyhow::Result<Value> {
        let Component { bytes, signature, .. } = component;
        match self {
            Self::Remote(remote) => {
                remote.json(remote.send_component(path, bytes, signature.as_deref())).await
            }
            Self::Here(here) => {
                let signed = signature.as_deref().map(signature_header);
                let body = Some(("application/wasm", bytes));
                read(here.answer(Method::POST, path, body, signed).await?).await
            }
        }
    }

    /// All items of a list.
    pub(crate) async fn list(&self, path: &str) -> anyhow::Result<Vec<Value>> {
        self.first(path, usize::MAX).await
    }

    /// The first items of a list.
    pub(crate) async fn first(&self, path: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), String::new());
        let joint = if path.contains('?') { '&' } else { '?' };
        loop {
            let page_limit = PAGE.min(limit.saturating_sub(items.len()));
            let page = self.get(&format!("{path}{joint}limit={page_limit}{after}")).await?;
            let found = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            items.extend(found);
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(cursor) if items.len() < limit => {
                    after = format!("&cursor={}", in_query(cursor));
                }
                Some(_) | None => return Ok(items),
            }
        }
    }

    /// The text at that path.
    pub(crate) async fn text(&self, path: &str) -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        let take = |piece: &[u8]| {
            bytes.extend_from_slice(piece);
            Ok(())
        };
        self.stream(path, take).await?;
        String::from_utf8(bytes).context("reading the answer")
    }

    /// The bytes at that path, piece by piece.
    pub(crate) async fn stream(
        &self,
        path: &str,
        mut take: impl FnMut(&[u8]) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match self {
            Self::Remote(remote) => {
                let mut response = remote.event_stream(path).await?;
                while let Some(chunk) = response.chunk().await.map_err(|e| e.without_url())? {
                    take(&chunk)?;
                }
                Ok(())
            }
            Self::Here(here) => {
                let mut body = here.answer(Method::GET, path, None, None).await?;
                while let Some(frame) = body.frame().await {
                    let frame = frame.context("reading the answer")?;
                    if let Some(bytes) = frame.data_ref() {
                        take(bytes)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Ends what was opened, whatever came of the command.
    pub(crate) async fn finish<T>(self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let closed = match self {
            Self::Remote(_) => Ok(()),
            Self::Here(here) => {
                let Here { host, router, .. } = *here;
                drop(router);
                host.close().await
            }
        };
        let value = result?;
        closed?;
        Ok(value)
    }
}

impl Here {
    async fn answer(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
        header: Option<(&'static str, String)>,
    ) -> anyhow::Result<Body> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, "localhost")
            .header(AUTHORIZATION, format!("Bearer {}", self.key));
        let request = match header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        let request = match body {
            Some((media_type, bytes)) => {
                request.header(CONTENT_TYPE, media_type).body(Body::from(bytes))
            }
            None => request.body(Body::empty()),
        };
        let response = self.router.clone().oneshot(request?).await?;
        let status = response.status();
        let body = response.into_body();
        if status.is_success() {
            return Ok(body);
        }
        let bytes = body.collect().await?.to_bytes();
        Err(problem::of_api("this data directory", status.as_u16(), &bytes))
    }

    async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> anyhow::Result<Value> {
        read(self.answer(method, path, body, None).await?).await
    }
}

async fn read(body: Body) -> anyhow::Result<Value> {
    let bytes = body.collect().await?.to_bytes();
    serde_json::from_slice(&bytes).context("reading the answer")
}

/// Percent-encodes what does not belong into a query or a part of a path.
pub(crate) fn in_query(text: &str) -> String {
    super::remote::in_path(text).replace('/', "%2F").replace('@', "%40")
}
