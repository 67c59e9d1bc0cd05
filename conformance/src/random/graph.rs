//! Random workflows. What both sides are known to do differently, ours on purpose, is left out:
//!
//! - deferred nodes beside sends, and a node that both fails and asks;
//! - a question or a pause beside writes that conflict: LangGraph reduces the writes of an open
//!   super-step where it shows them;
//! - a question beside a pause in a subgraph: there an answer also ends the pause, and counts again
//!   for the next question of the subgraph when the run goes on;
//! - limits of super-steps around subgraphs: there the outermost limit counts for all of them;
//! - a handler that emits: there it runs again where a sibling asked;
//! - a pause at a handler: there it is no node.

#![expect(
    clippy::indexing_slicing,
    reason = "a field of a JSON object that is made right above; it panics only on other values"
)]

mod edges;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::rng::Rng;

/// What a graph was made to have.
pub type Features = BTreeSet<&'static str>;

/// The names of nodes; their order has nothing to do with the order of the edges.
const NAMES: [&str; 16] = [
    "ash", "birch", "cedar", "elm", "fir", "gum", "hazel", "ivy", "juniper", "larch", "maple",
    "oak", "pine", "rowan", "sorrel", "yew",
];
/// The keys that every graph has beside one of each node's own, with their reducers.
const KEYS: [(&str, &str); 9] = [
    ("log", "append"),
    ("total", "sum"),
    ("seen", "union"),
    ("map", "merge"),
    ("low", "min"),
    ("high", "max"),
    ("chat", "messages"),
    ("flag", "any"),
    ("rounds", "sum"),
];

/// Super-steps, tasks of one, and bytes; a graph that comes to these is passed over.
const STEPS_MAX: u32 = 60;
const TASKS_MAX: u32 = 24;
const STATE_BYTES_MAX: u32 = 16_000;

/// A workflow that is made.
#[derive(Debug)]
pub struct Maker<'a> {
    rng: &'a mut Rng,
    /// What it was made to have.
    pub features: Features,
    names: Vec<String>,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    /// Nodes that only items lead to.
    workers: BTreeSet<usize>,
    /// Nodes that only failures lead to.
    handlers: BTreeSet<usize>,
    defers: bool,
    loops: bool,
}

/// What a graph may have, decided before it is made.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Nodes.
    pub nodes: usize,
    /// Whether it is a part of another one.
    pub is_child: bool,
    /// Whether a node may fail for good, so that nothing else is told of its super-step.
    pub fails: bool,
    /// Whether some nodes run other workflows.
    pub parts: usize,
    /// What it may do that goes with nothing else.
    pub mood: Mood,
}

/// What a case may do; LangGraph tells the one otherwise where the other is beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// Nodes ask.
    Asks,
    /// Writes conflict.
    Conflicts,
    /// Subgraphs pause.
    Pauses,
}

impl<'a> Maker<'a> {
    /// Makes a workflow.
    pub fn make(rng: &'a mut Rng, name: &str, wish: Wish) -> (Value, Features) {
        let mut names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
        rng.shuffle(&mut names);
        names.truncate(wish.nodes);
        let (defers, loops) = (rng.chance(30), rng.chance(45));
        let mut maker = Self {
            rng,
            features: Features::new(),
            names,
            nodes: Vec::new(),
            edges: Vec::new(),
            workers: BTreeSet::new(),
            handlers: BTreeSet::new(),
            defers,
            loops,
        };
        maker.nodes = (0..wish.nodes).map(|_| json!({})).collect();
        maker.roles(wish);
        for place in 0..wish.nodes {
            maker.node(place, wish);
        }
        maker.start();
        for place in 0..wish.nodes {
            maker.leave(place);
        }
        maker.barriers();
        maker.reach_all();
        let draft = maker.draft(name, wish);
        (draft, maker.features)
    }

    fn has(&mut self, feature: &'static str) {
        self.features.insert(feature);
    }

    fn name(&self, place: usize) -> String {
        self.names.get(place).cloned().unwrap_or_default()
    }

    fn set(&mut self, place: usize, field: &str, value: Value) {
        if let Some(Value::Object(node)) = self.nodes.get_mut(place) {
            node.insert(field.into(), value);
        }
    }

    /// Who is reached by items or failures alone.
    fn roles(&mut self, wish: Wish) {
        if !self.defers && wish.nodes > 4 && self.rng.chance(65) {
            self.workers.insert(self.rng.between(2, wish.nodes - 1));
        }
        if wish.nodes > 5 && self.rng.chance(45) {
            let place = self.rng.between(2, wish.nodes - 1);
            if !self.workers.contains(&place) {
                self.handlers.insert(place);
            }
        }
    }

