//! JSON Schemas for models' answers, by the library that checks workflows.

use wforge_model::Value;

/// The functions of `wforge-spec` behind their port.
#[derive(Debug, Default)]
pub(crate) struct Schemas(wforge_spec::Schemas);

impl wforge_ports::Schemas for Schemas {
    fn check(&self, schema: &Value, value: &Value) -> Result<(), Vec<String>> {
        self.0.check(schema, value)
    }

    fn check_schema(&self, schema: &Value) -> Result<(), String> {
        self.0.check_schema(schema)
    }

    fn build(&self, schema: &Value, seed: u64) -> Value {
        self.0.build(schema, seed)
    }
}
