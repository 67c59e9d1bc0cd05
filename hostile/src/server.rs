//! One `wforge serve` with a data directory of its own, killed when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::Setting;

/// What every server of the proof has: limits that make it short, and rates that let it ask often.
const USUAL: [Setting; 16] = [
    ("SERVER__LISTEN", "127.0.0.1:0"),
    ("LIMITS__TENANT__REQUESTS_PER_SECOND_MAX", "100000"),
    ("LIMITS__TENANT__REQUESTS_BURST_MAX", "100000"),
    ("LIMITS__API__CONNECTIONS_PER_ADDRESS_MAX", "0"),
    ("LIMITS__AUDIT__REFUSALS_PER_MINUTE_MAX", "1000000"),
    ("LIMITS__BREAKER__FAILURES_MAX", "0"),
    ("OUTBOUND__BREAKER_FAILURES_MAX", "0"),
    ("LIMITS__SANDBOX__MEMORY_BYTES_MAX", "67108864"),
    ("LIMITS__SANDBOX__CPU_MS_MAX", "200"),
    ("LIMITS__SANDBOX__WALL_MS_MAX", "2000"),
    ("LIMITS__SANDBOX__HOST_CALLS_MAX", "5000"),
    ("LIMITS__MODELS__TIMEOUT_MS", "1500"),
    ("LIMITS__HTTP__TIMEOUT_MS", "1000"),
    ("LIMITS__HTTP__TIMEOUT_MS_MAX", "1500"),
    ("LIMITS__MCP__TIMEOUT_MS", "1000"),
    ("LOG", "warn"),
];

/// What a server is started with.
#[derive(Debug, Clone)]
pub(crate) struct Start<'a> {
    pub(crate) program: &'a Path,
    pub(crate) settings: Vec<Setting>,
    /// The defence that it goes without.
    pub(crate) without: Option<&'a str>,
    /// Native code that another one made, and the key of its MAC.
    pub(crate) compiled: Option<&'a Path>,
    pub(crate) grants: &'a str,
    /// Lines of `/etc/hosts` that this server alone sees.
    pub(crate) hosts: Option<&'a str>,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    folder: TempDir,
    child: Child,
    log: Arc<Mutex<String>>,
    pub(crate) url: String,
    pub(crate) key: String,
}

impl Server {
    pub(crate) fn start(start: &Start<'_>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        if let Some(compiled) = start.compiled {
            for part in ["aot", "keys"] {
                copy(&compiled.join(part), &data.join(part))?;
            }
        }
        let grants = folder.path().join("grants.toml");
        fs_err::write(&grants, start.grants)?;
        let mut command = command(start, folder.path())?;
        command.env_clear().current_dir(folder.path()).arg("serve").stdin(Stdio::null());
        command.env("WFORGE_DATA_DIR", &data).env("WFORGE_PLUGINS__GRANTS_FILE", &grants);
        // What a guest must not find.
        command.env("HOSTILE_CANARY", CANARY).env("PATH", "/usr/bin:/bin");
        for (name, value) in USUAL.iter().chain(&start.settings) {
            command.env(format!("WFORGE_{name}"), value);
        }
        if let Some(without) = start.without {
            command.env("WFORGE_WITHOUT", without);
        }
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = Arc::default();
        let (url, key) = ready(&data, &mut child, &log)?;
        Ok(Self { folder, child, log, url, key })
    }

    /// Its process; none once it has ended.
    pub(crate) fn pid(&mut self) -> Option<u32> {
        let ended = self.child.try_wait().map_or(true, |status| status.is_some());
        (!ended).then(|| self.child.id())
    }

    /// Its resident memory in MiB.
    pub(crate) fn resident_mib(&self) -> Result<u64> {
        let status = fs_err::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).context("no VmRSS")?;
        Ok(kib.trim().parse::<u64>()? >> 10)
    }

    /// The CPU time of the threads that plugins run on, in milliseconds.
    pub(crate) fn plugins_cpu_ms(&self) -> Result<u64> {
        let mut ticks = 0;
        for thread in fs_err::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let Ok(stat) = fs_err::read_to_string(thread?.path().join("stat")) else { continue };
            let (name, fields) = stat.rsplit_once(')').context("no name")?;
            if name.ends_with("(wforge-plugins") {
                let spent = fields.split_whitespace().skip(11).take(2);
                ticks += spent.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
            }
        }
        // A tick is a hundredth of a second on every Linux that we know.
        Ok(ticks * 10)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// What it has logged.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What stands in the environment of every server.
pub(crate) const CANARY: &str = "canary-of-the-host";

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, or a namespace of mounts around it in which names are known that nobody else knows.
fn command(start: &Start<'_>, folder: &Path) -> Result<Command> {
    let Some(hosts) = start.hosts else { return Ok(Command::new(start.program)) };
    let file = folder.join("hosts");
    fs_err::write(&file, hosts)?;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
    command.arg("mount --bind \"$0\" /etc/hosts && exec \"$@\"").arg(file).arg(start.program);
    Ok(command)
}

/// Reads the server's log until it has written `server.json`; the rest is read on beside.
fn ready(data: &Path, child: &mut Child, kept: &Arc<Mutex<String>>) -> Result<(String, String)> {
    let mut log = BufReader::new(child.stderr.take().context("its stderr")?);
    let mut said = String::new();
    let file = loop {
        if let Ok(text) = fs_err::read_to_string(data.join("server.json")) {
            break serde_json::from_str::<Value>(&text)?;
        }
        if log.read_line(&mut said)? == 0 {
            bail!("serve ended:\n{said}");
        }
    };
    kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&said);
    let kept = Arc::clone(kept);
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            let text = String::from_utf8_lossy(&line).into_owned();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push_str(&text);
            line.clear();
        }
    });
    let field = |name: &str| {
        file.get(name).and_then(Value::as_str).map(ToOwned::to_owned).context(name.to_owned())
    };
    Ok((format!("http://{}", field("address")?), field("token")?))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in fs_err::read_dir(from)? {
        let entry = entry?.path();
        let to = to.join(entry.file_name().context("a name")?);
        if entry.is_dir() {
            copy(&entry, &to)?;
        } else {
            fs_err::copy(&entry, &to)?;
        }
    }
    Ok(())
}
