//! The messages interface: what is sent, and what is made of what comes back.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::provider::{Step, json_reply, stream};
use super::stage::{KEY, Stage, question, says, search, stage, with, with_result};

const MODEL: &str = r#"
[[model]]
name = "fast"
provider = "anthropic"
base_url = "{url}"
model = "claude-test"
api_key_variable = "KEY"
max_tokens_default = 100
"#;

async fn sent(request: Value, expected: Expect) {
    let stage = stage(MODEL).await;
    stage.ask(&request).await.unwrap();
    expected.assert_eq(&stage.only_body());
}

#[tokio::test]
async fn the_systems_texts_stand_apart() {
    let text = |text: &str| json!([{ "type": "text", "text": text }]);
    let messages = json!([
        { "role": "system", "parts": text("be brief") },
        { "role": "user", "parts": text("hello") },
        { "role": "system", "parts": text("and kind") },
    ]);
    sent(
        question(messages),
        expect![[r#"
        max_tokens: 100
        - {"content":[{"text":"hello","type":"text"}],"role":"user"}
        model: "claude-test"
        system: "be brief\n\nand kind"
    "#]],
    )
    .await;
}

#[tokio::test]
async fn settings_and_options_are_sent() {
    let settings = json!({
        "max_tokens": 7, "temperature": 0.5,
        "options": { "openai": { "seed": 4 }, "anthropic": { "top_k": 3 } },
    });
    sent(
        with(says("hello"), settings),
        expect![[r#"
        max_tokens: 7
        - {"content":[{"text":"hello","type":"text"}],"role":"user"}
        model: "claude-test"
        temperature: 0.5
        top_k: 3
    "#]],
    )
    .await;
}

#[tokio::test]
async fn tools_and_their_results_are_sent() {
    sent(with_result(&json!({ "found": [1, 2] }), true), expect![[r#"
        max_tokens: 100
        - {"content":[{"text":"look it up","type":"text"}],"role":"user"}
        - {"content":[{"id":"call_1","input":{"x":1},"name":"search","type":"tool_use"}],"role":"assistant"}
        - {"content":[{"content":"{\"found\":[1,2]}","is_error":true,"tool_use_id":"call_1","type":"tool_result"}],"role":"user"}
        model: "claude-test"
        tools: [{"description":"Finds things.","input_schema":{"properties":{"x":{"type":"integer"}},"required":["x"],"type":"object"},"name":"search"}]
    "#]]).await;
}

#[tokio::test]
async fn results_in_a_row_become_one_message() {
    let text = |text: &str| json!({ "type": "text", "text": text });
    let call = |id: &str| json!({ "type": "tool_call", "id": id, "name": "t", "arguments": {} });
    let result = |id: &str| json!({ "type": "tool_result", "id": id, "content": "ok" });
    let thought = json!({ "type": "thinking", "thinking": "hm", "signature": "s" });
    let messages = json!([
        { "role": "user", "parts": [text("go")] },
        { "role": "assistant", "parts": [
            { "type": "other", "value": thought }, text(""), call("a"), call("b"),
        ] },
        { "role": "tool", "parts": [result("a")] },
        { "role": "tool", "parts": [result("b")] },
        { "role": "user", "parts": [text("and?")] },
    ]);
    sent(question(messages), expect![[r#"
        max_tokens: 100
        - {"content":[{"text":"go","type":"text"}],"role":"user"}
        - {"content":[{"signature":"s","thinking":"hm","type":"thinking"},{"id":"a","input":{},"name":"t","type":"tool_use"},{"id":"b","input":{},"name":"t","type":"tool_use"}],"role":"assistant"}
        - {"content":[{"content":"ok","is_error":false,"tool_use_id":"a","type":"tool_result"},{"content":"ok","is_error":false,"tool_use_id":"b","type":"tool_result"},{"text":"and?","type":"text"}],"role":"user"}
        model: "claude-test"
    "#]]).await;
}

#[tokio::test]
async fn a_schema_is_sent_as_the_server_can_hold_an_answer_to_it() {
    let stage = stage(MODEL).await;
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer",
        "minimum": 1 } } });
    let request = with(says("hello"), json!({ "response_schema": schema, "stream_to": "answer" }));
    assert_eq!(stage.ask(&request).await.unwrap_err().code(), "bad_answer");
    expect![[r#"
        max_tokens: 100
        - {"content":[{"text":"hello","type":"text"}],"role":"user"}
        model: "claude-test"
        output_config: {"format":{"schema":{"additionalProperties":false,"properties":{"n":{"description":"Must fit {\"minimum\":1}.","type":"integer"}},"type":"object"},"type":"json_schema"}}
        stream: true
    "#]].assert_eq(&stage.only_body());
}

#[tokio::test]
async fn key_version_and_idempotency_key_are_headers() {
    let stage = stage(MODEL).await;
    stage.ask(&says("hello")).await.unwrap();
    let seen = stage.provider.seen();
    let header = |name: &str| seen[0].headers.get(name).map(String::as_str);
    assert_eq!(seen[0].path, "/v1/messages");
    assert_eq!(header("x-api-key"), Some(KEY));
    assert_eq!(header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(header("idempotency-key"), Some("key-of-it"));
    assert_eq!(header("authorization"), None);
}

async fn answers(reply: Vec<Step>, expected: Expect) -> Stage {
    let stage = stage(MODEL).await;
    stage.provider.next(reply);
    expected.assert_eq(&stage.told(&with(says("?"), json!({ "stream_to": "answer" }))).await);
    stage
}

#[tokio::test]
async fn an_answer_is_the_same_in_one_piece_and_in_many() {
    let stage = stage(MODEL).await;
    let offered = with(says("hello"), json!({ "tools": [search()] }));
    let (text, call) = (
        "fast: \"you said \\\"hello\\\"\" [stop, 11+7]",
        "fast: tu_1 search({\"x\":1}) [tool_calls, 11+7]",
    );
    assert_eq!(stage.told(&says("hello")).await, text);
    assert_eq!(stage.told(&offered).await, call);
    assert_eq!(stage.deltas(), "");
    let streamed = json!({ "stream_to": "answer" });
    assert_eq!(stage.told(&with(says("hello"), streamed.clone())).await, text);
    assert_eq!(stage.told(&with(offered, streamed)).await, call);
    assert_eq!(stage.deltas(), r#"0 "you ", 1 "said ", 2 "\"hello\"""#);
}

#[tokio::test]
async fn thoughts_are_kept_and_are_no_deltas() {
    let at = |index: u32, kind: &str, field: &str, value: Value| {
        let mut event = json!({ "type": kind, "index": index });
        event[field] = value;
        event.to_string()
    };
    let block = |index, value| at(index, "content_block_start", "content_block", value);
    let delta = |index, value| at(index, "content_block_delta", "delta", value);
    let end = json!({ "type": "message_delta", "delta": { "stop_reason": "max_tokens" } });
    let events = [
        block(0, json!({ "type": "thinking", "thinking": "", "signature": "" })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "let me " })),
        delta(0, json!({ "type": "thinking_delta", "thinking": "see" })),
        delta(0, json!({ "type": "signature_delta", "signature": "abc" })),
        block(1, json!({ "type": "text", "text": "" })),
        delta(1, json!({ "type": "text_delta", "text": "done" })),
        json!({ "type": "something_new" }).to_string(),
        end.to_string(),
        json!({ "type": "message_stop" }).to_string(),
    ];
    let stage = answers(stream(&events), expect![[r#"fast: {"type":"other","value":{"signature":"abc","thinking":"let me see","type":"thinking"}} | "done" [length, 63+40 {"estimated":true}]"#]]).await;
    assert_eq!(stage.deltas(), r#"0 "done""#);
}

#[tokio::test]
async fn cached_tokens_count_as_read() {
    let usage = json!({
        "input_tokens": 5, "output_tokens": 3, "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 0,
    });
    let body = json!({
        "content": [{ "type": "text", "text": "hi" }], "stop_reason": "stop_sequence",
        "usage": usage,
    });
    answers(
        json_reply(&body),
        expect![[r#"fast: "hi" [stop, 105+3 {"cache_read_input_tokens":100}]"#]],
    )
    .await;
}
