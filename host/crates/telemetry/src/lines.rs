//! What a line looks like, and where it goes.

use std::fmt;
use std::io::{self, IsTerminal as _};

use tracing::{Event, Subscriber};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{self as lines, FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Registry, reload};

use crate::TelemetryError;
use crate::levels::Lines;
use crate::rotating::{FileOptions, Rotating};

/// Lines that may wait to be written.
const WAITING_LINES_MAX: usize = 16_384;

/// The log as it shall be.
#[derive(Debug, Clone)]
pub struct LineOptions {
    /// What is logged, such as `warn,wforge_engine=debug`.
    pub level: String,
    /// How a line looks.
    pub format: Format,
    /// Where it goes.
    pub target: Target,
    /// What every line says of the process.
    pub labels: Labels,
    /// Whether whoever logs may wait for the line to be written. A server may not: a line for which
    /// there is no room is counted and gone. A command may, so that its lines and what it prints
    /// stay in order.
    pub waits: bool,
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Pretty,
    /// For collectors: one JSON object.
    Json,
}

/// Where lines go.
#[derive(Debug, Clone)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file.
    File(FileOptions),
}

/// What every line and every span says of the process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// `development`, `testing` or `production`.
    pub env: String,
    /// The version of the program.
    pub version: String,
    /// Which of several processes it is.
    pub instance: String,
}

/// Lines on their way. What waits is written when it is dropped.
#[derive(Debug)]
pub(crate) struct Writing {
    pub(crate) lost: Option<ErrorCounter>,
    _ends: Option<WorkerGuard>,
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

pub(crate) fn layer(
    options: LineOptions,
    filter: reload::Layer<Lines, Registry>,
) -> Result<(BoxedLayer, Writing), TelemetryError> {
    let is_terminal = match options.target {
        Target::Stdout => io::stdout().is_terminal(),
        Target::Stderr => io::stderr().is_terminal(),
        Target::File(_) => false,
    };
    // What a command says to people is about this process, here and now.
    let is_labelled = !options.waits && !is_terminal;
    let look = Look { format: options.format, is_terminal, is_labelled, labels: options.labels };
    let none = Writing { lost: None, _ends: None };
    match options.target {
        Target::Stdout if options.waits => return Ok((look.layer(io::stdout, filter), none)),
        Target::Stderr if options.waits => return Ok((look.layer(io::stderr, filter), none)),
        Target::Stdout | Target::Stderr | Target::File(_) => {}
    }
    let builder = NonBlockingBuilder::default()
        .lossy(!options.waits)
        .buffered_lines_limit(WAITING_LINES_MAX)
        .thread_name("wforge-log");
    let (writer, ends) = match options.target {
        Target::Stdout => builder.finish(io::stdout()),
        Target::Stderr => builder.finish(io::stderr()),
        Target::File(file) => builder.finish(Rotating::open(file).map_err(TelemetryError::File)?),
    };
    let lost = Some(writer.error_counter());
    Ok((look.layer(writer, filter), Writing { lost, _ends: Some(ends) }))
}

struct Look {
    format: Format,
    is_terminal: bool,
    is_labelled: bool,
    labels: Labels,
}

impl Look {
    fn layer<W>(self, writer: W, filter: reload::Layer<Lines, Registry>) -> BoxedLayer
    where
        W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
    {
        let layer = lines::layer().with_writer(writer);
        let pretty = lines::format().with_target(false).compact();
        match self.format {
            Format::Json => layer
                .fmt_fields(lines::format::JsonFields::new())
                .event_format(Labelled::json(&self.labels))
                .with_filter(filter)
                .boxed(),
            Format::Pretty if self.is_labelled => layer
                .with_ansi(false)
                .event_format(Labelled::text(&self.labels))
                .with_filter(filter)
                .boxed(),
            // In a terminal the default holds, which honours NO_COLOR.
            Format::Pretty if self.is_terminal => {
                layer.event_format(pretty).with_filter(filter).boxed()
            }
            Format::Pretty => {
                layer.with_ansi(false).event_format(pretty).with_filter(filter).boxed()
            }
        }
    }
}

type JsonLine = lines::format::Format<lines::format::Json>;
type TextLine = lines::format::Format<lines::format::Compact>;

/// A line with the labels of the process.
struct Labelled<F> {
    line: F,
    labels: String,
}

impl Labelled<JsonLine> {
    /// The labels are the first fields of each object.
    fn json(Labels { env, version, instance }: &Labels) -> Self {
        let labels = serde_json::json!({ "env": env, "version": version, "instance": instance });
        let labels = labels.to_string();
        let line = lines::format()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(true);
        Self { line, labels: labels.trim_end_matches('}').to_owned() }
    }
}

impl Labelled<TextLine> {
    /// The labels end each line.
    fn text(Labels { env, version, instance }: &Labels) -> Self {
        let line = lines::format().with_target(false).with_ansi(false).compact();
        Self { line, labels: format!(" env={env} version={version} instance={instance}") }
    }
}

impl<S, N> FormatEvent<S, N> for Labelled<JsonLine>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(fields) => write!(writer, "{},{fields}", self.labels),
            None => write!(writer, "{line}"),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Labelled<TextLine>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.line.format_event(context, Writer::new(&mut line), event)?;
        writeln!(writer, "{}{}", line.trim_end(), self.labels)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;
    use crate::levels::Levels;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn written(level: &str, format: Format, say: impl FnOnce(&Levels)) -> String {
        let labels =
            Labels { env: "testing".into(), version: "0.1.0".into(), instance: "n\"1".into() };
        let (written, (levels, filter)) = (Written::default(), Levels::new(level).unwrap());
        let writer = written.clone();
        let layer = Look { format, is_terminal: false, is_labelled: true, labels }
            .layer(move || writer.clone(), filter);
        tracing::subscriber::with_default(Registry::default().with(vec![layer]), || say(&levels));
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_warning_says_whose_run_it_was_where_nothing_below_a_warning_is_logged() {
        let text = written("warn", Format::Json, |_| {
            let span =
                tracing::info_span!(target: "wforge_engine", "run", tenant = "acme", run = "run_1");
            span.in_scope(|| {
                tracing::info!(target: "wforge_engine", "not logged");
                tracing::warn!(target: "wforge_engine", code = "x", "run failed");
            });
        });
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["env"], "testing");
        assert_eq!(line["version"], "0.1.0");
        assert_eq!(line["instance"], "n\"1");
        assert_eq!((&line["message"], &line["code"]), (&"run failed".into(), &"x".into()));
        assert_eq!(line["spans"][0]["tenant"], "acme");
        assert_eq!(line["spans"][0]["run"], "run_1");
    }

    #[test]
    fn a_line_for_people_ends_with_the_labels() {
        let text = written("warn", Format::Pretty, |_| {
            tracing::warn!(target: "wforge_engine", "run failed");
        });
        assert!(text.ends_with("run failed env=testing version=0.1.0 instance=n\"1\n"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn levels_change_by_module_while_lines_are_written() {
        let text = written("warn", Format::Json, |levels| {
            let say = |what: &str| tracing::debug!(target: "wforge_store", what);
            say("before");
            levels.set("warn,wforge_store=debug").unwrap();
            say("during");
            tracing::debug!(target: "wforge_engine", "of another module");
            levels.set(levels.configured()).unwrap();
            say("after");
        });
        let whats: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(whats.len(), 1, "{text}");
        assert_eq!(whats[0]["what"], "during");
    }
}
