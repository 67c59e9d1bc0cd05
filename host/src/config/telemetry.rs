//! What the configuration says of the log, and of where spans go.

use std::path::PathBuf;

use reqwest::header::{HeaderName, HeaderValue};

use super::Meant;
use super::keys::RawConfig;
use super::setting::{Environment, LogFormat, LogTo, Propagate, Secret, Share};
use crate::nearby::is_on_this_machine;

/// The most of `telemetry.queue_spans_max`: there is room for all of them from the start.
const QUEUE_SPANS_MAX: u32 = 1 << 17;

/// What is logged, how and where.
#[derive(Debug, Clone)]
pub(crate) struct LogConfig {
    pub(crate) format: LogFormat,
    pub(crate) level: String,
    pub(crate) to: LogTo,
    pub(crate) file: Option<PathBuf>,
    pub(crate) file_bytes_max: u64,
    pub(crate) file_daily: bool,
    pub(crate) files_max: u32,
    /// None: the name of the machine.
    pub(crate) instance: Option<String>,
}

/// Where spans go, and who hears of traces.
#[derive(Clone)]
pub(crate) struct TelemetryConfig {
    /// None: nowhere.
    pub(crate) otlp_endpoint: Option<String>,
    pub(crate) otlp_headers: Vec<(String, String)>,
    pub(crate) service_name: String,
    pub(crate) sample_ratio: f64,
    pub(crate) queue_spans_max: usize,
    pub(crate) batch_spans_max: usize,
    pub(crate) delay_ms: u64,
    pub(crate) timeout_ms_max: u64,
    pub(crate) propagate: Propagate,
}

/// Headers may hold a key.
impl std::fmt::Debug for TelemetryConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TelemetryConfig")
            .field("otlp_endpoint", &self.otlp_endpoint)
            .finish_non_exhaustive()
    }
}

impl Meant<'_> {
    pub(super) fn log(raw: &RawConfig, env: Environment) -> Option<LogConfig> {
        Some(LogConfig {
            format: raw.log_format.unwrap_or(match env {
                Environment::Production => LogFormat::Json,
                Environment::Development | Environment::Testing => LogFormat::Pretty,
            }),
            level: raw.log_level.clone()?,
            to: raw.log_to?,
            file: raw.log_file.clone(),
            file_bytes_max: raw.log_file_bytes_max?,
            file_daily: raw.log_file_daily?,
            files_max: raw.log_files_max?,
            instance: raw.log_instance.clone().filter(|instance| !instance.is_empty()),
        })
    }

    pub(super) fn telemetry(&mut self, raw: &RawConfig) -> Option<TelemetryConfig> {
        let endpoint = self.otlp_endpoint(raw);
        let otlp_headers = self.otlp_headers(raw.telemetry_otlp_headers.as_ref());
        let queue = self.at_least_1("telemetry.queue_spans_max", raw.telemetry_queue_spans_max);
        if queue.is_some_and(|max| max > QUEUE_SPANS_MAX) {
            let message = format!("would take room for more than {QUEUE_SPANS_MAX} spans");
            self.error("telemetry.queue_spans_max", &message, "write less");
        }
        let batch = self.at_least_1("telemetry.batch_spans_max", raw.telemetry_batch_spans_max);
        let delay_ms = self.at_least_1("telemetry.delay_ms", raw.telemetry_delay_ms);
        let timeout = self.at_least_1("telemetry.timeout_ms_max", raw.telemetry_timeout_ms_max);
        let Share(sample_ratio) = raw.telemetry_sample_ratio?;
        Some(TelemetryConfig {
            otlp_headers,
            otlp_endpoint: endpoint,
            service_name: raw.telemetry_service_name.clone()?,
            sample_ratio,
            queue_spans_max: usize::try_from(queue?).ok()?,
            batch_spans_max: usize::try_from(batch?).ok()?,
            delay_ms: delay_ms?,
            timeout_ms_max: timeout?,
            propagate: raw.telemetry_propagate?,
        })
    }

    /// Spans name runs and tenants, and the collector's key goes with them: in plain text to this
    /// machine alone, or where the operator says so.
    fn otlp_endpoint(&mut self, raw: &RawConfig) -> Option<String> {
        let url = raw.telemetry_otlp_endpoint.clone().filter(|url| !url.is_empty())?;
        let is_plain = url.starts_with("http://");
        if !is_plain && !url.starts_with("https://") {
            let message = format!("\"{url}\" is no address of a collector");
            let help = "write https://host:4318, or http:// for one on this machine";
            self.error("telemetry.otlp_endpoint", &message, help);
        } else if is_plain && !raw.telemetry_otlp_plain_text? && !is_on_this_machine(&url) {
            let message = format!(
                "{url} is not on this machine, and nothing encrypts the spans and the key on their \
                 way"
            );
            let help = "write https://; or, where nobody listens in between, \
                        telemetry.otlp_plain_text = true";
            self.error("telemetry.otlp_endpoint", &message, help);
        }
        Some(url)
    }

    /// Written as `name=value,name=value`.
    fn otlp_headers(&mut self, written: Option<&Secret>) -> Vec<(String, String)> {
        let Some(Secret(text)) = written else { return Vec::new() };
        let mut headers = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('=').map(|(name, value)| (name.trim(), value.trim())) {
                // What is no header would be left out of the requests without a word.
                Some((name, value)) if is_header(name, value) => {
                    headers.push((name.to_owned(), value.to_owned()));
                }
                Some(_) | None => {
                    let help = "write name=value,name=value";
                    self.error("telemetry.otlp_headers", "cannot be read", help);
                }
            }
        }
        headers
    }
}

fn is_header(name: &str, value: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
}
