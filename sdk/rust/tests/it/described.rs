//! What a build hears of the agents.
#![expect(dead_code, reason = "types are looked at here, and no value of them")]

use serde::{Deserialize, Serialize};
use workflowforge_sdk::{Blob, Ctx, Failure, JsonSchema, MockHost, Reply, Value, agents, json};

/// A text to count.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// The text itself.
    text: String,
    #[serde(default)]
    kind: Kind,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    #[default]
    Words,
    Lines,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Settings {
    most: u32,
}

#[derive(Default, Serialize, JsonSchema)]
pub struct Count {
    #[serde(default)]
    found: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(title = "A tree")]
pub struct Tree {
    branches: Vec<Self>,
}

#[derive(Serialize, Deserialize)]
pub struct Unknown {}

#[agents]
pub mod counter {
    use super::*;

    /// Counts what a text
    /// has of it.
    ///
    /// # Errors
    /// Never.
    pub fn count(_ctx: &Ctx, _input: Text, _config: Settings) -> Result<Reply<Count>, Failure> {
        Ok(Reply::new(Count::default()))
    }

    pub fn silent(_ctx: &Ctx, _input: Value) -> Result<Unknown, Failure> {
        Ok(Unknown {})
    }

    pub fn anything(_ctx: &Ctx, _input: Unknown) -> Result<Reply<Value>, Failure> {
        Ok(Reply::new(Value::Null))
    }

    pub fn keep(_ctx: &Ctx, _input: Blob) -> Result<(), Failure> {
        Ok(())
    }

    pub fn grow(_ctx: &Ctx, _input: Vec<String>) -> Result<Tree, Failure> {
        Ok(Tree { branches: Vec::new() })
    }
}

fn described() -> Value {
    let mut call = MockHost::new().ctx().call().clone();
    call.agent = "workflowforge:describe".to_owned();
    let output = __workflowforge_invoke(call).unwrap().output;
    let said: Value = serde_json::from_str(&output).unwrap();
    said.get("agents").unwrap().clone()
}

#[test]
fn an_agent_is_described_by_its_documentation_and_its_types() {
    let number =
        |format: &str| json!({ "type": "integer", "format": format, "minimum": 0, "default": 0 });
    assert_eq!(
        described()["count"],
        json!({
            "description": "Counts what a text has of it.",
            "input": {
                "type": "object",
                "description": "A text to count.",
                "required": ["text"],
                "additionalProperties": false,
                "properties": {
                    "text": { "type": "string", "description": "The text itself." },
                    "kind": { "type": "string", "enum": ["words", "lines"] },
                },
            },
            "output": {
                "type": "object",
                "required": ["found"],
                "properties": { "found": number("uint64") },
            },
            "config": { "type": "object", "properties": { "most": number("uint32") } },
        })
    );
}

#[test]
fn a_blob_is_described_as_it_stands_in_json() {
    let schema = &described()["keep"]["input"];
    assert_eq!(schema["required"], json!(["$blob", "size", "media_type"]));
}

#[test]
fn types_without_a_schema_give_none() {
    assert_eq!(described()["silent"], json!({}));
    assert_eq!(described()["anything"], json!({}));
}

#[test]
fn a_type_that_holds_itself_refers_to_itself_alone() {
    assert_eq!(
        described()["grow"],
        json!({
            "input": { "type": "array", "items": { "type": "string" } },
            "output": {
                "type": "object",
                "title": "A tree",
                "required": ["branches"],
                "properties": { "branches": { "type": "array", "items": { "$ref": "#" } } },
            },
        })
    );
}

#[test]
fn schemas_refer_to_nothing_outside_and_name_no_draft() {
    let text = described().to_string();
    assert!(!text.contains("$schema") && !text.contains("\"title\":\"Text\""), "{text}");
}
