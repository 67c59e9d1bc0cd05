//! Arguments of `wforge trust …`.

use clap::{Args, Subcommand};

use super::Whose;

/// `wforge trust …`.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// List the keys of the trust store, revoked ones too
    #[command(after_help = "Examples:\n  wforge trust list\n  \
                            wforge trust list --tenant platform --output json")]
    List {
        #[command(flatten)]
        whose: Whose,
    },
    /// Trust a key: plugins that it signs are let in
    #[command(
        after_help = "Examples:\n  wforge trust add acme minisign.pub --note 'the crawler team'\n  \
        wforge trust add acme RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"
    )]
    Add {
        /// What the key is called here
        name: String,
        /// The public key of minisign: its file, or the second line of it
        #[arg(value_name = "FILE|KEY")]
        public: String,
        /// Whose it is, for whoever reads the list
        #[arg(long, default_value = "")]
        note: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Revoke a key: what it signed starts no new run, and running ones wait
    #[command(
        after_help = "Example:\n  wforge trust revoke acme --reason 'their laptop was stolen'"
    )]
    Revoke {
        /// The key's name or id
        key: String,
        /// Why, for whoever finds it revoked
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Trust a revoked key again; the runs that waited go on
    #[command(after_help = "Example:\n  wforge trust restore acme --reason 'a false alarm'")]
    Restore {
        /// The key's name or id
        key: String,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        whose: Whose,
    },
    /// Show what is asked of signatures and versions, or change it
    #[command(after_help = "Examples:\n  wforge trust policy\n  \
        wforge trust policy --require-signed true --minimum acme/crawler=1.4.0\n  \
        wforge trust policy --no-minimum acme/crawler")]
    Policy(PolicyArgs),
}

/// `wforge trust policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    /// Whether only signed versions are installed and serve new runs
    #[arg(long, value_name = "BOOL")]
    pub(crate) require_signed: Option<bool>,
    /// Whether a signed version may be installed after a newer one
    #[arg(long, value_name = "BOOL")]
    pub(crate) allow_rollback: Option<bool>,
    /// The lowest version of a plugin, publisher/name=VERSION; can be given several times
    #[arg(long = "minimum", value_name = "PLUGIN=VERSION")]
    pub(crate) minimums: Vec<String>,
    /// A plugin of which any version will do; can be given several times
    #[arg(long = "no-minimum", value_name = "PLUGIN")]
    pub(crate) no_minimums: Vec<String>,
    #[command(flatten)]
    pub(crate) whose: Whose,
}
