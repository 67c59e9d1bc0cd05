//! What servers do wrong, and what comes of it: outcome, waits in milliseconds, requests.

use expect_test::{Expect, expect};
use futures::FutureExt as _;
use serde_json::json;
use wforge_effects::llm::ModelLimits;

use super::provider::{Step, event, json_reply, reply, stream, stream_head};
use super::stage::{KEY, Stage, says, stage, stage_within, with};

const MODELS: &str = r#"
[[model]]
name = "fast"
provider = "openai"
base_url = "{url}"
model = "gpt-test"
api_key_variable = "KEY"
timeout_ms = 5_000
retry_wait_ms_max = 20_000
answer_bytes_max = 10_000

[[model]]
name = "claude"
provider = "anthropic"
base_url = "{url}"
model = "claude-test"
api_key_variable = "KEY"
"#;

async fn told(stage: &Stage, model: &str) -> String {
    let outcome = stage.told(&with(says("hi"), json!({ "model": model, "stream_to": "t" }))).await;
    let requests = stage.provider.seen().len();
    format!("{outcome}\nwaited {:?}, {requests} requests\n", stage.clock.waits())
}

async fn check(replies: Vec<Vec<Step>>, expected: Expect) {
    check_at("fast", replies, expected).await;
}

async fn check_at(model: &str, replies: Vec<Vec<Step>>, expected: Expect) {
    let stage = stage(MODELS).await;
    replies.into_iter().for_each(|steps| stage.provider.next(steps));
    expected.assert_eq(&told(&stage, model).await);
    let seen = stage.provider.seen();
    assert!(seen.iter().all(|seen| seen.headers["idempotency-key"] == "key-of-it"));
}

