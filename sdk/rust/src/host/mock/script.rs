//! What a test scripted, and what the agent did.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::memory::Memory;
use crate::{Blob, Failure, http, llm};

/// 2026-01-01T00:00:00Z: a test does not depend on the day.
const FIRST_MS: u64 = 1_767_225_600_000;

/// The capabilities that a test can deny.
const KINDS: [&str; 7] = ["ask", "blobs", "http", "kv", "llm", "secret", "tool"];

/// What `deny("kv:run:rw")` names; a host has no word for writing alone.
pub(super) const WRITES: &str = ":rw";

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
    /// Refuses what the test denied, and everything where it denied what is no capability: that
    /// would deny nothing.
    pub(super) fn allow(&self, kind: &str, resource: &str) -> Result<(), Failure> {
        if let Some(unknown) = self.denied.iter().find(|denied| !is_capability(denied)) {
            let known = KINDS.join(", ");
            let message =
                format!("MockHost::deny: \"{unknown}\" is no capability; they are {known}");
            return Err(Failure::failed("unreadable_script", message));
        }
        let mut denied = self.denied.iter();
        let Some(by) = denied.find(|denied| covers(denied, kind, resource)) else {
            return Ok(());
        };
        let resource = resource.strip_suffix(WRITES).unwrap_or(resource);
        Err(Failure::denied(kind, resource, format!("MockHost::deny(\"{by}\") refuses it")))
    }

    /// The first answer for that name, which may be scripted for all that begin with something:
    /// `…*`.
    pub(super) fn next_for<T>(queue: &mut VecDeque<(String, T)>, wanted: &str) -> Option<T> {
        let at = queue.iter().position(|(pattern, _)| fits(pattern, wanted))?;
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

fn is_capability(denied: &str) -> bool {
    denied.split(':').next().is_some_and(|kind| KINDS.contains(&kind))
}

/// Whether a test's word `denied` names what is asked for: all of its kind, the resource, or what
/// it begins with up to a colon.
fn covers(denied: &str, kind: &str, resource: &str) -> bool {
    let (denied_kind, named) = denied.split_once(':').unwrap_or((denied, "*"));
    if denied_kind != kind {
        return false;
    }
    let begins = resource.strip_prefix(named).is_some_and(|rest| rest.starts_with(':'));
    begins || fits(named, resource) || (kind == "http" && is_at(named, resource))
}

/// Whether that is the name, or with `*` at its end a beginning of it.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == pattern,
    }
}

/// Whether `GET https://api.example.com/v1` goes to that server, or its URL begins so.
fn is_at(named: &str, request: &str) -> bool {
    let url = request.split_once(' ').map_or(request, |(_, url)| url);
    let server =
        url.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#', ':']).next());
    url.starts_with(named.strip_suffix('*').unwrap_or(named)) || server == Some(named)
}
