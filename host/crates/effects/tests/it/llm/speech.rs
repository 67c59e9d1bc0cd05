//! What a sensible server answers: it repeats the last text, calls the first tool that it is
//! offered, and streams where that is asked for.

use serde_json::{Value, json};

use super::provider::{Seen, Step, json_reply, stream};

pub(crate) fn answer(seen: &Seen) -> Vec<Step> {
    let is_openai = seen.path.ends_with("/chat/completions");
    match (is_openai, seen.body["stream"] == true) {
        (true, false) => json_reply(&completion(&seen.body)),
        (true, true) => stream(&completion_events(&seen.body)),
        (false, false) => json_reply(&message(&seen.body)),
        (false, true) => stream(&message_events(&seen.body)),
    }
}

fn said(body: &Value) -> String {
    let last = body["messages"].as_array().unwrap().last().unwrap();
    let text = match &last["content"] {
        Value::String(text) => text.clone(),
        parts => {
            let shown = parts[0].get("text").or(parts[0].get("content"));
            shown.map_or_else(|| "nothing".to_owned(), ToString::to_string)
        }
    };
    format!("you said {text}")
}

/// Whether a tool is to be called: one is there and none has answered.
fn tool(body: &Value) -> Option<String> {
    let tool = body["tools"].get(0)?;
    let name = tool.get("name").unwrap_or(&tool["function"]["name"]).as_str()?;
    let is_answered = body["messages"].to_string().contains("tool_call_id")
        || body["messages"].to_string().contains("tool_use_id");
    (!is_answered).then(|| name.to_owned())
}

fn completion(body: &Value) -> Value {
    let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18 });
    let (message, finish) = match tool(body) {
        Some(name) => {
            let function = json!({ "name": name, "arguments": "{\"x\": 1}" });
            let call = json!({ "id": "call_1", "type": "function", "function": function });
            (json!({ "role": "assistant", "content": null, "tool_calls": [call] }), "tool_calls")
        }
        None => (json!({ "role": "assistant", "content": said(body) }), "stop"),
    };
    let choice = json!({ "index": 0, "message": message, "finish_reason": finish });
    json!({ "id": "c", "object": "chat.completion", "choices": [choice], "usage": usage })
}

fn completion_events(body: &Value) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({ "index": 0, "delta": delta, "finish_reason": finish });
        json!({ "object": "chat.completion.chunk", "choices": [choice] }).to_string()
    };
    let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), Value::Null)];
    let finish = match tool(body) {
        Some(name) => {
            let call = |value: Value| chunk(json!({ "tool_calls": [value] }), Value::Null);
            let function = json!({ "name": name, "arguments": "" });
            events.push(call(json!({ "index": 0, "id": "call_1", "function": function })));
            for piece in ["{\"x\"", ": 1}"] {
                events.push(call(json!({ "index": 0, "function": { "arguments": piece } })));
            }
            "tool_calls"
        }
        None => {
            let text = said(body);
            let words = text.split_inclusive(' ');
            events.extend(words.map(|word| chunk(json!({ "content": word }), Value::Null)));
            "stop"
        }
    };
    events.push(chunk(json!({}), json!(finish)));
    if body["stream_options"]["include_usage"] == true {
        let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7 });
        events.push(json!({ "choices": [], "usage": usage }).to_string());
    }
    events.push("[DONE]".to_owned());
    events
}

fn message(body: &Value) -> Value {
    let (block, stop) = match tool(body) {
        Some(name) => {
            let block =
                json!({ "type": "tool_use", "id": "tu_1", "name": name, "input": { "x": 1 } });
            (block, "tool_use")
        }
        None => (json!({ "type": "text", "text": said(body) }), "end_turn"),
    };
    let usage = json!({ "input_tokens": 11, "output_tokens": 7 });
    json!({
        "id": "m", "type": "message", "role": "assistant", "content": [block],
        "stop_reason": stop, "usage": usage,
    })
}

fn message_events(body: &Value) -> Vec<String> {
    let whole = message(body);
    let (block, stop) = (&whole["content"][0], &whole["stop_reason"]);
    let start = json!({ "usage": { "input_tokens": 11, "output_tokens": 1 }, "content": [] });
    let mut events =
        vec![json!({ "type": "message_start", "message": start }), json!({ "type": "ping" })];
    let (empty, pieces): (Value, Vec<Value>) = match block["text"].as_str() {
        Some(text) => (
            json!({ "type": "text", "text": "" }),
            text.split_inclusive(' ')
                .map(|word| json!({ "type": "text_delta", "text": word }))
                .collect(),
        ),
        None => (
            json!({ "type": "tool_use", "id": "tu_1", "name": block["name"], "input": {} }),
            ["", "{\"x\"", ": 1}"]
                .map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }))
                .to_vec(),
        ),
    };
    events.push(json!({ "type": "content_block_start", "index": 0, "content_block": empty }));
    events.extend(
        pieces
            .into_iter()
            .map(|delta| json!({ "type": "content_block_delta", "index": 0, "delta": delta })),
    );
    events.push(json!({ "type": "content_block_stop", "index": 0 }));
    let usage = json!({ "output_tokens": 7 });
    events.push(json!({
        "type": "message_delta", "delta": { "stop_reason": stop }, "usage": usage,
    }));
    events.push(json!({ "type": "message_stop" }));
    events.iter().map(Value::to_string).collect()
}
