//! Reducers: how the writes of one super-step become the next state.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::Write as _;

use serde_json::Number;
use wforge_model::event::Write;
use wforge_model::workflow::{KeySpec, Reducer};
use wforge_model::{Key, NodeId, Value};

use crate::bytes::{EMPTY_LIST_BYTES, items_bytes, json_bytes};
use crate::expressions::State;
use crate::messages;

/// Doubles below this that are whole are integers without loss.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
/// What a write does that replaces.
const OVERWRITE: &str = "overwrite";

/// Writes that cannot be reduced: the key and what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReduceError {
    /// The key.
    pub(crate) key: Key,
    /// `concurrent_write`, `reducer_type`.
    pub(crate) code: &'static str,
    /// One sentence that names the writers.
    pub(crate) message: String,
}

/// What one key becomes.
#[derive(Debug)]
pub(crate) enum Reduced<'a> {
    /// This value.
    Made(Arc<Value>),
    /// The list that is there, and these items after it. A list that grows over many super-steps
    /// is not copied in each of them.
    Longer(Vec<&'a [Value]>),
}

impl Reduced<'_> {
    /// The value, from what is there: in its place where nobody else holds it.
    pub(crate) fn over(self, before: Option<Arc<Value>>) -> Arc<Value> {
        match self {
            Self::Made(value) => value,
            Self::Longer(more) => {
                let mut list = before.unwrap_or_else(|| Arc::new(Value::Array(Vec::new())));
                if let Value::Array(items) = Arc::make_mut(&mut list) {
                    more.into_iter().for_each(|more| items.extend_from_slice(more));
                }
                list
            }
        }
    }

    /// About how many bytes the value has as JSON, from how many there are.
    pub(crate) fn bytes(&self, before: Option<u64>) -> u64 {
        match self {
            Self::Made(value) => json_bytes(value),
            Self::Longer(more) => {
                before.unwrap_or(EMPTY_LIST_BYTES)
                    + more.iter().copied().map(items_bytes).sum::<u64>()
            }
        }
    }
}

/// The values that the touched keys take, from the writes in task order.
pub(crate) fn reduce<'a>(
    keys: &BTreeMap<Key, KeySpec>,
    state: &State,
    writes: impl Iterator<Item = (&'a NodeId, &'a Write)>,
) -> Result<Vec<(Key, Arc<Value>)>, ReduceError> {
    let reduced = reduced(keys, state, writes)?.into_iter();
    Ok(reduced.map(|(key, to)| (key.clone(), to.over(state.get(key).cloned()))).collect())
}

/// What the touched keys become, in their order, from the writes in task order.
pub(crate) fn reduced<'a>(
    keys: &BTreeMap<Key, KeySpec>,
    state: &State,
    writes: impl Iterator<Item = (&'a NodeId, &'a Write)>,
) -> Result<Vec<(&'a Key, Reduced<'a>)>, ReduceError> {
    let mut by_key: BTreeMap<&Key, Vec<(&NodeId, &Write)>> = BTreeMap::new();
    for (node, write) in writes {
        by_key.entry(&write.key).or_default().push((node, write));
    }
    by_key
        .into_iter()
        .map(|(key, writes)| {
            let reducer = keys.get(key).map_or(Reducer::Last, |spec| spec.reducer);
            Ok((key, reduce_key(key, reducer, state.get(key), &writes)?))
        })
        .collect()
}

fn reduce_key<'a>(
    key: &Key,
    reducer: Reducer,
    before: Option<&Arc<Value>>,
    writes: &[(&'a NodeId, &'a Write)],
) -> Result<Reduced<'a>, ReduceError> {
    let mut overwrites = writes.iter().filter(|(_, write)| write.overwrite);
    if let Some((node, write)) = overwrites.next() {
        // Ordinary writes of the step give way to the overwrite, before or after it.
        return match overwrites.next() {
            Some((other, _)) => Err(concurrent(key, node, other, OVERWRITE)),
            None => Ok(Reduced::Made(Arc::new(write.value.clone()))),
        };
    }
    if reducer == Reducer::Append {
        return longer(key, before, writes);
    }
    fold_all(key, reducer, before, writes).map(Reduced::Made)
}

