//! What `wforge system` takes.

use clap::{Args, Subcommand};

pub(crate) const EXAMPLES: &str = "\
Examples:
  wforge system --output json
  wforge system log-level info,wforge_engine=debug --for 15m";

/// `wforge system`.
#[derive(Debug, Args)]
pub(crate) struct SystemArgs {
    /// What else; none: show it
    #[command(subcommand)]
    pub(crate) command: Option<SystemCommand>,
}

/// `wforge system …`.
#[derive(Debug, Subcommand)]
pub(crate) enum SystemCommand {
    /// Show what a running server logs, or change it, by module, for a while
    #[command(after_help = LOG_LEVEL_EXAMPLES)]
    LogLevel(LogLevelArgs),
}

const LOG_LEVEL_EXAMPLES: &str = "\
Examples:
  wforge system log-level
  wforge system log-level info,wforge_engine=debug --for 15m
  wforge system log-level --reset";

/// `wforge system log-level`.
#[derive(Debug, Args)]
pub(crate) struct LogLevelArgs {
    /// error, warn, info, debug, trace or off, and others by module [default: only show it]
    #[arg(value_name = "LEVEL")]
    pub(crate) level: Option<String>,
    /// Go back by itself after so long, a day at most
    #[arg(long, value_name = "DURATION", requires = "level")]
    pub(crate) r#for: Option<String>,
    /// Go back to what is configured
    #[arg(long, conflicts_with = "level")]
    pub(crate) reset: bool,
}
