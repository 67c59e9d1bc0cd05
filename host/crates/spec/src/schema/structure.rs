//! What a schema may look like, before it is compiled: its size, its depth, and where its
//! references lead.
//!
//! References stay inside the schema. Those that go round in a circle must pass into a part of the
//! value on the way, else validation would not end; and a circle must not be entered twice from
//! one place, else the time would double with each level of the value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A schema's JSON text.
const BYTES_MAX: usize = 64 << 10;
/// How deep a schema nests.
const DEPTH_MAX: usize = 64;
/// Schemas that apply to one place of a value, references followed.
const APPLIED_MAX: usize = 1_000;
/// Schemas in all, each reference followed once for each of its uses.
const EXPANDED_MAX: usize = 10_000;
/// Patterns, counted in the same way: each becomes a program of its own, which may be a thousand
/// times as large as its text.
const PATTERNS_MAX: usize = 100;
/// As much text of a schema takes the room of a pattern.
const UNIT_BYTES: usize = 4 << 10;

/// Keywords whose value is a schema for the same place.
const SAME_ONE: [&str; 4] = ["not", "if", "then", "else"];
/// Keywords whose value is a list or a map of schemas for the same place.
const SAME_MANY: [&str; 5] = ["allOf", "anyOf", "oneOf", "dependentSchemas", "dependencies"];
/// Keywords whose value is a schema for a part, or a list or a map of those.
const PARTS: [&str; 12] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "contentSchema",
    "extends",
];
/// Keywords that hold schemas for use elsewhere.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// Refuses a schema that could harm; says of another one how much room it takes once it is
/// compiled, where a small one without patterns takes 1.
pub(super) fn check(schema: &Value) -> Result<usize, String> {
    if depth_exceeds(schema, DEPTH_MAX) {
        return Err(format!("the schema nests deeper than {DEPTH_MAX}"));
    }
    let bytes = schema.to_string().len();
    if bytes > BYTES_MAX {
        return Err(format!("the schema has {bytes} bytes, the most is {BYTES_MAX}"));
    }
    let mut walk = Walk::new(schema);
    walk.references(schema)?;
    walk.cyclic = cyclic(schema);
    let mut expanded = 0;
    walk.expand(schema, &mut Vec::new(), &mut expanded)?;
    Ok(1 + bytes / UNIT_BYTES + walk.patterns)
}

/// How many patterns a schema itself has.
fn patterns(schema: &Value) -> usize {
    let of_names = schema.get("patternProperties").and_then(Value::as_object);
    usize::from(schema.get("pattern").is_some()) + of_names.map_or(0, serde_json::Map::len)
}

fn depth_exceeds(value: &Value, depth: usize) -> bool {
    let Some(left) = depth.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| depth_exceeds(item, left)),
        Value::Object(map) => map.values().any(|value| depth_exceeds(value, left)),
        _ => false,
    }
}

/// The schemas directly inside one, by the keywords given.
fn inside<'s>(schema: &'s Value, keywords: &[&str]) -> Vec<&'s Value> {
    let mut found = Vec::new();
    for value in keywords.iter().filter_map(|keyword| schema.get(keyword)) {
        found.push(value);
    }
    found
}

fn same_place(schema: &Value) -> Vec<&Value> {
    let mut found = inside(schema, &SAME_ONE);
    found.extend(inside(schema, &SAME_MANY).into_iter().flat_map(members));
    found
}

fn parts(schema: &Value) -> Vec<&Value> {
    const MAPS: [&str; 2] = ["properties", "patternProperties"];
    PARTS
        .iter()
        .filter_map(|keyword| Some((keyword, schema.get(keyword)?)))
        .flat_map(|(keyword, value)| {
            let many = MAPS.contains(keyword) || value.is_array();
            if many { members(value) } else { vec![value] }
        })
        .collect()
}

fn definitions(schema: &Value) -> Vec<&Value> {
    inside(schema, &DEFINITIONS).into_iter().flat_map(members).collect()
}

fn members(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// The schema that a `$ref` names.
pub(super) fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(&reference.strip_prefix('#')?.replace("%25", "%"))
}

/// The references below `schema`, itself included, each with what it leads to.
fn references_below<'s>(root: &'s Value, schema: &'s Value) -> BTreeMap<&'s str, &'s Value> {
    let mut found = BTreeMap::new();
    let mut open = vec![schema];
    while let Some(schema) = open.pop() {
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some((name, target)) = reference.and_then(|name| Some((name, resolve(root, name)?)))
        {
            found.insert(name, target);
        }
        open.extend(same_place(schema).into_iter().chain(parts(schema)).chain(definitions(schema)));
    }
    found
}