fn longer<'a>(
    key: &Key,
    before: Option<&Arc<Value>>,
    writes: &[(&'a NodeId, &'a Write)],
) -> Result<Reduced<'a>, ReduceError> {
    let empty = Value::Array(Vec::new());
    let before = before.map_or(&empty, |value| value);
    let more = writes.iter().map(|(node, write)| match (before, &write.value) {
        (Value::Array(_), Value::Array(more)) => Ok(more.as_slice()),
        (before, value) => Err(mismatch(Reducer::Append, key, Some(before), node, value)),
    });
    Ok(Reduced::Longer(more.collect::<Result<_, _>>()?))
}

fn fold_all(
    key: &Key,
    reducer: Reducer,
    before: Option<&Arc<Value>>,
    writes: &[(&NodeId, &Write)],
) -> Result<Arc<Value>, ReduceError> {
    match (reducer, writes) {
        (Reducer::Last, _) => last(key, writes),
        (Reducer::Any, [.., (_, write)]) => Ok(Arc::new(write.value.clone())),
        (Reducer::Any, []) => Ok(Arc::new(Value::Null)),
        (
            Reducer::Append
            | Reducer::Merge
            | Reducer::Union
            | Reducer::Sum
            | Reducer::Min
            | Reducer::Max
            | Reducer::Messages,
            _,
        ) => {
            let start = before.map(|value| Value::clone(value)).or_else(|| reducer.initial());
            let mut value = start;
            for (node, write) in writes {
                fold(reducer, key, &mut value, node, &write.value)?;
            }
            Ok(Arc::new(value.unwrap_or(Value::Null)))
        }
    }
}

fn last(key: &Key, writes: &[(&NodeId, &Write)]) -> Result<Arc<Value>, ReduceError> {
    match writes {
        [(_, write)] => Ok(Arc::new(write.value.clone())),
        [(first, _), .., (other, _)] => Err(concurrent(key, first, other, "write")),
        [] => Ok(Arc::new(Value::Null)),
    }
}

