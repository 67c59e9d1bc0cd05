//! What the system says of this process.

use std::path::Path;

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use wforge_api::ProcessFigures;

/// The name of this machine, or of the container that it is.
pub(crate) fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

/// Its figures; none where the system does not say.
pub(crate) fn figures(data_dir: &Path, started_ms: u64) -> Option<ProcessFigures> {
    let status = fs_err::read_to_string("/proc/self/status").ok()?;
    let number = |name| number_of(&status, name).unwrap_or(0);
    let (disk_free_bytes, disk_bytes) = disk(data_dir).unwrap_or_default();
    Some(ProcessFigures {
        cpu_ms: cpu_ms(),
        resident_bytes: number("VmRSS:") * 1_024,
        virtual_bytes: number("VmSize:") * 1_024,
        threads: number("Threads:"),
        open_fds: open_fds(),
        max_fds: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        started_ms,
        disk_free_bytes,
        disk_bytes,
    })
}

fn number_of(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_ms() -> u64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, ns) = (u64::try_from(used.tv_sec), u64::try_from(used.tv_nsec));
    seconds.unwrap_or(0) * 1_000 + ns.unwrap_or(0) / 1_000_000
}

/// Without the one that the counting itself takes.
fn open_fds() -> u64 {
    let entries = fs_err::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    u64::try_from(entries).unwrap_or(0).saturating_sub(1)
}

/// Free for whoever is not root, and all.
fn disk(data_dir: &Path) -> Option<(u64, u64)> {
    let found = rustix::fs::statvfs(data_dir).ok()?;
    Some((found.f_bavail.checked_mul(found.f_frsize)?, found.f_blocks.checked_mul(found.f_frsize)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something_of_everything() {
        let figures = figures(Path::new("/"), 7).expect("Linux says");
        let ProcessFigures { cpu_ms: _, started_ms, disk_free_bytes: _, .. } = figures;
        assert_eq!(started_ms, 7);
        for figure in [
            figures.resident_bytes,
            figures.virtual_bytes,
            figures.threads,
            figures.open_fds,
            figures.max_fds,
            figures.disk_bytes,
        ] {
            assert!(figure > 0, "{figures:?}");
        }
        assert!(!host_name().is_empty());
    }
}
