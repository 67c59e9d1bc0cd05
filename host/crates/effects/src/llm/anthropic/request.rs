//! A question as the messages interface has it.

use serde_json::json;
use wforge_model::{Failure, Value};

use super::super::files::{File, Files, base64};
use super::super::models::Asking;
use super::super::request::{Message, Part, Request, Role, Tool, own_part};
use super::{Anthropic, THOUGHTS, schema};

/// The options that a request may set. Thoughts count as tokens of the answer.
const OPTIONS: [&str; 5] = ["stop_sequences", "thinking", "tool_choice", "top_k", "top_p"];

pub(super) fn body(anthropic: &Anthropic, asking: &Asking<'_>) -> Result<Value, Failure> {
    let request = asking.request;
    let mut body = request.options("anthropic", &OPTIONS)?;
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", Value::from(anthropic.model.as_str()));
    set("messages", Value::Array(messages(request, asking.files)?));
    set("max_tokens", Value::from(asking.max_tokens));
    if let Some(system) = request.system() {
        set("system", Value::from(system));
    }
    if let Some(temperature) = request.temperature {
        set("temperature", Value::from(temperature));
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    if let Some(asked) = &request.response_schema {
        let format = json!({ "type": "json_schema", "schema": schema::supported(asked) });
        set("output_config", json!({ "format": format }));
    }
    if asking.deltas.are_wanted() {
        set("stream", Value::Bool(true));
    }
    Ok(Value::Object(body))
}

fn tool(tool: &Tool) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.parameters,
    })
}

/// Messages of one role in a row become one: all results of tools must stand in the one message
/// after their calls.
fn messages(request: &Request, files: &Files) -> Result<Vec<Value>, Failure> {
    let mut turns: Vec<(&'static str, Vec<Value>)> = Vec::new();
    for message in request.messages.iter().filter(|message| message.role != Role::System) {
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let blocks = blocks(message, files)?;
        match turns.last_mut().filter(|(last, _)| *last == role) {
            Some((_, known)) => known.extend(blocks),
            None if blocks.is_empty() => {}
            None => turns.push((role, blocks)),
        }
    }
    let turn = |(role, content)| json!({ "role": role, "content": Value::Array(content) });
    Ok(turns.into_iter().map(turn).collect())
}

fn blocks(message: &Message, files: &Files) -> Result<Vec<Value>, Failure> {
    let mut blocks = Vec::new();
    for part in &message.parts {
        blocks.push(match part {
            // The server refuses empty blocks.
            Part::Text { text } if text.is_empty() => continue,
            Part::Text { text } => json!({ "type": "text", "text": text }),
            Part::Other { value } => own_part(value, &THOUGHTS)?.clone(),
            Part::ToolCall(call) => json!({
                "type": "tool_use",
                "id": call.id,
                "name": call.name,
                "input": call.arguments,
            }),
            Part::ToolResult(result) => json!({
                "type": "tool_result",
                "tool_use_id": result.id,
                "content": text(&result.content),
                "is_error": result.is_error,
            }),
            Part::Blob { blob } => match files.get(blob)? {
                File::Text("") => continue,
                File::Text(text) => json!({ "type": "text", "text": text }),
                File::Image { media_type, bytes } => image(media_type, bytes),
            },
        });
    }
    Ok(blocks)
}

fn image(media_type: &str, bytes: &[u8]) -> Value {
    let source = json!({ "type": "base64", "media_type": media_type, "data": base64(bytes) });
    json!({ "type": "image", "source": source })
}

fn text(content: &Value) -> String {
    content.as_str().map_or_else(|| content.to_string(), str::to_owned)
}
