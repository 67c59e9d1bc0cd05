//! Chat completions: what is sent, and what is made of what comes back.

use std::sync::Arc;

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use tokio::sync::Notify;
use wforge_effects::llm::Delta;

use super::provider::{Step, event, json_reply, stream, stream_end, stream_head};
use super::stage::{KEY, Stage, question, says, search, stage, tell, with, with_result};

const MODEL: &str = r#"
[[model]]
name = "fast"
provider = "openai"
base_url = "{url}"
model = "gpt-test"
api_key_variable = "KEY"
max_tokens_default = 100
"#;

async fn sent(request: Value, expected: Expect) {
    let stage = stage(MODEL).await;
    stage.ask(&request).await.unwrap();
    expected.assert_eq(&stage.only_body());
}

#[tokio::test]
async fn a_text_is_sent_as_text() {
    sent(
        says("hello"),
        expect![[r#"
        max_tokens: 100
        - {"content":"hello","role":"user"}
        model: "gpt-test"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn settings_and_options_are_sent() {
    let settings = json!({
        "max_tokens": 7, "temperature": 0.5,
        "options": { "openai": { "seed": 4, "stop": ["x"] }, "anthropic": { "top_k": 3 } },
    });
    sent(
        with(says("hello"), settings),
        expect![[r#"
        max_tokens: 7
        - {"content":"hello","role":"user"}
        model: "gpt-test"
        seed: 4
        stop: ["x"]
        temperature: 0.5
    "#]],
    )
    .await;
}

#[tokio::test]
async fn tools_and_their_results_are_sent() {
    sent(with_result(&json!({ "found": [1, 2] }), false), expect![[r#"
        max_tokens: 100
        - {"content":"look it up","role":"user"}
        - {"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"x\":1}","name":"search"},"id":"call_1","type":"function"}]}
        - {"content":"{\"found\":[1,2]}","role":"tool","tool_call_id":"call_1"}
        model: "gpt-test"
        tools: [{"function":{"description":"Finds things.","name":"search","parameters":{"properties":{"x":{"type":"integer"}},"required":["x"],"type":"object"}},"type":"function"}]
    "#]]).await;
}

#[tokio::test]
async fn several_parts_and_results_keep_their_order() {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let call = |id: &str| json!({ "type": "tool_call", "id": id, "name": "t", "arguments": {} });
    let result = |id: &str, content: Value, is_error: bool| {
        let kind = "tool_result";
        json!({ "type": kind, "id": id, "content": content, "is_error": is_error })
    };
    let refusal = json!({ "type": "other", "value": { "type": "refusal", "refusal": "no" } });
    let messages = json!([
        { "role": "system", "parts": [text("be brief")] },
        { "role": "user", "parts": [text("one"), text("two")] },
        { "role": "assistant", "parts": [text("let me see"), call("a"), call("b")] },
        { "role": "user", "parts": [
            result("a", json!("plain"), false), result("b", json!("lost"), true), text("go on"),
        ] },
        { "role": "assistant", "parts": [refusal] },
        { "role": "user", "parts": [text("then?")] },
    ]);
    sent(question(messages), expect![[r#"
        max_tokens: 100
        - {"content":"be brief","role":"system"}
        - {"content":[{"text":"one","type":"text"},{"text":"two","type":"text"}],"role":"user"}
        - {"content":"let me see","role":"assistant","tool_calls":[{"function":{"arguments":"{}","name":"t"},"id":"a","type":"function"},{"function":{"arguments":"{}","name":"t"},"id":"b","type":"function"}]}
        - {"content":"plain","role":"tool","tool_call_id":"a"}
        - {"content":"{\"error\":\"lost\"}","role":"tool","tool_call_id":"b"}
        - {"content":"go on","role":"user"}
        - {"content":[{"refusal":"no","type":"refusal"}],"role":"assistant"}
        - {"content":"then?","role":"user"}
        model: "gpt-test"
    "#]]).await;
}

#[tokio::test]
async fn a_schema_is_sent_and_streams_say_their_usage() {
    let stage = stage(MODEL).await;
    let schema = json!({ "type": "string" });
    let request = with(says("hello"), json!({ "response_schema": schema, "stream_to": "answer" }));
    let failure = stage.ask(&request).await.unwrap_err();
    // This server answers with plain text whatever the schema says.
    assert_eq!(failure.code(), "bad_answer");
    expect![[r#"
        max_tokens: 100
        - {"content":"hello","role":"user"}
        model: "gpt-test"
        response_format: {"json_schema":{"name":"answer","schema":{"type":"string"}},"type":"json_schema"}
        stream: true
        stream_options: {"include_usage":true}
    "#]].assert_eq(&stage.only_body());
    assert_eq!(stage.tokens.told(), "held 168, used 18 of 168", "what was used was used");
}

#[tokio::test]
async fn key_and_idempotency_key_are_headers() {
    let stage = stage(MODEL).await;
    stage.ask(&says("hello")).await.unwrap();
    let seen = stage.provider.seen();
    let header = |name: &str| seen[0].headers.get(name).map(String::as_str);
    assert_eq!(seen[0].path, "/v1/chat/completions");
    assert_eq!(header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(header("idempotency-key"), Some("key-of-it"));
    assert_eq!(header("content-type"), Some("application/json"));
    assert!(!format!("{:?}", stage.models).contains(KEY));
}

#[tokio::test]
async fn reasoning_models_get_another_name_for_the_longest_answer() {
    let model = format!("{MODEL}max_tokens_field = \"max_completion_tokens\"\n");
    let stage = stage(&model).await;
    stage.ask(&says("hello")).await.unwrap();
    let body = &stage.provider.seen()[0].body;
    assert_eq!((&body["max_completion_tokens"], &body["max_tokens"]), (&json!(100), &Value::Null));
}

async fn answers(reply: Vec<Step>, expected: Expect) -> Stage {
    let stage = stage(MODEL).await;
    stage.provider.next(reply);
    expected.assert_eq(&stage.told(&with(says("?"), json!({ "stream_to": "answer" }))).await);
    stage
}

#[tokio::test]
async fn an_answer_is_text_tool_calls_or_both() {
    let stage = stage(MODEL).await;
    assert_eq!(stage.told(&says("hello")).await, "fast: \"you said hello\" [stop, 11+7]");
    let offered = with(says("hello"), json!({ "tools": [search()] }));
    assert_eq!(stage.told(&offered).await, "fast: call_1 search({\"x\":1}) [tool_calls, 11+7]");
    assert_eq!(stage.deltas(), "", "nobody asked for them");
}

#[tokio::test]
async fn a_streamed_answer_is_the_same_and_its_deltas_are_numbered() {
    let stage = stage(MODEL).await;
    let hello = with(says("hello"), json!({ "stream_to": "answer" }));
    assert_eq!(stage.told(&hello).await, "fast: \"you said hello\" [stop, 11+7]");
    assert_eq!(stage.deltas(), r#"0 "you ", 1 "said ", 2 "hello""#);
    let offered = with(hello, json!({ "tools": [search()] }));
    assert_eq!(stage.told(&offered).await, "fast: call_1 search({\"x\":1}) [tool_calls, 11+7]");
}

#[tokio::test]
async fn deltas_arrive_before_the_answer_is_whole() {
    let stage = stage(MODEL).await;
    let gate = Arc::new(Notify::new());
    let chunk = |text: &str| json!({ "choices": [{ "delta": { "content": text } }] }).to_string();
    // The rest is sent once the first delta was seen.
    stage.provider.next(vec![
        stream_head(),
        event(&chunk("first ")),
        Step::Wait(Arc::clone(&gate)),
        event(&chunk("second")),
        event("[DONE]"),
        stream_end(),
    ]);
    let request = with(says("?"), json!({ "stream_to": "answer" }));
    let go_on = |delta: Delta| {
        if delta.n == 0 {
            gate.notify_one();
        }
    };
    let told = tell(&stage.ask_watching(&request, &go_on).await);
    assert!(told.starts_with("fast: \"first second\" [stop, "), "{told}");
}

#[tokio::test]
async fn usage_that_is_not_said_is_estimated() {
    let choice = json!({ "message": { "content": "hello" }, "finish_reason": "stop" });
    answers(
        json_reply(&json!({ "choices": [choice] })),
        expect![[r#"fast: "hello" [stop, 63+11 {"estimated":true}]"#]],
    )
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_stream_gives_one_delta() {
    let choice = json!({ "message": { "content": "all at once" }, "finish_reason": "length" });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 2 });
    let body = json!({ "choices": [choice], "usage": usage });
    let stage = answers(json_reply(&body), expect![[r#"fast: "all at once" [length, 1+2]"#]]).await;
    assert_eq!(stage.deltas(), r#"0 "all at once""#);
}

#[tokio::test]
async fn a_refusal_is_a_part_of_its_own() {
    let message = json!({ "content": null, "refusal": "I will not" });
    let choice = json!({ "message": message, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": 1, "completion_tokens": 2 });
    answers(json_reply(&json!({ "choices": [choice], "usage": usage })), expect![[r#"fast: {"type":"other","value":{"refusal":"I will not","type":"refusal"}} [stop, 1+2]"#]]).await;
}

#[tokio::test]
async fn tool_calls_side_by_side_are_put_together() {
    let call =
        |value: Value| json!({ "choices": [{ "delta": { "tool_calls": [value] } }] }).to_string();
    let end = json!({
        "choices": [{ "delta": {}, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2 },
    });
    let events = [
        call(json!({ "index": 0, "id": "a", "function": { "name": "one", "arguments": "" } })),
        call(json!({ "index": 1, "function": { "name": "two", "arguments": "{\"k\":" } })),
        call(json!({ "index": 1, "function": { "arguments": "[1]}" } })),
        end.to_string(),
    ];
    answers(
        stream(&events),
        expect![[r#"fast: a one({}) | call_1 two({"k":[1]}) [tool_calls, 1+2]"#]],
    )
    .await;
}