fn limited(retry_after: &str) -> Vec<Step> {
    let header = format!("retry-after: {retry_after}\r\n");
    reply(429, &header, r#"{"error":{"message":"too fast"}}"#)
}

fn failing(status: u16) -> Vec<Step> {
    reply(status, "", "<html>oops</html>")
}

#[tokio::test]
async fn too_many_requests_wait_as_long_as_the_server_says() {
    check(
        vec![limited("3")],
        expect![[r#"
        fast: "you said hi" [stop, 11+7]
        waited [3000], 2 requests
    "#]],
    )
    .await;
    // NOON is Tue, 14 Nov 2023 22:13:20 GMT.
    check(
        vec![limited("Tue, 14 Nov 2023 22:13:29 GMT")],
        expect![[r#"
        fast: "you said hi" [stop, 11+7]
        waited [9000], 2 requests
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_longer_wait_than_allowed_is_left_to_the_run() {
    check(
        vec![limited("21")],
        expect![[r#"
        upstream (rate_limited)
        the provider answered 429: too fast, retryable after 21000 ms
        waited [], 1 requests
    "#]],
    )
    .await;
}

#[tokio::test]
async fn failures_of_the_server_are_tried_again_with_growing_waits() {
    check(
        vec![failing(500), failing(503)],
        expect![[r#"
        fast: "you said hi" [stop, 11+7]
        waited [352, 540], 3 requests
    "#]],
    )
    .await;
    check(
        vec![failing(500), failing(502), failing(529)],
        expect![[r#"
        upstream (provider_failed)
        the provider answered 529: <html>oops</html>, retryable
        waited [352, 540], 3 requests
    "#]],
    )
    .await;
    check_at(
        "claude",
        vec![failing(529)],
        expect![[r#"
        claude: "you said \"hi\"" [stop, 11+7]
        waited [352], 2 requests
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_the_server_refuses_is_not_tried_again() {
    let said = r#"{"error":{"message":"no such model"}}"#;
    for status in [400, 401, 403, 404, 422] {
        let expected = format!(
            "upstream (provider_refused)\nthe model fast: the provider answered {status}: no such \
             model\nwaited [], 1 requests\n"
        );
        let stage = stage(MODELS).await;
        stage.provider.next(reply(status, "", said));
        assert_eq!(told(&stage, "fast").await, expected);
    }
    let elsewhere = "location: http://127.0.0.1/\r\n";
    check(
        vec![reply(307, elsewhere, "")],
        expect![[r#"
        upstream (provider_refused)
        the provider answered 307
        waited [], 1 requests
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_refusal_never_shows_the_key_and_is_cut() {
    let stage = stage(MODELS).await;
    let long = "very long ".repeat(100);
    let said = format!(
        "Incorrect API key provided: {KEY}, also {}***, and \"{}\". {long}",
        &KEY[..8],
        &KEY[..12]
    );
    stage.provider.next(reply(401, "", &json!({ "error": { "message": said } }).to_string()));
    let told = told(&stage, "fast").await;
    assert!(!told.contains("sk-te"), "{told}");
    assert!(told.contains("provided: [key], also [key] and \"[key]\". very long"), "{told}");
    assert!(told.len() < 650, "{}", told.len());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again() {
    let stage = stage(&MODELS.replace("{url}", "http://127.0.0.1:1/v1")).await;
    expect![[r#"
        upstream (unreachable)
        127.0.0.1 cannot be reached: connection refused, retryable
        waited [352, 540], 0 requests
    "#]]
    .assert_eq(&told(&stage, "fast").await);
}

#[tokio::test]
async fn a_slow_server_is_given_up() {
    let slow = MODELS.replace("timeout_ms = 5_000", "timeout_ms = 50");
    for steps in [vec![Step::Hang], vec![stream_head(), Step::Hang]] {
        let stage = stage(&slow).await;
        stage.provider.next(steps);
        let told = told(&stage, "fast").await;
        let expected =
            "upstream (timeout)\nthe model fast: 127.0.0.1 took longer than 50 ms, retryable\n";
        // A machine under load may not even get the request there in that time.
        assert!(told.starts_with(expected), "{told}");
    }
}

/// What is said of each of these replies, which all come to one code without a second try.
async fn each(model: &str, code: &str, replies: Vec<Vec<Step>>, expected: Expect) {
    let mut all = String::new();
    for steps in replies {
        let stage = stage(MODELS).await;
        stage.provider.next(steps);
        let told = told(&stage, model).await;
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!([lines[0], lines[2]], [code, "waited [], 1 requests"]);
        all += &format!("{}\n", lines[1]);
    }
    expected.assert_eq(&all);
}

fn streamed(events: &[&str]) -> Vec<Step> {
    let events: Vec<String> = events.iter().map(|data| (*data).to_owned()).collect();
    stream(&events)
}

#[tokio::test]
async fn a_cut_answer_is_broken() {
    let chunk = json!({ "choices": [{ "delta": { "content": "half" } }] }).to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"choices\"".to_owned();
    let cuts = vec![
        vec![],
        vec![Step::Send(head)],
        vec![stream_head(), event(&chunk)],
        streamed(&[&chunk]),
    ];
    each(
        "fast",
        "upstream (broken)",
        cuts,
        expect![[r#"
        the connection to 127.0.0.1 broke: the connection ended, retryable
        the connection to 127.0.0.1 broke: the connection ended, retryable
        the connection to 127.0.0.1 broke: the connection ended, retryable
        the stream ended before the answer did, retryable
    "#]],
    )
    .await;
    let start = json!({ "type": "message_start", "message": {} }).to_string();
    each(
        "claude",
        "upstream (broken)",
        vec![streamed(&[&start])],
        expect![[r#"
        the stream ended before the answer did, retryable
    "#]],
    )
    .await;
}

#[tokio::test]
async fn garbage_is_a_bad_answer() {
    let function = json!({ "name": "search", "arguments": "{\"x\": " });
    let half = json!({ "tool_calls": [{ "id": "a", "function": function }] });
    let garbage = vec![
        reply(200, "", "<html>welcome</html>"),
        json_reply(&json!({ "choices": [] })),
        json_reply(&json!({ "choices": [{ "message": 5 }] })),
        json_reply(&json!({ "choices": [{ "message": half }] })),
        streamed(&["{oops"]),
    ];
    each(
        "fast",
        "upstream (bad_answer)",
        garbage,
        expect![[r#"
        the answer is no JSON, retryable
        the answer has no choices, retryable
        it is no chat completion: invalid type: integer `5`, expected struct Message, retryable
        the arguments for search are no JSON, retryable
        a piece of the stream is no JSON, retryable
    "#]],
    )
    .await;
    let stray = json!({ "type": "content_block_delta", "index": 3, "delta": {} }).to_string();
    let garbage = vec![
        json_reply(&json!({ "content": "text" })),
        json_reply(&json!({ "content": [{ "text": "what am I?" }] })),
        streamed(&["{}"]),
        streamed(&[&stray]),
    ];
    each(
        "claude",
        "upstream (bad_answer)",
        garbage,
        expect![[r#"
        it is no message: invalid type: string "text", expected a sequence, retryable
        a block has no type, retryable
        a piece of the stream is no event: missing field `type` at line 1 column 2, retryable
        a piece belongs to no block, retryable
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_failure_inside_a_stream_is_told_without_the_key() {
    let error = json!({ "error": { "message": format!("overloaded by {KEY}") } }).to_string();
    let replies = vec![streamed(&[&error])];
    each(
        "fast",
        "upstream (provider_failed)",
        replies,
        expect![[r#"
        the provider failed while it answered: overloaded by [key], retryable
    "#]],
    )
    .await;
    let error = json!({ "type": "error", "error": { "message": "Overloaded" } }).to_string();
    let replies = vec![streamed(&[&error])];
    each(
        "claude",
        "upstream (provider_failed)",
        replies,
        expect![[r#"
        the provider failed while it answered: Overloaded, retryable
    "#]],
    )
    .await;
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_taken() {
    check(
        vec![reply(200, "", &"x".repeat(10_001))],
        expect![[r#"
        limit (answer_bytes)
        the response of 127.0.0.1 has more than 10000 bytes
        waited [], 1 requests
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_model_that_says_nothing_has_the_limits_of_the_host() {
    const BARE: &str = "[[model]]\nname = \"fast\"\nprovider = \"openai\"\nmodel = \"m\"\n\
                        base_url = \"{url}\"\n";
    let limits = ModelLimits { retries_max: 1, answer_bytes_max: 20, ..ModelLimits::default() };
    let stage = stage_within(BARE, "", limits).await.unwrap();
    stage.provider.next(reply(500, "", ""));
    let told = stage.told(&says("hi")).await;
    assert!(told.starts_with("limit (answer_bytes)"), "{told}");
    assert_eq!((stage.provider.seen().len(), stage.clock.waits().len()), (2, 1));
    for _ in 0..2 {
        stage.provider.next(reply(500, "", ""));
    }
    let told = stage.told(&says("hi")).await;
    assert!(told.starts_with("upstream (provider_failed)"), "{told}");
    let impatient = ModelLimits { retry_wait_ms_max: 10, ..limits };
    let stage = stage_within(BARE, "", impatient).await.unwrap();
    stage.provider.next(reply(429, "retry-after: 1\r\n", ""));
    let told = stage.told(&says("hi")).await;
    assert!(told.starts_with("upstream (rate_limited)"), "{told}");
    assert_eq!(stage.clock.waits(), Vec::<u64>::new());
}

#[tokio::test]
async fn the_tokens_of_a_failure_are_given_back() {
    let stage = stage(MODELS).await;
    stage.provider.next(failing(400));
    stage.ask(&says("hi")).await.unwrap_err();
    assert_eq!(stage.tokens.told(), "held 4158, used 0 of 4158");
}

#[tokio::test]
async fn the_tokens_of_a_question_that_nobody_waits_for_are_given_back() {
    let stage = stage(MODELS).await;
    stage.provider.next(vec![Step::Hang]);
    assert!(stage.ask(&says("hi")).now_or_never().is_none());
    assert_eq!(stage.tokens.told(), "held 4158, used 0 of 4158");
}
