//! The host itself, through the imports of the component.

use std::time::{SystemTime, UNIX_EPOCH};

use super::Answers;
use crate::bindings::workflowforge::plugin as wit;
use crate::{Blob, Failure, Level, http, kv, llm, tools};

/// How much of a blob is handed over at once, in bytes.
const PIECE_BYTES_MAX: usize = 1 << 20;

#[derive(Debug, Default)]
pub(crate) struct Host;

/// A secret that the plugin may use but not see.
#[derive(Debug)]
pub struct Secret(wit::secrets::Secret);

impl Secret {
    /// Its text. Needs `secret:<name>:reveal`.
    ///
    /// # Errors
    /// Denied.
    pub fn reveal(&self) -> Result<String, Failure> {
        self.0.reveal()
    }
}

impl Host {
    pub(crate) fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        wit::log::write(level, message, fields);
    }

    pub(crate) fn emit(&self, topic: &str, payload: &str) -> Result<(), Failure> {
        wit::events::emit(topic, payload)
    }

    pub(crate) fn sleep(&self, ms: u64) -> Result<(), Failure> {
        wit::timer::sleep(ms)
    }

    #[expect(clippy::disallowed_methods, reason = "in a sandbox this clock is the host's")]
    pub(crate) fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    pub(crate) fn ask(&self, requests: &[wit::human::Request]) -> Answers<String> {
        wit::human::ask(requests)
    }

    pub(crate) fn list_tools(&self) -> Result<Vec<tools::Tool>, Failure> {
        wit::tools::list()
    }

    pub(crate) fn call_tools(&self, requests: &[wit::tools::Request]) -> Answers<String> {
        wit::tools::call(requests)
    }

    pub(crate) fn complete(&self, requests: &[llm::Request]) -> Answers<llm::Response> {
        wit::llm::complete(requests)
    }

    pub(crate) fn fetch(&self, requests: Vec<http::Request<'_>>) -> Answers<http::Response> {
        wit::http::fetch(&requests.into_iter().map(wire).collect::<Vec<_>>())
    }

    pub(crate) fn kv_get(&self, scope: kv::Scope, key: &str) -> Result<Option<kv::Entry>, Failure> {
        wit::kv::get(scope, key)
    }

    pub(crate) fn kv_set(
        &self,
        scope: kv::Scope,
        key: &str,
        value: &str,
        ttl_ms: Option<u64>,
    ) -> Result<kv::Entry, Failure> {
        wit::kv::set(scope, key, value, ttl_ms)
    }

    pub(crate) fn kv_delete(&self, scope: kv::Scope, key: &str) -> Result<bool, Failure> {
        wit::kv::delete(scope, key)
    }

    pub(crate) fn kv_list(
        &self,
        scope: kv::Scope,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<kv::Page, Failure> {
        wit::kv::list(scope, prefix, limit, cursor)
    }

    pub(crate) fn kv_swap(
        &self,
        scope: kv::Scope,
        key: &str,
        expected: Option<u64>,
        value: &str,
    ) -> Result<bool, Failure> {
        wit::kv::compare_and_swap(scope, key, expected, value)
    }

    pub(crate) fn blob_write(&self, media_type: &str, bytes: &[u8]) -> Result<Blob, Failure> {
        let writer = wit::blobs::create(media_type)?;
        for piece in bytes.chunks(PIECE_BYTES_MAX) {
            writer.append(piece)?;
        }
        writer.finish().map(Blob::from)
    }

    pub(crate) fn blob_read(&self, blob: &Blob, offset: u64, len: u32) -> Result<Vec<u8>, Failure> {
        wit::blobs::read(&blob.into(), offset, len)
    }

    pub(crate) fn secret(&self, name: &str) -> Result<Secret, Failure> {
        wit::secrets::get(name).map(Secret)
    }
}

fn wire(request: http::Request<'_>) -> wit::http::Request<'_> {
    wit::http::Request {
        method: request.method,
        url: request.url,
        headers: request.headers,
        credentials: request.credentials.into_iter().map(filled).collect(),
        body: request.body,
        timeout_ms: request.timeout_ms,
        options: "{}".to_owned(),
    }
}

fn filled(credential: http::Credential<'_>) -> wit::http::Credential<'_> {
    wit::http::Credential {
        header: credential.header,
        template: credential.template,
        secret: &credential.secret.0,
    }
}
