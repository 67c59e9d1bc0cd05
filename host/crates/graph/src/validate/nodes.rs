//! What each node says by itself.

use alloc::format;

use wforge_model::NodeId;
use wforge_model::workflow::{Ask, Node, RetryRule, Work};

use super::Checker;
use crate::problem::{Place, Problem};

/// The most attempts that a retry rule may ask for.
const ATTEMPTS_MAX: u32 = 100;

impl Checker<'_> {
    pub(super) fn nodes(&mut self) {
        if self.draft.nodes.is_empty() {
            self.error(Place::root().at("nodes"), "no_nodes", "the workflow has no nodes");
        }
        for (id, node) in &self.draft.nodes {
            self.node(&Place::root().at("nodes").at(id), id, node);
        }
    }

    fn node(&mut self, place: &Place, id: &NodeId, node: &Node) {
        match &node.work {
            Work::Agent(_) => {}
            Work::Mock => self.only_agents(place, node, false),
            Work::Set(writes) => {
                self.only_agents(place, node, true);
                for key in writes.keys() {
                    self.key_exists(place.at("set").at(key), key.as_str());
                }
            }
            Work::Ask(ask) => {
                self.only_agents(place, node, true);
                self.ask(&place.at("ask"), ask);
            }
        }
        for key in node.out.iter().flat_map(|out| out.keys()) {
            self.key_exists(place.at("out").at(key), key.as_str());
        }
        for (exit, target) in &node.goto {
            self.node_exists(place.at("goto").at(exit), target);
        }
        for (index, rule) in node.retry.iter().enumerate() {
            self.retry(&place.at("retry").at(index), id, rule);
        }
        if node.timeout_ms == Some(0) {
            let message = format!("the timeout of {id} is zero");
            self.error(place.at("timeout"), "zero_limit", message);
        }
    }

    /// Fields that mean something only where an agent is called.
    fn only_agents(&mut self, place: &Place, node: &Node, also_exits: bool) {
        let fields = [
            ("in", node.input.is_some() && also_exits),
            ("goto", !node.goto.is_empty() && also_exits),
            ("config", !node.config.is_null()),
            ("retry", !node.retry.is_empty()),
            ("timeout", node.timeout_ms.is_some()),
            ("fallback", node.fallback.is_some()),
            ("fallback_on", !node.fallback_on.is_empty()),
            ("allow", node.allow.is_some()),
            ("out", node.out.is_some() && matches!(node.work, Work::Set(_))),
            ("mock", node.mock.is_some() && matches!(node.work, Work::Set(_))),
        ];
        for (field, _) in fields.iter().filter(|(_, wrong)| *wrong) {
            let message = format!("`{field}` means nothing here: the node calls no agent");
            let problem = Problem::error(place.at(field), "field_without_agent", message);
            self.push(problem.help("take it out"));
        }
    }

    fn ask(&mut self, place: &Place, ask: &Ask) {
        let Some(schema) = &ask.schema else { return };
        if let Err(message) = self.expressions.check_schema(schema) {
            self.error(place.at("schema"), "schema", message);
            return;
        }
        if let Some(answer) = &ask.on_deadline
            && let Err(misses) = self.expressions.check(schema, answer)
        {
            let message = format!("the answer on deadline does not fit: {}", misses.join("; "));
            self.error(place.at("on_deadline"), "answer_schema", message);
        }
    }

    fn retry(&mut self, place: &Place, id: &NodeId, rule: &RetryRule) {
        if rule.max_attempts == 0 || rule.max_attempts > ATTEMPTS_MAX {
            let message = format!("max_attempts of {id} must be 1 to {ATTEMPTS_MAX}");
            self.error(place.at("max_attempts"), "retry", message);
        }
        if !(1.0..=100.0).contains(&rule.factor) {
            let message = format!("factor of {id} must be 1 to 100");
            self.error(place.at("factor"), "retry", message);
        }
    }
}
