//! `kv`: memory that outlives the call, of the run, its thread or its plugin.
//!
//! What follows from how a key stands is decided here, and made with its record in one commit of
//! the store, which refuses it where the key has moved on since it was read; then it is decided
//! anew. Versions, expiry and what a space holds are the store's: `wforge_ports::store::KvWrite`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use wforge_model::agent::AgentCall;
use wforge_model::defence::{Defence, holds};
use wforge_model::{Failure, Problem, Timestamp, Value};
use wforge_ports::store::{
    EffectRecord, KvEntry, KvPage, KvQuery, KvRoom, KvSpace, KvStanding, KvWrite, Phase,
    RecordError,
};

use crate::request::Asked;
use crate::session::{Answer, Session, Stop, of_read, of_record};

/// How often a write is decided on while others write the same key.
const TRIES_MAX: u32 = 64;
/// The most entries of one page.
const PAGE_ENTRIES_MAX: u64 = 1_000;
/// The longest cursor, in bytes, for each byte of the longest key: base64 of it.
const CURSOR_BYTES_PER_KEY_BYTE: usize = 2;

/// What plugins may remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvLimits {
    /// The longest key, in bytes.
    pub key_bytes_max: usize,
    /// The largest value as JSON text, in bytes.
    pub value_bytes_max: usize,
    /// Keys of one run, thread or plugin.
    pub space_keys_max: u64,
    /// All keys and values of one run, thread or plugin, in bytes.
    pub space_bytes_max: u64,
    /// Keys and values of one page of a listing, in bytes.
    pub page_bytes_max: u64,
}

impl Default for KvLimits {
    fn default() -> Self {
        Self {
            key_bytes_max: 512,
            value_bytes_max: 256 << 10,
            space_keys_max: 10_000,
            space_bytes_max: 16 << 20,
            page_bytes_max: 1 << 20,
        }
    }
}

/// What follows from how a key stands: what the guest hears, and the write that goes with it.
pub(crate) struct Turn {
    answer: Value,
    write: Option<Change>,
}

/// What a key holds from now on; no value deletes.
#[derive(Default)]
struct Change {
    value: Option<Value>,
    expires_at: Option<Timestamp>,
}

