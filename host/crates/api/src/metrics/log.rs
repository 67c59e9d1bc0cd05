//! Figures of log and traces.

use crate::host_log::LogFigures;

use super::text::Text;

/// Writes all of them.
pub(super) fn write(figures: LogFigures, text: &mut Text) {
    text.counter("wforge_log_lines_lost_total", "Log lines for which there was no room.")
        .sample(&[], figures.lines_lost);
    let mut spans = text.counter("wforge_trace_spans_total", "Spans, by what became of them.");
    for (outcome, count) in [
        ("sent", figures.spans_sent),
        ("lost", figures.spans_lost),
        ("dropped", figures.spans_dropped),
    ] {
        spans.sample(&[("outcome", outcome)], count);
    }
}
