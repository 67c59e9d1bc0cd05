//! What a person types, as the JSON that a schema wants: `approve=yes` for `{approve: boolean}`.

use serde_json::{Map, Value};

use super::structure::resolve;

/// Text that cannot be read as what the schema wants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoerceError {
    /// The type is another one.
    #[error("\"{text}\" is no {wanted}")]
    WrongType {
        /// What was typed.
        text: String,
        /// What the schema wants.
        wanted: String,
    },
    /// An object with several required properties cannot be filled by one word.
    #[error("\"{text}\" does not say which property it is; write JSON such as {example}")]
    NeedsObject {
        /// What was typed.
        text: String,
        /// JSON of the form that is wanted.
        example: String,
    },
}

/// Reads text by a schema. JSON of the wanted type is taken as it is; `yes` and `no` are booleans;
/// a scalar fills an object's only required property, and so does `property=scalar`; without a
/// type in the schema, JSON is read as JSON and everything else is text.
///
/// Whether the value fits the schema in full is not checked here.
///
/// # Errors
/// The type that was wanted.
pub fn coerce(text: &str, schema: &Value) -> Result<Value, CoerceError> {
    let schema = followed(schema, schema);
    let kinds = kinds(schema);
    let json: Option<Value> = serde_json::from_str(text).ok();
    if kinds.is_empty() {
        return Ok(json.unwrap_or_else(|| Value::from(text)));
    }
    // Text wins over JSON for a string, so that `--answer name=12` stays text.
    kinds.iter().find_map(|kind| scalar(text, json.as_ref(), kind)).map_or_else(
        || if kinds.contains(&"object") { fill(text, schema) } else { Err(wrong(text, &kinds)) },
        Ok,
    )
}

fn followed<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let reference = schema.get("$ref").and_then(Value::as_str);
    reference.and_then(|reference| resolve(root, reference)).unwrap_or(schema)
}

fn kinds(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => {
            // Text takes anything, so it is tried last.
            let mut kinds: Vec<&str> = kinds.iter().filter_map(Value::as_str).collect();
            kinds.sort_by_key(|kind| *kind == "string");
            kinds
        }
        _ if schema.get("properties").is_some() => vec!["object"],
        _ => schema.get("enum").and_then(Value::as_array).map_or_else(Vec::new, |values| {
            if values.iter().all(Value::is_string) { vec!["string"] } else { Vec::new() }
        }),
    }
}

fn scalar(text: &str, json: Option<&Value>, kind: &str) -> Option<Value> {
    let trimmed = text.trim();
    match kind {
        "string" => Some(match json {
            Some(Value::String(quoted)) => Value::from(quoted.as_str()),
            _ => Value::from(text),
        }),
        "boolean" => match trimmed.to_ascii_lowercase().as_str() {
            "yes" | "y" | "true" | "on" => Some(Value::Bool(true)),
            "no" | "n" | "false" | "off" => Some(Value::Bool(false)),
            _ => None,
        },
        "integer" => json.filter(|value| value.is_i64() || value.is_u64()).cloned(),
        "number" => json.filter(|value| value.is_number()).cloned(),
        "null" => json.filter(|value| value.is_null()).cloned(),
        "array" => json.filter(|value| value.is_array()).cloned(),
        "object" => json.filter(|value| value.is_object()).cloned(),
        _ => None,
    }
}

/// One property of an object from a word or from `property=word`.
fn fill(text: &str, schema: &Value) -> Result<Value, CoerceError> {
    let required = schema.get("required").and_then(Value::as_array);
    let names: Vec<&str> = required.into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some((name, value)) = text.split_once('=')
        && let Some(property) = properties.and_then(|properties| properties.get(name.trim()))
    {
        return Ok(object(name.trim(), coerce_inside(value, property, schema)?));
    }
    let [name] = names.as_slice() else { return Err(needs_object(text, &names)) };
    let any = Value::Bool(true);
    let property = properties.and_then(|properties| properties.get(*name)).unwrap_or(&any);
    Ok(object(name, coerce_inside(text, property, schema)?))
}

fn coerce_inside(text: &str, property: &Value, root: &Value) -> Result<Value, CoerceError> {
    coerce(text, followed(root, property))
}

fn object(name: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), value)]))
}

fn wrong(text: &str, kinds: &[&str]) -> CoerceError {
    CoerceError::WrongType { text: text.to_owned(), wanted: kinds.join(" or ") }
}

fn needs_object(text: &str, names: &[&str]) -> CoerceError {
    let fields: Vec<String> = names.iter().map(|name| format!("\"{name}\": …")).collect();
    let example = format!("{{{}}}", fields.join(", "));
    CoerceError::NeedsObject { text: text.to_owned(), example }
}
