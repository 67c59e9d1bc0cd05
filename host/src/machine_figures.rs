//! What this process takes of its machine, as Linux says it under `/proc` and for file systems; and
//! the machine's name. What cannot be read is left out: a figure that is missing is no reason to
//! fail.

use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use wforge_api::{DescriptorFigures, DiskFigures, Machine, MachineFigures, MemoryFigures};

use crate::allocator;

/// Files of the data directory that are counted at most; more take too long for a request.
const FILES_MAX: usize = 200_000;
/// The allocator of `main.rs`.
const ALLOCATOR: &str = "jemalloc";
/// What may be in memory: the heap, stacks and what guests wrote to; code and other files, native
/// code of plugins among them; images of memory from which sandboxes begin.
const KINDS: [(&str, &str); 3] =
    [("anonymous", "RssAnon:"), ("file", "RssFile:"), ("shared", "RssShmem:")];

/// The name of this machine, or of the container that it is.
pub(crate) fn host_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}

/// This machine.
#[derive(Debug)]
pub(crate) struct ThisMachine {
    /// What is on the disk that is looked at.
    pub(crate) data_dir: PathBuf,
}

impl Machine for ThisMachine {
    fn read(&self) -> MachineFigures {
        let status = fs_err::read_to_string("/proc/self/status").unwrap_or_default();
        MachineFigures {
            memory: MemoryFigures {
                resident_bytes: kib_of(&status, "VmRSS:"),
                resident_bytes_peak: kib_of(&status, "VmHWM:"),
                virtual_bytes: kib_of(&status, "VmSize:"),
                allocator: ALLOCATOR,
                resident_by_kind: KINDS
                    .into_iter()
                    .filter_map(|(kind, name)| Some((kind, kib_of(&status, name)?)))
                    .collect(),
                allocator_bytes: allocator::figures(),
            },
            disk: Some(disk(&self.data_dir)),
            descriptors: DescriptorFigures {
                open: open_files(),
                max: getrlimit(Resource::Nofile).current,
            },
            cpu_ms: cpu_ms(),
            threads: line_of(&status, "Threads:").and_then(|text| text.parse().ok()),
        }
    }

    fn data_bytes(&self) -> Option<u64> {
        used(&self.data_dir)
    }
}

/// What is said of that name.
fn line_of<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// A line such as `VmRSS:     1234 kB`, in bytes.
fn kib_of(status: &str, name: &str) -> Option<u64> {
    let kib: u64 = line_of(status, name)?.strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

fn open_files() -> Option<u64> {
    let open = fs_err::read_dir("/proc/self/fd").ok()?.count();
    // The one by which they are listed is among them.
    u64::try_from(open.saturating_sub(1)).ok()
}

fn cpu_ms() -> Option<u64> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, ns) = (u64::try_from(used.tv_sec).ok()?, u64::try_from(used.tv_nsec).ok()?);
    Some(seconds.checked_mul(1_000)?.saturating_add(ns / 1_000_000))
}

/// Free is what may be written by whoever is not root.
fn disk(dir: &Path) -> DiskFigures {
    let system = rustix::fs::statvfs(dir).ok();
    let bytes = |blocks: fn(&rustix::fs::StatVfs) -> u64| {
        system.as_ref().map(|system| blocks(system).saturating_mul(system.f_frsize))
    };
    DiskFigures {
        used_bytes: None,
        free_bytes: bytes(|system| system.f_bavail),
        total_bytes: bytes(|system| system.f_blocks),
    }
}

/// What the files of a folder take; links are not followed.
fn used(dir: &Path) -> Option<u64> {
    let (mut bytes, mut files, mut folders) = (0_u64, 0_usize, vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        // Files come and go while the store works; one that has gone takes nothing.
        let Ok(entries) = fs_err::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            files += 1;
            if files > FILES_MAX {
                return None;
            }
            match entry.metadata() {
                Ok(found) if found.is_dir() => folders.push(entry.path()),
                Ok(found) => bytes = bytes.saturating_add(on_disk(&found)),
                Err(_) => {}
            }
        }
    }
    Some(bytes)
}

/// What a file takes, which is less than its length where it has holes.
fn on_disk(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    found.blocks().saturating_mul(512)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_this_very_process_are_more_than_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs_err::create_dir(dir.path().join("in")).unwrap();
        fs_err::write(dir.path().join("in/file"), vec![7; 100_000]).unwrap();
        let machine = ThisMachine { data_dir: dir.path().to_owned() };
        let MachineFigures { memory, disk, descriptors, cpu_ms, threads } = machine.read();
        assert!(memory.resident_bytes > Some(100_000), "{memory:?}");
        assert!(memory.resident_bytes_peak >= memory.resident_bytes, "{memory:?}");
        assert!(memory.virtual_bytes >= memory.resident_bytes, "{memory:?}");
        assert_eq!(memory.resident_by_kind.len(), KINDS.len(), "{memory:?}");
        let allocated = memory.allocator_bytes.iter().find(|(kind, _)| *kind == "allocated");
        assert!(allocated.unwrap().1 > 0, "{memory:?}");
        assert!(descriptors.open > Some(2), "{descriptors:?}");
        assert!(descriptors.max >= descriptors.open, "{descriptors:?}");
        assert!(threads > Some(0) && cpu_ms.is_some(), "{threads:?} {cpu_ms:?}");
        let disk = disk.unwrap();
        assert!(disk.total_bytes >= disk.free_bytes, "{disk:?}");
        assert!(machine.data_bytes() >= Some(100_000));
        assert!(!host_name().is_empty());
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(kib_of("VmRSS:\t    12 kB\nVmHWM: x kB", "VmRSS:"), Some(12_288));
        assert_eq!(kib_of("VmHWM: x kB", "VmHWM:"), None);
        assert_eq!(kib_of("", "VmRSS:"), None);
        assert_eq!(disk(Path::new("/does/not/exist")).free_bytes, None);
    }
}
