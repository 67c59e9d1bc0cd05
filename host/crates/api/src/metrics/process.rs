//! Figures of the process, under the names that Prometheus' own clients use. One that cannot be
//! read is not there: a 0 would be taken for a figure.

use wforge_model::Timestamp;

use crate::machine::{DescriptorFigures, MachineFigures, MemoryFigures};

use super::text::Text;

/// Writes what is known.
pub(super) fn write(figures: &MachineFigures, began_at: Timestamp, text: &mut Text) {
    let MachineFigures { memory, disk, descriptors, cpu_ms, threads } = figures;
    let MemoryFigures { resident_bytes, virtual_bytes, .. } = memory;
    let DescriptorFigures { open, max } = descriptors;
    let disk = disk.as_ref();
    text.gauge("process_start_time_seconds", "When the server began, since 1970.")
        .millis(&[], began_at.0);
    if let Some(ms) = cpu_ms {
        text.counter("process_cpu_seconds_total", "CPU time of all threads.").millis(&[], *ms);
    }
    for (name, help, known) in [
        ("process_resident_memory_bytes", "Memory that is in RAM.", *resident_bytes),
        (
            "process_virtual_memory_bytes",
            "Address space; mostly reserved for sandboxes.",
            *virtual_bytes,
        ),
        ("process_threads", "Threads.", *threads),
        ("process_open_fds", "Descriptors.", *open),
        ("process_max_fds", "Descriptors that it may have.", *max),
        (
            "wforge_data_dir_free_bytes",
            "Free where the data directory is.",
            disk.and_then(|disk| disk.free_bytes),
        ),
        (
            "wforge_data_dir_size_bytes",
            "All there is where the data directory is.",
            disk.and_then(|disk| disk.total_bytes),
        ),
    ] {
        if let Some(value) = known {
            text.gauge(name, help).sample(&[], value);
        }
    }
    for (name, help, by_kind) in [
        ("wforge_resident_bytes", "Memory that is in RAM, by its kind.", &memory.resident_by_kind),
        ("wforge_allocator_bytes", "What the allocator of the heap has.", &memory.allocator_bytes),
    ] {
        let mut family = text.gauge(name, help);
        by_kind.iter().for_each(|(kind, bytes)| family.sample(&[("kind", kind)], *bytes));
    }
}
