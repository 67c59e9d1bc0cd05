//! The host's own log, on stderr: lines for people, or JSON for collectors.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::refusal::Refusal;
use crate::config::{LogConfig, LogFormat};

/// Starts it for the process.
pub(crate) fn start(config: &LogConfig, quiet: bool) -> anyhow::Result<()> {
    let level = if quiet { "error" } else { config.level.as_str() };
    let filter = EnvFilter::try_new(level).map_err(|error| {
        Refusal::user("bad_config", format!("log.level \"{level}\" cannot be read: {error}"))
            .help("write error, warn, info, debug or trace, also by target: warn,wforge=debug")
    })?;
    let mut builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if !std::io::stderr().is_terminal() {
        // In a terminal the default holds, which honours NO_COLOR.
        builder = builder.with_ansi(false);
    }
    match config.format {
        LogFormat::Json => builder.json().flatten_event(true).finish().try_init(),
        LogFormat::Pretty => builder.with_target(false).compact().finish().try_init(),
    }
    .context("starting the log")
}
