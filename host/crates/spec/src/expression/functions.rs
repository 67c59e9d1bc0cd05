//! The functions of expressions. `default` is not here: it must not evaluate its fallback early.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use serde_json::Value;
use wforge_graph::ExprError;

use super::budget::Budget;
use super::convert;
use super::failure::{limit, type_error};
use super::operators::compare;
use super::plan::Function;
use super::value::{List, Val};
use crate::cache::Cache;

/// Compiled patterns by their source.
pub(super) type Patterns = Cache<String, Arc<Regex>>;

/// The longest pattern of `matches`.
const PATTERN_BYTES_MAX: usize = 512;
/// The most memory that a compiled pattern takes; it bounds the states that a match may be in.
const PATTERN_SIZE_MAX: usize = 64 << 10;
/// What compiling a pattern costs.
const PATTERN_UNITS: u64 = 5_000;
/// Text that a pattern may look at; each byte costs a unit.
const MATCHED_BYTES_MAX: usize = 256 << 10;

/// Calls a function.
pub(super) fn call<'a>(
    function: Function,
    args: &[Val<'a>],
    budget: &mut Budget,
    patterns: &Patterns,
) -> Result<Val<'a>, ExprError> {
    use Function as F;
    match (function, args) {
        (F::Avg, [list]) => avg(list, budget),
        (F::Sum, [list]) => sum(items(function, list)?, budget),
        (F::Min, args) => extreme(function, args, Ordering::Less, budget),
        (F::Max, args) => extreme(function, args, Ordering::Greater, budget),
        (F::Round, [number]) => convert::round(number, 0),
        (F::Round, [number, Val::Int(digits)]) => convert::round(number, *digits),
        (F::Join, [list]) => join(list, "", budget),
        (F::Join, [list, Val::Text(between)]) => join(list, between.as_str(), budget),
        (F::Split, [Val::Text(text), Val::Text(at)]) => split(text.as_str(), at.as_str(), budget),
        (F::Keys, [Val::Map(map)]) => {
            budget.spend_items(map.len())?;
            Ok(Val::list(map.keys().into_iter().map(Val::Text).collect()))
        }
        (F::Values, [Val::Map(map)]) => {
            budget.spend_items(map.len())?;
            let keys = map.keys();
            Ok(Val::list(keys.iter().filter_map(|key| map.get(key.as_str())).collect()))
        }
        (F::Unique, [list]) => unique(items(function, list)?, budget),
        (F::Size, [value]) => size(value, budget),
        (F::Contains | F::StartsWith | F::EndsWith, [Val::Text(text), Val::Text(part)]) => {
            let (text, part) = (text.as_str(), part.as_str());
            budget.spend_bytes(text.len())?;
            Ok(Val::Bool(match function {
                F::Contains => text.contains(part),
                F::StartsWith => text.starts_with(part),
                _ => text.ends_with(part),
            }))
        }
        (F::Matches, [Val::Text(text), Val::Text(pattern)]) => {
            matches(text.as_str(), pattern.as_str(), budget, patterns)
        }
        (F::Int, [value]) => convert::int(value),
        (F::Double, [value]) => convert::double(value),
        (F::String, [value]) => {
            budget.spend_made(0)?;
            convert::string(value)
        }
        (F::Bool, [value]) => convert::bool(value),
        _ => Err(wrong_arguments(function, args)),
    }
}

fn wrong_arguments(function: Function, args: &[Val<'_>]) -> ExprError {
    let takes = match function {
        Function::Contains | Function::StartsWith | Function::EndsWith | Function::Matches => {
            "two strings; in a list, look with `value in list`"
        }
        Function::Split => "two strings",
        Function::Keys | Function::Values => "a map",
        Function::Join => "a list and a string",
        Function::Round => "a number and how many digits to keep, an int",
        _ => "something else",
    };
    let kinds: Vec<&str> = args.iter().map(Val::kind).collect();
    type_error(format!("{function}() takes {takes}, here is {}", kinds.join(" and ")))
}

fn items<'l, 'a>(function: Function, value: &'l Val<'a>) -> Result<&'l List<'a>, ExprError> {
    match value {
        Val::List(list) => Ok(list),
        other => Err(type_error(format!("{function}() takes a list, here is {}", other.kind()))),
    }
}

fn size(value: &Val<'_>, budget: &mut Budget) -> Result<Val<'static>, ExprError> {
    let size = match value {
        Val::Text(text) => {
            budget.spend_bytes(text.as_str().len())?;
            text.as_str().chars().count()
        }
        Val::List(list) => list.len(),
        Val::Map(map) => map.len(),
        other => {
            let message = format!("size() takes a string, list or map, here is {}", other.kind());
            return Err(type_error(message));
        }
    };
    Ok(Val::Int(i64::try_from(size).unwrap_or(i64::MAX)))
}

/// The sum stays an int as long as every item is one.
fn sum<'a>(list: &List<'a>, budget: &mut Budget) -> Result<Val<'a>, ExprError> {
    budget.spend_items(list.len())?;
    let mut sum = Val::Int(0);
    for item in list.iter() {
        sum = match (&sum, &item) {
            (Val::Int(sum), Val::Int(item)) => Val::Int(
                sum.checked_add(*item)
                    .ok_or_else(|| type_error("the result of sum() does not fit an int"))?,
            ),
            _ => match (sum.number(), item.number()) {
                (Some(sum), Some(item)) => Val::Double(sum + item),
                _ => return Err(not_a_number(Function::Sum, &item)),
            },
        };
    }
    Ok(sum)
}

