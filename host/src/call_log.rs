//! A log of calls outside the store, so that a test can tell what was really done.
//!
//! One line a fact, one write a line, in append mode: a killed process leaves whole lines.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use tracing::error;
use wforge_engine::CallLog;
use wforge_model::TaskId;
use wforge_model::agent::AgentCall;

/// The log.
#[derive(Debug)]
pub(crate) struct FileCallLog(fs_err::File);

impl FileCallLog {
    /// Opens the file, which is made where it does not exist.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = fs_err::OpenOptions::new().append(true).create(true).open(path);
        Ok(Self(file.context("opening the call log")?))
    }

    /// A whole line in one write, so that lines of several threads never mix.
    fn line(&self, line: String) {
        let line = line + "\n";
        match (&self.0).write(line.as_bytes()) {
            Ok(count) if count == line.len() => {}
            Ok(_) => error!("the call log took half a line"),
            Err(error) => error!(%error, "the call log cannot be written"),
        }
    }

    fn call(&self, what: &str, call: &AgentCall) {
        let AgentCall { task, attempt, run, node, plugin, .. } = call;
        self.line(format!("{what} {task} {attempt} {run} {node} {plugin}"));
    }
}

impl CallLog for FileCallLog {
    fn called(&self, call: &AgentCall) {
        self.call("called", call);
    }

    fn returned(&self, call: &AgentCall) {
        self.call("returned", call);
    }

    fn committed(&self, task: TaskId) {
        self.line(format!("committed {task}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_to_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("calls");
        for byte in [1, 2] {
            let log = FileCallLog::open(&path).unwrap();
            log.committed(TaskId::from_bytes([byte; 16]));
        }
        let text = fs_err::read_to_string(&path).unwrap();
        let expected: String =
            [1, 2].map(|b| format!("committed {}\n", TaskId::from_bytes([b; 16]))).concat();
        assert_eq!(text, expected);
    }
}
