//! `wforge kv …` and `wforge blobs …` as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::Whose;

/// `wforge kv …`.
#[derive(Debug, Subcommand)]
pub(crate) enum KvCommand {
    /// List the keys of a memory, without what they hold
    #[command(after_help = "Examples:\n  wforge kv list plugin:acme/count --prefix seen/\n  \
        wforge kv list thread:THREAD --output json")]
    List {
        /// run:RUN, thread:THREAD or plugin:PUBLISHER/NAME
        space: String,
        /// Only keys that begin so
        #[arg(long, default_value = "")]
        prefix: String,
        /// How many keys
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// Print what a key holds, as JSON
    #[command(after_help = "Examples:\n  wforge kv get plugin:acme/count total\n  \
        wforge kv get plugin:acme/count total --output json   # with its version")]
    Get(KvPlace),
    /// Write a key of a thread's or a plugin's memory; the audit log says who did
    #[command(after_help = "Examples:\n  wforge kv put plugin:acme/count total 0 --expected 7\n  \
        wforge kv put plugin:acme/count names '[\"ann\"]' --ttl 30d")]
    Put(KvPut),
    /// Delete a key of a thread's or a plugin's memory; the audit log says who did
    #[command(after_help = "Example:\n  wforge kv delete plugin:acme/count total --expected 7")]
    Delete {
        #[command(flatten)]
        place: KvPlace,
        /// Only if it is at this version still
        #[arg(long, value_name = "VERSION")]
        expected: Option<u64>,
    },
}

/// Which key.
#[derive(Debug, Args)]
pub(crate) struct KvPlace {
    /// run:RUN, thread:THREAD or plugin:PUBLISHER/NAME
    pub(crate) space: String,
    /// The key
    pub(crate) key: String,
}

/// `wforge kv put`.
#[derive(Debug, Args)]
pub(crate) struct KvPut {
    #[command(flatten)]
    pub(crate) place: KvPlace,
    /// What it holds from now on, as JSON; what is no JSON is a text
    #[arg(allow_hyphen_values = true)]
    pub(crate) value: String,
    /// Only if it is at this version still; 0: only if it holds nothing
    #[arg(long, value_name = "VERSION")]
    pub(crate) expected: Option<u64>,
    /// For how long, such as 30m or 2d [default: until it is written again]
    #[arg(long, value_name = "TIME")]
    pub(crate) ttl: Option<String>,
}

/// `wforge blobs …`.
#[derive(Debug, Subcommand)]
pub(crate) enum BlobsCommand {
    /// List the blobs, and whether anything names them
    #[command(after_help = "Example:\n  wforge blobs list --output json")]
    List {
        /// How many blobs
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
        limit: u16,
    },
    /// Write the bytes of a blob to a file
    #[command(after_help = "Example:\n  wforge blobs get sha256:9f2b… --to picture.png")]
    Get {
        /// Its digest
        digest: String,
        /// The file; `-` is stdout
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        to: PathBuf,
    },
    /// Remove the blobs that nothing has named for blobs.grace_ms; a server does so by itself
    #[command(after_help = "A blob goes at the second look that finds it unnamed, blobs.grace_ms \
        or more after the first.\n\nExample:\n  wforge blobs gc --dry-run")]
    Gc {
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        whose: Whose,
    },
}
