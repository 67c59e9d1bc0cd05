//! The folders under `tests/golden`: one for each family of runs. In each, the workflow files, and
//! for each run its log, an event a line as the store has it, and the run that it folds to.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fs_err as fs;
use serde_json::Value;
use wforge_graph::{Carried, Library, Run, Workflow, apply};
use wforge_model::event::{EventKind, RunEvent, RunStarted};
use wforge_model::{Checkpoint, RunId};

use crate::harness::workflow;

pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// One folder.
pub(super) struct Family {
    folder: PathBuf,
    workflows: BTreeMap<String, Arc<Workflow>>,
}

impl Family {
    /// All of them, in order.
    pub(super) fn all() -> Vec<Self> {
        let mut folders: Vec<PathBuf> =
            entries(&root()).into_iter().filter(|path| path.is_dir()).collect();
        folders.sort();
        folders.into_iter().map(Self::open).collect()
    }

    pub(super) fn open(folder: PathBuf) -> Self {
        let files = entries(&folder).into_iter().filter(|path| has_ending(path, ".yaml"));
        let checked = |path: PathBuf| {
            let text = fs::read_to_string(&path).unwrap();
            let workflow = workflow(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
            (workflow.title(), Arc::new(workflow))
        };
        let workflows = files.map(checked).collect();
        Self { folder, workflows }
    }

    pub(super) fn name(&self) -> String {
        self.folder.file_name().unwrap().to_string_lossy().into_owned()
    }

    /// The runs whose logs are there, in order.
    pub(super) fn runs(&self) -> Vec<RunId> {
        let mut runs: Vec<RunId> = entries(&self.folder)
            .iter()
            .filter_map(|path| path.file_name()?.to_str()?.strip_suffix(".jsonl")?.parse().ok())
            .collect();
        runs.sort();
        runs
    }

    /// The lines of a run's log.
    pub(super) fn lines(&self, run: RunId) -> Vec<String> {
        let text = fs::read_to_string(self.log_file(run)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    pub(super) fn log(&self, run: RunId) -> Vec<RunEvent> {
        self.lines(run).iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The run that its whole log folds to.
    pub(super) fn folded(&self, run: RunId) -> Run {
        self.fold(run, usize::MAX)
    }

    /// The run that was recorded.
    pub(super) fn expected(&self, run: RunId) -> Value {
        let text = fs::read_to_string(self.run_file(run)).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn fold(&self, id: RunId, events: usize) -> Run {
        let log = self.log(id);
        // As the engine does: who was queued says twice with what it starts, the second is whole.
        let started = log.iter().take(2).filter_map(|event| start_of(&event.kind)).next_back();
        let started = started.expect("a log begins with what its run is started with");
        let mut run = Run::new(id, self.library(started));
        if let Some(base) = started.base {
            run = run.with_carried(self.carried(base));
        }
        log.iter().take(events).for_each(|event| apply(&mut run, event));
        run
    }

    fn carried(&self, base: Checkpoint) -> Carried {
        Carried::from(&self.fold(base.run, usize::try_from(base.seq.0).unwrap()))
    }

    /// Workflows are found by what the log calls them, and known by the digests that it has.
    fn library(&self, started: &RunStarted) -> Library {
        let of_title = |title: &str| self.workflows.get(title).expect(title).clone();
        let root = of_title(&format!("{}@{}", started.workflow, started.version));
        let pinned = started.subgraphs.iter();
        Library { root, parts: pinned.map(|(d, part)| (*d, of_title(&part.title))).collect() }
    }

    pub(super) fn log_file(&self, run: RunId) -> PathBuf {
        self.folder.join(format!("{run}.jsonl"))
    }

    pub(super) fn run_file(&self, run: RunId) -> PathBuf {
        self.folder.join(format!("{run}.run.json"))
    }
}

fn start_of(kind: &EventKind) -> Option<&RunStarted> {
    match kind {
        EventKind::RunQueued(queued) => Some(&queued.start),
        EventKind::RunStarted(started) => Some(started),
        _ => None,
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.to_string_lossy().ends_with(ending)
}

/// Writes a file that is not there yet; true where it did. What is there is never written over.
pub(super) fn write_new(path: &Path, text: &str) -> bool {
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).unwrap();
            true
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
        Err(error) => panic!("{path:?}: {error}"),
    }
}
