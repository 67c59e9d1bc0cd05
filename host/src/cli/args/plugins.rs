//! Arguments of `wforge plugin …`.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use super::FromRegistry;

/// `wforge plugin …`.
#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Install a component, every component of a folder, or one of a registry
    #[command(after_help = "Examples:\n  wforge plugin install target/plugins\n  \
                            wforge plugin install crawler.wasm --signature crawler.wasm.minisig\n  \
                            wforge plugin install oci://ghcr.io/acme/crawler:1.0.0\n  \
                            wforge plugin install oci://ghcr.io/acme/crawler --update --yes")]
    Install {
        /// A .wasm file, a folder of them, or oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST]
        #[arg(value_name = "PATH|REFERENCE", value_hint = ValueHint::AnyPath)]
        path: PathBuf,
        /// The signature of minisign [default: FILE.minisig beside it, where there is one]
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        signature: Option<PathBuf>,
        /// For the platform: tenants that are offered it can use it (wforge tenants plugins)
        #[arg(long)]
        platform: bool,
        #[command(flatten)]
        from: Box<FromRegistry>,
    },
    /// List the installed plugins
    #[command(after_help = "Example:\n  wforge plugin list --output json")]
    List {
        /// Those of the platform
        #[arg(long)]
        platform: bool,
    },
    /// Show what a plugin says about itself: agents, schemas, needs
    #[command(after_help = "Example:\n  wforge plugin inspect wforge/digest\n  \
                            wforge plugin inspect ./digest.wasm")]
    Inspect {
        /// The publisher/name[@VERSION] of an installed plugin, or a .wasm file
        #[arg(value_name = "NAME|FILE")]
        name: String,
    },
    /// List the installed versions of a plugin, the newest first
    #[command(after_help = "Example:\n  wforge plugin versions wforge/digest")]
    Versions {
        /// The publisher/name of an installed plugin
        name: String,
    },
    /// Put a component away: its sandboxes are dropped at once, its runs wait
    #[command(after_help = "Example:\n  wforge plugin quarantine sha256:4f1e… --reason \
                            \"sends mail to strangers\"")]
    Quarantine {
        /// The component, as wforge plugin inspect shows it
        digest: String,
        /// Why, for whoever finds it put away
        #[arg(long)]
        reason: String,
        /// For all tenants
        #[arg(long)]
        platform: bool,
    },
    /// Let a component be called again; the runs that waited for it go on
    #[command(after_help = "Example:\n  wforge plugin release sha256:4f1e…")]
    Release {
        /// The component
        digest: String,
        /// For all tenants
        #[arg(long)]
        platform: bool,
    },
    /// Have new runs get a version of a plugin, such as the one before the last; others keep theirs
    #[command(after_help = "Examples:\n  wforge plugin use acme/mailer@1.4.0 --reason \"1.5.0 \
                            sends twice\"\n  wforge plugin use acme/mailer --newest")]
    Use {
        /// The publisher/name@VERSION of an installed plugin
        #[arg(value_name = "NAME@VERSION")]
        name: String,
        /// The newest again
        #[arg(long)]
        newest: bool,
        /// Why, for whoever wonders
        #[arg(long, required_unless_present = "newest")]
        reason: Option<String>,
    },
    /// Compile plugins for this build of wforge, so that no first call waits for it
    #[command(after_help = "Example:\n  wforge plugin precompile --all")]
    Precompile {
        /// The publisher/name[@VERSION] of an installed plugin
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<String>,
        /// Every installed plugin
        #[arg(long)]
        all: bool,
    },
}
