//! What each edge says by itself.

use alloc::collections::BTreeSet;
use alloc::format;

use wforge_model::workflow::{Arm, Each, Edge, EdgeRule, From, Join, To};

use super::Checker;
use crate::problem::{Place, Problem};
use crate::reach::sources;

/// Names that an `as` name may not take.
const RESERVED: [&str; 8] = ["state", "sent", "result", "context", "run", "true", "false", "null"];

impl Checker<'_> {
    pub(super) fn edges(&mut self) {
        for (index, edge) in self.draft.edges.iter().enumerate() {
            self.edge(&Place::root().at("edges").at(index), edge);
        }
    }

    fn edge(&mut self, place: &Place, edge: &Edge) {
        for source in sources(edge) {
            self.node_exists(place.at("from"), source);
        }
        if let From::All(nodes) = &edge.from {
            self.barrier(place, nodes.len(), nodes.iter().collect::<BTreeSet<_>>().len(), edge);
        }
        if !edge.join.is_all() && !matches!(edge.from, From::All(_)) {
            let message = "`join` counts the sources of an edge from several nodes";
            let problem = Problem::error(place.at("join"), "join", message);
            self.push(problem.help("write from: [a, b], or take `join` out"));
        }
        match &edge.rule {
            EdgeRule::To(arm) => self.arm(place, arm),
            EdgeRule::Branch(arms) => self.branch(&place.at("branch"), arms),
            EdgeRule::Each(each) => self.each(place, each),
        }
    }

    fn barrier(&mut self, place: &Place, named: usize, distinct: usize, edge: &Edge) {
        if let Join::Count(count) = edge.join
            && (count == 0 || count as usize > distinct)
        {
            let message = format!("join: {count} of {distinct} nodes can never be met");
            let problem = Problem::error(place.at("join"), "join", message);
            self.push(problem.help(format!("write all, any or a number from 1 to {distinct}")));
        }
        if named != distinct {
            self.error(place.at("from"), "named_twice", "a barrier names a node twice");
        }
        let plain = matches!(&edge.rule, EdgeRule::To(arm) if arm.outcome.is_none());
        if !plain {
            let message = "an edge from several nodes can only lead on, not branch, fan out or end";
            let problem = Problem::error(place.clone(), "barrier_rule", message);
            self.push(problem.help("lead it to a `set` node, and let the rule begin there"));
        }
    }

    fn branch(&mut self, place: &Place, arms: &[Arm]) {
        if arms.is_empty() {
            self.error(place.clone(), "empty_branch", "the branch has no arms");
        }
        for (index, arm) in arms.iter().enumerate() {
            self.arm(&place.at(index), arm);
            if arm.when.is_none() && index + 1 < arms.len() {
                let message = "an arm without `when` is always taken, so those after it never are";
                let problem = Problem::error(place.at(index), "unreachable_arm", message);
                self.push(problem.help("give it a `when`, or put it last"));
            }
        }
    }

    fn arm(&mut self, place: &Place, arm: &Arm) {
        for to in &arm.to {
            if let To::Node(node) = to {
                self.node_exists(place.at("to"), node);
            }
        }
        let ends = arm.to.iter().all(|to| *to == To::End);
        if arm.outcome.is_some() && !ends {
            let message = "an outcome ends the run, so its target must be END";
            self.error(place.at("outcome"), "outcome_without_end", message);
        }
        if arm.to.is_empty() {
            self.error(place.at("to"), "no_target", "the edge leads nowhere; write END for that");
        }
    }

    fn each(&mut self, place: &Place, each: &Each) {
        for node in &each.to {
            self.node_exists(place.at("to"), node);
        }
        if let Some(node) = &each.empty {
            self.node_exists(place.at("empty"), node);
        }
        let word = each.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let first = each.name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !word || !first || RESERVED.contains(&each.name.as_str()) {
            let message = format!("\"{}\" cannot be an `as` name", each.name);
            let problem = Problem::error(place.at("as"), "name", message);
            self.push(problem.help("letters, digits and _; not state, sent, result, context, run"));
        }
        let joins = self.draft.edges.iter().any(|edge| {
            matches!(edge.from, From::All(_)) && sources(edge).iter().any(|s| each.to.contains(s))
        });
        if joins && each.empty.is_none() {
            let message = "a join waits for these tasks, and an empty list would start none";
            let problem = Problem::error(place.clone(), "each_without_empty", message);
            self.push(problem.help("write `empty: NODE` for where an empty list leads"));
        }
    }
}
