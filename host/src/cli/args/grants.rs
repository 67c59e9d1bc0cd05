//! Arguments of `wforge grants …`.

use clap::{Args, Subcommand};

/// `wforge grants …`.
#[derive(Debug, Subcommand)]
pub(crate) enum GrantsCommand {
    /// List what plugins were granted, and what waits for somebody to decide
    #[command(after_help = "Examples:\n  wforge grants list --standing requested\n  \
                            wforge grants list --plugin acme/crawler --output json")]
    List {
        /// Only grants that stand so: requested, granted, denied, expired or revoked
        #[arg(long)]
        standing: Option<String>,
        /// Only of this plugin, publisher/name
        #[arg(long)]
        plugin: Option<String>,
    },
    /// Ask for something that a plugin needs
    #[command(after_help = "Example:\n  wforge grants request acme/crawler \
                            http:https://example.com --reason 'reads the price list'")]
    Request {
        #[command(flatten)]
        what: What,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a plugin do something: a grant by its id, or a plugin with capabilities
    #[command(after_help = "Examples:\n  wforge grants approve grant_5c1f…\n  \
        wforge grants approve acme/crawler http:https://example.com --for 30d\n  \
        wforge grants approve acme/crawler --all\n  \
        wforge grants approve acme/crawler llm:fast --workflow brief --node outline")]
    Approve {
        #[command(flatten)]
        which: Which,
        /// All that its newest version needs
        #[arg(long, conflicts_with = "capabilities")]
        all: bool,
        /// How long, such as 30d [default: until it is revoked]
        #[arg(long = "for", value_name = "DURATION")]
        ttl: Option<String>,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Refuse a grant that was asked for
    #[command(after_help = "Example:\n  wforge grants deny grant_5c1f… --reason 'not our data'")]
    Deny {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take back a grant; runs under way are refused at their next host call
    #[command(after_help = "Example:\n  wforge grants revoke acme/crawler \
                            http:https://example.com --reason 'it read too much'")]
    Revoke {
        #[command(flatten)]
        which: Which,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say why a plugin may do something, or may not, and what would change it; exit 1 where not
    #[command(after_help = "Example:\n  wforge grants explain acme/crawler llm:fast \
                            --workflow brief --node outline")]
    Explain {
        #[command(flatten)]
        what: What,
    },
}

/// One capability of a plugin, everywhere or somewhere.
#[derive(Debug, Args)]
pub(crate) struct What {
    /// publisher/name[@version]
    pub(crate) plugin: String,
    /// Such as ask, llm:fast, kv:run, tool:*, http:https://example.com
    pub(crate) capability: String,
    #[command(flatten)]
    pub(crate) site: Site,
}

/// A grant by its id, or capabilities of a plugin.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// grant_…, or publisher/name[@version]
    #[arg(value_name = "GRANT|PLUGIN")]
    pub(crate) which: String,
    /// Of a plugin: which capabilities
    pub(crate) capabilities: Vec<String>,
    #[command(flatten)]
    pub(crate) site: Site,
}

/// Where it holds.
#[derive(Debug, Args)]
pub(crate) struct Site {
    /// Only in this workflow
    #[arg(long)]
    pub(crate) workflow: Option<String>,
    /// Only at this node of it
    #[arg(long, requires = "workflow")]
    pub(crate) node: Option<String>,
}
