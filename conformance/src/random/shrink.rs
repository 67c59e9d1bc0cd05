//! Makes a case that shows a difference small: whatever can be left out is left out.

use serde_json::{Map, Value};

use super::differ::{Difference, difference_of};
use crate::case::Case;
use crate::engine::Book;
use crate::oracle::Oracle;
use wforge_model::workflow::{Node, Work};

/// Cases that are tried in all.
const TRIES_MAX: usize = 1_500;

/// The smallest case found that still runs differently, and in the same way. Each part is tried
/// once where the last one was taken away, and all again until none can go.
pub fn smallest(case: &Case, oracle: &mut Oracle) -> Case {
    let Some(wanted) = difference_of(case, oracle) else { return case.clone() };
    let mut best = case.clone();
    best.actions.truncate(wanted.place + 1);
    let (mut tries, mut place, mut since) = (0, 0, 0);
    while let Ok(value) = serde_json::to_value(&best) {
        let parts = smaller(&value);
        if since >= parts.len() || tries >= TRIES_MAX {
            return best;
        }
        place %= parts.len();
        tries += 1;
        since += 1;
        match parts.get(place).and_then(|part| still_differs(part, &wanted, oracle)) {
            Some(found) => (best, since) = (found, 0),
            None => place += 1,
        }
    }
    best
}

/// The case, where it can run and differs as wanted.
fn still_differs(value: &Value, wanted: &Difference, oracle: &mut Oracle) -> Option<Case> {
    let case: Case = serde_json::from_value(value.clone()).ok()?;
    let nodes = case.workflows.values().flat_map(|workflow| workflow.nodes.values());
    if nodes.into_iter().any(has_nothing_to_do) || Book::of(&case).is_err() {
        return None;
    }
    let found = difference_of(&case, oracle)?;
    found.is_like(wanted).then_some(case)
}

/// A mock of whose script nothing is left needs an output that nobody gave.
fn has_nothing_to_do(node: &Node) -> bool {
    matches!(node.work, Work::Mock) && node.mock.as_ref().is_none_or(|mock| mock.script.is_empty())
}

/// The same case with one thing less, the largest things first.
fn smaller(case: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    without_items(case, "/actions", &mut all);
    let workflows = case.get("workflows").and_then(Value::as_object);
    for name in workflows.into_iter().flat_map(Map::keys) {
        let nodes = format!("/workflows/{name}/nodes");
        for node in keys(case, &nodes) {
            all.extend(without_node(case, name, &node));
        }
        without_items(case, &format!("/workflows/{name}/edges"), &mut all);
        // Not its limits: they end what would run for ever.
        all.extend(without_field(case, &format!("/workflows/{name}"), "interrupt"));
        for node in keys(case, &nodes) {
            let place = format!("{nodes}/{node}");
            for field in ["on_error", "retry", "defer", "out", "in", "goto"] {
                all.extend(without_field(case, &place, field));
            }
            without_items(case, &format!("{place}/mock/script"), &mut all);
            for key in keys(case, &format!("{place}/work/set")) {
                all.extend(without_field(case, &format!("{place}/work/set"), &key));
            }
        }
        let edges = case.pointer(&format!("/workflows/{name}/edges")).and_then(Value::as_array);
        for place in 0..edges.map_or(0, Vec::len) {
            let rule = format!("/workflows/{name}/edges/{place}/rule");
            without_items(case, &format!("{rule}/branch"), &mut all);
            without_items(case, &format!("{rule}/to/to"), &mut all);
        }
        for key in keys(case, &format!("/workflows/{name}/state")) {
            all.extend(without_field(case, &format!("/workflows/{name}/state"), &key));
        }
    }
    all
}

fn keys(case: &Value, pointer: &str) -> Vec<String> {
    let fields = case.pointer(pointer).and_then(Value::as_object);
    fields.map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

fn without_items(case: &Value, pointer: &str, all: &mut Vec<Value>) {
    let count = case.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    for place in (0..count).rev() {
        let mut smaller = case.clone();
        if let Some(Value::Array(items)) = smaller.pointer_mut(pointer) {
            items.remove(place);
        }
        all.push(smaller);
    }
}

fn without_field(case: &Value, pointer: &str, field: &str) -> Option<Value> {
    let mut smaller = case.clone();
    let Some(Value::Object(fields)) = smaller.pointer_mut(pointer) else { return None };
    fields.remove(field)?;
    Some(smaller)
}

/// The case without a node, and without the edges and exits that lead to it or begin there.
fn without_node(case: &Value, workflow: &str, node: &str) -> Option<Value> {
    let mut smaller = without_field(case, &format!("/workflows/{workflow}/nodes"), node)?;
    let quoted = format!("\"{node}\"");
    let edges = smaller.pointer_mut(&format!("/workflows/{workflow}/edges"))?;
    if let Value::Array(edges) = edges {
        edges.retain(|edge| !edge.to_string().contains(&quoted));
    }
    let nodes = smaller.pointer_mut(&format!("/workflows/{workflow}/nodes"))?.as_object_mut()?;
    for other in nodes.values_mut().filter_map(Value::as_object_mut) {
        other.retain(|field, value| {
            !["on_error", "goto"].contains(&field.as_str()) || !value.to_string().contains(&quoted)
        });
    }
    Some(smaller)
}
