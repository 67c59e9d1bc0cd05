//! Figures of the process, under the names that Prometheus' own clients use, and of its log.

use crate::host_view::{HostView, ProcessFigures};

use super::text::Text;

/// Writes all that the host shows.
pub(super) fn write(host: &dyn HostView, text: &mut Text) {
    if let Some(figures) = host.process() {
        process(&figures, text);
    }
    let log = host.log_figures();
    text.counter("wforge_log_lines_lost_total", "Log lines for which there was no room.")
        .sample(&[], log.lines_lost);
    let mut spans =
        text.counter("wforge_trace_spans_total", "Spans, by whether a collector took them.");
    spans.sample(&[("outcome", "sent")], log.spans_sent);
    spans.sample(&[("outcome", "lost")], log.spans_lost);
}

fn process(figures: &ProcessFigures, text: &mut Text) {
    text.counter("process_cpu_seconds_total", "CPU time of all threads.")
        .millis(&[], figures.cpu_ms);
    text.gauge("process_resident_memory_bytes", "Memory that is in RAM.")
        .sample(&[], figures.resident_bytes);
    text.gauge("process_virtual_memory_bytes", "Address space; mostly reserved for sandboxes.")
        .sample(&[], figures.virtual_bytes);
    text.gauge("process_threads", "Threads.").sample(&[], figures.threads);
    text.gauge("process_open_fds", "Descriptors.").sample(&[], figures.open_fds);
    text.gauge("process_max_fds", "Descriptors that it may have.").sample(&[], figures.max_fds);
    text.gauge("process_start_time_seconds", "When it was started, since 1970.")
        .millis(&[], figures.started_ms);
    text.gauge("wforge_data_dir_free_bytes", "Free where the data directory is.")
        .sample(&[], figures.disk_free_bytes);
    text.gauge("wforge_data_dir_size_bytes", "All there is where the data directory is.")
        .sample(&[], figures.disk_bytes);
}
