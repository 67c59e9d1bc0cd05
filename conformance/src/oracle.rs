//! Their side: one Python process that runs many cases in LangGraph.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::case::Case;

/// The process. It ends with its input.
#[derive(Debug)]
pub struct Oracle {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Records(Vec<Value>),
    Crash(String),
}

impl Oracle {
    /// Starts it. `program` is this one, whose `eval` it asks about expressions; `log` is where it
    /// complains.
    ///
    /// # Errors
    /// There is no such interpreter.
    pub fn start(python: &Path, script: &Path, program: &Path, log: &Path) -> Result<Self> {
        // LangGraph writes warnings and the traces of failures that a case is meant to have.
        let log = fs_err::File::create(log)?.into_file();
        let mut process = Command::new(python)
            .arg("-B")
            .arg(script)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .with_context(|| {
                format!("starting {}; run scripts/oracle-venv.sh", python.display())
            })?;
        let input = process.stdin.take().context("the oracle has no input")?;
        let output = process.stdout.take().context("the oracle has no output")?;
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// What each action of a case led to in LangGraph.
    ///
    /// # Errors
    /// The driver itself broke; its trace is in the message.
    pub fn run(&mut self, case: &Case) -> Result<Vec<Value>> {
        writeln!(self.input, "{}", serde_json::to_string(case)?)?;
        self.input.flush()?;
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            bail!("the oracle ended: {}", self.process.wait()?);
        }
        match serde_json::from_str(&line).context("reading the oracle's answer")? {
            Answer::Records(records) => Ok(records),
            Answer::Crash(trace) => bail!("the oracle's driver broke:\n{trace}"),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may be in the middle of a case, which nobody waits for any more.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
