//! Positions in the logs of runs: what a run can start from, and what a history lists.

use alloc::string::{String, ToString};
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{RunId, Seq};

/// A border between two super-steps: the state after the first `seq` events of a run. Written
/// `run_<32 hexadecimal digits>@<seq>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checkpoint {
    /// The run.
    pub run: RunId,
    /// How many of its events count.
    pub seq: Seq,
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.run, self.seq)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text that is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is no checkpoint of the form run_<32 hexadecimal digits>@<number>")]
pub struct ParseCheckpointError {
    text: String,
}

impl FromStr for Checkpoint {
    type Err = ParseCheckpointError;

    fn from_str(text: &str) -> Result<Self, ParseCheckpointError> {
        let read = || {
            let (run, seq) = text.split_once('@')?;
            Some(Self { run: run.parse().ok()?, seq: Seq(seq.parse().ok()?) })
        };
        read().ok_or_else(|| ParseCheckpointError { text: text.to_string() })
    }
}

crate::id::text_serde!(Checkpoint, "^run_[0-9a-f]{32}@[0-9]+$");

/// Which borders of a run its history lists. What is acknowledged is always on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Every one.
    #[default]
    Sync,
    /// Every one; the same as `sync` here, since a commit is never waited for twice.
    Async,
    /// The last one only.
    Exit,
}

impl Durability {
    /// How requests write it.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "sync" => Some(Self::Sync),
            "async" => Some(Self::Async),
            "exit" => Some(Self::Exit),
            _ => None,
        }
    }
}
