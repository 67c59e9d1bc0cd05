//! Workflows.

use serde_json::json;
use wforge_engine::WorkflowInfo;

use super::Operation;
use crate::codes;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::workflows::{RegisterQuery, Registered, ShowQuery, Shown};

/// The workflow of the examples: it asks a person, and says what they answered.
const GREET: &str = "apiVersion: workflowforge/v1
name: greet
version: 1.0.0
state: { name: {}, word: {}, greeting: {} }
input: [name]
output: [greeting]
nodes:
  ask: { ask: { prompt: \"How do we greet {{ state.name }}?\", schema: { type: string } }, out: { word: result } }
  greet: { set: { greeting: \"state.word + ', ' + state.name\" } }
edges:
  - { from: START, to: ask }
  - { from: ask, to: greet }
";

pub(super) fn operations() -> Vec<Operation> {
    let files = ["application/yaml", "application/json", "application/x-yaml", "text/yaml"];
    vec![
        Operation::get("/v1/workflows", "listWorkflows", "Lists the registered workflows")
            .query::<PageQuery>(&[])
            .pages(
                "Every version, by name.",
                Shape::resource::<WorkflowInfo>("WorkflowVersion", "workflow"),
            ),
        Operation::post("/v1/workflows", "registerWorkflow", "Registers a workflow")
            .about("The body is its file. Every problem of it is told at once, with its line.")
            .query::<RegisterQuery>(&[("file", json!("greet.yaml"))])
            .text(&files, GREET)
            .gives(
                201,
                "It can be run by its name.",
                Shape::resource::<Registered>("RegisteredWorkflow", "workflow"),
            )
            .refuses(&[&codes::WORKFLOW]),
        Operation::get("/v1/workflows/{name}", "showWorkflow", "Shows a workflow")
            .query::<ShowQuery>(&[("version", json!("1.0.0"))])
            .gives(
                200,
                "That version, or the newest.",
                Shape::resource::<Shown>("Workflow", "workflow"),
            ),
    ]
}
