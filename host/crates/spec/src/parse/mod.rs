//! From the text of a workflow file to a [`WorkflowDraft`] or a checked workflow, with every
//! problem at once.
//!
//! [`scan`] makes a tree with places of YAML or JSON, [`forms`] lists the fields of the language,
//! [`workflow`], [`nodes`] and [`edges`] read them. Whether names exist and edges make sense is the
//! graph's to say; [`whole`] asks it and gives its problems their lines, without those that
//! [`gaps`] explains by what could not be read.

pub mod dev;
mod duration;
mod edges;
mod forms;
mod gaps;
mod lines;
mod nodes;
mod reader;
mod report;
mod scalar;
mod scan;
mod script;
pub mod suite;
mod traps;
mod tree;
mod whole;
mod workflow;

use wforge_graph::Severity;
use wforge_model::Lines;
use wforge_model::workflow::WorkflowDraft;

pub use report::Report;
pub use tree::{Position, SourceMap};
pub use whole::{Valid, validate};

use self::reader::Reader;
use self::scan::Flaw;
use self::tree::Node;

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
    /// Where its expressions stand, to be kept with the workflow.
    #[must_use]
    pub fn lines(&self, file_name: &str) -> Lines {
        lines::of(file_name, &self.sources.root)
    }
}

/// Reads a workflow file without asking whether it can run; [`validate`] tells more.
///
/// # Errors
/// Every problem of the text, in the order of the lines, at most 100.
pub fn parse(file_name: &str, text: &str) -> Result<Parsed, Vec<Report>> {
    match Attempt::at(text) {
        Ok(Attempt { draft: Some(draft), root, flaws }) if flaws.is_empty() => {
            Ok(Parsed { draft, sources: SourceMap { root } })
        }
        Ok(Attempt { flaws, .. }) => Err(in_order(reports(file_name, flaws))),
        Err(flaw) => Err(reports(file_name, vec![flaw])),
    }
}

/// What came of reading a file.
struct Attempt {
    /// The workflow as far as it could be read.
    draft: Option<WorkflowDraft>,
    root: Node,
    /// The mistakes of writing; the draft is whole where there is none.
    flaws: Vec<Flaw>,
}

impl Attempt {
    /// Reads a text; the error is why nothing of it can be read.
    fn at(text: &str) -> Result<Self, Flaw> {
        let (root, flaws) = scan::scan(text)?;
        let mut reader = Reader { flaws };
        let draft = workflow::read(&mut reader, &root);
        Ok(Self { draft, root, flaws: reader.flaws })
    }
}

fn reports(file_name: &str, flaws: Vec<Flaw>) -> Vec<Report> {
    let report = |Flaw { at, code, message, help }| Report {
        file: file_name.to_owned(),
        line: at.line,
        column: at.column,
        severity: Severity::Error,
        code,
        message,
        help,
    };
    flaws.into_iter().map(report).collect()
}

/// In the order of the lines. Where there are too many, warnings give way first.
fn in_order(mut reports: Vec<Report>) -> Vec<Report> {
    let place = |report: &Report| (report.line, report.column);
    reports.sort_by_key(|report| (report.severity, place(report)));
    reports.truncate(REPORTS_MAX);
    reports.sort_by_key(place);
    reports
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
