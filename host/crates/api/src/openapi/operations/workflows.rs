//! Workflows.

use serde_json::json;
use wforge_engine::WorkflowInfo;
use wforge_view::Drawing;

use super::Operation;
use crate::codes;
use crate::openapi::shape::Shape;
use crate::resource::PageQuery;
use crate::workflow_views::{GraphQuery, Schemas};
use crate::workflows::{RegisterQuery, Registered, ShowQuery, Shown, Validated};

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

const FILES: [&str; 4] =
    ["application/yaml", "application/json", "application/x-yaml", "text/yaml"];

pub(super) fn operations() -> Vec<Operation> {
    let mut all = written();
    all.extend(read());
    all
}

fn version() -> Shape {
    Shape::resource::<WorkflowInfo>("WorkflowVersion", "workflow")
}

fn written() -> Vec<Operation> {
    vec![
        Operation::post("/v1/workflows", "registerWorkflow", "Registers a workflow")
            .about("The body is its file. Every problem of it is told at once, with its line.")
            .query::<RegisterQuery>(&[("file", json!("greet.yaml"))])
            .text(&FILES, GREET)
            .gives(
                201,
                "It can be run by its name.",
                Shape::resource::<Registered>("RegisteredWorkflow", "workflow"),
            )
            .refuses(&[&codes::WORKFLOW]),
        Operation::post(
            "/v1/workflows/validate",
            "validateWorkflow",
            "Says every problem of a workflow file, and keeps nothing",
        )
        .query::<RegisterQuery>(&[("file", json!("greet.yaml"))])
        .text(&FILES, GREET)
        .gives(200, "Whether it could be registered, and what is wrong.", Shape::of::<Validated>())
        .refuses(&[&codes::MALFORMED]),
    ]
}

fn read() -> Vec<Operation> {
    let which = [("version", json!("1.0.0"))];
    vec![
        Operation::get("/v1/workflows", "listWorkflows", "Lists the registered workflows")
            .query::<PageQuery>(&[])
            .pages("Every version, by name.", version()),
        Operation::get("/v1/workflows/{name}", "showWorkflow", "Shows a workflow")
            .query::<ShowQuery>(&which)
            .gives(
                200,
                "That version, or the newest.",
                Shape::resource::<Shown>("Workflow", "workflow"),
            )
            .tagged(),
        Operation::get(
            "/v1/workflows/{name}/versions",
            "listWorkflowVersions",
            "Lists the registered versions of a workflow, the newest first",
        )
        .query::<PageQuery>(&[("limit", json!(20))])
        .pages("Its versions.", version()),
        Operation::get("/v1/workflows/{name}/graph", "drawWorkflow", "Draws a workflow")
            .about("As nodes and edges, or as a text that draws them.")
            .query::<GraphQuery>(&[("version", json!("1.0.0")), ("format", json!("json"))])
            .gives(200, "The drawing.", Shape::of::<Drawing>())
            .or_as(&["text/plain", "text/vnd.graphviz", "image/svg+xml"])
            .tagged(),
        Operation::get(
            "/v1/workflows/{name}/schemas",
            "showSchemas",
            "Shows the JSON Schemas of input, output, state and answers",
        )
        .query::<ShowQuery>(&which)
        .gives(200, "The schemas.", Shape::resource::<Schemas>("WorkflowSchemas", "schemas"))
        .tagged(),
    ]
}
