//! Why the store could not do something, and what each port operation makes of it.

use std::io;
use std::path::PathBuf;

use wforge_ports::BoxError;
use wforge_ports::store::{ChangeError, CommitError, ReadError, RecordError, RememberError};

/// Why a store does not serve any more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Gone {
    /// Somebody closed it.
    #[error("the store is closed")]
    Closed,
    /// Writing failed once; what is durable is unknown, so nothing more is accepted.
    #[error("the store stopped after a failure: {0}")]
    Failed(String),
}

/// What can go wrong below a port operation.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The store serves nothing any more.
    #[error(transparent)]
    Gone(#[from] Gone),
    /// What is stored cannot be read.
    #[error("{what} cannot be read: {reason}")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The rows below failed.
    #[error("{doing} failed")]
    Rows {
        /// What was being done.
        doing: &'static str,
        /// The cause.
        #[source]
        cause: BoxError,
    },
    /// Rows in memory cannot tell: ask those that may block.
    #[error("not in memory")]
    NotInMemory,
}

impl Fault {
    pub(crate) fn damaged(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Damaged { what: what.into(), reason: reason.into() }
    }

    pub(crate) fn rows(doing: &'static str, cause: impl Into<BoxError>) -> Self {
        Self::Rows { doing, cause: cause.into() }
    }
}

impl From<Fault> for ReadError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged { what, reason } => Self::Damaged { what, reason },
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl From<Fault> for CommitError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}

impl From<Fault> for RecordError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}

impl From<Fault> for ChangeError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}

impl From<Fault> for RememberError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}

/// More bytes than one operation may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) bytes: u64,
    pub(crate) limit: u64,
}

impl From<TooLarge> for CommitError {
    fn from(TooLarge { bytes, limit }: TooLarge) -> Self {
        Self::TooLarge { bytes, limit }
    }
}

impl From<TooLarge> for RecordError {
    fn from(TooLarge { bytes, limit }: TooLarge) -> Self {
        Self::TooLarge { bytes, limit }
    }
}

impl From<TooLarge> for ChangeError {
    fn from(TooLarge { bytes, limit }: TooLarge) -> Self {
        Self::TooLarge { bytes, limit }
    }
}

impl From<TooLarge> for RememberError {
    fn from(TooLarge { bytes, limit }: TooLarge) -> Self {
        Self::TooLarge { bytes, limit }
    }
}

/// Why a store could not be opened, by what to do next.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it: talk to that one, or stop it.
    #[error("the data directory {} is in use by process {}", dir.display(), pid_text(*.pid))]
    Locked {
        /// The data directory.
        dir: PathBuf,
        /// The process that holds it, where its lock file says so.
        pid: Option<u32>,
    },
    /// A newer program wrote it: use that one, or a backup.
    #[error(
        "the data directory {} has store format {found}, this program reads up to {known}: \
         run the newer program, or restore a backup from before the upgrade", dir.display()
    )]
    NewerFormat {
        /// The data directory.
        dir: PathBuf,
        /// What it has, as `major.minor`.
        found: String,
        /// What this program knows.
        known: String,
    },
    /// What is stored contradicts itself: restore a backup.
    #[error("{what} in {} is damaged: {reason}; restore a backup of the directory", dir.display())]
    Damaged {
        /// The data directory.
        dir: PathBuf,
        /// What is damaged.
        what: String,
        /// How that was seen.
        reason: String,
    },
    /// Another key encrypted it: hand in that one.
    #[error(
        "the data directory {} was sealed with another key: {reason}", dir.display()
    )]
    WrongKey {
        /// The data directory.
        dir: PathBuf,
        /// How that was seen, and what to do.
        reason: String,
    },
    /// The file system refused.
    #[error("{doing} {} failed", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// To what.
        path: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

fn pid_text(pid: Option<u32>) -> String {
    pid.map_or_else(|| "of unknown id".to_owned(), |pid| pid.to_string())
}
