//! The editors' schema and the parser know the same language.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wforge_spec::{Schemas, parse, schema_for_editors};

use crate::language::yaml;

fn schema() -> Value {
    schema_for_editors().expect("the schema is JSON")
}

fn form<'s>(schema: &'s Value, name: &str) -> &'s Value {
    if name == "workflow" { schema } else { &schema["$defs"][name] }
}

#[test]
fn each_field_of_the_parser_is_in_the_schema_and_the_other_way_round() {
    let schema = schema();
    for (name, fields, _) in wforge_spec::parse::fields() {
        let properties = form(&schema, name)["properties"].as_object().expect(name);
        let written: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(written, fields.into_iter().collect(), "{name}");
        assert_eq!(form(&schema, name)["additionalProperties"], json!(false), "{name}");
    }
}

#[test]
fn what_is_not_supported_yet_is_not_offered() {
    let schema = schema();
    for (name, _, later) in wforge_spec::parse::fields() {
        for field in later {
            assert_eq!(form(&schema, name)["properties"].get(field), None, "{name}.{field}");
        }
    }
}

#[test]
fn the_example_fits_the_schema() {
    let text = include_str!("../../../../../examples/brief/workflow.yaml");
    parse("workflow.yaml", text).expect("the parser takes it");
    let value = yaml(text);
    Schemas::new().check(&schema(), &value).expect("the schema takes it");
    let mut wrong = value;
    wrong["nodes"]["digest"]["fallbck"] = json!("mock");
    Schemas::new().check(&schema(), &wrong).expect_err("an unknown field");
}
