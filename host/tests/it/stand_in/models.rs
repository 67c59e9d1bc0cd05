//! A server with OpenAI's chat completions, in one piece or streamed. The model that is asked for
//! chooses what happens: `busy`, `broken`, `cut`, `garbage`, `odd` and `silent` are faults, with
//! `-once` behind it the first time only; any other model answers.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream;
use serde_json::{Value, json};

use super::log::Log;

pub(super) fn routes(log: Log) -> Router {
    Router::new().route("/v1/chat/completions", post(complete)).with_state(log)
}

async fn complete(State(log): State<Log>, headers: HeaderMap, body: Bytes) -> Response {
    let (asked, times) = log.note(&headers, &body);
    let model = asked["model"].as_str().unwrap_or_default();
    let fault = match model.strip_suffix("-once") {
        Some(_) if times > 1 => "none",
        Some(fault) => fault,
        None => model,
    };
    match fault {
        "busy" => {
            let said = Json(json!({ "error": { "message": "slow down" } }));
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")], said).into_response()
        }
        "broken" => {
            let said = Json(json!({ "error": { "message": "the model is on fire" } }));
            (StatusCode::INTERNAL_SERVER_ERROR, said).into_response()
        }
        "cut" => match streamed(&asked) {
            true => cut("text/event-stream", &event(&chunk(&json!({ "content": "half" }), None))),
            false => cut("application/json", "{\"choices\": [{\"message\": "),
        },
        "garbage" => ([(header::CONTENT_TYPE, "application/json")], "{\"cho\0ces").into_response(),
        "odd" => Json(json!({ "choices": [] })).into_response(),
        "silent" => std::future::pending().await,
        _ => answer(&asked),
    }
}

/// A response whose connection breaks in its middle.
pub(super) fn cut(media_type: &'static str, begun: &str) -> Response {
    let begun = Ok(Bytes::from(begun.to_owned()));
    let broken = Err(std::io::Error::other("pulled out"));
    let body = Body::from_stream(stream::iter([begun, broken]));
    ([(header::CONTENT_TYPE, media_type)], body).into_response()
}

fn streamed(asked: &Value) -> bool {
    asked["stream"] == true
}

fn answer(asked: &Value) -> Response {
    let message = message(asked);
    let finish = if message.get("tool_calls").is_some() { "tool_calls" } else { "stop" };
    let usage = json!({ "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 });
    if streamed(asked) {
        return in_pieces(&message, finish, &usage);
    }
    Json(json!({
        "id": "c-1", "object": "chat.completion", "model": asked["model"], "usage": usage,
        "choices": [{ "index": 0, "finish_reason": finish, "message": message }],
    }))
    .into_response()
}

/// A word an event, then the end and what it cost.
fn in_pieces(message: &Value, finish: &str, usage: &Value) -> Response {
    let words = message["content"].as_str().unwrap_or_default().split_inclusive(' ');
    let mut pieces: Vec<Value> =
        words.map(|word| chunk(&json!({ "content": word }), None)).collect();
    if let Some(calls) = message.get("tool_calls") {
        pieces.push(chunk(&json!({ "tool_calls": calls }), None));
    }
    pieces.push(chunk(&json!({}), Some(finish)));
    pieces.push(json!({ "choices": [], "usage": usage }));
    let mut text: String = pieces.iter().map(event).collect();
    text.push_str("data: [DONE]\n\n");
    ([(header::CONTENT_TYPE, "text/event-stream")], text).into_response()
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "object": "chat.completion.chunk",
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// The same message to the same conversation, as no model would.
fn message(asked: &Value) -> Value {
    let last = asked["messages"].as_array().and_then(|messages| messages.last());
    let last = last.cloned().unwrap_or_default();
    let words = last["content"].as_str().unwrap_or_default();
    let said = |text: String| json!({ "role": "assistant", "content": text });
    if asked["model"] == "reviewer" {
        return reviewed(&last, words);
    }
    if last["role"] == "tool" {
        return said(format!("the tool said {words}"));
    }
    if let Some(call) = wanted_call(words) {
        return call;
    }
    if let Some(schema) = asked.pointer("/response_format/json_schema/schema") {
        return said(instance(schema).to_string());
    }
    said(format!("answer {:08x}", crc32c::crc32c(asked["messages"].to_string().as_bytes())))
}

/// Words such as `call NAME {"text": "x"}` make it call that tool.
fn wanted_call(words: &str) -> Option<Value> {
    let (_, after) = words.split_once("call ")?;
    let (name, arguments) = after.split_once(' ')?;
    let mut read = serde_json::Deserializer::from_str(arguments).into_iter::<Value>();
    Some(calls(name, &read.next()?.ok()?))
}

fn calls(name: &str, arguments: &Value) -> Value {
    let function = json!({ "name": name, "arguments": arguments.to_string() });
    let call = json!({ "index": 0, "id": "call-1", "type": "function", "function": function });
    json!({ "role": "assistant", "content": null, "tool_calls": [call] })
}

/// Searches the folder once for what a claim is about, and believes it where there is a hit.
fn reviewed(last: &Value, words: &str) -> Value {
    let read: Value = serde_json::from_str(words).unwrap_or_default();
    if last["role"] != "tool" {
        return calls("search", &json!({ "kind": "word", "text": read["subjects"][0] }));
    }
    let hit = read["hits"][0]["number"].as_u64();
    let verdict = match hit {
        Some(number) => {
            json!({ "verdict": "proven", "evidence": [number], "why": "a stand-in found it" })
        }
        None => json!({ "verdict": "unknown", "evidence": [], "why": "a stand-in found nothing" }),
    };
    json!({ "role": "assistant", "content": verdict.to_string() })
}

/// The smallest value that fits a plain schema.
fn instance(schema: &Value) -> Value {
    if let Some(first) = schema.pointer("/enum/0") {
        return first.clone();
    }
    match schema["type"].as_str() {
        Some("object") => {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let names = required.iter().filter_map(Value::as_str);
            names.map(|name| (name.to_owned(), instance(&schema["properties"][name]))).collect()
        }
        Some("string") => "text".into(),
        Some("integer" | "number") => 1.into(),
        Some("boolean") => true.into(),
        Some("array") => json!([]),
        _ => Value::Null,
    }
}
