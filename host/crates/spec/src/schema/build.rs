//! A value that fits a schema, for the mock agent. The same schema and seed give the same value.
//!
//! Built from: type (lists of types too), properties, required, additionalProperties,
//! patternProperties, items, prefixItems, contains, enum, const, the bounds of numbers, lengths and
//! counts, multipleOf, pattern, format, allOf (merged), anyOf and oneOf (one of them), and `$ref`
//! inside the schema. Conditions (`if`, `not`, `dependentRequired`) are only met by luck: several
//! attempts are made, and the last one is returned even where it does not fit, so that whoever
//! checks it can say what is wrong.

use serde_json::{Map, Value};

use super::sample::{self, Random};
use super::structure::resolve;

/// Attempts to find a value that fits; the first prefers the schema's own examples.
const ATTEMPTS_MAX: u64 = 12;
/// How deep optional properties and list items are still built.
const OPTIONAL_DEPTH_MAX: usize = 6;
/// How deep anything is built.
const DEPTH_MAX: usize = 24;
/// Items or properties that are added to reach a least count.
const COUNT_MAX: u64 = 1_000;

type Schema = Map<String, Value>;

/// Builds, trying again until `fits`.
pub(super) fn build(schema: &Value, seed: u64, fits: impl Fn(&Value) -> bool) -> Value {
    let mut value = Value::Null;
    for attempt in 0..ATTEMPTS_MAX {
        let random = Random::new(seed ^ attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut builder = Builder { root: schema, random, attempt };
        value = builder.value(schema, "value", 0);
        if fits(&value) {
            break;
        }
    }
    value
}

struct Builder<'s> {
    root: &'s Value,
    random: Random,
    attempt: u64,
}

impl Builder<'_> {
    fn value(&mut self, schema: &Value, label: &str, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        let schema = self.flat(schema, 0);
        if let Some(known) = self.given(&schema) {
            return known;
        }
        match kind(&schema, self.attempt) {
            "object" => self.object(&schema, label, depth),
            "array" => self.array(&schema, label, depth),
            "string" => Value::from(sample::text(&schema, label, &mut self.random)),
            "integer" => sample::number(&schema, true, &mut self.random),
            "number" => sample::number(&schema, false, &mut self.random),
            "boolean" => Value::Bool(self.random.below(2) == 1),
            _ => Value::Null,
        }
    }

    /// A value that the schema itself writes.
    fn given(&mut self, schema: &Schema) -> Option<Value> {
        if let Some(value) = schema.get("const") {
            return Some(value.clone());
        }
        if let Some(Value::Array(values)) = schema.get("enum") {
            return self.random.pick(values).cloned();
        }
        if self.attempt > 0 {
            return None;
        }
        let examples = schema.get("examples").and_then(Value::as_array);
        examples.and_then(|values| values.first()).or_else(|| schema.get("default")).cloned()
    }

    /// The schema with its references and alternatives written out at its top.
    fn flat(&mut self, schema: &Value, depth: usize) -> Schema {
        let Value::Object(map) = schema else { return Schema::new() };
        let mut flat = map.clone();
        if depth > DEPTH_MAX {
            return flat;
        }
        if let Some(Value::String(reference)) = flat.remove("$ref")
            && let Some(target) = resolve(self.root, &reference)
        {
            let target = self.flat(target, depth + 1);
            merge(&mut flat, target);
        }
        if let Some(Value::Array(all)) = flat.remove("allOf") {
            for part in &all {
                let part = self.flat(part, depth + 1);
                merge(&mut flat, part);
            }
        }
        for keyword in ["oneOf", "anyOf"] {
            if let Some(Value::Array(options)) = flat.remove(keyword)
                && let Some(option) = self.random.pick(&options)
            {
                let option = self.flat(option, depth + 1);
                merge(&mut flat, option);
            }
        }
        flat
    }

    fn object(&mut self, schema: &Schema, label: &str, depth: usize) -> Value {
        let none = Schema::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required = names(schema);
        let mut object = Schema::new();
        for (name, property) in properties {
            let wanted = required.contains(&name.as_str()) || depth < OPTIONAL_DEPTH_MAX;
            if wanted && *property != Value::Bool(false) {
                object.insert(name.clone(), self.value(property, name, depth + 1));
            }
        }
        for name in required {
            if !object.contains_key(name) {
                let value = self.additional(schema, name, depth);
                object.insert(name.to_owned(), value);
            }
        }
        self.entries(schema, &mut object, label, depth);
        Value::Object(object)
    }

    /// A property that only `additionalProperties` or nothing describes.
    fn additional(&mut self, schema: &Schema, name: &str, depth: usize) -> Value {
        match schema.get("additionalProperties") {
            Some(rest @ Value::Object(_)) => self.value(rest, name, depth + 1),
            _ => Value::from(sample::text(&Schema::new(), name, &mut self.random)),
        }
    }

    /// The entries of a map: one, or as many as it needs.
    fn entries(&mut self, schema: &Schema, object: &mut Schema, label: &str, depth: usize) {
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        let pattern = patterns.and_then(|patterns| patterns.iter().next());
        let is_map = schema.get("additionalProperties").is_some_and(Value::is_object);
        let open = schema.get("additionalProperties") != Some(&Value::Bool(false));
        let least = schema.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let one = u64::from(object.is_empty() && (is_map || pattern.is_some()));
        let shallow = depth < OPTIONAL_DEPTH_MAX;
        let wanted = if shallow { least.max(one) } else { least }.min(COUNT_MAX);
        for at in 1..=wanted.saturating_mul(2) {
            if object.len() as u64 >= wanted {
                break;
            }
            if let Some((pattern, value)) = pattern {
                let key = sample::matching(pattern, &mut self.random).unwrap_or_default();
                object.insert(key, self.value(value, label, depth + 1));
            } else if open {
                let key = format!("mock-{at}");
                object.insert(key, self.additional(schema, label, depth));
            }
        }
    }

    fn array(&mut self, schema: &Schema, label: &str, depth: usize) -> Value {
        let one = u64::from(depth < OPTIONAL_DEPTH_MAX);
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0).max(one);
        let most = schema.get("maxItems").and_then(Value::as_u64).unwrap_or(COUNT_MAX);
        let prefix = schema.get("prefixItems").and_then(Value::as_array);
        let mut items: Vec<Value> =
            prefix.into_iter().flatten().map(|item| self.value(item, label, depth + 1)).collect();
        if let Some(contained) = schema.get("contains") {
            items.push(self.value(contained, label, depth + 1));
        }
        let rest = schema.get("items").unwrap_or(&Value::Bool(true));
        let unique = schema.get("uniqueItems") == Some(&Value::Bool(true));
        let wanted = least.min(most).min(COUNT_MAX);
        for _ in 0..wanted.saturating_mul(4) {
            if items.len() as u64 >= wanted || *rest == Value::Bool(false) {
                break;
            }
            let item = self.value(rest, label, depth + 1);
            if !unique || !items.contains(&item) {
                items.push(item);
            }
        }
        items.truncate(usize::try_from(most).unwrap_or(usize::MAX));
        Value::Array(items)
    }
}

