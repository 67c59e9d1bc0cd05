//! The edges of a random workflow: branches, loops, items, barriers, and an edge to each node.

#![expect(
    clippy::indexing_slicing,
    reason = "a field of a JSON object that is made right above; it panics only on other values"
)]

use serde_json::{Value, json};

use super::Maker;

impl Maker<'_> {
    pub(super) fn start(&mut self) {
        let first = self.name(0);
        self.edges.push(json!({ "from": "start", "rule": to(&[first]) }));
        let second = self.later(0).first().copied().filter(|_| self.rng.chance(40));
        if let Some(second) = second {
            let name = self.name(second);
            self.edges.push(json!({ "from": "start", "rule": to(&[name]) }));
        }
    }

    /// The edges that leave a node.
    pub(super) fn leave(&mut self, place: usize) {
        let later = self.later(place);
        let from = json!({ "node": self.name(place) });
        let chance = self.rng.below(100);
        if self.loops && place > 1 && !self.workers.contains(&place) && chance < 30 {
            return self.go_back(place, &from, &later);
        }
        if chance < 25 && !later.is_empty() {
            return self.branch(&from, &later);
        }
        let worker = self.workers.first().copied().filter(|worker| *worker > place);
        if let Some(worker) = worker.filter(|_| chance < 62) {
            return self.each(&from, worker, &later);
        }
        let mut targets = later;
        self.rng.shuffle(&mut targets);
        targets.truncate(self.rng.between(1, 2));
        let names: Vec<String> = targets.iter().map(|target| self.name(*target)).collect();
        if names.is_empty() || self.rng.chance(8) {
            self.edges.push(json!({ "from": from, "rule": { "to": { "to": ["end"] } } }));
        } else {
            self.edges.push(json!({ "from": from, "rule": to(&names) }));
        }
    }

    fn branch(&mut self, from: &Value, later: &[usize]) {
        self.has("branches");
        let mut arms = Vec::new();
        for _ in 0..self.rng.between(1, 2) {
            let Some(target) = self.rng.pick(later).copied() else { continue };
            let when = self.condition();
            arms.push(json!({ "when": when, "to": [{ "node": self.name(target) }] }));
        }
        let last = self.rng.pick(later).copied().filter(|_| self.rng.chance(75));
        let last = last.map_or(json!("end"), |target| json!({ "node": self.name(target) }));
        arms.push(json!({ "to": [last] }));
        self.edges.push(json!({ "from": from, "rule": { "branch": arms } }));
    }

    fn condition(&mut self) -> String {
        let number = self.rng.between(2, 5);
        match self.rng.below(5) {
            0 => format!("size(state.log) % {number} == 0"),
            1 => format!("state.total > {number}"),
            2 => "state.total % 2 == 0".into(),
            3 => format!("'s1' in state.seen && size(state.log) > {number}"),
            _ => format!("size(state.map) < {number}"),
        }
    }

    /// A loop with a limit: of the condition, or of the workflow.
    fn go_back(&mut self, place: usize, from: &Value, later: &[usize]) {
        self.has("loops");
        let back = self.rng.below(place);
        let special = self.workers.contains(&back) || self.handlers.contains(&back);
        let back = json!({ "node": self.name(if special { 0 } else { back }) });
        let onward = self.rng.pick(later).copied();
        let onward = onward.map_or(json!("end"), |target| json!({ "node": self.name(target) }));
        let when = format!("state.rounds < {}", self.rng.between(2, 3));
        let arms = json!([{ "when": when, "to": [back] }, { "to": [onward] }]);
        self.edges.push(json!({ "from": from, "rule": { "branch": arms } }));
        self.count_round(place);
    }

    /// The node at which a loop turns counts the round.
    fn count_round(&mut self, place: usize) {
        let Some(node) = self.nodes.get_mut(place) else { return };
        if let Some(Value::Object(writes)) = node.pointer_mut("/work/set") {
            writes.insert("rounds".into(), json!("1"));
        } else if let Some(Value::Array(script)) = node.pointer_mut("/mock/script") {
            script.push(json!({ "set": { "rounds": "1" } }));
        } else if let Some(Value::Object(out)) = node.get_mut("out") {
            out.insert("rounds".into(), json!("1"));
        } else if let Value::Object(node) = node {
            let out = json!({ "rounds": "1", "log": "result.log" });
            node.insert("out".into(), out);
        }
    }

    fn each(&mut self, from: &Value, worker: usize, later: &[usize]) {
        self.has("each");
        let items = match self.rng.below(4) {
            0 => "state.items".to_owned(),
            1 => "[]".to_owned(),
            2 => "[1, 2]".to_owned(),
            _ => "state.log.map(l, size(l)).filter(n, n > 3)".to_owned(),
        };
        let mut each = json!({ "items": items, "as": "item", "to": [self.name(worker)] });
        if let Some(empty) = self.rng.pick(later).copied() {
            each["empty"] = json!(self.name(empty));
        }
        self.edges.push(json!({ "from": from, "rule": { "each": each } }));
    }

    pub(super) fn barriers(&mut self) {
        let count = self.names.len();
        if count < 5 || !self.rng.chance(60) {
            return;
        }
        let target = self.rng.between(3, count - 1);
        if self.workers.contains(&target) || self.handlers.contains(&target) {
            return;
        }
        let mut sources: Vec<usize> =
            (0..target).filter(|source| !self.handlers.contains(source)).collect();
        self.rng.shuffle(&mut sources);
        sources.truncate(self.rng.between(2, 3));
        if sources.len() < 2 {
            return;
        }
        self.has("barriers");
        let names: Vec<String> = sources.iter().map(|source| self.name(*source)).collect();
        let target = self.name(target);
        self.edges.push(json!({ "from": { "all": names }, "rule": to(&[target]) }));
    }

    /// Adds an edge to each node that none leads to.
    pub(super) fn reach_all(&mut self) {
        for place in 1..self.names.len() {
            let name = self.name(place);
            let text = json!([self.edges, self.nodes]).to_string();
            let is_named = text.contains(&format!("\"{name}\""));
            if self.workers.contains(&place) && !is_named {
                self.each(&json!({ "node": self.name(0) }), place, &self.later(0));
            } else if self.handlers.contains(&place) && !is_named {
                // Nobody's failure leads here, so it may not look at one.
                let writes = json!({ "set": { "log": format!("['{name}']") } });
                self.set(place, "work", writes);
                self.remove(place, "mock");
                self.remove(place, "goto");
                self.handlers.remove(&place);
            }
            if !self.workers.contains(&place) && !self.handlers.contains(&place) {
                self.lead_to(place);
            }
        }
    }

    fn lead_to(&mut self, place: usize) {
        let name = self.name(place);
        let leads = self.edges.iter().any(|edge| {
            edge.pointer("/from/all").is_none()
                && edge.get("rule").is_some_and(|r| r.to_string().contains(&format!("\"{name}\"")))
        });
        if !leads {
            let sources: Vec<usize> =
                (0..place).filter(|p| !self.workers.contains(p)).rev().take(3).collect();
            let source = self.rng.pick(&sources).copied().unwrap_or(0);
            let from = json!({ "node": self.name(source) });
            self.edges.push(json!({ "from": from, "rule": to(&[name]) }));
        }
    }
}

fn to(names: &[String]) -> Value {
    let nodes: Vec<Value> = names.iter().map(|name| json!({ "node": name })).collect();
    json!({ "to": { "to": nodes } })
}
