//! Arguments of `wforge webhooks …`.

use clap::{Args, Subcommand};

/// `wforge webhooks …`.
#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// List the webhooks
    #[command(after_help = "Example:\n  wforge webhooks list --output json")]
    List,
    /// Make a webhook; its secret is shown once
    #[command(after_help = "Examples:\n  \
        wforge webhooks add ci https://ci.example/in --event run.completed --event run.failed\n  \
        wforge webhooks add desk https://desk.example/ --event interrupt.opened \
        --workflow brief --label env=prod")]
    Add(WebhookAdd),
    /// Show one webhook
    #[command(after_help = "Example:\n  wforge webhooks show ci")]
    Show {
        /// Its name
        name: String,
    },
    /// Remove a webhook with its secret and all that it was told
    #[command(after_help = "Example:\n  wforge webhooks remove ci")]
    Remove {
        /// Its name
        name: String,
    },
    /// Send nothing to a webhook until it is switched on again
    #[command(after_help = "Example:\n  wforge webhooks off ci")]
    Off {
        /// Its name
        name: String,
    },
    /// Switch a webhook on; what waited for it is sent
    #[command(after_help = "Example:\n  wforge webhooks on ci")]
    On {
        /// Its name
        name: String,
    },
    /// Send a ping; a server sends it, and `deliveries` shows how it went
    #[command(after_help = "Example:\n  wforge webhooks test ci && wforge webhooks deliveries ci")]
    Test {
        /// Its name
        name: String,
    },
    /// List what a webhook is and was told, the newest first
    #[command(after_help = "Example:\n  wforge webhooks deliveries ci --status given_up")]
    Deliveries {
        /// Its name
        name: String,
        /// Only those that are pending, delivered or given_up
        #[arg(long, value_parser = ["pending", "delivered", "given_up"])]
        status: Option<String>,
    },
    /// Send a delivery that has ended once more, under its own id
    #[command(after_help = "Example:\n  \
        wforge webhooks redeliver ci dlv_018bcfe5680000000000000000000001")]
    Redeliver {
        /// Its webhook
        name: String,
        /// Its id
        delivery: String,
    },
    /// Make a new secret, shown once; the old one signs beside it for a while
    #[command(after_help = "Example:\n  wforge webhooks rotate ci")]
    Rotate {
        /// Its name
        name: String,
    },
}

/// `wforge webhooks add`.
#[derive(Debug, Args)]
pub(crate) struct WebhookAdd {
    /// Its name: small letters, digits and -
    pub(crate) name: String,
    /// Where deliveries go
    pub(crate) url: String,
    /// What it is told of: run.completed, run.failed, run.cancelled, run.blocked, run.paused or
    /// interrupt.opened; can be given several times
    #[arg(long = "event", value_name = "EVENT", required = true)]
    pub(crate) events: Vec<String>,
    /// Runs of this workflow only
    #[arg(long, value_name = "NAME")]
    pub(crate) workflow: Option<String>,
    /// Runs that have this label only; can be given several times: all of them
    #[arg(long = "label", value_name = "KEY=VALUE")]
    pub(crate) labels: Vec<String>,
    /// Send the output of a run with run.completed
    #[arg(long)]
    pub(crate) include_output: bool,
}
