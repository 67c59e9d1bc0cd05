//! `llm`: language models. Request: `{"model", "messages": [{"role", "parts"}], "tools",
//! "response_schema", "max_tokens", "temperature", "stream_to", "options"}`; a part is an object
//! with `type` (`text`, `blob`, `tool_call`, `tool_result`, `other`) and what belongs to it.
//! Answer: `{"message", "finish", "usage": {"input_tokens", "output_tokens"}, "model", "extra"}`.

use serde::Deserialize;
use serde_json::{Map, json};
use wforge_model::effect::Operation;
use wforge_model::{Failure, Problem, Value};

use super::{Wit, answers, blob, typed};
use crate::bindings::workflowforge::plugin::llm::{
    Host, Message, Part, Request, Response, Tool, ToolCall, ToolResult, Usage,
};
use crate::guest::state::Guest;

impl Host for Guest {
    async fn complete(
        &mut self,
        requests: Vec<Request>,
    ) -> wasmtime::Result<Wit<Vec<Wit<Response>>>> {
        let elements = requests.iter().map(|request| element(self, request)).collect();
        let results = self.perform_all(Operation::LlmComplete, elements).await?;
        Ok(answers(Operation::LlmComplete, results, response))
    }
}

fn element(guest: &Guest, request: &Request) -> Result<Value, Failure> {
    if request.temperature.is_some_and(|temperature| !temperature.is_finite()) {
        let problem = Problem::new("bad_temperature", "the temperature must be finite");
        return Err(Failure::InvalidInput(problem));
    }
    let messages: Result<Vec<Value>, Failure> =
        request.messages.iter().map(|message| message_to_json(guest, message)).collect();
    let tools: Result<Vec<Value>, Failure> =
        request.tools.iter().map(|tool| tool_to_json(guest, tool)).collect();
    Ok(json!({
        "model": request.model,
        "messages": messages?,
        "tools": tools?,
        "response_schema": guest.optional("response-schema", request.response_schema.as_deref())?,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream_to": request.stream_to,
        "options": guest.argument("options", &request.options)?,
    }))
}

fn message_to_json(guest: &Guest, message: &Message) -> Result<Value, Failure> {
    let parts: Result<Vec<Value>, Failure> =
        message.parts.iter().map(|part| part_to_json(guest, part)).collect();
    Ok(json!({ "role": message.role, "parts": parts? }))
}

fn tool_to_json(guest: &Guest, tool: &Tool) -> Result<Value, Failure> {
    Ok(json!({
        "name": tool.name,
        "description": tool.description,
        "parameters": guest.argument("parameters", &tool.parameters)?,
    }))
}

fn part_to_json(guest: &Guest, part: &Part) -> Result<Value, Failure> {
    Ok(match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Blob(reference) => {
            json!({ "type": "blob", "blob": blob::to_json(guest, reference)? })
        }
        Part::ToolCall(call) => json!({
            "type": "tool_call",
            "id": call.id,
            "name": call.name,
            "arguments": guest.argument("arguments", &call.arguments)?,
        }),
        Part::ToolResult(result) => json!({
            "type": "tool_result",
            "id": result.id,
            "content": guest.argument("content", &result.content)?,
            "is_error": result.is_error,
        }),
        Part::Other(value) => json!({ "type": "other", "value": guest.argument("part", value)? }),
    })
}

#[derive(Deserialize)]
struct ResponseAnswer {
    message: MessageAnswer,
    finish: String,
    usage: UsageAnswer,
    model: String,
    #[serde(default)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
struct MessageAnswer {
    role: String,
    parts: Vec<PartAnswer>,
}

#[derive(Deserialize)]
struct UsageAnswer {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum PartAnswer {
    Text { text: String },
    Blob { blob: Value },
    ToolCall { id: String, name: String, arguments: Value },
    ToolResult { id: String, content: Value, is_error: bool },
    Other { value: Value },
}

fn response(value: Value) -> Option<Response> {
    let answer: ResponseAnswer = typed(value)?;
    let parts: Option<Vec<Part>> = answer.message.parts.into_iter().map(part).collect();
    Some(Response {
        message: Message { role: answer.message.role, parts: parts? },
        finish: answer.finish,
        usage: Usage {
            input_tokens: answer.usage.input_tokens,
            output_tokens: answer.usage.output_tokens,
            extra: Value::Object(answer.usage.extra).to_string(),
        },
        model: answer.model,
        extra: Value::Object(answer.extra).to_string(),
    })
}

fn part(answer: PartAnswer) -> Option<Part> {
    Some(match answer {
        PartAnswer::Text { text } => Part::Text(text),
        PartAnswer::Blob { blob } => Part::Blob(blob::from_json(&blob)?),
        PartAnswer::ToolCall { id, name, arguments } => {
            Part::ToolCall(ToolCall { id, name, arguments: arguments.to_string() })
        }
        PartAnswer::ToolResult { id, content, is_error } => {
            Part::ToolResult(ToolResult { id, content: content.to_string(), is_error })
        }
        PartAnswer::Other { value } => Part::Other(value.to_string()),
    })
}