fn not_a_number(function: Function, item: &Val<'_>) -> ExprError {
    type_error(format!("{function}() takes a list of numbers, an item is {}", item.kind()))
}

fn avg(list: &Val<'_>, budget: &mut Budget) -> Result<Val<'static>, ExprError> {
    let list = items(Function::Avg, list)?;
    budget.spend_items(list.len())?;
    let mut sum = 0.0;
    for item in list.iter() {
        sum += item.number().ok_or_else(|| not_a_number(Function::Avg, &item))?;
    }
    let count = Val::Int(i64::try_from(list.len().max(1)).unwrap_or(i64::MAX));
    Ok(Val::Double(sum / count.number().unwrap_or(1.0)))
}

fn extreme<'a>(
    function: Function,
    args: &[Val<'a>],
    wanted: Ordering,
    budget: &mut Budget,
) -> Result<Val<'a>, ExprError> {
    let items: Vec<Val<'a>> = match args {
        [one] => items(function, one)?.iter().collect(),
        several => several.to_vec(),
    };
    budget.spend_items(items.len())?;
    let mut items = items.into_iter();
    let Some(mut best) = items.next() else {
        let message =
            format!("{function}() of nothing; write size(list) == 0 ? 0 : {function}(list)");
        return Err(type_error(message));
    };
    comparable(function, &best, &best, budget)?;
    for item in items {
        if comparable(function, &item, &best, budget)? == wanted {
            best = item;
        }
    }
    Ok(best)
}

fn comparable(
    function: Function,
    item: &Val<'_>,
    best: &Val<'_>,
    budget: &mut Budget,
) -> Result<Ordering, ExprError> {
    compare(item, best, budget)?.ok_or_else(|| {
        let (item, best) = (item.kind(), best.kind());
        type_error(format!("{function}() cannot compare {item} and {best}"))
    })
}

fn join(list: &Val<'_>, between: &str, budget: &mut Budget) -> Result<Val<'static>, ExprError> {
    let mut joined = String::new();
    for (at, item) in items(Function::Join, list)?.iter().enumerate() {
        let Val::Text(text) = &item else {
            let message = format!("join() takes a list of strings, item {at} is {}", item.kind());
            return Err(type_error(message));
        };
        budget.spend(1)?;
        budget.spend_bytes(text.as_str().len().saturating_add(between.len()))?;
        if at > 0 {
            joined.push_str(between);
        }
        joined.push_str(text.as_str());
    }
    Ok(Val::text(joined))
}

fn split<'a>(text: &str, at: &str, budget: &mut Budget) -> Result<Val<'a>, ExprError> {
    budget.spend_bytes(text.len())?;
    let mut parts = Vec::new();
    // The empty separator splits into characters, without the empty ends that Rust would add.
    let pieces: Box<dyn Iterator<Item = &str>> = if at.is_empty() {
        Box::new(text.split("").filter(|piece| !piece.is_empty()))
    } else {
        Box::new(text.split(at))
    };
    for piece in pieces {
        budget.spend_made(piece.len())?;
        parts.push(Val::text(piece));
    }
    Ok(Val::list(parts))
}

/// The items without repetition, in the order of their first appearance.
fn unique<'a>(list: &List<'a>, budget: &mut Budget) -> Result<Val<'a>, ExprError> {
    let mut seen = BTreeSet::new();
    let mut kept = Vec::new();
    for item in list.iter() {
        let identity = identity(item.clone().into_answer(budget)?).to_string();
        budget.spend_made(identity.len())?;
        if seen.insert(identity) {
            kept.push(item);
        }
    }
    Ok(Val::list(kept))
}

/// A value whose text is equal where the values are: 1 and 1.0 are the same number.
fn identity(value: Value) -> Value {
    match value {
        Value::Number(number) => convert::whole(&number).map_or(Value::Number(number), Value::from),
        Value::Array(items) => items.into_iter().map(identity).collect(),
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, identity(value))).collect())
        }
        other => other,
    }
}

fn matches(
    text: &str,
    pattern: &str,
    budget: &mut Budget,
    patterns: &Patterns,
) -> Result<Val<'static>, ExprError> {
    if text.len() > MATCHED_BYTES_MAX {
        let message = format!("matches() looks at most at {MATCHED_BYTES_MAX} bytes of text");
        return Err(limit(message));
    }
    // The price must not depend on what other evaluations have left in the cache.
    if budget.is_new_pattern(pattern) {
        budget.spend(PATTERN_UNITS)?;
    }
    budget.spend_items(text.len())?;
    if let Some(pattern) = patterns.get(pattern) {
        return Ok(Val::Bool(pattern.is_match(text)));
    }
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(limit(format!("a pattern has at most {PATTERN_BYTES_MAX} bytes")));
    }
    let compiled = RegexBuilder::new(pattern)
        .size_limit(PATTERN_SIZE_MAX)
        .build()
        .map_err(|error| type_error(format!("no pattern: {}", last_line(&error.to_string()))))?;
    let is_match = compiled.is_match(text);
    patterns.insert(pattern.to_owned(), Arc::new(compiled));
    Ok(Val::Bool(is_match))
}

fn last_line(message: &str) -> &str {
    message.lines().last().unwrap_or(message).trim()
}
