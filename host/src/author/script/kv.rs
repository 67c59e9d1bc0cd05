//! The memory of a script: real, with versions and expiry, as the contract has it.

use std::collections::BTreeMap;

use serde_json::json;
use wforge_effects::KvLimits;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem, Timestamp, Value};
use wforge_spec::suite::Answer;

use super::text_of;

/// The largest page, as a host has it.
const PAGE_ENTRIES_MAX: u64 = 1_000;

/// All scopes.
#[derive(Debug, Default)]
pub(super) struct Memory {
    entries: BTreeMap<(String, String), Slot>,
}

/// One key: a version never comes again, a deletion takes one too.
#[derive(Debug)]
struct Slot {
    value: Option<Value>,
    version: u64,
    expires_at: Option<Timestamp>,
}

impl Slot {
    fn live(&self, now: Timestamp) -> Option<&Value> {
        let is_over = self.expires_at.is_some_and(|at| at <= now);
        self.value.as_ref().filter(|_| !is_over)
    }
}

impl Memory {
    /// With what is remembered already.
    pub(super) fn of(scopes: BTreeMap<String, BTreeMap<String, Value>>) -> Self {
        let mut memory = Self::default();
        for (scope, keys) in scopes {
            for (key, value) in keys {
                memory.write(&scope, &key, (Some(value), None));
            }
        }
        memory
    }

    pub(super) fn answer(
        &mut self,
        operation: Operation,
        request: &Value,
        now: Timestamp,
    ) -> Answer {
        let (scope, key) = (text_of(request, "scope"), text_of(request, "key"));
        check(request)?;
        let value = || request.get("value").cloned().unwrap_or_default();
        match operation {
            Operation::KvSet => {
                let expires_at = request.get("ttl_ms").and_then(Value::as_u64);
                let expires_at = expires_at.map(|ms| now.after_ms(ms));
                let version = self.write(scope, key, (Some(value()), expires_at));
                Ok(json!({ "key": key, "value": value(), "version": version }))
            }
            Operation::KvDelete => {
                let is_there = self.live(scope, key, now).is_some();
                if is_there {
                    self.write(scope, key, (None, None));
                }
                Ok(json!(is_there))
            }
            Operation::KvCompareAndSwap => {
                let found = self.live(scope, key, now).map(|(_, version)| version);
                let is_expected = found == request.get("expected").and_then(Value::as_u64);
                if is_expected {
                    self.write(scope, key, (Some(value()), None));
                }
                Ok(json!(is_expected))
            }
            Operation::KvList => self.page(scope, request, now),
            _ => Ok(self.live(scope, key, now).map_or(
                Value::Null,
                |(value, version)| json!({ "key": key, "value": value, "version": version }),
            )),
        }
    }

    fn live(&self, scope: &str, key: &str, now: Timestamp) -> Option<(&Value, u64)> {
        let slot = self.entries.get(&(scope.to_owned(), key.to_owned()))?;
        slot.live(now).map(|value| (value, slot.version))
    }

    fn write(
        &mut self,
        scope: &str,
        key: &str,
        (value, expires_at): (Option<Value>, Option<Timestamp>),
    ) -> u64 {
        let place = (scope.to_owned(), key.to_owned());
        let version = self.entries.get(&place).map_or(1, |slot| slot.version.saturating_add(1));
        self.entries.insert(place, Slot { value, version, expires_at });
        version
    }

    /// The cursor is the last key of the page before.
    fn page(&self, scope: &str, request: &Value, now: Timestamp) -> Answer {
        let limit = request.get("limit").and_then(Value::as_u64).unwrap_or(0);
        if !(1..=PAGE_ENTRIES_MAX).contains(&limit) {
            let message = format!("a page has 1 to {PAGE_ENTRIES_MAX} entries");
            return Err(Failure::InvalidInput(Problem::new("kv_page_entries", message)));
        }
        let (prefix, after) = (text_of(request, "prefix"), text_of(request, "cursor"));
        let has_cursor = request.get("cursor").is_some_and(|cursor| !cursor.is_null());
        let mut found = self.entries.iter().filter(|((own, key), slot)| {
            own == scope
                && key.starts_with(prefix)
                && (!has_cursor || key.as_str() > after)
                && slot.live(now).is_some()
        });
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<_> = found.by_ref().take(limit).collect();
        let has_more = found.next().is_some();
        let cursor = page.last().filter(|_| has_more).map(|((_, key), _)| key.clone());
        let entries: Vec<Value> = page
            .into_iter()
            .map(|((_, key), slot)| {
                json!({ "key": key, "value": slot.value, "version": slot.version })
            })
            .collect();
        Ok(json!({ "entries": entries, "cursor": cursor }))
    }
}

