//! JSON Schemas as `plugin.toml` gives them: inline, or the path of a JSON file beside it.
//!
//! Whether a schema means something is the host's to check at installation; here it must be JSON
//! and must not send anybody elsewhere.

use std::path::Path;

use fs_err as fs;
use serde_json::Value;

/// The schema itself. Without one, everything fits.
pub(crate) fn load(folder: &Path, written: Option<Value>) -> Result<Value, String> {
    let schema = match written {
        None => Value::Object(serde_json::Map::new()),
        Some(Value::String(path)) => from_file(&folder.join(path))?,
        Some(inline) => inline,
    };
    if !schema.is_object() && !schema.is_boolean() {
        return Err("write an object, or the path of a JSON file that holds one".to_owned());
    }
    match foreign_reference(&schema) {
        Some(target) => Err(format!(
            "\"$ref\": \"{target}\" leaves the file: put it under $defs and write \"#/$defs/…\""
        )),
        None => Ok(schema),
    }
}

fn from_file(path: &Path) -> Result<Value, String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The first `$ref` that does not point into the schema itself.
fn foreign_reference(schema: &Value) -> Option<&str> {
    match schema {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.filter(|target| !target.starts_with('#'))
                .or_else(|| fields.values().find_map(foreign_reference))
        }
        Value::Array(items) => items.iter().find_map(foreign_reference),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}
