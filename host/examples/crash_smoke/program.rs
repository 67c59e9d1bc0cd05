//! Starts the real program in an environment that holds nothing but its data directory.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// A server that has not finished a run after this long has lost it.
const FINISH_MS_MAX: u64 = 60_000;
const POLL_MS: u64 = 50;

/// The program with one data directory and one call log.
pub(crate) struct Program {
    data: PathBuf,
    call_log: PathBuf,
}

/// How a killed run is brought back.
#[derive(Clone, Copy)]
pub(crate) enum Restart {
    /// `wforge runs resume RUN`.
    Resume,
    /// `wforge serve`, which goes on with what it finds.
    Serve,
}

/// A run that was killed while it ran.
pub(crate) struct Killed {
    pub(crate) run: String,
    pub(crate) after_ms: u64,
}

/// A run that ended by itself.
pub(crate) struct Ended {
    pub(crate) summary: Summary,
    pub(crate) running_ms: u64,
}

/// What is compared between runs.
pub(crate) struct Summary {
    pub(crate) report: String,
    pub(crate) tasks: usize,
    pub(crate) degraded: bool,
}

impl Program {
    pub(crate) fn new(data: PathBuf, call_log: PathBuf) -> Self {
        Self { data, call_log }
    }

    pub(crate) fn call_log(&self) -> &Path {
        &self.call_log
    }

    /// Runs the brief to its end.
    pub(crate) fn run(&self, document: &Path) -> Result<Ended> {
        let mut started = self.start(document)?;
        let begun = Stopwatch::start();
        let mut output = String::new();
        let mut stdout = started.child.stdout.take().context("no stdout")?;
        stdout.read_to_string(&mut output)?;
        let status = started.child.wait()?;
        ensure!(status.success(), "run ended with {status}: {}", started.rest());
        Ok(Ended { summary: Summary::parse(&output)?, running_ms: begun.elapsed_ms() })
    }

    /// Runs the brief and kills it that long after it was acknowledged; none where it had ended.
    pub(crate) fn kill_after(&self, document: &Path, after_ms: u64) -> Result<Option<Killed>> {
        let mut started = self.start(document)?;
        pause(after_ms);
        let ended = started.child.try_wait()?.is_some();
        started.child.kill()?;
        started.child.wait()?;
        if ended {
            return Ok(None);
        }
        // It may have ended between the look and the kill; then nothing was interrupted.
        let finished = status(&self.show(&started.run)?) == "completed";
        Ok((!finished).then_some(Killed { run: started.run, after_ms }))
    }

    /// Lets the run finish, with no flag that the first start had.
    pub(crate) fn restart(&self, killed: &Killed, how: Restart) -> Result<Summary> {
        match how {
            Restart::Resume => {
                let output = self.command(&["runs", "resume", &killed.run, "--output", "json"]);
                Summary::parse(&stdout_of(output.output_of()?)?)
            }
            Restart::Serve => self.serve_until_finished(&killed.run),
        }
    }

    fn serve_until_finished(&self, run: &str) -> Result<Summary> {
        let mut server = self.command(&["serve"]);
        let mut server = server.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let begun = Stopwatch::start();
        let end = loop {
            if begun.elapsed_ms() > FINISH_MS_MAX {
                break Err(anyhow::anyhow!("serve did not finish {run}"));
            }
            match self.server_shows(server.id(), run) {
                Some(shown) if status(&shown) == "completed" => break Summary::of(&shown),
                Some(shown) if status(&shown) == "failed" => {
                    break Err(anyhow::anyhow!("{run} failed under serve: {shown}"));
                }
                Some(_) | None => pause(POLL_MS),
            }
        };
        server.kill()?;
        server.wait()?;
        end
    }

    /// What the server says of the run; none while it is not up. A killed server leaves its file
    /// behind, so the process must be the one it names: a command would open the store itself.
    fn server_shows(&self, server: u32, run: &str) -> Option<Value> {
        let text = fs_err::read_to_string(self.data.join("server.json")).ok()?;
        let file: Value = serde_json::from_str(&text).ok()?;
        let is_up = file.pointer("/pid") == Some(&Value::from(server));
        is_up.then(|| self.show(run).ok()).flatten()
    }

