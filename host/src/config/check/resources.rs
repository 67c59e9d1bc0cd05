//! What the limits add up to, compared with what the container may use.

use std::path::Path;

use super::{Config, Finding, ok, strict};

/// What the host itself needs beside the guests: native code, caches, the journal's overlay.
const HOST_BYTES: u64 = 512 << 20;
/// The root of cgroup v2 as a process inside sees its own.
const CGROUP: &str = "/sys/fs/cgroup";

/// Memory and CPU.
pub(super) fn check(config: &Config) -> Vec<Finding> {
    check_against(config, Path::new(CGROUP))
}

fn check_against(config: &Config, cgroup: &Path) -> Vec<Finding> {
    vec![memory(config, memory_max(cgroup)), cpu(cpu_max(cgroup))]
}

/// Guests that run at the same time, one on each thread, each with all that it may have.
fn memory(config: &Config, allowed: Option<u64>) -> Finding {
    let place = "limits.sandbox.memory_bytes_max";
    let threads = config.runs.plugin_threads.unwrap_or_else(crate::compose::lanes::plugin_threads);
    let guests = config.sandbox.memory_bytes_max.saturating_mul(threads as u64);
    let needed = guests.saturating_add(HOST_BYTES);
    let mib = |bytes: u64| bytes >> 20;
    match allowed {
        None => ok(place, format!("{} MiB at most; no cgroup limits memory", mib(needed))),
        Some(allowed) if allowed >= needed => {
            ok(place, format!("{} of {} MiB of the cgroup", mib(needed), mib(allowed)))
        }
        Some(allowed) => strict(
            config,
            place,
            format!(
                "{threads} guests and the host may need {} MiB, the cgroup allows {}",
                mib(needed),
                mib(allowed)
            ),
            "raise the container's memory limit, or lower limits.sandbox.memory_bytes_max or \
             runs.plugin_threads",
        ),
    }
}

fn cpu(allowed: Option<f64>) -> Finding {
    match allowed {
        Some(cores) if cores < 1.0 => Finding::warning(
            "runs.plugin_threads",
            format!("the cgroup allows {cores:.2} of a core: plugins and API slow each other down"),
            "give the container one core or more",
        ),
        Some(cores) => ok("runs.plugin_threads", format!("the cgroup allows {cores:.1} cores")),
        None => ok("runs.plugin_threads", "no cgroup limits CPU time"),
    }
}

/// None where it is `max`, or where there is no cgroup v2.
fn memory_max(cgroup: &Path) -> Option<u64> {
    fs_err::read_to_string(cgroup.join("memory.max")).ok()?.trim().parse().ok()
}

/// Cores: quota by period.
fn cpu_max(cgroup: &Path) -> Option<f64> {
    let text = fs_err::read_to_string(cgroup.join("cpu.max")).ok()?;
    let (quota, period) = text.trim().split_once(' ')?;
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    Some(quota / period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Severity, Surroundings, load};

    fn check(memory: &str, cpu: &str) -> Vec<(Severity, String)> {
        let cgroup = tempfile::tempdir().unwrap();
        fs_err::write(cgroup.path().join("memory.max"), memory).unwrap();
        fs_err::write(cgroup.path().join("cpu.max"), cpu).unwrap();
        let variables = [
            ("HOME", "/home/someone"),
            ("WFORGE_ENV", "production"),
            ("WFORGE_RUNS__PLUGIN_THREADS", "4"),
        ];
        let config = load(&Surroundings {
            current_dir: cgroup.path().to_owned(),
            variables: variables.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            flags: Vec::new(),
            file: None,
            login: None,
        });
        let findings = check_against(&config.config.unwrap(), cgroup.path());
        findings.into_iter().map(|found| (found.severity, found.message)).collect()
    }

    #[test]
    fn limits_that_do_not_fit_the_container_are_red_in_production() {
        let found = check("1073741824\n", "50000 100000\n");
        assert_eq!(found[0], (Severity::Ok, "1024 of 1024 MiB of the cgroup".to_owned()));
        assert_eq!(found[1].0, Severity::Warning);
        let found = check("536870912\n", "200000 100000\n");
        assert_eq!(found[0].0, Severity::Error);
        assert_eq!(found[1], (Severity::Ok, "the cgroup allows 2.0 cores".to_owned()));
        assert_eq!(check("max\n", "max 100000\n")[1].1, "no cgroup limits CPU time");
    }
}