fn names(schema: &Schema) -> Vec<&str> {
    let required = schema.get("required").and_then(Value::as_array);
    required.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The type to build: a written one that is not null, else what the keywords are about.
fn kind(schema: &Schema, attempt: u64) -> &str {
    const HINTS: [(&str, &[&str]); 4] = [
        (
            "object",
            &[
                "properties",
                "required",
                "additionalProperties",
                "patternProperties",
                "minProperties",
            ],
        ),
        ("array", &["items", "prefixItems", "minItems", "contains", "uniqueItems"]),
        ("string", &["minLength", "maxLength", "pattern", "format"]),
        ("number", &["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"]),
    ];
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            let mut kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.sort_by_key(|kind| *kind == "null");
            let turn = usize::try_from(attempt).unwrap_or(0) % kinds.len().max(1);
            kinds.get(turn).copied().unwrap_or("null")
        }
        _ => HINTS
            .iter()
            .find(|(_, keywords)| keywords.iter().any(|keyword| schema.contains_key(*keyword)))
            .map_or("null", |(kind, _)| *kind),
    }
}

/// Adds what another schema asks for of the same value.
fn merge(schema: &mut Schema, other: Schema) {
    for (keyword, value) in other {
        let merged = match schema.remove(&keyword) {
            None => value,
            Some(mine) => merge_keyword(&keyword, mine, value),
        };
        schema.insert(keyword, merged);
    }
}

fn merge_keyword(keyword: &str, mine: Value, other: Value) -> Value {
    match (keyword, mine, other) {
        (
            "properties" | "patternProperties" | "$defs",
            Value::Object(mut mine),
            Value::Object(other),
        ) => {
            for (name, property) in other {
                let both = match mine.remove(&name) {
                    None => property,
                    Some(before) => both(before, property),
                };
                mine.insert(name, both);
            }
            Value::Object(mine)
        }
        ("items" | "additionalProperties" | "contains", mine, other) => both(mine, other),
        ("required", Value::Array(mut mine), Value::Array(other)) => {
            mine.extend(other);
            Value::Array(mine)
        }
        ("enum", Value::Array(mine), Value::Array(other)) => {
            mine.into_iter().filter(|value| other.contains(value)).collect()
        }
        ("type", mine, other) => merge_types(mine, other),
        (
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties",
            mine,
            other,
        ) => {
            if mine.as_f64() >= other.as_f64() {
                mine
            } else {
                other
            }
        }
        (
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties",
            mine,
            other,
        ) => {
            if mine.as_f64() <= other.as_f64() {
                mine
            } else {
                other
            }
        }
        (_, mine, _) => mine,
    }
}

fn both(mine: Value, other: Value) -> Value {
    let all = Value::Array(vec![mine, other]);
    Value::Object(Schema::from_iter([("allOf".to_owned(), all)]))
}

/// The types that both allow; `integer` is a `number`.
fn merge_types(mine: Value, other: Value) -> Value {
    let list = |value: Value| match value {
        Value::Array(kinds) => kinds,
        kind => vec![kind],
    };
    let (mine, other) = (list(mine), list(other));
    let narrower = |kind: &Value| {
        if other.contains(kind) {
            return Some(kind.clone());
        }
        match kind.as_str() {
            Some("number") if other.contains(&Value::from("integer")) => Some("integer".into()),
            Some("integer") if other.contains(&Value::from("number")) => Some("integer".into()),
            _ => None,
        }
    };
    mine.iter().filter_map(narrower).collect()
}
