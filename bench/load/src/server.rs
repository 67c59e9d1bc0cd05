//! One `wforge serve` with a data directory of its own, killed when it is dropped.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use tempfile::TempDir;

/// What all load comes from is one address, and what it shall meet is the server's capacity, not
/// the share of requests that one tenant has of it.
const USUAL: [(&str, &str); 6] = [
    ("SERVER__LISTEN", "127.0.0.1:0"),
    ("LIMITS__API__CONNECTIONS_PER_ADDRESS_MAX", "0"),
    ("LIMITS__API__STREAMS_PER_TENANT_MAX", "512"),
    ("LIMITS__TENANT__REQUESTS_PER_SECOND_MAX", "1000000"),
    ("LIMITS__TENANT__REQUESTS_BURST_MAX", "1000000"),
    ("LOG", "error"),
];

/// How often it is looked whether a server has started.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Only a server that hangs takes so long to start, even on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// What is kept of what it says before.
const SAID_BYTES_MAX: usize = 16 << 10;

/// A setting by its name as a variable, without what all of them begin with.
pub(crate) type Setting = (String, String);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    program: PathBuf,
    settings: Vec<Setting>,
    folder: TempDir,
    child: Child,
    pub(crate) url: String,
    /// The key of whoever runs it; a new one after each start.
    pub(crate) key: String,
}

impl Server {
    /// Starts it on an empty directory below that one, which must be on a real disk: on one in
    /// memory nothing has to be made durable.
    pub(crate) fn start(program: &Path, below: &Path, settings: &[Setting]) -> Result<Self> {
        fs_err::create_dir_all(below)?;
        let folder = tempfile::tempdir_in(below)?;
        // A file of its own, or the nearest one above is taken: the project's, whose plugins are
        // all compiled before anything is served.
        fs_err::write(folder.path().join("wforge.toml"), "")?;
        let (child, url, key) = serve(program, folder.path(), settings)?;
        let (program, settings) = (program.to_owned(), settings.to_vec());
        Ok(Self { program, settings, folder, child, url, key })
    }

    /// Kills it, as a crash would, and starts it again on the same directory.
    pub(crate) fn crash(mut self) -> Result<Self> {
        self.kill()?;
        let (child, url, key) = serve(&self.program, self.folder.path(), &self.settings)?;
        (self.child, self.url, self.key) = (child, url, key);
        Ok(self)
    }

    /// Kills it for good; its directory stays.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        // It was left behind, and names a server that is gone.
        let file = self.data().join("server.json");
        if file.exists() { Ok(fs_err::remove_file(file)?) } else { Ok(()) }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A command of the program on the same directory, which a server must not hold.
    pub(crate) fn command(&self) -> Command {
        command(&self.program, self.folder.path())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).stdin(Stdio::null());
    command.env("PATH", "/usr/bin:/bin").env("WFORGE_DATA_DIR", folder.join("data"));
    command
}

/// Starts a server and reads its log until it has written `server.json`; gives its address and key.
fn serve(program: &Path, folder: &Path, settings: &[Setting]) -> Result<(Child, String, String)> {
    let mut command = command(program, folder);
    for (name, value) in USUAL {
        command.env(format!("WFORGE_{name}"), value);
    }
    for (name, value) in settings {
        command.env(format!("WFORGE_{name}"), value);
    }
    let mut child = command.arg("serve").stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let told = ready(&folder.join("data/server.json"), &mut child);
    let (address, key) = told.inspect_err(|_| drop(child.kill()))?;
    Ok((child, format!("http://{address}"), key))
}

/// Waits for the file and reads address and key. What the server says meanwhile is told where it
/// ends or hangs instead; later on only errors are logged, and each is printed.
fn ready(file: &Path, child: &mut Child) -> Result<(String, String)> {
    let log = BufReader::new(child.stderr.take().context("its stderr")?);
    let said = std::thread::spawn(move || {
        let mut said = String::new();
        for line in log.lines().map_while(Result::ok) {
            if line.contains("ERROR") {
                crate::verdict::complain(&format!("the server logs: {line}"));
            } else if said.len() < SAID_BYTES_MAX {
                said.push_str(&line);
                said.push('\n');
            }
        }
        said
    });
    let begun = Instant::now();
    let became = loop {
        if let Ok(text) = fs_err::read_to_string(file) {
            return address_and_key(&text).with_context(|| format!("reading {}", file.display()));
        }
        if let Some(status) = child.try_wait()? {
            break format!("serve ended, {status}");
        }
        if begun.elapsed() > STARTS_WITHIN {
            // What it says has an end only with it.
            child.kill()?;
            break format!("serve wrote no {} in {STARTS_WITHIN:?}", file.display());
        }
        std::thread::sleep(LOOK_EVERY);
    };
    bail!("{became}; it said:\n{}", said.join().unwrap_or_default())
}

fn address_and_key(text: &str) -> Result<(String, String)> {
    let file: Value = serde_json::from_str(text)?;
    let field = |name: &str| {
        file.get(name).and_then(Value::as_str).map(ToOwned::to_owned).context(name.to_owned())
    };
    Ok((field("address")?, field("token")?))
}