/// The references that lead back to themselves.
fn cyclic(root: &Value) -> BTreeSet<&str> {
    let all = references_below(root, root);
    let next: BTreeMap<&str, BTreeMap<&str, &Value>> =
        all.iter().map(|(name, target)| (*name, references_below(root, target))).collect();
    all.keys().copied().filter(|name| reaches(name, &next)).collect()
}

fn reaches(name: &str, next: &BTreeMap<&str, BTreeMap<&str, &Value>>) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![name];
    while let Some(from) = open.pop() {
        for to in next.get(from).into_iter().flat_map(BTreeMap::keys) {
            if *to == name {
                return true;
            }
            if seen.insert(*to) {
                open.push(to);
            }
        }
    }
    false
}

struct Walk<'s> {
    root: &'s Value,
    /// References that lead back to themselves.
    cyclic: BTreeSet<&'s str>,
    /// What a reference applies to one place, once it is known.
    applied: BTreeMap<&'s str, Applied>,
    patterns: usize,
}

/// What a schema applies to one place of a value.
#[derive(Debug, Clone, Copy, Default)]
struct Applied {
    schemas: usize,
    /// References into circles.
    cyclic: usize,
}

impl<'s> Walk<'s> {
    const fn new(root: &'s Value) -> Self {
        Self { root, cyclic: BTreeSet::new(), applied: BTreeMap::new(), patterns: 0 }
    }

    /// Every reference leads to a place inside.
    fn references(&self, schema: &'s Value) -> Result<(), String> {
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if schema.get(keyword).is_some() {
                return Err(format!("{keyword} is not supported; write $ref"));
            }
        }
        if let Some(reference) = schema.get("$ref") {
            let text = reference.as_str().unwrap_or_default();
            if resolve(self.root, text).is_none() {
                return Err(format!(
                    "$ref {reference} leads nowhere inside the schema; write it as #/$defs/name"
                ));
            }
        }
        if !std::ptr::eq(schema, self.root) && schema.get("$id").is_some() {
            return Err("$id is supported at the top of a schema only".to_owned());
        }
        let all = same_place(schema).into_iter().chain(parts(schema)).chain(definitions(schema));
        all.into_iter().try_for_each(|inner| self.references(inner))
    }

    fn reference(&self, schema: &'s Value) -> Option<(&'s str, &'s Value)> {
        let reference = schema.get("$ref")?.as_str()?;
        Some((reference, resolve(self.root, reference)?))
    }

    /// Goes through what validation goes through, each circle once.
    fn expand(
        &mut self,
        schema: &'s Value,
        way: &mut Vec<&'s str>,
        expanded: &mut usize,
    ) -> Result<(), String> {
        *expanded += 1;
        if *expanded > EXPANDED_MAX {
            return Err(format!("the schema expands to more than {EXPANDED_MAX} schemas"));
        }
        self.patterns += patterns(schema);
        if self.patterns > PATTERNS_MAX {
            return Err(format!("the schema has more than {PATTERNS_MAX} patterns"));
        }
        self.check_applied(schema)?;
        if let Some((name, target)) = self.reference(schema)
            && !way.contains(&name)
        {
            way.push(name);
            self.expand(target, way, expanded)?;
            way.pop();
        }
        for inner in same_place(schema).into_iter().chain(parts(schema)) {
            self.expand(inner, way, expanded)?;
        }
        Ok(())
    }

    fn check_applied(&mut self, schema: &'s Value) -> Result<(), String> {
        let applied = self.applied(schema, &mut Vec::new())?;
        if applied.schemas > APPLIED_MAX {
            let most = format!("more than {APPLIED_MAX} schemas apply to one place of a value");
            return Err(most);
        }
        if applied.cyclic > 1 {
            return Err(
                "two references apply recursion to the same place, so checking could take \
                        exponential time; keep one of them"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn applied(&mut self, schema: &'s Value, way: &mut Vec<&'s str>) -> Result<Applied, String> {
        let mut sum = Applied { schemas: 1, cyclic: 0 };
        let mut add = |more: Applied| {
            sum.schemas = sum.schemas.saturating_add(more.schemas);
            sum.cyclic = sum.cyclic.saturating_add(more.cyclic);
        };
        if let Some((name, target)) = self.reference(schema) {
            if way.contains(&name) {
                return Err(format!("$ref {name} leads back to itself without entering a part"));
            }
            let known = self.applied.get(name).copied();
            let mut inner = match known {
                Some(known) => known,
                None => {
                    way.push(name);
                    let inner = self.applied(target, way)?;
                    way.pop();
                    self.applied.insert(name, inner);
                    inner
                }
            };
            inner.cyclic = inner.cyclic.max(usize::from(self.cyclic.contains(name)));
            add(inner);
        }
        for inner in same_place(schema) {
            add(self.applied(inner, way)?);
        }
        Ok(sum)
    }
}
