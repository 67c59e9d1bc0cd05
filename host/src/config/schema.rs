//! The JSON Schema of `wforge.toml`, for editors: made of the table of keys.

use serde_json::{Map, Value, json};

use super::key::Key;
use super::keys::KEYS;

/// The schema.
pub(crate) fn schema() -> Value {
    let mut root = table();
    for key in KEYS {
        insert(&mut root, key);
    }
    if let Some(fields) = root.as_object_mut() {
        fields.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        fields.insert("title".into(), "wforge.toml".into());
    }
    root
}

fn table() -> Value {
    json!({ "type": "object", "additionalProperties": false, "properties": {} })
}

fn insert(root: &mut Value, key: &Key) {
    let mut here = root;
    let mut names = key.name.split('.').peekable();
    while let Some(name) = names.next() {
        let Some(properties) = here.get_mut("properties").and_then(Value::as_object_mut) else {
            return;
        };
        if names.peek().is_none() {
            properties.insert(name.to_owned(), leaf(key));
            return;
        }
        here = properties.entry(name).or_insert_with(table);
    }
}

fn leaf(key: &Key) -> Value {
    let mut leaf = match (key.schema)() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let docs: Vec<&str> = key.docs.iter().map(|line| line.trim()).collect();
    leaf.insert("description".into(), docs.join(" ").into());
    if let Some(default) = key.default.and_then(default_of) {
        leaf.insert("default".into(), default);
    }
    Value::Object(leaf)
}

fn default_of(toml_text: &str) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {toml_text}")).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_in_docs_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/wforge.schema.json");
        let text = serde_json::to_string_pretty(&schema()).unwrap();
        expect_test::expect_file![path].assert_eq(&format!("{text}\n"));
    }

    #[test]
    fn every_key_is_in_the_schema_with_its_type() {
        for key in KEYS {
            let pointer = format!("/properties/{}", key.name.replace('.', "/properties/"));
            let leaf = schema().pointer(&pointer).cloned().unwrap_or_default();
            let typed = leaf.get("type").is_some() || leaf.get("enum").is_some();
            assert!(typed && leaf["description"].is_string(), "{}", key.name);
        }
    }
}
