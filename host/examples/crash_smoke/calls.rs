//! Reads the call log: one line for each `called`, `returned` and `committed` of a task.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Result, bail};

/// What happened, as the program said it outside its store.
pub(crate) struct CallLog(Vec<(Happened, String)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Happened {
    Called,
    Returned,
    Committed,
}

impl CallLog {
    /// A run that was killed before its first call has no log yet.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Ok(Self(Vec::new()));
        }
        let text = fs_err::read_to_string(path)?;
        text.lines().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Tasks that were called after they were committed: there must be none.
    pub(crate) fn called_after_committed(&self) -> Vec<&str> {
        let mut committed = BTreeSet::new();
        let mut repeated = Vec::new();
        for (happened, task) in &self.0 {
            match happened {
                Happened::Committed => drop(committed.insert(task)),
                Happened::Called if committed.contains(task) => repeated.push(task.as_str()),
                Happened::Called | Happened::Returned => {}
            }
        }
        repeated
    }

    pub(crate) fn tasks(&self) -> usize {
        self.last().len()
    }

    pub(crate) fn committed(&self) -> usize {
        self.last().values().filter(|last| **last == Happened::Committed).count()
    }

    /// Tasks that were called and not committed: what a kill may make the host do again.
    pub(crate) fn open(&self) -> usize {
        self.tasks() - self.committed()
    }

    fn last(&self) -> BTreeMap<&str, Happened> {
        self.0.iter().map(|(happened, task)| (task.as_str(), *happened)).collect()
    }
}

fn parse(line: &str) -> Result<(Happened, String)> {
    let mut happened = None;
    let mut task = None;
    for word in line.split_whitespace() {
        match word {
            "called" => happened = Some(Happened::Called),
            "returned" => happened = Some(Happened::Returned),
            "committed" => happened = Some(Happened::Committed),
            _ if word.starts_with("task_") => task = Some(word.to_owned()),
            _ => {}
        }
    }
    match (happened, task) {
        (Some(happened), Some(task)) => Ok((happened, task)),
        _ => bail!("the call log has a torn line: \"{line}\""),
    }
}
