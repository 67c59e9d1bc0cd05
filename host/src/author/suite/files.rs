//! The files of a plugin's cases: `tests/*.yaml`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use wforge_effects::llm::CassetteEntry;
use wforge_spec::suite::{self, Case, Suite};

use crate::cli::refusal::Refusal;

/// How a file of cases ends. A JSON file beside them is data, or the schema of these files.
const ENDINGS: [&str; 2] = ["yaml", "yml"];
/// The largest file of cases or cassette that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file of cases.
#[derive(Debug, Clone)]
pub(crate) struct CaseFile {
    pub(crate) path: PathBuf,
    pub(crate) suite: Suite,
}

impl CaseFile {
    /// The cassette of a case; nothing where it names none.
    pub(crate) fn cassette(&self, case: &Case) -> Result<Vec<CassetteEntry>, String> {
        let Some(name) = &case.cassette else { return Ok(Vec::new()) };
        let path = self.path.parent().unwrap_or(Path::new(".")).join(name);
        let shown = path.display();
        let text = bounded(&path).map_err(|error| format!("cassette: {error}"))?;
        CassetteEntry::parse(&text).map_err(|error| format!("cassette {shown}: {error}"))
    }
}

/// Reads every file of cases of a folder; everything that is wrong with all of them is the error.
pub(crate) fn read_all(folder: &Path) -> anyhow::Result<Vec<CaseFile>> {
    let mut paths = Vec::new();
    if folder.is_dir() {
        for entry in fs_err::read_dir(folder)? {
            let path = entry?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if ENDINGS.contains(&ending) && path.is_file() {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let text = bounded(&path).map_err(|error| Refusal::user("unreadable", error))?;
        match suite::read(&path.display().to_string(), &text) {
            Ok(suite) => files.push(CaseFile { path, suite }),
            Err(reports) => problems.extend(reports.iter().map(ToString::to_string)),
        }
    }
    problems.extend(twice(&files));
    if problems.is_empty() {
        return Ok(files);
    }
    let count = problems.len();
    let wrong = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    let message = format!("the cases in {} have {wrong}", folder.display());
    Err(Refusal::user("invalid_cases", message)
        .details(problems)
        .help("wforge test --schema prints the JSON Schema of these files, for editors")
        .into())
}

/// Snapshots are named after cases, so no two of them share a name.
fn twice(files: &[CaseFile]) -> Vec<String> {
    let mut first: HashMap<String, String> = HashMap::new();
    let mut problems = Vec::new();
    for file in files {
        for case in &file.suite.cases {
            let place = format!("{}:{}", file.path.display(), case.line);
            if let Some(other) = first.insert(super::snapshot::slug(&case.name), place.clone()) {
                let name = &case.name;
                problems.push(format!(
                    "{place}: the case \"{name}\" is called as in {other}, and both would have \
                     the same snapshot: give it another name"
                ));
            }
        }
    }
    problems
}

fn bounded(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let bytes = fs_err::metadata(path).map_err(|error| error.to_string())?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(format!("{shown} has {bytes} bytes, more than {FILE_BYTES_MAX}"));
    }
    fs_err::read_to_string(path).map_err(|error| error.to_string())
}
