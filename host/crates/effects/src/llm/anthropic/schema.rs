//! A schema as the server can hold an answer to it: objects must be closed, and bounds are words.
//! What it leaves open is checked when the answer is there.

use serde_json::json;
use wforge_model::{Object, Value};

/// Bounds that the server does not know; the description says them instead.
const BOUNDS: [&str; 13] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "pattern",
];
/// Keywords with a schema inside.
const ONE: [&str; 1] = ["items"];
/// Keywords with a list or a map of schemas inside.
const MANY: [&str; 6] = ["properties", "$defs", "definitions", "anyOf", "allOf", "oneOf"];

pub(super) fn supported(schema: &Value) -> Value {
    let Value::Object(schema) = schema else { return schema.clone() };
    let (bounds, mut rest): (Object, Object) =
        schema.clone().into_iter().partition(|(keyword, _)| BOUNDS.contains(&keyword.as_str()));
    if rest.get("type").is_some_and(|kind| kind == "object") {
        rest.entry("additionalProperties").or_insert(Value::Bool(false));
    }
    for keyword in ONE {
        if let Some(inner) = rest.get_mut(keyword) {
            *inner = supported(inner);
        }
    }
    for keyword in MANY {
        match rest.get_mut(keyword) {
            Some(Value::Array(inner)) => inner.iter_mut().for_each(|s| *s = supported(s)),
            Some(Value::Object(inner)) => inner.values_mut().for_each(|s| *s = supported(s)),
            _ => {}
        }
    }
    if !bounds.is_empty() {
        let known = rest.get("description").and_then(Value::as_str).unwrap_or_default();
        let words = format!("{known} Must fit {}.", json!(bounds));
        rest.insert("description".to_owned(), Value::from(words.trim_start()));
    }
    Value::Object(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_closed_and_bounds_are_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "minimum": { "type": "integer", "minimum": 1, "description": "How many." },
                "list": { "type": "array", "items": { "type": "object" }, "minItems": 2 },
                "open": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "$defs": { "word": { "type": "string", "pattern": "^a" } },
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "minimum": {
                    "type": "integer",
                    "description": "How many. Must fit {\"minimum\":1}.",
                },
                "list": {
                    "type": "array",
                    "items": { "type": "object", "additionalProperties": false },
                    "description": "Must fit {\"minItems\":2}.",
                },
                "open": { "type": "object", "additionalProperties": { "type": "string" } },
            },
            "$defs": {
                "word": { "type": "string", "description": "Must fit {\"pattern\":\"^a\"}." },
            },
            "additionalProperties": false,
        });
        assert_eq!(supported(&schema), expected);
        assert_eq!(supported(&json!(true)), json!(true));
    }
}
