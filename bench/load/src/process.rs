//! What Linux says about a process.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// A tick of the accounting is a hundredth of a second on every Linux that we know.
const TICK: Duration = Duration::from_millis(10);

/// Its resident memory in KiB.
pub(crate) fn resident_kib(pid: u32) -> Result<u64> {
    let status = fs_err::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
    Ok(kib.trim().parse()?)
}

/// How many descriptors it has open.
pub(crate) fn descriptors(pid: u32) -> Result<usize> {
    Ok(fs_err::read_dir(format!("/proc/{pid}/fd"))?.count())
}

/// What it has spent on the processors, in its own code and in the kernel.
pub(crate) fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat"))?;
    // Its name may hold spaces, so what is counted is counted behind it.
    let (_, fields) = stat.rsplit_once(')').context("no name")?;
    let spent = fields.split_whitespace().skip(11).take(2);
    let ticks: u32 = spent.map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}

/// The bytes of all files below a folder.
pub(crate) fn bytes_below(folder: &Path) -> Result<u64> {
    // A file or a folder may go away while one looks.
    let entries = match fs_err::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut bytes = 0;
    for entry in entries {
        let Ok(entry) = entry else { continue };
        let Ok(metadata) = entry.metadata() else { continue };
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_descriptors_and_spends_time() {
        let pid = std::process::id();
        assert!(resident_kib(pid).unwrap() > 100);
        assert!(descriptors(pid).unwrap() >= 3);
        let (before, mut sum) = (cpu(pid).unwrap(), 0_u64);
        while cpu(pid).unwrap() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }
}
