//! From the text of a workflow file to a [`WorkflowDraft`], with every problem at once.
//!
//! [`scan`] makes a tree with places of YAML or JSON, [`forms`] lists the fields of the language,
//! [`workflow`], [`nodes`] and [`edges`] read them. Whether names exist and edges make sense is the
//! graph's to say; [`Parsed::report`] gives its problems their lines.

mod duration;
mod edges;
mod forms;
mod nodes;
mod reader;
mod report;
mod scalar;
mod scan;
mod script;
mod traps;
mod tree;
mod workflow;

use wforge_graph::{Problem, Severity};
use wforge_model::workflow::WorkflowDraft;

pub use report::Report;
pub use tree::{Position, SourceMap};

use self::reader::Reader;
use self::scan::Flaw;

/// Reports of one file; a file with more has one mistake that makes the others.
const REPORTS_MAX: usize = 100;

/// A workflow that was read, and where its parts stand.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The workflow as written.
    pub draft: WorkflowDraft,
    /// The lines of its places.
    pub sources: SourceMap,
}

impl Parsed {
    /// A problem that was found later, with its line.
    #[must_use]
    pub fn report(&self, file_name: &str, problem: Problem) -> Report {
        let position = self.sources.locate(&problem.place);
        Report::of(file_name, position, problem)
    }
}

/// Reads a workflow file.
///
/// # Errors
/// Every problem of the text, in the order of the lines, at most 100.
pub fn parse(file_name: &str, text: &str) -> Result<Parsed, Vec<Report>> {
    let report = |flaws: Vec<Flaw>| reports(file_name, flaws);
    let (root, flaws) = scan::scan(text).map_err(|flaw| report(vec![flaw]))?;
    let mut reader = Reader { flaws };
    let draft = workflow::read(&mut reader, &root);
    match draft {
        Some(draft) if reader.flaws.is_empty() => Ok(Parsed { draft, sources: SourceMap { root } }),
        _ => Err(report(reader.flaws)),
    }
}

fn reports(file_name: &str, mut flaws: Vec<Flaw>) -> Vec<Report> {
    flaws.sort_by_key(|flaw| flaw.at);
    flaws
        .into_iter()
        .take(REPORTS_MAX)
        .map(|Flaw { at, code, message, help }| Report {
            file: file_name.to_owned(),
            line: at.line,
            column: at.column,
            severity: Severity::Error,
            code,
            message,
            help,
        })
        .collect()
}

/// The fields of each kind of map of the language, with those that are not supported yet: what
/// the editors' schema is held to.
#[must_use]
pub fn fields() -> Vec<(&'static str, Vec<&'static str>, Vec<&'static str>)> {
    forms::ALL
        .iter()
        .map(|(name, form)| (*name, form.fields.to_vec(), form.later.to_vec()))
        .collect()
}