/// Decides what follows; the same arguments give the same turn.
pub(crate) type Decide = fn(&Asked<'_>, &KvStanding, Timestamp) -> Turn;

pub(crate) fn get(_asked: &Asked<'_>, standing: &KvStanding, now: Timestamp) -> Turn {
    Turn { answer: standing.live(now).map_or(Value::Null, told), write: None }
}

pub(crate) fn set(asked: &Asked<'_>, standing: &KvStanding, now: Timestamp) -> Turn {
    let value = value_of(asked);
    let (key, version) = (asked.text("key"), standing.next);
    let answer = json!({ "key": key, "value": value, "version": version });
    let expires_at = asked.number("ttl_ms").map(|ms| now.after_ms(ms));
    Turn { answer, write: Some(Change { value: Some(value), expires_at }) }
}

pub(crate) fn delete(_asked: &Asked<'_>, standing: &KvStanding, now: Timestamp) -> Turn {
    let is_there = standing.live(now).is_some();
    Turn { answer: Value::Bool(is_there), write: is_there.then(Change::default) }
}

/// What is written so does not expire.
pub(crate) fn compare_and_swap(asked: &Asked<'_>, standing: &KvStanding, now: Timestamp) -> Turn {
    let found = standing.live(now).map(|entry| entry.version.0);
    let is_expected = found == asked.number("expected");
    let write = is_expected.then(|| Change { value: Some(value_of(asked)), expires_at: None });
    Turn { answer: Value::Bool(is_expected), write }
}

impl Session {
    /// Decides what follows from how a key stands, and makes it.
    pub(crate) async fn at_key(
        &mut self,
        asked: &Asked<'_>,
        decide: Decide,
    ) -> Result<Answer, Stop> {
        let checked = space_of(asked, &self.call).and_then(|space| {
            check(asked, self.kv_limits())?;
            Ok(space)
        });
        let space = match checked {
            Ok(space) => space,
            Err(failure) => return self.write_answer(asked, Err(failure)).await,
        };
        for _ in 0..TRIES_MAX {
            let now = self.clock_now();
            let key = asked.text("key");
            let standing = self.store().memory(&self.call.tenant, &space, key).await;
            let standing = standing.map_err(|error| Stop::Fault(of_read(error)))?;
            let Turn { answer, write } = decide(asked, &standing, now);
            let Some(change) = write else { return self.write_answer(asked, Ok(answer)).await };
            let write = self.write_of(asked, &space, &standing, change);
            if let Some(answer) = self.remember(asked, answer, write).await? {
                return Ok(answer);
            }
        }
        let message = "others write this key all the time; try again";
        let busy = Failure::Upstream(Problem::new("kv_busy", message).retryable());
        self.write_answer(asked, Err(busy)).await
    }

    fn write_of(
        &self,
        asked: &Asked<'_>,
        space: &KvSpace,
        standing: &KvStanding,
        Change { value, expires_at }: Change,
    ) -> KvWrite {
        let KvLimits { space_keys_max, space_bytes_max, .. } = *self.kv_limits();
        KvWrite {
            space: space.clone(),
            key: asked.text("key").to_owned(),
            value,
            expires_at,
            expected: Some(standing.expected()),
            room: Some(KvRoom { keys_max: space_keys_max, bytes_max: space_bytes_max }),
        }
    }

    /// Writes the answer with what is remembered; none where the key has moved on.
    async fn remember(
        &mut self,
        asked: &Asked<'_>,
        answer: Value,
        write: KvWrite,
    ) -> Result<Option<Answer>, Stop> {
        let record = EffectRecord {
            request: asked.hash,
            summary: asked.summary.clone(),
            at: self.clock_now(),
            answer: Ok(answer),
            list: None,
            model: None,
            wrote: asked.operation.writes(asked.element),
            emits: self.emitted(),
        };
        match self.write_with(Phase::Answer(record), vec![write]).await {
            Ok(phase) => self.settle(phase, asked).map(Some),
            Err(RecordError::KvConflict { .. }) => Ok(None),
            Err(error @ RecordError::KvFull { .. }) => {
                let full = Failure::Limit(Problem::new("kv_full", error.to_string()));
                self.write_answer(asked, Err(full)).await.map(Some)
            }
            Err(error) => Err(of_record(error)),
        }
    }

    /// One page of the keys that begin with a prefix.
    pub(crate) async fn list_keys(&mut self, asked: &Asked<'_>) -> Result<Answer, Stop> {
        let limits = *self.kv_limits();
        let listing = space_of(asked, &self.call).and_then(|space| {
            check(asked, &limits)?;
            Ok((space, limit_of(asked)?, cursor_of(asked, &limits)?))
        });
        let (space, limit, after) = match listing {
            Ok(listing) => listing,
            Err(failure) => return self.write_answer(asked, Err(failure)).await,
        };
        let query = KvQuery {
            space: &space,
            prefix: asked.text("prefix"),
            after: after.as_deref(),
            limit,
            bytes_max: limits.page_bytes_max,
            now: self.clock_now(),
        };
        let page = self.store().memories(&self.call.tenant, query).await;
        let KvPage { entries, has_more } = page.map_err(|error| Stop::Fault(of_read(error)))?;
        let last = entries.last().filter(|_| has_more);
        let cursor = last.map(|last| URL_SAFE_NO_PAD.encode(&last.key));
        let entries: Vec<Value> = entries.iter().map(told).collect();
        self.write_answer(asked, Ok(json!({ "entries": entries, "cursor": cursor }))).await
    }
}

/// An entry as the guest sees it.
fn told(entry: &KvEntry) -> Value {
    json!({ "key": entry.key, "value": entry.value, "version": entry.version })
}

fn value_of(asked: &Asked<'_>) -> Value {
    asked.element.get("value").cloned().unwrap_or_default()
}

/// The memory that is meant; the name of the plugin and the ids of the run come from the call.
fn space_of(asked: &Asked<'_>, call: &AgentCall) -> Result<KvSpace, Failure> {
    match asked.text("scope") {
        "run" => Ok(KvSpace::Run(call.run)),
        "thread" => call.thread.map(KvSpace::Thread).ok_or_else(|| {
            let message = "the run belongs to no thread, so it has no memory of one";
            Failure::InvalidInput(Problem::new("no_thread", message))
        }),
        "plugin" if !holds(Defence::Memory) => "wforge/all"
            .parse()
            .map(KvSpace::Plugin)
            .map_err(|_| Failure::Failed(Problem::new("scope", "no name"))),
        "plugin" => Ok(KvSpace::Plugin(call.plugin.clone())),
        scope => {
            let message = format!("\"{scope}\" is no scope: it is run, thread or plugin");
            Err(Failure::InvalidInput(Problem::new("kv_scope", message)))
        }
    }
}

/// Refuses keys, prefixes and values that are too large.
fn check(asked: &Asked<'_>, limits: &KvLimits) -> Result<(), Failure> {
    let KvLimits { key_bytes_max, value_bytes_max, .. } = *limits;
    if asked.text("key").len().max(asked.text("prefix").len()) > key_bytes_max {
        let message = format!("a key may have at most {key_bytes_max} bytes");
        return Err(Failure::Limit(Problem::new("kv_key_bytes", message)));
    }
    let value_bytes = asked.element.get("value").map_or(0, |value| value.to_string().len());
    if value_bytes > value_bytes_max {
        let message = format!("a value may have at most {value_bytes_max} bytes as JSON");
        return Err(Failure::Limit(Problem::new("kv_value_bytes", message)));
    }
    Ok(())
}

fn limit_of(asked: &Asked<'_>) -> Result<usize, Failure> {
    let limit = asked.number("limit").filter(|limit| (1..=PAGE_ENTRIES_MAX).contains(limit));
    limit.and_then(|limit| usize::try_from(limit).ok()).ok_or_else(|| {
        let message = format!("a page has 1 to {PAGE_ENTRIES_MAX} entries");
        Failure::InvalidInput(Problem::new("kv_page_entries", message))
    })
}

/// The key after which a page begins.
fn cursor_of(asked: &Asked<'_>, limits: &KvLimits) -> Result<Option<String>, Failure> {
    let Some(cursor) = asked.element.get("cursor").filter(|cursor| !cursor.is_null()) else {
        return Ok(None);
    };
    let bytes_max = limits.key_bytes_max.saturating_mul(CURSOR_BYTES_PER_KEY_BYTE);
    let key = cursor
        .as_str()
        .filter(|cursor| cursor.len() <= bytes_max)
        .and_then(|cursor| String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok());
    key.map(Some).ok_or_else(|| {
        let message = "the cursor is none that a page of this listing gave";
        Failure::InvalidInput(Problem::new("kv_cursor", message))
    })
}
