//! `tools`: other agents and MCP servers. Request of a call: `{"name", "input", "options"}`;
//! answer: the tool's. Request of the list: `{}`; answer: `[{"name", "description",
//! "input_schema", "output_schema"}]`.

use serde::Deserialize;
use serde_json::json;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Value};

use super::{Wit, answer, answers, typed};
use crate::bindings::workflowforge::plugin::tools::{Host, Request, Tool};
use crate::guest::state::Guest;

impl Host for Guest {
    async fn list(&mut self) -> wasmtime::Result<Wit<Vec<Tool>>> {
        let result = self.perform(Operation::ToolsList, Ok(json!({}))).await?;
        Ok(answer(Operation::ToolsList, result, |value| {
            let tools: Vec<ToolAnswer> = typed(value)?;
            Some(tools.into_iter().map(Tool::from).collect())
        }))
    }

    async fn call(&mut self, requests: Vec<Request>) -> wasmtime::Result<Wit<Vec<Wit<String>>>> {
        let elements = requests.iter().map(|request| element(self, request)).collect();
        let results = self.perform_all(Operation::ToolsCall, elements).await?;
        Ok(answers(Operation::ToolsCall, results, |value| Some(value.to_string())))
    }
}

fn element(guest: &Guest, request: &Request) -> Result<Value, Failure> {
    Ok(json!({
        "name": request.name,
        "input": guest.argument("input", &request.input)?,
        "options": guest.argument("options", &request.options)?,
    }))
}

#[derive(Deserialize)]
struct ToolAnswer {
    name: String,
    description: String,
    input_schema: Value,
    output_schema: Value,
}

impl From<ToolAnswer> for Tool {
    fn from(tool: ToolAnswer) -> Self {
        Self {
            name: tool.name,
            description: tool.description,
            input_schema: tool.input_schema.to_string(),
            output_schema: tool.output_schema.to_string(),
        }
    }
}