    fn show(&self, run: &str) -> Result<Value> {
        let output = self.command(&["runs", "show", run, "--output", "json"]).output_of()?;
        Ok(serde_json::from_str(&stdout_of(output)?)?)
    }

    fn start(&self, document: &Path) -> Result<Started> {
        let input = format!("document=@{}", document.display());
        let mut command = self.command(&["run", "examples/brief/workflow.yaml"]);
        command.args(["--input", &input, "--answer", "approve=yes", "--output", "json"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().context("no stderr")?);
        let mut said = String::new();
        let run = loop {
            let begun = said.len();
            ensure!(stderr.read_line(&mut said)? > 0, "run ended without a run: {said}");
            if let Some(run) = said.get(begun..).and_then(run_id) {
                break run;
            }
        };
        // Read on, or the program blocks on a full pipe.
        let rest = std::thread::spawn(move || {
            let mut rest = said;
            stderr.read_to_string(&mut rest).ok();
            rest
        });
        Ok(Started { child, run, rest: Some(rest) })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(args).current_dir(repository()).env_clear().stdin(Stdio::null());
        command.env("WFORGE_DATA_DIR", &self.data).env("WFORGE_CALL_LOG", &self.call_log);
        command.env("WFORGE_SERVER__LISTEN", "127.0.0.1:0");
        command
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resume => "resume",
            Self::Serve => "serve",
        })
    }
}

impl Summary {
    fn parse(text: &str) -> Result<Self> {
        Self::of(&serde_json::from_str(text).with_context(|| format!("no JSON: {text}"))?)
    }

    fn of(shown: &Value) -> Result<Self> {
        ensure!(status(shown) == "completed", "the run is not completed: {shown}");
        let report = shown.pointer("/output/report").and_then(Value::as_str);
        let tasks = shown.pointer("/tasks").and_then(Value::as_array);
        let degraded = shown.pointer("/degraded").or_else(|| shown.pointer("/head/degraded"));
        Ok(Self {
            report: report.context("the output has no report")?.to_owned(),
            tasks: tasks.context("the run has no tasks")?.len(),
            degraded: degraded != Some(&Value::Bool(false)),
        })
    }
}

struct Started {
    child: Child,
    run: String,
    rest: Option<std::thread::JoinHandle<String>>,
}

impl Started {
    fn rest(&mut self) -> String {
        self.rest.take().and_then(|rest| rest.join().ok()).unwrap_or_default()
    }
}

trait OutputOf {
    fn output_of(self) -> Result<Output>;
}

impl OutputOf for Command {
    fn output_of(mut self) -> Result<Output> {
        let output = self.output().context("starting wforge: `make build` makes it")?;
        if !output.status.success() {
            bail!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
        }
        Ok(output)
    }
}

fn stdout_of(output: Output) -> Result<String> {
    Ok(String::from_utf8(output.stdout)?)
}

/// A document with enough sections to be killed in.
pub(crate) fn document() -> Result<String> {
    let mut whole = String::new();
    for name in ["docs/ARCHITECTURE.md", "docs/STYLE.md", "CHANGELOG.md"] {
        whole.push_str(&fs_err::read_to_string(repository().join(name))?);
        whole.push('\n');
    }
    Ok(whole)
}

/// How a run stands: at the top of what `run` prints, in the head of what `runs show` prints.
fn status(shown: &Value) -> &str {
    let status = shown.pointer("/status").or_else(|| shown.pointer("/head/status"));
    status.and_then(Value::as_str).unwrap_or_default()
}

fn run_id(line: &str) -> Option<String> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.into_iter().find(|word| word.starts_with("run_")).map(str::to_owned)
}

fn repository() -> PathBuf {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    host.parent().unwrap_or(host).to_owned()
}

/// The program lies beside the folder of this example.
fn binary() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    own.ancestors().nth(2).unwrap_or(Path::new(".")).join("wforge")
}

#[expect(clippy::disallowed_methods, reason = "a kill comes at a moment of the real clock")]
fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}

struct Stopwatch(std::time::Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "a kill comes at a moment of the real clock")]
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
