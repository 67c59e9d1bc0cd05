//! What arrived at a server: a line of JSON each.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::http::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arrived {
    /// Its idempotency key.
    pub(crate) key: String,
    /// Its header `authorization`.
    pub(crate) authorization: String,
    /// Of its body.
    pub(crate) digest: String,
    /// Since the server started.
    pub(crate) at_ms: u64,
    /// Null where it is no JSON.
    pub(crate) body: Value,
}

impl Arrived {
    pub(super) fn read(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line)?;
        let text = |field: &str| line[field].as_str().map(str::to_owned);
        Ok(Self {
            key: text("key").context("a line without a key")?,
            authorization: text("authorization").unwrap_or_default(),
            digest: text("digest").context("a line without a digest")?,
            at_ms: line["at_ms"].as_u64().context("a line without a time")?,
            body: line["body"].clone(),
        })
    }
}

/// The log, and how often each request has arrived.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Kept>);

#[derive(Debug)]
struct Kept {
    file: fs_err::File,
    began: Instant,
    times: Mutex<HashMap<String, usize>>,
}

impl Log {
    pub(super) fn open(path: &str) -> Result<Self> {
        let file = fs_err::OpenOptions::new().append(true).create(true).open(path)?;
        Ok(Self(Arc::new(Kept { file, began: Instant::now(), times: Mutex::default() })))
    }

    /// Writes a request down; its JSON, and how often it has come by now under its key.
    pub(super) fn note(&self, headers: &HeaderMap, body: &[u8]) -> (Value, usize) {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let (key, auth) = (header("idempotency-key").unwrap_or("none"), header("authorization"));
        let digest = format!("{:08x}", crc32c::crc32c(body));
        let read: Value = serde_json::from_slice(body).unwrap_or_default();
        let at_ms = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let line = json!({
            "key": key, "authorization": auth, "digest": digest, "at_ms": at_ms, "body": read,
        });
        // Whole lines, also from several threads.
        let _ = (&self.0.file).write_all(format!("{line}\n").as_bytes());
        let mut times = self.0.times.lock().unwrap_or_else(|broken| broken.into_inner());
        let times = times.entry(format!("{key} {digest}")).or_default();
        *times += 1;
        (read, *times)
    }
}
