//! What a project is run with: `dev.yaml`, and before it the flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wforge_model::{Key, Object, Value};
use wforge_spec::DevFile;

use super::super::args::DevArgs;
use super::super::inputs::{self, Flags, Given};
use super::super::parts::{Lost, Parts, unknown};
use super::super::refusal::Refusal;
use super::super::run::read_file;
use super::super::{Session, invalid};
use crate::author::dev::project::DEV_FILE;
use crate::client::WorkflowFile;
use crate::reader::plain;

/// The longest `dev.yaml`, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Where settings are found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) args: &'a DevArgs,
}

/// What a run is made of, beside the component.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) workflow: WorkflowFile,
    pub(super) given: Given,
    /// `NODE=VALUE`, for whichever questions are asked.
    pub(super) answers: Vec<String>,
    /// None: what the plugin needs.
    pub(super) grants: Option<Vec<String>>,
}

impl Place<'_> {
    /// The files that a run is made of, and no component. One that cannot be read says so later.
    pub(super) fn run_only(&self) -> Vec<PathBuf> {
        let workflow = self.workflow(&self.file().unwrap_or_default());
        vec![self.folder.join(DEV_FILE), workflow]
    }

    /// Reads everything.
    pub(super) fn read(&self, session: &Session) -> anyhow::Result<Settings> {
        let file = self.file()?;
        let workflow = self.workflow(&file);
        if !workflow.is_file() {
            let message = format!("there is no workflow to run: {}", workflow.display());
            return Err(Refusal::user("no_workflow", message)
                .help("write one, or name it: --workflow FILE, or workflow: FILE in dev.yaml")
                .into());
        }
        let workflow = read_file(session, &workflow)?;
        let (flags, grants) = (&self.args.grants, file.grants.clone());
        let grants = if flags.is_empty() { grants } else { Some(flags.clone()) };
        let state_bytes_max = session.config.run_limits.state_bytes_max;
        let answers = self.answers(&workflow, &file)?;
        let given = self.given(&workflow, file, state_bytes_max)?;
        Ok(Settings { workflow, given, answers, grants })
    }

    fn given(
        &self,
        workflow: &WorkflowFile,
        file: DevFile,
        state_bytes_max: u64,
    ) -> anyhow::Result<Given> {
        let inputs = &self.args.inputs;
        if let Some(flag) = inputs.iter().find(|flag| flag.ends_with("=-")) {
            let message = format!("--input {flag}: stdin can be read once, and not at every run");
            return Err(Refusal::user("bad_flags", message).help("write KEY=@FILE").into());
        }
        let flags = Flags { inputs, answers: &[], mocks: &[], context: None, state_bytes_max };
        let draft = &workflow.draft;
        let mut given = inputs::read(Parts { root: draft, others: &[] }, flags)?;
        if let Some(context) = file.context {
            given.context = context;
        }
        let (known, input) = (&draft.input, &mut given.input);
        add(input, file.input, known)?;
        Ok(given)
    }

    /// The answers of the file after those of the flags. Agents ask as well as `ask` nodes, so they
    /// are given when a question is open, and here only their nodes are looked up.
    fn answers(&self, workflow: &WorkflowFile, file: &DevFile) -> anyhow::Result<Vec<String>> {
        let flags = self.args.answers.iter().cloned();
        let written = file.answers.iter().map(|(node, value)| format!("{node}={}", text_of(value)));
        let answers: Vec<String> = flags.chain(written).collect();
        let parts = Parts { root: &workflow.draft, others: &[] };
        for answer in &answers {
            let Some((node, _)) = answer.split_once('=') else {
                let message = format!("--answer {answer}: write NODE=VALUE");
                return Err(Refusal::user("bad_flags", message).into());
            };
            if let Err(Lost::Nowhere(problem)) = parts.find(node) {
                let message = format!("the answer of {node}: {problem}");
                return Err(Refusal::user("bad_flags", message).into());
            }
        }
        Ok(answers)
    }

    fn file(&self) -> anyhow::Result<DevFile> {
        let path = self.folder.join(DEV_FILE);
        if !path.is_file() {
            return Ok(DevFile::default());
        }
        let text = inputs::text_of(&path, FILE_BYTES_MAX);
        let text = text.map_err(|problem| Refusal::user("unreadable", problem))?;
        let name = path.display().to_string();
        wforge_spec::parse::dev::read(&name, &text).map_err(|reports| {
            let reports: Vec<_> = reports.into_iter().map(plain).collect();
            Refusal { code: "invalid_dev_file".into(), ..invalid(&name, &reports) }.into()
        })
    }

    fn workflow(&self, file: &DevFile) -> PathBuf {
        let named = match (&self.args.workflow, &file.workflow) {
            (Some(named), _) => named.clone(),
            (None, Some(written)) => self.folder.join(written),
            (None, None) => self.folder.join("workflow.yaml"),
        };
        // As the walk over the project names it, so that its change is known for what it is, and
        // that of `../workflow.yaml` is seen at all.
        fs_err::canonicalize(&named).unwrap_or(named)
    }
}

/// Adds what the file says of input keys, where no flag says otherwise.
fn add(input: &mut Object, written: BTreeMap<String, Value>, known: &[Key]) -> Result<(), Refusal> {
    for (key, value) in written {
        if !known.iter().any(|known| known.as_str() == key) {
            let problem =
                unknown("input key", (key.as_str(), key.as_str()), known.iter().map(Key::as_str));
            return Err(Refusal::user("bad_input", format!("{DEV_FILE}: {problem}")));
        }
        if !input.contains_key(&key) {
            input.insert(key, value);
        }
    }
    Ok(())
}

/// A value as a flag writes it.
fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workflow_beside_the_project_is_named_as_its_folder_is_watched() {
        let temporary = tempfile::tempdir().unwrap();
        let around = fs_err::canonicalize(temporary.path()).unwrap();
        let folder = around.join("project");
        fs_err::create_dir(&folder).unwrap();
        fs_err::write(around.join("workflow.yaml"), "").unwrap();
        fs_err::write(folder.join(DEV_FILE), "workflow: ../workflow.yaml\n").unwrap();
        let args = DevArgs {
            folder: folder.clone(),
            workflow: None,
            inputs: Vec::new(),
            answers: Vec::new(),
            grants: Vec::new(),
        };
        let place = Place { folder: &folder, args: &args };
        assert_eq!(place.run_only(), [folder.join(DEV_FILE), around.join("workflow.yaml")]);
    }
}
