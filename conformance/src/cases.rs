//! The cases in the folder `cases`: reading, running and recording them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use wforge_model::workflow::WorkflowDraft;

use crate::case::{Action, Case};
use crate::{engine, yaml};

/// The workflow that a case runs.
const ROOT_FILE: &str = "workflow.yaml";
const EXPECTED: &str = "expected.json";
/// What LangGraph does where ours differs on purpose.
const THEIRS: &str = "langgraph.json";

/// What `case.yaml` says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The test that it was made from, `file::test`.
    pub source: String,
    /// The group of the reference.
    pub group: u32,
    /// What it shows, where the name is not enough.
    #[serde(default)]
    pub shows: String,
    /// Why ours differs, where it does on purpose.
    #[serde(default)]
    pub differs: Option<String>,
    /// Why LangGraph cannot run it, where it cannot.
    #[serde(default)]
    pub without_oracle: Option<String>,
    /// Why nobody can run it yet.
    #[serde(default)]
    pub skip: Option<String>,
    /// What is done.
    #[serde(default)]
    pub actions: Vec<Action>,
}

/// A case with its place.
#[derive(Debug)]
pub struct Filed {
    /// The folder's name.
    pub name: String,
    folder: PathBuf,
    /// What it says of itself.
    pub about: About,
    /// The workflows, or why the first of them is none.
    workflows: Result<(String, BTreeMap<String, WorkflowDraft>), String>,
}

/// Every case, in order of their names.
///
/// # Errors
/// A case that cannot be read.
pub fn all(folder: &Path, filter: Option<&str>) -> Result<Vec<Filed>> {
    let mut folders: Vec<PathBuf> =
        fs_err::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    folders.sort();
    let wanted = |path: &PathBuf| {
        filter.is_none_or(|filter| path.to_string_lossy().contains(filter)) && path.is_dir()
    };
    folders.into_iter().filter(wanted).map(read).collect()
}

fn read(folder: PathBuf) -> Result<Filed> {
    let name = folder.file_name().context("a folder without a name")?;
    let name = name.to_string_lossy().into_owned();
    let about = yaml::parse(&fs_err::read_to_string(folder.join("case.yaml"))?)
        .and_then(|value| Ok(serde_json::from_value(value)?))
        .with_context(|| format!("reading {name}/case.yaml"))?;
    let about: About = about;
    let workflows = if about.skip.is_some() { Err("skipped".into()) } else { workflows(&folder)? };
    Ok(Filed { name, folder, about, workflows })
}

type Workflows = Result<(String, BTreeMap<String, WorkflowDraft>), String>;

fn workflows(folder: &Path) -> Result<Workflows> {
    let mut drafts = BTreeMap::new();
    let mut root = String::new();
    for entry in fs_err::read_dir(folder)? {
        let path = entry?.path();
        let file = path.file_name().context("a file without a name")?.to_string_lossy();
        if !file.ends_with(".yaml") || file == "case.yaml" {
            continue;
        }
        match draft(&path) {
            Ok(draft) => {
                if file == ROOT_FILE {
                    root.clone_from(&draft.name);
                }
                drafts.insert(draft.name.clone(), draft);
            }
            Err(code) => return Ok(Err(code)),
        }
    }
    Ok(Ok((root, drafts)))
}

/// A workflow file as it was written; the code of its first error where it is none.
fn draft(path: &Path) -> Result<WorkflowDraft, String> {
    let text = fs_err::read_to_string(path).map_err(|error| error.to_string())?;
    match wforge_spec::parse(&path.to_string_lossy(), &text) {
        Ok(parsed) => Ok(parsed.draft),
        Err(reports) => Err(reports.first().map_or("unknown", |report| report.code).to_owned()),
    }
}

/// The draft of a file as JSON.
///
/// # Errors
/// Every flaw of the file.
pub fn draft_json(path: &Path) -> Result<Value> {
    let text = fs_err::read_to_string(path)?;
    let parsed = wforge_spec::parse(&path.to_string_lossy(), &text).map_err(|reports| {
        let lines: Vec<String> = reports.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    })?;
    Ok(serde_json::to_value(parsed.draft)?)
}

impl Filed {
    /// The case as both sides are handed it.
    fn case(&self) -> Result<Case, String> {
        let (root, workflows) = self.workflows.as_ref().map_err(Clone::clone)?;
        let (root, workflows) = (root.clone(), workflows.clone());
        Ok(Case { workflows, root, actions: self.about.actions.clone() })
    }

    /// What our engine makes of it.
    ///
    /// # Errors
    /// A log that folds to another run.
    pub fn ours(&self) -> Result<Value> {
        let records = match self.case() {
            Ok(case) => engine::run(&case)?,
            // A file that cannot be read is refused before there is a graph.
            Err(code) => vec![json!({ "action": "compile", "status": "refused", "error": code })],
        };
        Ok(Value::Array(records))
    }

    /// What is expected of ours.
    ///
    /// # Errors
    /// There is no such file.
    pub fn expected(&self) -> Result<Value> {
        self.json(EXPECTED)
    }

    /// What LangGraph does, where ours differs on purpose.
    ///
    /// # Errors
    /// There is no such file.
    pub fn theirs(&self) -> Result<Value> {
        self.json(THEIRS)
    }

    fn json(&self, file: &str) -> Result<Value> {
        Ok(serde_json::from_str(&fs_err::read_to_string(self.folder.join(file))?)?)
    }

    /// Asks the oracle and writes down what it says: as the expectation, or beside it where ours
    /// differs on purpose.
    ///
    /// # Errors
    /// The oracle broke, or the case cannot be written.
    pub fn record(&self, oracle: &mut crate::oracle::Oracle) -> Result<()> {
        let case = match self.case() {
            Ok(case) => case,
            Err(code) => bail!("{}: {code}, so LangGraph cannot be asked", self.name),
        };
        let records = oracle.run(&case).with_context(|| format!("recording {}", self.name))?;
        let file = if self.about.differs.is_some() { THEIRS } else { EXPECTED };
        self.write(file, &Value::Array(records))
    }

    /// Writes down ours, for a case whose expectation is checked by hand.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn record_ours(&self) -> Result<()> {
        self.write(EXPECTED, &self.ours()?)
    }

    fn write(&self, file: &str, records: &Value) -> Result<()> {
        let text = crate::text::pretty(records);
        Ok(fs_err::write(self.folder.join(file), text)?)
    }
}