    /// Nodes that edges may lead to from here: later ones, so that nothing runs for ever.
    fn later(&self, place: usize) -> Vec<usize> {
        let last = (place + 5).min(self.names.len());
        let special = |p: &usize| self.workers.contains(p) || self.handlers.contains(p);
        (place + 1..last).filter(|p| !special(p)).collect()
    }

    fn node(&mut self, place: usize, wish: Wish) {
        let is_worker = self.workers.contains(&place);
        let is_handler = self.handlers.contains(&place);
        let kind = self.rng.below(100);
        if kind < 18 && wish.parts > 0 && !is_handler {
            return self.part(place, is_worker, wish.parts);
        }
        if kind < 26 && !is_handler && wish.mood == Mood::Asks {
            self.has("interrupts");
            let prompt = format!("{} wants to know of {{{{ state.total }}}}", self.name(place));
            self.set(place, "work", json!({ "ask": { "prompt": prompt } }));
            let text = format!("['{} heard ' + string(result)]", self.name(place));
            return self.set(place, "out", json!({ "log": text }));
        }
        if kind < 45 && !is_worker && !is_handler {
            let mut writes = Map::new();
            for (key, value) in self.writes(place, "", wish) {
                writes.insert(key, value);
            }
            self.set(place, "work", json!({ "set": writes }));
        } else {
            self.script(place, wish);
        }
        if self.defers && place > 1 && !is_worker && !is_handler && self.rng.chance(35) {
            self.has("defer");
            self.set(place, "defer", json!(true));
        }
    }

    /// A node that runs another workflow.
    fn part(&mut self, place: usize, is_worker: bool, parts: usize) {
        self.has("subgraphs");
        let child = format!("child{}", self.rng.below(parts));
        self.set(place, "work", json!({ "workflow": { "workflow": child, "persist": "none" } }));
        if is_worker || self.rng.chance(60) {
            let log = if is_worker { "['item ' + string(item)]" } else { "['given']" };
            self.set(place, "in", json!({ "log": log, "total": "state.total" }));
            let out = json!({ "log": "result.log", "total": "result.total - state.total" });
            self.set(place, "out", out);
        }
    }

    /// What a node writes, by key; `suffix` is an expression that its log line ends with.
    fn writes(&mut self, place: usize, suffix: &str, wish: Wish) -> Vec<(String, Value)> {
        let name = self.name(place);
        let mut line = format!("'{name}'{suffix}");
        if self.rng.chance(25) {
            line.push_str(" + ' ' + string(state.total)");
        }
        let mut log = json!(format!("[{line}]"));
        if wish.mood == Mood::Conflicts && self.rng.chance(14) {
            self.has("overwrite");
            log = json!({ "overwrite": log });
        }
        let mut writes = vec![("log".to_owned(), log)];
        let number = self.rng.between(1, 9);
        for _ in 0..self.rng.below(3) {
            let write = match self.rng.below(9) {
                0 => ("total", json!(number.to_string())),
                1 => ("total", json!(format!("size(state.log) % {}", number + 1))),
                2 => ("seen", json!(format!("['s{}', 's{}']", number % 4, number % 3))),
                3 => ("map", json!({ format!("k{}", number % 3): format!("'{name}'") })),
                4 => ("low", json!(format!("{}", 20 - number))),
                5 => ("high", json!(format!("{number}"))),
                6 => ("chat", message(number, &name)),
                7 => ("flag", json!(format!("'{name}'"))),
                _ if wish.mood == Mood::Conflicts => {
                    ("own", json!(format!("'{name} ' + string(state.total)")))
                }
                _ => ("flag", json!("string(state.total)")),
            };
            let key = if write.0 == "own" { format!("of_{name}") } else { write.0.to_owned() };
            writes.push((key, write.1));
        }
        writes.dedup_by(|left, right| left.0 == right.0);
        if wish.mood == Mood::Conflicts && self.rng.chance(9) {
            self.has("conflicts");
            writes.push(("shared".into(), json!(format!("'{name}'"))));
        }
        writes
    }

    fn script(&mut self, place: usize, wish: Wish) {
        let (is_worker, is_handler) =
            (self.workers.contains(&place), self.handlers.contains(&place));
        self.set(place, "work", json!("mock"));
        let mut script = Vec::new();
        let suffix = match (is_worker, is_handler) {
            (true, _) => " + ' ' + string(item)",
            (_, true) => " + ' ' + sent.code",
            _ if self.rng.chance(30) => " + (sent == null ? '' : ' ' + string(sent))",
            _ => "",
        };
        let asks = !is_handler && wish.mood == Mood::Asks && self.rng.chance(14);
        let fails = !asks && !is_handler && self.rng.chance(22);
        if asks {
            self.has("interrupts");
            let line = format!("['{} heard ' + string(answers[0])]", self.name(place));
            script.push(
                json!({ "interrupt": format!("'{}' + string(state.total)", self.name(place)) }),
            );
            if self.rng.chance(30) {
                script.push(json!({ "interrupt": "'and then, after ' + string(answers[0])" }));
            }
            script.push(json!({ "set": { "log": line } }));
        }
        for (key, value) in self.writes(place, suffix, wish) {
            script.push(write_op(&key, &value));
        }
        if fails {
            let failure = self.failure(place, wish);
            script.insert(self.rng.below(script.len() + 1), failure);
        }
        if self.rng.chance(10) && !fails && !asks && !is_handler {
            script.push(json!({ "emit": { "topic": "t", "value": "state.total" } }));
        }
        self.exits(place, &mut script);
        self.set(place, "mock", json!({ "script": script }));
    }

