//! `human`: questions to people. Request: `{"prompt", "schema", "deadline_ms", "assignee",
//! "options"}`, null where absent; answer: the person's.

use serde_json::json;
use wforge_model::effect::Operation;
use wforge_model::{Failure, Value};

use super::{Wit, answers};
use crate::bindings::workflowforge::plugin::human::{Host, Request};
use crate::guest::state::Guest;

impl Host for Guest {
    async fn ask(&mut self, requests: Vec<Request>) -> wasmtime::Result<Wit<Vec<Wit<String>>>> {
        let elements = requests.iter().map(|request| element(self, request)).collect();
        let results = self.perform_all(Operation::HumanAsk, elements).await?;
        Ok(answers(Operation::HumanAsk, results, |value| Some(value.to_string())))
    }
}

fn element(guest: &Guest, request: &Request) -> Result<Value, Failure> {
    Ok(json!({
        "prompt": request.prompt,
        "schema": guest.optional("schema", request.schema.as_deref())?,
        "deadline_ms": request.deadline_ms,
        "assignee": request.assignee,
        "options": guest.argument("options", &request.options)?,
    }))
}
