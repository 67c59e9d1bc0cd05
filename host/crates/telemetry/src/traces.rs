//! Spans for a collector, by OTLP over HTTP; and the text by which traces of others are gone on
//! with, and ours are by others.

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{self, Filter, Layer};

use crate::TelemetryError;
use crate::counted::SpanCounts;
use crate::levels::OURS;
use crate::lines::Labels;

/// How long a process that ends waits for the last spans to be taken.
const LAST_SPANS: Duration = Duration::from_secs(5);
/// Where a collector takes spans.
const PATH: &str = "/v1/traces";

/// Where spans go, and how many.
#[derive(Clone)]
pub struct TraceOptions {
    /// The collector: the base of its address, or all of it with `/v1/traces`.
    pub endpoint: String,
    /// Headers of each request, such as a key; never shown.
    pub headers: Vec<(String, String)>,
    /// The name of this service.
    pub service_name: String,
    /// Of how many traces that begin here the spans are sent: all of them are 1. Whoever begins a
    /// trace elsewhere decides for it.
    pub sample_ratio: f64,
    /// Spans that may wait, those included that are being sent; further ones are dropped.
    pub queue_spans_max: usize,
    /// Spans of one request.
    pub batch_spans_max: usize,
    /// How long spans wait for others.
    pub delay: Duration,
    /// How long one request may take.
    pub timeout: Duration,
}

impl std::fmt::Debug for TraceOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceOptions").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// Spans on their way. What waits is sent when it is dropped.
#[derive(Debug)]
pub(crate) struct Sending {
    provider: SdkTracerProvider,
    pub(crate) counts: SpanCounts,
}

impl Drop for Sending {
    fn drop(&mut self) {
        // Whoever ends has nobody left to tell that the collector is gone.
        let _ = self.provider.shutdown_with_timeout(LAST_SPANS);
    }
}

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

pub(crate) fn layer(
    options: TraceOptions,
    labels: &Labels,
) -> Result<(BoxedLayer, Sending), TelemetryError> {
    let counts = SpanCounts::default();
    let batch = BatchConfigBuilder::default()
        .with_max_queue_size(options.queue_spans_max)
        .with_max_export_batch_size(options.batch_spans_max)
        .with_scheduled_delay(options.delay)
        .build();
    let ratio = options.sample_ratio;
    let resource = Resource::builder_empty()
        .with_service_name(options.service_name.clone())
        .with_attributes([
            KeyValue::new("service.version", labels.version.clone()),
            KeyValue::new("service.instance.id", labels.instance.clone()),
            KeyValue::new("deployment.environment.name", labels.env.clone()),
        ])
        .build();
    let spans_max = options.queue_spans_max;
    let processor = counts.around(spans_max, exporter(options)?, batch);
    let provider = SdkTracerProvider::builder()
        .with_span_processor(processor)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_resource(resource)
        .build();
    Ok((layer_of(&provider), Sending { provider, counts }))
}

fn layer_of(provider: &SdkTracerProvider) -> BoxedLayer {
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer(OURS))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // Nobody asks OpenTelemetry for what is under way. Entering a span would settle its trace,
        // and that of a request is chosen by its client once it is known who that is.
        .with_context_activation(false)
        .with_filter(OfOurs)
        .boxed()
}

fn exporter(options: TraceOptions) -> Result<opentelemetry_otlp::SpanExporter, TelemetryError> {
    let client = reqwest::blocking::Client::builder()
        .timeout(options.timeout)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(TelemetryError::Client)?;
    let headers: HashMap<String, String> = options.headers.into_iter().collect();
    let built: Result<_, ExporterBuildError> = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(address(&options.endpoint))
        .with_timeout(options.timeout)
        .with_headers(headers)
        .build();
    built.map_err(TelemetryError::Exporter)
}

fn address(endpoint: &str) -> String {
    let base = endpoint.trim_end_matches('/');
    if base.ends_with(PATH) { base.to_owned() } else { format!("{base}{PATH}") }
}

/// What is sent whatever is logged: our own spans, and what goes wrong in them.
struct OfOurs;

fn is_sent(metadata: &Metadata<'_>) -> bool {
    let most = if metadata.is_span() { Level::DEBUG } else { Level::WARN };
    metadata.target().starts_with(OURS) && *metadata.level() <= most
}

