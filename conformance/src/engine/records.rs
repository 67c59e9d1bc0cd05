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
