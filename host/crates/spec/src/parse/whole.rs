//! A workflow file as a whole: its mistakes of writing and the problems of its graph, told together
//! in the order of the lines.

use wforge_graph::{Expressions, Problem, Workflow};
use wforge_model::Lines;
use wforge_model::workflow::WorkflowDraft;

use super::gaps::{Gaps, stand_ins};
use super::scan::Flaw;
use super::tree::{Node, SourceMap};
use super::{Attempt, REPORTS_MAX, Report, in_order, lines, reports};

/// A workflow file that can run.
#[derive(Debug, Clone)]
pub struct Valid {
    /// The workflow.
    pub workflow: Workflow,
    /// Where its expressions stand, to be kept with it.
    pub lines: Lines,
    /// What is likely not meant.
    pub warnings: Vec<Report>,
}

/// Reads and checks a workflow file.
///
/// # Errors
/// Everything that is wrong with it, of its writing and of its graph, in the order of the lines, at
/// most 100; no problem that only follows from another part that could not be read.
pub fn validate(
    file_name: &str,
    text: &str,
    expressions: &dyn Expressions,
) -> Result<Valid, Vec<Report>> {
    let told = |root: Node, problems: Vec<Problem>| -> Vec<Report> {
        let sources = SourceMap { root };
        let report = |p: Problem| Report::of(file_name, sources.locate(&p.place), p);
        problems.into_iter().map(report).collect()
    };
    let Attempt { draft, root, flaws } =
        Attempt::at(text).map_err(|flaw| reports(file_name, vec![flaw]))?;
    let Some(draft) = draft else { return Err(in_order(reports(file_name, flaws))) };
    if !flaws.is_empty() {
        let problems = problems_of_part(draft, &root, &flaws, expressions);
        let mut all = reports(file_name, flaws);
        all.extend(told(root, problems));
        return Err(in_order(all));
    }
    match wforge_graph::validate(draft, expressions) {
        Ok((workflow, warnings)) => {
            let lines = lines::of(file_name, &root);
            Ok(Valid { workflow, lines, warnings: in_order(told(root, warnings)) })
        }
        Err(problems) => Err(in_order(told(root, problems))),
    }
}

/// The problems of a draft with gaps that are problems whatever stands in the gaps.
fn problems_of_part(
    mut draft: WorkflowDraft,
    root: &Node,
    flaws: &[Flaw],
    expressions: &dyn Expressions,
) -> Vec<Problem> {
    // Nobody would be told of them.
    if flaws.len() >= REPORTS_MAX {
        return Vec::new();
    }
    let unread = stand_ins(&mut draft, root);
    let gaps = Gaps::of(&draft, root, flaws, unread);
    let mut problems = match wforge_graph::validate(draft.clone(), expressions) {
        Ok((_, warnings)) => warnings,
        Err(problems) => problems,
    };
    problems.retain(|problem| !gaps.explain(problem));
    problems
}
