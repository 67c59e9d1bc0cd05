//! The host's own log and traces, as the configuration has them; and what the API shows of both.
//!
//! A server's lines wait on a thread of their own, go where the configuration says, and its spans
//! go to a collector where one is named. A command's lines go to stderr at once.

use std::time::Duration;

use wforge_api::{HostLog, LogFigures};
use wforge_ports::Clock as _;
use wforge_telemetry::{
    FileOptions, Format, Labels, Levels, LineOptions, LostLines, SpanCounts, Target, Telemetry,
    TelemetryError, TraceOptions,
};

use crate::cli::refusal::Refusal;
use crate::clock::SystemClock;
use crate::compose::VERSION;
use crate::config::{Config, LogFormat, LogTo};
use crate::machine_figures::host_name;

/// Starts them for the process; they last until this is dropped.
pub(crate) fn start(config: &Config, quiet: bool, is_server: bool) -> anyhow::Result<Telemetry> {
    let level = if quiet { "error" } else { config.log.level.as_str() };
    let lines = LineOptions {
        level: level.to_owned(),
        format: match config.log.format {
            LogFormat::Json => Format::Json,
            LogFormat::Pretty => Format::Pretty,
        },
        target: if is_server { target(config) } else { Target::Stderr },
        labels: Labels {
            env: config.env.as_str().to_owned(),
            version: VERSION.to_owned(),
            instance: config.log.instance.clone().unwrap_or_else(host_name),
        },
        waits: !is_server,
    };
    let traces = if is_server { traces(config) } else { None };
    wforge_telemetry::start(lines, traces).map_err(refused)
}

fn target(config: &Config) -> Target {
    match (&config.log.file, config.log.to) {
        (Some(path), _) => Target::File(FileOptions {
            path: path.clone(),
            bytes_max: config.log.file_bytes_max,
            daily: config.log.file_daily,
            files_max: config.log.files_max,
            now_ms: || SystemClock.now().0,
        }),
        (None, LogTo::Stderr) => Target::Stderr,
        (None, LogTo::Stdout) => Target::Stdout,
    }
}

fn traces(config: &Config) -> Option<TraceOptions> {
    let telemetry = &config.telemetry;
    let ms = Duration::from_millis;
    Some(TraceOptions {
        endpoint: telemetry.otlp_endpoint.clone()?,
        headers: telemetry.otlp_headers.clone(),
        service_name: telemetry.service_name.clone(),
        sample_ratio: telemetry.sample_ratio,
        queue_spans_max: telemetry.queue_spans_max,
        batch_spans_max: telemetry.batch_spans_max,
        delay: ms(telemetry.delay_ms),
        timeout: ms(telemetry.timeout_ms_max),
    })
}

fn refused(error: TelemetryError) -> anyhow::Error {
    match error {
        TelemetryError::Level(bad) => Refusal::user("bad_config", format!("log.level: {bad}"))
            .help("write error, warn, info, debug or trace, also by target: warn,wforge=debug")
            .into(),
        error => anyhow::Error::new(error).context("starting the log"),
    }
}

/// What the API shows of the log, and changes of it.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    levels: Levels,
    lost_lines: LostLines,
    spans: Option<SpanCounts>,
}

impl Log {
    pub(crate) fn of(telemetry: &Telemetry) -> Self {
        Self {
            levels: telemetry.levels(),
            lost_lines: telemetry.lost_lines(),
            spans: telemetry.spans(),
        }
    }
}

impl HostLog for Log {
    fn figures(&self) -> LogFigures {
        let spans = |count: fn(&SpanCounts) -> u64| self.spans.as_ref().map_or(0, count);
        LogFigures {
            lines_lost: self.lost_lines.count(),
            spans_sent: spans(SpanCounts::sent),
            spans_lost: spans(SpanCounts::lost),
            spans_dropped: spans(SpanCounts::dropped),
        }
    }

    fn level(&self) -> String {
        self.levels.now()
    }

    fn configured_level(&self) -> String {
        self.levels.configured().to_owned()
    }

    fn set_level(&self, level: &str) -> Result<(), String> {
        self.levels.set(level).map_err(|bad| bad.to_string())
    }
}
