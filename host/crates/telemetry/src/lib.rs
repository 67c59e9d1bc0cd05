//! The host's own log and traces: tracing's spans and events become lines and, where there is a
//! collector, OTLP.
//!
//! [`start`] puts both in place for the process. `lines` says what a line looks like, `levels`
//! which lines there are, `rotating` is the file that they may go to, `traces` sends spans and ties
//! them to the traces of others, `counted` says what became of them. Never here: the environment
//! (but OpenTelemetry's exporter reads its own `OTEL_EXPORTER_OTLP_HEADERS`), the configuration, or
//! what is worth a line.

mod counted;
mod levels;
mod lines;
mod rotating;
mod traces;

use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use counted::SpanCounts;
pub use levels::{BadLevel, Levels};
pub use lines::{Format, Labels, LineOptions, Target};
pub use rotating::FileOptions;
pub use traces::{TraceOptions, current, join, parent_of};

/// Why there is no log, or why spans go nowhere.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// What shall be logged cannot be read.
    #[error(transparent)]
    Level(#[from] BadLevel),
    /// The file of the log cannot be opened.
    #[error("the log's file cannot be opened")]
    File(#[source] std::io::Error),
    /// The client for the collector cannot be made.
    #[error("no client for the collector can be made")]
    Client(#[source] reqwest::Error),
    /// The exporter does not take what it was given.
    #[error("spans cannot be sent to the collector")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// Something else has put a log in place for this process.
    #[error("this process has a log already")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Log and traces of the process. What is left of them is written when it is dropped.
#[derive(Debug)]
pub struct Telemetry {
    levels: Levels,
    lines: lines::Writing,
    traces: Option<traces::Sending>,
}

/// Puts log and traces in place for the process. Not from a thread of an executor.
///
/// # Errors
/// What was given cannot be used, or there is a log already.
pub fn start(
    lines: LineOptions,
    traces: Option<TraceOptions>,
) -> Result<Telemetry, TelemetryError> {
    let (levels, filter) = Levels::new(&lines.level)?;
    let labels = lines.labels.clone();
    let (layer, writing) = lines::layer(lines, filter)?;
    let mut layers = vec![layer];
    let mut sending = None;
    if let Some(options) = traces {
        let (layer, begun) = traces::layer(options, &labels)?;
        layers.push(layer);
        sending = Some(begun);
    }
    Registry::default().with(layers).try_init().map_err(TelemetryError::Twice)?;
    Ok(Telemetry { levels, lines: writing, traces: sending })
}

impl Telemetry {
    /// What is logged, to be changed.
    #[must_use]
    pub fn levels(&self) -> Levels {
        self.levels.clone()
    }

    /// Lines for which there was no room until now, whenever it is asked.
    #[must_use]
    pub fn lost_lines(&self) -> LostLines {
        LostLines(self.lines.lost.clone())
    }

    /// What became of spans; none where no collector is named.
    #[must_use]
    pub fn spans(&self) -> Option<SpanCounts> {
        self.traces.as_ref().map(|sending| sending.counts.clone())
    }
}

/// Counts lines for which there was no room.
#[derive(Debug, Clone)]
pub struct LostLines(Option<tracing_appender::non_blocking::ErrorCounter>);

impl LostLines {
    /// So many until now.
    #[must_use]
    pub fn count(&self) -> u64 {
        let lost = self.0.as_ref().map_or(0, |lost| lost.dropped_lines());
        u64::try_from(lost).unwrap_or(u64::MAX)
    }
}
