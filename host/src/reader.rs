//! Reads workflow files: the text by `wforge-spec`, the whole by `wforge-graph`, every problem with
//! its line.

use std::sync::Arc;

use wforge_graph::{Expressions, Severity, validate};
use wforge_model::Digest;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::BoxError;
use wforge_ports::workflows::{ReadWorkflow, Report, WorkflowReader};

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
        let parsed = wforge_spec::parse(name, text)
            .map_err(|reports| reports.into_iter().map(plain).collect::<Vec<_>>())?;
        let in_place = |problems: Vec<wforge_graph::Problem>| {
            let mut reports: Vec<Report> =
                problems.into_iter().map(|problem| plain(parsed.report(name, problem))).collect();
            reports.sort_by_key(|report| (report.line, report.column));
            reports
        };
        match validate(parsed.draft.clone(), self.expressions.as_ref()) {
            Ok((workflow, warnings)) => {
                Ok(ReadWorkflow { draft: workflow.draft().clone(), warnings: in_place(warnings) })
            }
            Err(problems) => Err(in_place(problems)),
        }
    }
}

fn plain(report: wforge_spec::Report) -> Report {
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
