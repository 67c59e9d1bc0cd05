//! How large JSON is, without writing it.

use wforge_model::{Object, Value};

/// About the length of a value as compact JSON, in bytes.
pub(crate) fn json_bytes(value: &Value) -> u64 {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items.iter().map(|item| json_bytes(item) + 1).sum::<u64>() + 2,
        Value::Object(fields) => object_bytes(fields),
    }
}

fn object_bytes(fields: &Object) -> u64 {
    let field =
        |(name, value): (&alloc::string::String, &Value)| name.len() as u64 + 4 + json_bytes(value);
    fields.iter().map(field).sum::<u64>() + 2
}