fn fold(
    reducer: Reducer,
    key: &Key,
    value: &mut Option<Value>,
    node: &NodeId,
    write: &Value,
) -> Result<(), ReduceError> {
    match (reducer, value, write) {
        (Reducer::Append, Some(Value::Array(items)), Value::Array(more)) => {
            items.extend_from_slice(more);
        }
        (Reducer::Union, Some(Value::Array(items)), Value::Array(more)) => unite(items, more),
        (Reducer::Merge, Some(Value::Object(fields)), Value::Object(more)) => {
            fields.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        (Reducer::Sum, Some(Value::Number(total)), Value::Number(more)) => {
            *total = add(total, more).ok_or_else(|| overflow(key, node))?;
        }
        (Reducer::Messages, Some(Value::Array(conversation)), write) => {
            messages::add(conversation, write).map_err(|message| ReduceError {
                key: key.clone(),
                code: "reducer_type",
                message: format!("node {node}: {message}"),
            })?;
        }
        (Reducer::Min | Reducer::Max, there @ None, Value::Number(_) | Value::String(_)) => {
            *there = Some(write.clone());
        }
        (Reducer::Min | Reducer::Max, Some(there), write) => {
            let order = compare(write, there)
                .ok_or_else(|| mismatch(reducer, key, Some(there), node, write))?;
            let wanted = if reducer == Reducer::Min { Ordering::Less } else { Ordering::Greater };
            if order == wanted {
                *there = write.clone();
            }
        }
        (_, value, _) => return Err(mismatch(reducer, key, value.as_ref(), node, write)),
    }
    Ok(())
}

/// Adds what is not there yet. Looked up by text: two long lists would be compared for minutes.
fn unite(items: &mut Vec<Value>, more: &[Value]) {
    let mut there: BTreeSet<String> = items.iter().map(same_text).collect();
    items.extend(more.iter().filter(|item| there.insert(same_text(item))).cloned());
}

/// The same text for equal values, 1 and 1.0 included.
fn same_text(value: &Value) -> String {
    let mut text = String::new();
    write_same(value, &mut text);
    text
}

fn write_same(value: &Value, text: &mut String) {
    // Writing to a string does not fail.
    let _ = match value {
        Value::Number(number) => match number.as_f64().filter(|_| number.as_i64().is_none()) {
            Some(double) if double.abs() < WHOLE_MAX && double == (double as i64) as f64 => {
                write!(text, "{}", double as i64)
            }
            _ => write!(text, "{number}"),
        },
        Value::Null | Value::Bool(_) | Value::String(_) => write!(text, "{value}"),
        Value::Array(items) => {
            text.push('[');
            for item in items {
                write_same(item, text);
                text.push(',');
            }
            write!(text, "]")
        }
        Value::Object(fields) => {
            text.push('{');
            for (name, value) in fields {
                let _ = write!(text, "{}:", Value::String(name.clone()));
                write_same(value, text);
                text.push(',');
            }
            write!(text, "}}")
        }
    };
}

/// The order of two numbers or two texts; none of anything else.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// The sum: an integer of two integers, else a double; none where it is not finite.
fn add(left: &Number, right: &Number) -> Option<Number> {
    if let (Some(left), Some(right)) = (left.as_i64(), right.as_i64()) {
        return left.checked_add(right).map(Number::from);
    }
    Number::from_f64(left.as_f64()? + right.as_f64()?)
}

fn overflow(key: &Key, node: &NodeId) -> ReduceError {
    ReduceError {
        key: key.clone(),
        code: "reducer_type",
        message: format!("what node {node} adds makes state key {key} larger than a number can be"),
    }
}

fn concurrent(key: &Key, first: &NodeId, other: &NodeId, what: &str) -> ReduceError {
    let fix = if what == OVERWRITE {
        "let one of them overwrite"
    } else {
        "give the key a reducer (append, merge, union, sum, min, max), or let one of them write"
    };
    ReduceError {
        key: key.clone(),
        code: "concurrent_write",
        message: format!(
            "nodes {first} and {other} both {what} state key {key} in one super-step; {fix}"
        ),
    }
}

fn mismatch(
    reducer: Reducer,
    key: &Key,
    value: Option<&Value>,
    node: &NodeId,
    write: &Value,
) -> ReduceError {
    let advice = match reducer {
        Reducer::Append => "append joins lists: write [x]",
        Reducer::Union => "union joins lists: write [x]",
        Reducer::Merge => "merge joins objects: write { name: x }",
        Reducer::Sum => "sum adds numbers",
        Reducer::Min => "min compares numbers with numbers and texts with texts",
        Reducer::Max => "max compares numbers with numbers and texts with texts",
        Reducer::Messages => "messages takes objects and lists of them",
        Reducer::Last | Reducer::Any => "any value will do",
    };
    let (has, wrote) = (value.map_or("nothing yet", kind_of), kind_of(write));
    ReduceError {
        key: key.clone(),
        code: "reducer_type",
        message: format!(
            "node {node} writes {wrote} to state key {key}, which has {has}; {advice}"
        ),
    }
}

/// What a JSON value is, in words.
pub(crate) const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_grows_in_its_place_unless_somebody_else_holds_it() {
        let (alone, more) = (Arc::new(serde_json::json!(["a"])), [Value::from("b")]);
        let place = Arc::as_ptr(&alone);
        let longer = Reduced::Longer(alloc::vec![&more]).over(Some(alone));
        assert_eq!((Arc::as_ptr(&longer), &*longer), (place, &serde_json::json!(["a", "b"])));
        let held = longer.clone();
        let longest = Reduced::Longer(alloc::vec![&more]).over(Some(longer));
        assert_eq!(*held, serde_json::json!(["a", "b"]));
        assert_eq!(*longest, serde_json::json!(["a", "b", "b"]));
    }

    #[test]
    fn a_longer_list_is_measured_without_being_made() {
        let (list, more) = (serde_json::json!(["a", 1]), [Value::from("bc"), Value::Null]);
        let longer = Reduced::Longer(alloc::vec![&more, &more]);
        let bytes = longer.bytes(Some(json_bytes(&list)));
        assert_eq!(bytes, json_bytes(&longer.over(Some(Arc::new(list)))));
        let first = Reduced::Longer(alloc::vec![&more]);
        assert_eq!(first.bytes(None), json_bytes(&first.over(None)));
    }
}