    /// A failure that a retry mends, that a handler takes, or that stays.
    fn failure(&mut self, place: usize, wish: Wish) -> Value {
        let kind = self.rng.pick(&["upstream", "failed", "timeout"]).copied().unwrap_or("failed");
        let mut fail = json!({ "kind": kind, "code": "boom", "message": "m" });
        let handler = self.handlers.first().copied();
        if let Some(handler) = handler.filter(|_| self.rng.chance(60)) {
            self.has("handlers");
            self.set(place, "on_error", json!(self.name(handler)));
        } else if !wish.fails || self.rng.chance(75) {
            fail["times"] = json!(self.rng.between(1, 2));
            self.has("retries");
            let rule = json!({
                "on": [kind], "max_attempts": 3, "initial_ms": 10, "factor": 2.0, "max_ms": 100,
                "jitter": false,
            });
            self.set(place, "retry", json!([rule]));
        } else {
            self.has("failures");
        }
        json!({ "fail": fail })
    }

    fn exits(&mut self, place: usize, script: &mut Vec<Value>) {
        let later = self.later(place);
        let (is_worker, defers) = (self.workers.contains(&place), self.defers);
        let Some(to) = self.rng.pick(&later).copied() else { return };
        let chance = self.rng.below(100);
        if chance < 14 && !defers {
            self.has("script sends");
            script.push(json!({ "send": { "exit": "out", "input": "size(state.log) + 100" } }));
            if self.rng.chance(50) {
                script.push(json!({ "send": { "exit": "out", "input": "'again'" } }));
            }
        } else if chance < 26 && !(is_worker && defers) {
            self.has("goto");
            script.push(json!({ "goto": "out" }));
        } else {
            return;
        }
        self.set(place, "goto", json!({ "out": self.name(to) }));
    }

    fn remove(&mut self, place: usize, field: &str) {
        if let Some(Value::Object(node)) = self.nodes.get_mut(place) {
            node.remove(field);
        }
    }

    fn draft(&mut self, name: &str, wish: Wish) -> Value {
        let mut state = Map::new();
        for (key, reducer) in KEYS {
            state.insert(key.into(), json!({ "reducer": reducer }));
        }
        state.insert("items".into(), json!({ "default": [3, 4] }));
        state.insert("shared".into(), json!({}));
        for node in &self.names {
            state.insert(format!("of_{node}"), json!({}));
        }
        let nodes: Map<String, Value> =
            self.names.iter().cloned().zip(self.nodes.iter().cloned()).collect();
        let mut draft = json!({
            "name": name, "version": "1.0.0", "state": state,
            "input": ["log", "total"], "output": ["log", "total"],
            "nodes": nodes, "edges": self.edges,
        });
        draft["limits"] = json!({
            "steps_max": STEPS_MAX, "tasks_per_step_max": TASKS_MAX,
            "state_bytes_max": STATE_BYTES_MAX,
        });
        if !wish.is_child && wish.parts == 0 && self.rng.chance(10) {
            self.has("step limits");
            draft["limits"]["steps_max"] = json!(self.rng.between(2, 5));
        }
        let pauses = if wish.is_child { wish.mood == Mood::Pauses } else { self.rng.chance(25) };
        let place = self.rng.between(1, self.names.len() - 1);
        if pauses && !self.handlers.contains(&place) {
            self.has("breakpoints");
            let when = if self.rng.chance(50) { "before" } else { "after" };
            let node = self.name(place);
            draft["interrupt"] = json!({ when: [node] });
        }
        draft
    }
}

fn message(number: usize, name: &str) -> Value {
    let content = format!("'{name} says'");
    match number % 3 {
        0 => json!({ "role": "'user'", "content": content }),
        _ => json!({ "role": "'user'", "content": content, "id": format!("'m{}'", number % 4) }),
    }
}

/// A write as a step of a script.
fn write_op(key: &str, value: &Value) -> Value {
    match value.get("overwrite") {
        Some(inner) => json!({ "overwrite": { key: inner } }),
        None => json!({ "set": { key: value } }),
    }
}
