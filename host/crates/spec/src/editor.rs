//! The JSON Schema of workflow files, for editors. The parser does not use it: its messages would
//! have no lines and no suggestions. A test holds the two to the same fields.

use serde_json::Value;

/// The schema's text.
pub const WORKFLOW_SCHEMA: &str = include_str!("../schema/workflow.v1.json");

/// The schema as a value.
///
/// # Errors
/// Never for the text that is built in, which a test reads.
pub fn schema_for_editors() -> Result<Value, serde_json::Error> {
    serde_json::from_str(WORKFLOW_SCHEMA)
}
