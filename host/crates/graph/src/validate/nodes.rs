//! What each node says by itself.

use alloc::format;

use wforge_model::mock::MockOp;
use wforge_model::workflow::{Ask, Node, RetryRule, Work};
use wforge_model::{NodeId, Target};

use super::Checker;
use crate::problem::{Place, Problem};
use crate::route::ANY_EXIT;
use crate::script;

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
            Work::Agent(_) | Work::Mock | Work::Workflow(_) => {}
            Work::Set(writes) => {
                for key in writes.keys() {
                    self.key_exists(place.at("set").at(key), key.as_str());
                }
            }
            Work::Ask(ask) => self.ask(&place.at("ask"), ask),
        }
        self.meaningless(place, node);
        for key in node.out.iter().flat_map(|out| out.keys()) {
            self.key_exists(place.at("out").at(key), key.as_str());
        }
        self.exits(place, node);
        if let Some(handler) = &node.on_error {
            self.handler(&place.at("on_error"), id, handler);
        }
        for (index, rule) in node.retry.iter().enumerate() {
            self.retry(&place.at("retry").at(index), id, rule);
        }
        for (field, ms) in [("timeout", node.timeout_ms), ("timeout", node.idle_ms)] {
            if ms == Some(0) {
                let message = format!("the timeout of {id} is zero");
                self.error(place.at(field), "zero_limit", message);
            }
        }
        if node.cache_ms == Some(0) {
            self.error(place.at("cache"), "zero_limit", format!("the cache of {id} keeps nothing"));
        }
    }

    fn exits(&mut self, place: &Place, node: &Node) {
        for (exit, target) in &node.goto {
            if let Target::Node(target) = target {
                self.node_exists(place.at("goto").at(exit), target);
            }
            if exit == ANY_EXIT && !matches!(node.work, Work::Mock) {
                let message = "only a mock may map every exit: a stranger's exits are named";
                self.error(place.at("goto").at(exit), "any_exit", message);
            }
        }
        if let Some(mock) = &node.mock {
            self.script_of(&place.at("mock").at("script"), node, &mock.script);
        }
    }

    fn script_of(&mut self, place: &Place, node: &Node, steps: &[MockOp]) {
        if let Some(message) = script::over_limit(steps) {
            return self.error(place.clone(), "script_limit", message);
        }
        for (step, exit) in script::exits_of(steps) {
            if !node.goto.contains_key(exit) && !node.goto.contains_key(ANY_EXIT) {
                let message = format!("the script takes the exit {exit}, which leads nowhere");
                let problem = Problem::error(place.at(step), "unmapped_exit", message);
                self.push(problem.help(format!("write goto: {{ {exit}: NODE }}")));
            }
        }
        if node.out.is_none() {
            for (step, field) in script::fields_of(steps) {
                self.key_exists(place.at(step), field);
            }
        }
    }

    fn handler(&mut self, place: &Place, id: &NodeId, handler: &NodeId) {
        self.node_exists(place.clone(), handler);
        let chained = self.draft.nodes.get(handler).is_some_and(|node| node.on_error.is_some());
        if handler == id || chained {
            let message =
                format!("{handler} handles a failure, so its own cannot be handled again");
            let problem = Problem::error(place.clone(), "handler_chain", message);
            self.push(problem.help("let the handler be a node without on_error"));
        }
    }

    /// Fields that mean nothing for what a node does.
    fn meaningless(&mut self, place: &Place, node: &Node) {
        let (agent, mock) = (matches!(node.work, Work::Agent(_)), matches!(node.work, Work::Mock));
        let inside = matches!(node.work, Work::Workflow(_));
        let set = matches!(node.work, Work::Set(_));
        let fields = [
            ("in", node.input.is_some() && !agent && !mock && !inside),
            ("goto", !node.goto.is_empty() && !agent && !mock),
            ("config", !node.config.is_null() && !agent),
            ("retry", !node.retry.is_empty() && !agent && !mock && !inside),
            ("timeout", (node.timeout_ms.is_some() || node.idle_ms.is_some()) && !agent),
            ("cache", node.cache_ms.is_some() && !agent),
            ("fallback", node.fallback.is_some() && !agent),
            ("fallback_on", (!node.fallback_on.is_empty() || node.fallback_after_write) && !agent),
            ("allow", node.allow.is_some() && !agent),
            ("out", node.out.is_some() && set),
            ("mock", node.mock.is_some() && (set || inside)),
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
