//! Reads workflow files for the engine's port: `wforge-spec` finds every problem with its line.

use std::sync::Arc;

use wforge_graph::{Expressions, Severity};
use wforge_model::Digest;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::BoxError;
use wforge_ports::workflows::{ReadWorkflow, Report, WorkflowReader};
use wforge_spec::Valid;

/// The reader.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    expressions: Arc<dyn Expressions>,
}

impl Reader {
    /// A reader that checks expressions and schemas with these.
    pub(crate) fn new(expressions: Arc<dyn Expressions>) -> Self {
        Self { expressions }
    }
}

impl WorkflowReader for Reader {
    fn read(&self, name: &str, text: &str) -> Result<ReadWorkflow, Vec<Report>> {
        let plain = |reports: Vec<wforge_spec::Report>| reports.into_iter().map(plain).collect();
        match wforge_spec::validate(name, text, self.expressions.as_ref()) {
            Ok(Valid { workflow, warnings, lines }) => {
                let lines = Some(Box::new(lines));
                let draft = WorkflowDraft { lines, ..workflow.draft().clone() };
                Ok(ReadWorkflow { draft, warnings: plain(warnings) })
            }
            Err(reports) => Err(plain(reports)),
        }
    }
}

/// A report as commands and the API tell it.
pub(crate) fn plain(report: wforge_spec::Report) -> Report {
    let wforge_spec::Report { file, line, column, severity, code, message, help } = report;
    let severity = match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    Report { file, line, column, severity, code: code.to_owned(), message, help }
}

/// The digest of a workflow, as the engine asks for it.
pub(crate) fn digest(draft: &WorkflowDraft) -> Result<Digest, BoxError> {
    Ok(wforge_spec::digest(draft)?)
}
