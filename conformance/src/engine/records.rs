//! The form in which both sides write down what happened.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wforge_graph::State;

/// The prefix and length of an id that the reducer `messages` made up.
const MADE_UP: (&str, usize) = ("msg_", 36);

/// A state as JSON.
pub fn object(state: &State) -> Value {
    let fields = state.iter().map(|(key, value)| (key.to_string(), Value::clone(value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// A write without the ids that were made up for it, which are no part of what a node wrote.
pub fn as_written(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(as_written).collect(),
        Value::Object(fields) => {
            let made_up = |value: &Value| value.as_str().is_some_and(is_made_up);
            let kept = fields.iter().filter(|(name, value)| *name != "id" || !made_up(value));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// Values in the order of their text.
pub fn sorted(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(Value::to_string);
    values
}

/// Ids that were made up, in the order in which they appeared.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// The same value with such ids written as `<id N>`.
    pub fn renamed(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) if is_made_up(&text) => {
                let next = format!("<id {}>", self.0.len() + 1);
                Value::String(self.0.entry(text).or_insert(next).clone())
            }
            Value::Array(items) => items.into_iter().map(|item| self.renamed(item)).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
                fields.sort_by(|(left, _), (right, _)| left.cmp(right));
                fields.into_iter().map(|(name, value)| (name, self.renamed(value))).collect()
            }
            other => other,
        }
    }
}

fn is_made_up(text: &str) -> bool {
    let (prefix, length) = MADE_UP;
    text.len() == length && text.starts_with(prefix)
}
