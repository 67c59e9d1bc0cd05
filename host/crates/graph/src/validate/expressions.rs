//! Every expression: that it can be evaluated, and that each name it uses is there.

use alloc::format;
use alloc::vec::Vec;

use wforge_model::NodeId;
use wforge_model::mock::MockOp;
use wforge_model::workflow::{EdgeRule, Escalate, Node, Work};

use super::{Checker, suggest};
use crate::expressions::{ExprError, ExprInfo};
use crate::fault::Fault;
use crate::problem::{Place, Problem, nearest};
use crate::reach::sources;
use crate::script::{self, Piece};
use crate::template::{OVERWRITE, expressions_in, overwritten};

/// Names that every expression sees.
const EVERYWHERE: [&str; 4] = ["state", "sent", "context", "run"];

/// Where an expression stands, which decides what it sees.
#[derive(Clone, Copy)]
struct Seen<'a> {
    /// The node whose `as` names it sees; none at START.
    node: Option<&'a NodeId>,
    /// Whether it sees `result`.
    result: bool,
    /// Whether it sees what a script sees.
    script: bool,
    /// Whether it may read keys that never reach the store.
    volatile: bool,
}

impl<'a> Seen<'a> {
    /// An expression that decides or writes.
    const fn from(node: Option<&'a NodeId>) -> Self {
        Self { node, result: false, script: false, volatile: true }
    }
}

impl Checker<'_> {
    pub(super) fn expressions(&mut self) {
        for (id, node) in &self.draft.nodes {
            self.node_expressions(&Place::root().at("nodes").at(id), id, node);
        }
        for (index, edge) in self.draft.edges.iter().enumerate() {
            let place = Place::root().at("edges").at(index);
            let seen = Seen::from(sources(edge).first());
            match &edge.rule {
                EdgeRule::To(_) => {}
                EdgeRule::Branch(arms) => {
                    for (arm, when) in arms.iter().map(|arm| &arm.when).enumerate() {
                        if let Some(when) = when {
                            let place = place.at("branch").at(arm).at("when");
                            self.expression(place, when, seen);
                        }
                    }
                }
                EdgeRule::Each(each) => self.expression(place.at("each"), &each.items, seen),
            }
        }
    }

    fn node_expressions(&mut self, place: &Place, id: &NodeId, node: &Node) {
        let sets = Seen::from(Some(id));
        let before = Seen { volatile: false, ..sets };
        let after = Seen { result: true, ..before };
        for (field, template) in node.input.iter().flatten() {
            self.template(&place.at("in").at(field), template, before);
        }
        for (key, template) in node.out.iter().flatten() {
            self.template(&place.at("out").at(key), template, after);
        }
        match &node.work {
            Work::Set(writes) => {
                for (key, template) in writes {
                    self.template(&place.at("set").at(key), template, sets);
                }
            }
            Work::Ask(ask) => {
                let asks = place.at("ask");
                let place = asks.at("prompt");
                let info = self.expressions.inspect_template(&ask.prompt);
                self.inspected(place, &ask.prompt, info, before);
                if let Some(assignee) = &ask.assignee {
                    let info = self.expressions.inspect_template(assignee);
                    self.inspected(asks.at("assignee"), assignee, info, before);
                }
                if let Some(Escalate { to, .. }) = &ask.escalate {
                    let info = self.expressions.inspect_template(to);
                    self.inspected(asks.at("escalate").at("to"), to, info, before);
                }
            }
            Work::Agent(_) | Work::Mock | Work::Workflow(_) => {}
        }
        if let Some(mock) = &node.mock {
            let seen = Seen { script: true, ..before };
            self.script(&place.at("mock").at("script"), &mock.script, seen);
        }
    }

    fn script(&mut self, place: &Place, script: &[MockOp], seen: Seen<'_>) {
        script::expressions_of(place, script, &mut |place, piece| match piece {
            Piece::Expression(source) => self.expression(place, source, seen),
            Piece::Text(text) => {
                let info = self.expressions.inspect_template(text);
                self.inspected(place, text, info, seen);
            }
        });
    }

    fn template(&mut self, place: &Place, template: &wforge_model::Value, seen: Seen<'_>) {
        let (place, template) = match overwritten(template) {
            Some(template) => (&place.at(OVERWRITE), template),
            None => (place, template),
        };
        expressions_in(place, template, &mut |place, source| self.expression(place, source, seen));
    }

    fn expression(&mut self, place: Place, source: &str, seen: Seen<'_>) {
        let info = self.expressions.inspect(source);
        self.inspected(place, source, info, seen);
    }

    fn inspected(
        &mut self,
        place: Place,
        source: &str,
        info: Result<ExprInfo, ExprError>,
        seen: Seen<'_>,
    ) {
        let info = match info {
            Ok(info) => info,
            Err(error) => {
                let problem = Fault::of(place, source, error).problem();
                return self.push(problem);
            }
        };
        for key in &info.state_keys {
            self.key_exists(place.clone(), key);
            let spec = self.draft.state.get(key.as_str());
            if !seen.volatile && spec.is_some_and(|spec| spec.volatile) {
                let message = format!(
                    "{key} never reaches the store (persist: false), so only `set`, `when` and \
                     `each` may read it"
                );
                self.error(place.clone(), "volatile_key", message);
            }
        }
        for root in &info.roots {
            if !self.is_seen(root, seen) {
                let problem = self.unseen(place.clone(), root, seen);
                self.push(problem);
            }
        }
    }

    fn is_seen(&self, root: &str, seen: Seen<'_>) -> bool {
        EVERYWHERE.contains(&root)
            || root == "result" && seen.result
            || seen.script && script::SCRIPT_NAMES.contains(&root)
            || seen.node.is_some_and(|node| self.bindings.sure(node).any(|name| name == root))
    }

    fn unseen(&self, place: Place, root: &str, seen: Seen<'_>) -> Problem {
        if root == "result" {
            let message = "`result` is there only in `out`";
            return Problem::error(place, "unknown_name", message);
        }
        if self.bindings.is_name(root) {
            let node = seen.node.map_or("START", NodeId::as_str);
            let message = format!("{root} is unbound on some path to {node}");
            let help =
                format!("only an `each` edge with `as: {root}` binds it, and exits pass it on");
            return Problem::error(place, "unbound_name", message).help(help);
        }
        let bound: Vec<&str> =
            seen.node.into_iter().flat_map(|node| self.bindings.sure(node)).collect();
        let near = nearest(root, EVERYWHERE.into_iter().chain(bound));
        let problem = Problem::error(place, "unknown_name", format!("there is no name {root}"));
        if self.draft.state.contains_key(root) {
            return problem.help(format!("write state.{root}"));
        }
        suggest(problem, near)
    }
}
