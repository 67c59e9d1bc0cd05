//! Makes a case that shows a difference small: whatever can be left out is left out.

use serde_json::{Map, Value};

use super::differs;
use crate::case::Case;
use crate::engine::Book;
use crate::oracle::Oracle;

/// Cases that are tried in all.
const TRIES_MAX: usize = 400;

/// The smallest case found that still runs differently.
pub fn smallest(case: &Case, oracle: &mut Oracle) -> Case {
    let mut best = case.clone();
    let mut tries = 0;
    loop {
        let Ok(value) = serde_json::to_value(&best) else { return best };
        let mut found = false;
        for smaller in smaller(&value) {
            if tries >= TRIES_MAX {
                return best;
            }
            let Ok(candidate) = serde_json::from_value::<Case>(smaller) else { continue };
            if Book::of(&candidate).is_err() {
                continue;
            }
            tries += 1;
            if differs(&candidate, oracle) == Some(true) {
                best = candidate;
                found = true;
                break;
            }
        }
        if !found {
            return best;
        }
    }
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
        for field in ["limits", "interrupt"] {
            all.extend(without_field(case, &format!("/workflows/{name}"), field));
        }
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