/// As a host has it unless told.
fn check(request: &Value) -> Result<(), Failure> {
    let KvLimits { key_bytes_max, value_bytes_max, .. } = KvLimits::default();
    let longest = text_of(request, "key").len().max(text_of(request, "prefix").len());
    if longest > key_bytes_max {
        let message = format!("a key may have at most {key_bytes_max} bytes");
        return Err(Failure::Limit(Problem::new("kv_key_bytes", message)));
    }
    let value_bytes = request.get("value").map_or(0, |value| value.to_string().len());
    if value_bytes > value_bytes_max {
        let message = format!("a value may have at most {value_bytes_max} bytes as JSON");
        return Err(Failure::Limit(Problem::new("kv_value_bytes", message)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000);

    fn ask(memory: &mut Memory, operation: Operation, mut request: Value) -> Value {
        request["scope"] = json!("run");
        memory.answer(operation, &request, NOW).unwrap()
    }

    #[test]
    fn versions_grow_and_a_deletion_takes_one() {
        let mut memory = Memory::default();
        let set = |memory: &mut Memory| {
            ask(memory, Operation::KvSet, json!({ "key": "k", "value": 1 }))["version"].clone()
        };
        assert_eq!(set(&mut memory), 1);
        assert_eq!(ask(&mut memory, Operation::KvDelete, json!({ "key": "k" })), json!(true));
        assert_eq!(ask(&mut memory, Operation::KvGet, json!({ "key": "k" })), Value::Null);
        assert_eq!(set(&mut memory), 3);
    }

    #[test]
    fn a_swap_needs_the_version_that_stands() {
        let mut memory = Memory::default();
        let mut swap = |expected: Value| {
            let request = json!({ "key": "k", "expected": expected, "value": 2 });
            ask(&mut memory, Operation::KvCompareAndSwap, request)
        };
        assert_eq!(swap(json!(1)), json!(false));
        assert_eq!(swap(Value::Null), json!(true));
        assert_eq!(swap(Value::Null), json!(false));
        assert_eq!(swap(json!(1)), json!(true));
    }

    #[test]
    fn a_key_and_a_value_may_be_as_long_as_in_a_host() {
        let KvLimits { key_bytes_max, value_bytes_max, .. } = KvLimits::default();
        let set = |key_bytes: usize, value_bytes: usize| {
            // A text as JSON has two quotes more.
            let value = "v".repeat(value_bytes - 2);
            let request = json!({ "scope": "run", "key": "k".repeat(key_bytes), "value": value });
            let answer = Memory::default().answer(Operation::KvSet, &request, NOW);
            answer.err().map(|failure| failure.code().to_owned())
        };
        assert_eq!(set(key_bytes_max, value_bytes_max), None);
        assert_eq!(set(key_bytes_max + 1, 2).as_deref(), Some("kv_key_bytes"));
        assert_eq!(set(1, value_bytes_max + 1).as_deref(), Some("kv_value_bytes"));
    }

    #[test]
    fn what_has_expired_is_not_there() {
        let mut memory = Memory::default();
        ask(&mut memory, Operation::KvSet, json!({ "key": "k", "value": 1, "ttl_ms": 0 }));
        assert_eq!(ask(&mut memory, Operation::KvGet, json!({ "key": "k" })), Value::Null);
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let mut memory = Memory::default();
        for key in ["a1", "a2", "a3", "b1"] {
            ask(&mut memory, Operation::KvSet, json!({ "key": key, "value": key }));
        }
        let request = json!({ "prefix": "a", "limit": 2, "cursor": null });
        let first = ask(&mut memory, Operation::KvList, request);
        assert_eq!(first["entries"].as_array().unwrap().len(), 2);
        let request = json!({ "prefix": "a", "limit": 2, "cursor": first["cursor"] });
        let second = ask(&mut memory, Operation::KvList, request);
        assert_eq!(second["entries"][0]["key"], "a3");
        assert_eq!(second["cursor"], Value::Null);
    }
}
