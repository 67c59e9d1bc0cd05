//! The memory of plugins: spaces of keys, whose entries have versions and may expire.
//!
//! The version of a key grows with each of its writes, its deletion is one of them, and no version
//! comes a second time for a key of the same space, however its entry went.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use wforge_model::{PluginName, RunId, TenantId, ThreadId, Timestamp, Value, Version};

use super::AuditDraft;
use crate::BoxError;

/// Whose memory it is, within its tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KvSpace {
    /// A run's; it goes with the run.
    Run(RunId),
    /// A thread's, over all of its runs.
    Thread(ThreadId),
    /// A plugin's, over all runs and all of its versions.
    Plugin(PluginName),
}

/// The name under which a store keeps it; no two spaces have the same.
impl fmt::Display for KvSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run(run) => write!(f, "run:{run}"),
            Self::Thread(thread) => write!(f, "thread:{thread}"),
            Self::Plugin(plugin) => write!(f, "plugin:{plugin}"),
        }
    }
}

/// One write to a plugin's memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KvWrite {
    /// Whose memory.
    pub space: KvSpace,
    /// The key.
    pub key: String,
    /// What it holds from now on; none deletes.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// From when on it holds nothing; none: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// How the key must stand for the write to be made; none: however it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<KvExpected>,
    /// What the space may hold after it; none: any amount. No part of what is recorded.
    #[serde(skip)]
    pub room: Option<KvRoom>,
}

impl KvWrite {
    /// A write that is made however the key stands; without a value it deletes.
    #[must_use]
    pub const fn of(space: KvSpace, key: String, value: Option<Value>) -> Self {
        Self { space, key, value, expires_at: None, expected: None, room: None }
    }
}

/// How a key stood when its write was decided on, and what its writer was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KvExpected {
    /// The version of its entry, also of one that has expired; 0: there was none.
    pub found: Version,
    /// The version that the write gets. It must be higher than each that the key had.
    pub version: Version,
}

/// What a space may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KvRoom {
    /// Keys.
    pub keys_max: u64,
    /// Keys and values as JSON text, in bytes.
    pub bytes_max: u64,
}

/// Of what a space is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields of KvRoom")]
pub enum KvUnit {
    Keys,
    Bytes,
}

impl fmt::Display for KvUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keys => "keys",
            Self::Bytes => "bytes",
        })
    }
}

/// One entry of a space.
#[derive(Debug, Clone, PartialEq)]
pub struct KvEntry {
    /// The key.
    pub key: String,
    /// What it holds.
    pub value: Value,
    /// Grows with each write of the key.
    pub version: Version,
    /// From when on it holds nothing; none: never.
    pub expires_at: Option<Timestamp>,
}

impl KvEntry {
    /// Whether it still holds something at that moment.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| at > now)
    }
}

/// How a key stands.
#[derive(Debug, Clone, PartialEq)]
pub struct KvStanding {
    /// Its entry, also one that has expired and is still there.
    pub entry: Option<KvEntry>,
    /// The version that its next write gets.
    pub next: Version,
}

impl KvStanding {
    /// The entry, unless it has expired by then.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> Option<&KvEntry> {
        self.entry.as_ref().filter(|entry| entry.is_live(now))
    }

    /// What a write expects that is decided on this.
    #[must_use]
    pub fn expected(&self) -> KvExpected {
        let found = self.entry.as_ref().map_or(Version(0), |entry| entry.version);
        KvExpected { found, version: self.next }
    }
}

/// Which entries of a space are listed.
#[derive(Debug, Clone, Copy)]
pub struct KvQuery<'a> {
    /// The space.
    pub space: &'a KvSpace,
    /// What their keys begin with.
    pub prefix: &'a str,
    /// They come after this key; none: from the first.
    pub after: Option<&'a str>,
    /// At most so many.
    pub limit: usize,
    /// No more than fit in so many bytes of keys and values; but one, whatever its size.
    pub bytes_max: u64,
    /// Those that have expired by then are left out.
    pub now: Timestamp,
}

/// Some entries of a space, in order of their keys.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KvPage {
    /// The entries.
    pub entries: Vec<KvEntry>,
    /// Whether there are others after them.
    pub has_more: bool,
}

/// The text is how it is shown.
impl FromStr for KvSpace {
    type Err = NoKvSpace;

    fn from_str(text: &str) -> Result<Self, NoKvSpace> {
        let wrong = || NoKvSpace(text.to_owned());
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        match kind {
            "run" => name.parse().map(Self::Run).map_err(|_| wrong()),
            "thread" => name.parse().map(Self::Thread).map_err(|_| wrong()),
            "plugin" => name.parse().map(Self::Plugin).map_err(|_| wrong()),
            _ => Err(wrong()),
        }
    }
}

/// A text names no memory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" names no memory: write run:RUN, thread:THREAD or plugin:PUBLISHER/NAME")]
pub struct NoKvSpace(pub String);

/// A write to a memory that no task makes.
#[derive(Debug, Clone)]
pub struct Remember {
    /// Whose memory it is.
    pub tenant: TenantId,
    /// The write.
    pub write: KvWrite,
    /// When; what has expired by then makes room.
    pub at: Timestamp,
    /// Control-plane changes that go with it.
    pub audit: Vec<AuditDraft>,
}

/// Why a memory was not written to.
#[derive(Debug, thiserror::Error)]
pub enum RememberError {
    /// Somebody else wrote the key: read it again.
    #[error("the key \"{key}\" of {space} moved on")]
    Conflict {
        /// Whose memory.
        space: KvSpace,
        /// The key.
        key: String,
    },
    /// There is no room: delete something.
    #[error("{space} may hold at most {max} {unit}")]
    Full {
        /// Whose memory.
        space: KvSpace,
        /// Of what it is full.
        unit: KvUnit,
        /// How much of that it may hold.
        max: u64,
    },
    /// Too large for the store.
    #[error("a write of {bytes} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}

/// Keeps a written null apart from a field that is not there.
fn present<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_space_is_read_as_it_is_shown_and_nothing_else_is_one() {
        let run = KvSpace::Run(RunId::from_bytes([1; 16]));
        let thread = KvSpace::Thread(ThreadId::from_bytes([2; 16]));
        let plugin = KvSpace::Plugin("acme/count".parse().unwrap());
        for space in [run, thread, plugin] {
            assert_eq!(space.to_string().parse(), Ok(space));
        }
        for text in ["", "run", "run:", "run:x", "plugin:acme", "tenant:acme", "acme/count"] {
            assert_eq!(text.parse::<KvSpace>(), Err(NoKvSpace(text.to_owned())));
        }
    }
}
