//! What a test scripted, and what the agent did.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::memory::Memory;
use crate::{Blob, Failure, http, llm};

/// 2026-01-01T00:00:00Z: a test does not depend on the day.
const FIRST_MS: u64 = 1_767_225_600_000;

#[derive(Debug)]
pub(super) struct Script {
    pub(super) llm: VecDeque<Result<llm::Response, Failure>>,
    pub(super) http: VecDeque<(String, Result<http::Response, Failure>)>,
    pub(super) tools: VecDeque<(String, Result<Value, Failure>)>,
    pub(super) asks: VecDeque<Result<Value, Failure>>,
    pub(super) secrets: BTreeMap<String, String>,
    pub(super) denied: Vec<String>,
    pub(super) memory: Memory,
    pub(super) blobs: BTreeMap<String, Vec<u8>>,
    pub(super) clock_ms: u64,
    pub(super) done: Vec<String>,
    pub(super) logs: Vec<String>,
    pub(super) events: Vec<(String, Value)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            llm: VecDeque::new(),
            http: VecDeque::new(),
            tools: VecDeque::new(),
            asks: VecDeque::new(),
            secrets: BTreeMap::new(),
            denied: Vec::new(),
            memory: Memory::default(),
            blobs: BTreeMap::new(),
            clock_ms: FIRST_MS,
            done: Vec::new(),
            logs: Vec::new(),
            events: Vec::new(),
        }
    }
}

impl Script {
    /// Refuses what the test denied. Of a server its name is known too.
    pub(super) fn allow(&self, kind: &str, resource: &str) -> Result<(), Failure> {
        let wanted = [kind, resource].join(":");
        let mut denied = self.denied.iter();
        let Some(by) = denied.find(|denied| covers(denied, &wanted)) else {
            return Ok(());
        };
        Err(Failure::denied(kind, resource, format!("MockHost::deny(\"{by}\") refuses it")))
    }

    /// The first answer for that name, which may be scripted for all that begin with something:
    /// `…*`.
    pub(super) fn next_for<T>(queue: &mut VecDeque<(String, T)>, wanted: &str) -> Option<T> {
        let fits = |name: &str| match name.strip_suffix('*') {
            Some(beginning) => wanted.starts_with(beginning),
            None => name == wanted,
        };
        let at = queue.iter().position(|(name, _)| fits(name))?;
        queue.remove(at).map(|(_, answer)| answer)
    }

    /// The memory, at the time that it is.
    pub(super) fn memory_now(&mut self) -> &mut Memory {
        self.memory.at(self.clock_ms)
    }

    /// Stores a blob under the digest of its content.
    pub(super) fn store(&mut self, media_type: &str, bytes: &[u8]) -> Blob {
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("sha256:{hex}");
        self.blobs.insert(digest.clone(), bytes.to_vec());
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Blob { digest, size, media_type: media_type.to_owned(), extra: Map::new() }
    }
}

/// Whether a denial of `denied` is one of `wanted`: the same, or its beginning up to a colon; or
/// the server of an HTTP request.
fn covers(denied: &str, wanted: &str) -> bool {
    let begins =
        wanted.strip_prefix(denied).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
    let server = denied.strip_prefix("http:").zip(wanted.strip_prefix("http:"));
    begins || server.is_some_and(|(server, request)| host_of(request) == Some(server))
}

/// `api.example.com` of `GET https://api.example.com/v1`.
fn host_of(request: &str) -> Option<&str> {
    let (_, rest) = request.split_once("://")?;
    rest.split(['/', '?', '#', ':']).next()
}
