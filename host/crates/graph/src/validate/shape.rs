//! What only the whole graph shows: a way in, nodes without a way to them, joins that may starve.

use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use wforge_model::NodeId;
use wforge_model::workflow::{From, Work};

use super::Checker;
use crate::problem::{Place, Problem};
use crate::reach::{Reach, targets};

impl Checker<'_> {
    pub(super) fn shape(&mut self) {
        let edges = Place::root().at("edges");
        if !self.draft.edges.iter().any(|edge| edge.from == From::Start) {
            let problem = Problem::error(edges, "no_start", "no edge begins at START");
            self.push(problem.help("write { from: START, to: NODE }"));
            return;
        }
        let reach = Reach::of(self.draft);
        let reached = reach.reachable();
        // A workflow inside may leave to any of its nodes; which, is known at a run's start.
        let runs_another = |node: &&NodeId| {
            self.draft.nodes.get(*node).is_some_and(|node| matches!(node.work, Work::Workflow(_)))
        };
        let may_be_left_to = reached.iter().any(runs_another);
        for node in self.draft.nodes.keys().filter(|node| !reached.contains(node)) {
            let place = Place::root().at("nodes").at(node);
            let message = format!("no path leads from START to node {node}");
            let problem = if may_be_left_to {
                Problem::warning(place, "unreachable_node", message)
                    .help(format!("add an edge to it, or leave a workflow inside to parent:{node}"))
            } else {
                Problem::error(place, "unreachable_node", message)
                    .help("add an edge to it, or take it out")
            };
            self.push(problem);
        }
        self.starving_joins(&reach);
    }

    /// A loop that re-enters only some sources of a barrier: the others never come again, and the
    /// barrier stays half full.
    fn starving_joins(&mut self, reach: &Reach<'_>) {
        for (index, edge) in self.draft.edges.iter().enumerate() {
            let From::All(sources) = &edge.from else {
                continue;
            };
            if !edge.join.is_all() {
                continue;
            }
            for target in targets(edge) {
                if self.draft.nodes.get(target).is_none_or(|node| node.defer) {
                    continue;
                }
                let after = reach.after(target);
                let (again, once): (Vec<&NodeId>, Vec<&NodeId>) =
                    sources.iter().partition(|source| after.contains(source));
                if !again.is_empty() && !once.is_empty() {
                    self.push(starving(index, target, &again, &once));
                }
            }
        }
    }
}

fn starving(index: usize, target: &NodeId, again: &[&NodeId], once: &[&NodeId]) -> Problem {
    let list =
        |nodes: &[&NodeId]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let message = format!(
        "a loop leads from {target} back to {} but not to {}, so this join fills only once",
        list(again),
        list(once)
    );
    let place = Place::root().at("edges").at(index).at("from");
    let help = format!("set nodes.{target}.defer: true, or join only what the loop repeats");
    Problem::warning(place, "starving_join", message).help(help)
}
