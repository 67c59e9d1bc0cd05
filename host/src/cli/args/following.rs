//! `wforge logs`, `wforge runs watch` and `wforge top` as typed.

use clap::{ArgGroup, Args, ValueEnum};

pub(super) const LOGS_EXAMPLES: &str = "\
A run's events are kept; a plugin's own lines are shown as they come, with -f.

Examples:
  wforge logs RUN -f
  wforge logs --thread THREAD --since 10m
  wforge logs --plugin acme/count -f --level debug --output json | jq -r .message";

/// `wforge logs`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("of").args(["run", "thread", "plugin"]).required(true).multiple(true))]
pub(crate) struct LogsArgs {
    /// The run
    #[arg(conflicts_with = "thread")]
    pub(crate) run: Option<String>,
    /// All runs of this thread, one after the other
    #[arg(long, value_name = "THREAD")]
    pub(crate) thread: Option<String>,
    /// Only what concerns this plugin; alone: in the newest runs
    #[arg(long, value_name = "PUBLISHER/NAME")]
    pub(crate) plugin: Option<String>,
    /// Go on with what comes, until the run has ended or Ctrl-C
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only what is newer than this, such as 90s, 10m, 2h or 1d
    #[arg(long, value_name = "DURATION")]
    pub(crate) since: Option<String>,
    /// Only what is at least as serious
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) level: LogLevel,
}

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

impl LogLevel {
    /// How outputs write it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }

    /// As a plugin's line has it; what is unknown is not hidden.
    pub(crate) fn of_text(text: &str) -> Self {
        Self::from_str(text, true).unwrap_or(Self::Info)
    }
}

pub(super) const WATCH_EXAMPLES: &str = "\
Examples:
  wforge runs watch
  wforge runs watch RUN
  wforge runs watch --output json | jq -r 'select(.status == \"failed\").run'";

/// `wforge runs watch`.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The run, to its end; exits as `wforge run` does [default: the newest runs, until Ctrl-C]
    pub(crate) run: Option<String>,
    /// How many runs are shown
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=200))]
    #[arg(conflicts_with = "run")]
    pub(crate) limit: u16,
}

pub(super) const TOP_EXAMPLES: &str = "\
Examples:
  wforge top
  wforge top --once --output json | jq .runs_live";

/// `wforge top`.
#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// One look, then the end; so too where stdout is no terminal
    #[arg(long)]
    pub(crate) once: bool,
}
