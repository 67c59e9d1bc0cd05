//! What an author writes as the answer of a model, in the form that the contract has.

use serde_json::json;
use wforge_model::{Object, Value};

/// A text is what the model says; `{text, tool_calls}` what it says and wants called; `{message}`
/// the whole answer; any other JSON is said as JSON.
pub(super) fn of_model(model: &str, answer: &Value) -> Value {
    let given = |field: &str| answer.get(field).cloned();
    if let Some(message) = given("message") {
        return response(model, &message, answer);
    }
    let calls = given("tool_calls");
    let is_said = given("text").is_some() || calls.is_some();
    let text = if is_said { given("text") } else { Some(answer.clone()) };
    let mut parts: Vec<Value> = text.iter().map(text_part).collect();
    let calls = calls.as_ref().and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    parts.extend(calls.iter().enumerate().map(|(place, call)| tool_call(place, call)));
    let message = json!({ "role": "assistant", "parts": parts });
    let said = if is_said { answer } else { &Value::Null };
    response(model, &message, said)
}

fn response(model: &str, message: &Value, given: &Value) -> Value {
    let calls = message.pointer("/parts").and_then(Value::as_array).is_some_and(|parts| {
        parts.iter().any(|part| part.get("type").is_some_and(|kind| kind == "tool_call"))
    });
    let finish = if calls { "tool_calls" } else { "stop" };
    let field = |name: &str, default: Value| given.get(name).cloned().unwrap_or(default);
    let usage = given.get("usage");
    let tokens = |name: &str| usage.and_then(|usage| usage.get(name)?.as_u64()).unwrap_or(0);
    json!({
        "message": message,
        "finish": field("finish", json!(finish)),
        "usage": {
            "input_tokens": tokens("input_tokens"),
            "output_tokens": tokens("output_tokens"),
        },
        "model": field("model", json!(model)),
        "extra": field("extra", Value::Object(Object::new())),
    })
}

fn text_part(text: &Value) -> Value {
    json!({ "type": "text", "text": super::as_text(text) })
}

fn tool_call(place: usize, call: &Value) -> Value {
    let id = call.get("id").cloned().unwrap_or_else(|| json!(format!("call-{}", place + 1)));
    json!({
        "type": "tool_call",
        "id": id,
        "name": call.get("name").cloned().unwrap_or_default(),
        "arguments": call.get("arguments").cloned().unwrap_or_else(|| json!({})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(answer: &Value) -> Value {
        of_model("m", answer)["message"]["parts"].clone()
    }

    #[test]
    fn a_text_is_said_and_other_json_is_said_as_json() {
        assert_eq!(parts(&json!("hi")), json!([{ "type": "text", "text": "hi" }]));
        assert_eq!(parts(&json!({ "n": 1 })), json!([{ "type": "text", "text": "{\"n\":1}" }]));
    }

    #[test]
    fn tools_are_called_with_ids_and_end_the_answer() {
        let answer = of_model("m", &json!({ "tool_calls": [{ "name": "t" }] }));
        assert_eq!(answer["finish"], "tool_calls");
        assert_eq!(
            answer["message"]["parts"],
            json!([{ "type": "tool_call", "id": "call-1", "name": "t", "arguments": {} }])
        );
    }
}
