//! A client that blocks and takes every status for an answer.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// What a server answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.text).with_context(|| format!("no JSON: {}", self.short()))
    }

    /// The body, if the status is that one.
    pub(crate) fn of(&self, status: u16) -> Result<Value> {
        anyhow::ensure!(self.status == status, "{}, not {status}: {}", self.status, self.short());
        self.json()
    }

    /// A header's value.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The start of the body.
    pub(crate) fn short(&self) -> String {
        self.text.chars().take(300).collect()
    }
}

/// A client of one server with one key.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    agent: ureq::Agent,
    url: String,
    key: Option<String>,
}

impl Client {
    pub(crate) fn new(url: &str, key: Option<&str>, timeout: Duration) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(timeout))
            .proxy(None)
            .build();
        Self { agent: config.into(), url: url.to_owned(), key: key.map(ToOwned::to_owned) }
    }

    pub(crate) fn get(&self, path: &str) -> Result<Reply> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let request = match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        };
        read(request.call().with_context(|| format!("GET {path}"))?)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.send(path, "application/json", &[], body.to_string().as_bytes())
    }

    /// Any bytes, with further headers.
    pub(crate) fn send(
        &self,
        path: &str,
        media_type: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Reply> {
        let request =
            self.agent.post(format!("{}{path}", self.url)).header("content-type", media_type);
        let request = match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        };
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        read(request.send(body).with_context(|| format!("POST {path}"))?)
    }

    /// The same by PUT.
    pub(crate) fn put(&self, path: &str, body: &Value) -> Result<Reply> {
        let request = self.agent.put(format!("{}{path}", self.url));
        let request = request.header("content-type", "application/json");
        let request = match &self.key {
            Some(key) => request.header("authorization", format!("Bearer {key}")),
            None => request,
        };
        read(request.send(body.to_string().as_bytes()).with_context(|| format!("PUT {path}"))?)
    }
}

fn read(mut response: ureq::http::Response<ureq::Body>) -> Result<Reply> {
    let headers = response.headers().iter().map(|(name, value)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    });
    let headers = headers.collect();
    let bytes = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Reply { status: response.status().as_u16(), headers, text })
}