impl<S: Subscriber> Filter<S> for OfOurs {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        is_sent(metadata)
    }

    fn callsite_enabled(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if is_sent(metadata) {
            tracing::subscriber::Interest::always()
        } else {
            tracing::subscriber::Interest::never()
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

/// Lets a span go on in the trace of a W3C `traceparent`, though it was entered, as long as none
/// was begun below it and [`parent_of`] was not asked of it. A text that is none changes nothing,
/// nor does any where no spans are sent.
pub fn join(span: &Span, traceparent: &str) {
    if let Some(parent) = parsed(traceparent) {
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// The `traceparent` of what that span begins; none where no spans are sent.
#[must_use]
pub fn parent_of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let of = span.span_context();
    let text = || format!("00-{}-{}-{:02x}", of.trace_id(), of.span_id(), of.trace_flags().to_u8());
    of.is_valid().then(text)
}

/// The `traceparent` of what is under way on this thread.
#[must_use]
pub fn current() -> Option<String> {
    parent_of(&Span::current())
}

/// Of any version that begins like the first, as W3C wants it.
fn parsed(text: &str) -> Option<SpanContext> {
    let mut parts = text.trim().split('-');
    let (version, trace) = (parts.next()?, parts.next()?);
    let (span, flags) = (parts.next()?, parts.next()?);
    let is_hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_first = version == "00";
    let is_well = is_hex(version, 2)
        && version != "ff"
        && is_hex(trace, 32)
        && is_hex(span, 16)
        && is_hex(flags, 2)
        && (!is_first || parts.next().is_none());
    if !is_well {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::default());
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_traceparent_is_read_as_w3c_writes_it_and_nothing_else_is() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for (text, is_sampled) in [
            (format!("00-{trace}-{span}-01"), true),
            (format!("00-{trace}-{span}-00"), false),
            (format!("00-{trace}-{span}-03"), true),
            (format!("cc-{trace}-{span}-01-what-will-be-later"), true),
        ] {
            let read = parsed(&text).expect(&text);
            assert_eq!(read.trace_id().to_string(), trace);
            assert_eq!(read.span_id().to_string(), span);
            assert_eq!(read.is_sampled(), is_sampled, "{text}");
        }
        for text in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}x-{span}-01"),
        ] {
            assert!(parsed(&text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_path_is_added_where_only_the_base_is_named() {
        for endpoint in [
            "http://h:4318",
            "http://h:4318/",
            "http://h:4318/v1/traces",
            "http://h:4318/v1/traces/",
        ] {
            assert_eq!(address(endpoint), "http://h:4318/v1/traces", "{endpoint}");
        }
        assert_eq!(address("https://h/otlp"), "https://h/otlp/v1/traces");
    }

    /// A request, which is entered before it is known who asks.
    fn request(joins: &[&str]) -> String {
        let provider = SdkTracerProvider::builder().build();
        let subscriber = Registry::default().with(layer_of(&provider));
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!(target: "wforge_api", "request", tenant = "");
            span.in_scope(|| {
                tracing::warn!(target: "wforge_api", "who asks?");
                joins.iter().for_each(|parent| join(&Span::current(), parent));
                Span::current().record("tenant", "acme");
                let parent = current().unwrap();
                let below = tracing::info_span!(target: "wforge_api", "run");
                let trace = |parent: &str| parent.split('-').nth(1).unwrap().to_owned();
                assert_eq!(trace(&parent_of(&below).unwrap()), trace(&parent));
                // It is settled now.
                join(&Span::current(), "00-00000000000000000000000000000007-0000000000000007-01");
                assert_eq!(current().unwrap(), parent);
                parent
            })
        })
    }

    #[test]
    fn a_span_that_was_entered_goes_on_in_the_trace_that_it_is_told_before_anything_follows() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let told = request(&[&format!("00-{trace}-00f067aa0ba902b7-01")]);
        assert!(told.starts_with(&format!("00-{trace}-")), "{told}");
        assert!(!told.contains("00f067aa0ba902b7"), "its own span: {told}");
        let unsampled = request(&[&format!("00-{trace}-00f067aa0ba902b7-00")]);
        assert!(unsampled.ends_with("-00"), "{unsampled}");
        for own in [request(&[]), request(&["nonsense"])] {
            assert!(!own.contains(trace), "{own}");
        }
    }

    #[test]
    fn without_a_collector_nothing_has_a_trace() {
        let span = tracing::info_span!("alone");
        join(&span, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        assert_eq!((parent_of(&span), current()), (None, None));
    }
}
