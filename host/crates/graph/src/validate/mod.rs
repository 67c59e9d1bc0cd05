//! Validation: everything that is wrong with a draft, at once.
//!
//! What passes here can run: names exist, expressions can be evaluated, schemas can be used. What
//! only the installed plugins know (exits, agent schemas) is checked when a run is started.

mod edges;
mod expressions;
mod nodes;
mod shape;
mod state;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Key, NodeId};

use crate::bindings::Bindings;
use crate::expressions::Expressions;
use crate::problem::{Place, Problem, Severity, nearest};
use crate::workflow::Workflow;

/// The workflow, and what is likely not meant; or everything that is wrong.
///
/// # Errors
/// All errors and warnings, in the order of their places.
pub fn validate(
    draft: WorkflowDraft,
    expressions: &dyn Expressions,
) -> Result<(Workflow, Vec<Problem>), Vec<Problem>> {
    let bindings = Bindings::of(&draft);
    let mut checker =
        Checker { draft: &draft, bindings: &bindings, expressions, problems: Vec::new() };
    checker.state();
    checker.nodes();
    checker.edges();
    checker.expressions();
    checker.shape();
    checker.interrupts();
    let mut problems = checker.problems;
    problems.sort_by(|left, right| left.place.cmp(&right.place));
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Err(problems);
    }
    Ok((Workflow::of_checked(draft), problems))
}

struct Checker<'a> {
    draft: &'a WorkflowDraft,
    bindings: &'a Bindings,
    expressions: &'a dyn Expressions,
    problems: Vec<Problem>,
}

impl Checker<'_> {
    /// That the nodes at which a run pauses exist.
    fn interrupts(&mut self) {
        let interrupt = &self.draft.interrupt;
        for (name, nodes) in [("before", &interrupt.before), ("after", &interrupt.after)] {
            for (index, node) in nodes.iter().enumerate() {
                self.node_exists(Place::root().at("interrupt").at(name).at(index), node);
            }
        }
    }

    fn error(&mut self, place: Place, code: &'static str, message: impl Into<String>) {
        self.problems.push(Problem::error(place, code, message));
    }

    fn push(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// That a node of that name exists.
    fn node_exists(&mut self, place: Place, node: &NodeId) {
        if self.draft.nodes.contains_key(node) {
            return;
        }
        let known = self.draft.nodes.keys().map(NodeId::as_str);
        let problem = Problem::error(place, "unknown_node", format!("there is no node {node}"));
        let near = nearest(node.as_str(), known.chain(["START", "END"]));
        self.push(suggest(problem, near));
    }

    /// That a state key of that name exists.
    fn key_exists(&mut self, place: Place, key: &str) {
        if self.draft.state.contains_key(key) {
            return;
        }
        let near = nearest(key, self.draft.state.keys().map(Key::as_str));
        let message = format!("the state has no key {key}");
        self.push(suggest(Problem::error(place, "unknown_key", message), near));
    }
}

/// The problem with "did you mean", where a name is near.
fn suggest(problem: Problem, near: Option<&str>) -> Problem {
    match near {
        Some(name) => problem.help(format!("did you mean {name}?")),
        None => problem,
    }
}
