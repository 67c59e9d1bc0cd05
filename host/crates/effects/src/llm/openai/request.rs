//! A question as chat completions have it.

use serde_json::json;
use wforge_model::{Failure, Object, Value};

use super::super::config::MaxTokensField;
use super::super::files::{File, Files, base64};
use super::super::models::Asking;
use super::super::request::own_part;
use super::super::request::{Message, Part, Request, Role, Tool, ToolCall, ToolResult};
use super::{Openai, REFUSAL};

/// The options that a request may set.
const OPTIONS: [&str; 10] = [
    "frequency_penalty",
    "logit_bias",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning_effort",
    "seed",
    "stop",
    "tool_choice",
    "top_p",
    "verbosity",
];

pub(super) fn body(openai: &Openai, asking: &Asking<'_>) -> Result<Value, Failure> {
    let request = asking.request;
    let mut body = request.options("openai", &OPTIONS)?;
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", Value::from(openai.model.as_str()));
    set("messages", Value::Array(messages(request, asking.files)?));
    let most = match openai.max_tokens_field {
        MaxTokensField::MaxTokens => "max_tokens",
        MaxTokensField::MaxCompletionTokens => "max_completion_tokens",
    };
    set(most, Value::from(asking.max_tokens));
    if let Some(temperature) = request.temperature {
        set("temperature", Value::from(temperature));
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    if let Some(schema) = &request.response_schema {
        let format = json!({ "name": "answer", "schema": schema });
        set("response_format", json!({ "type": "json_schema", "json_schema": format }));
    }
    if asking.deltas.are_wanted() {
        set("stream", Value::Bool(true));
        set("stream_options", json!({ "include_usage": true }));
    }
    Ok(Value::Object(body))
}

fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
        },
    })
}

fn messages(request: &Request, files: &Files) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    for message in &request.messages {
        add(message, files, &mut all)?;
    }
    Ok(all)
}

/// Each result of a tool is a message of its own, before what else its message says.
fn add(message: &Message, files: &Files, all: &mut Vec<Value>) -> Result<(), Failure> {
    let (mut content, mut calls) = (Vec::new(), Vec::new());
    for part in &message.parts {
        match part {
            Part::Text { text } => content.push(json!({ "type": "text", "text": text })),
            Part::Other { value } => content.push(own_part(value, &[REFUSAL])?.clone()),
            Part::ToolCall(call) => calls.push(tool_call(call)),
            Part::ToolResult(result) => all.push(tool_result(result)),
            Part::Blob { blob } => content.push(file(&files.get(blob)?)),
        }
    }
    if content.is_empty() && calls.is_empty() {
        return Ok(());
    }
    let mut said = Object::new();
    said.insert("role".to_owned(), Value::from(role(message.role)));
    said.insert("content".to_owned(), plain(content));
    if !calls.is_empty() {
        said.insert("tool_calls".to_owned(), Value::Array(calls));
    }
    all.push(Value::Object(said));
    Ok(())
}

fn file(file: &File<'_>) -> Value {
    match file {
        File::Text(text) => json!({ "type": "text", "text": text }),
        File::Image { media_type, bytes } => {
            let url = format!("data:{media_type};base64,{}", base64(bytes));
            json!({ "type": "image_url", "image_url": { "url": url } })
        }
    }
}

/// One text is written as text: not every server knows lists.
fn plain(content: Vec<Value>) -> Value {
    match content.as_slice() {
        [] => Value::Null,
        [only] => only.get("text").cloned().unwrap_or(Value::Array(content)),
        _ => Value::Array(content),
    }
}

const fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    }
}

fn tool_call(call: &ToolCall) -> Value {
    let arguments = call.arguments.to_string();
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": arguments },
    })
}

/// There is no field for a tool that failed, so its answer says it.
fn tool_result(result: &ToolResult) -> Value {
    let content = match (&result.content, result.is_error) {
        (content, true) => json!({ "error": content }).to_string(),
        (Value::String(text), false) => text.clone(),
        (content, false) => content.to_string(),
    };
    json!({ "role": "tool", "tool_call_id": result.id, "content": content })
}
