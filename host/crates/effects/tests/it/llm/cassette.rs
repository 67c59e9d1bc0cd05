//! Cassettes: made by one host, played by another.

use std::sync::atomic::Ordering;

use expect_test::expect;
use serde_json::json;
use wforge_effects::llm::CassetteEntry;

use super::provider::reply;
use super::stage::{says, stage, stage_with, with};

const RECORD: &str = r#"
[[model]]
name = "fast"
provider = "cassette"
mode = "record"
cassette = "tape"
through = "real"

[[model]]
name = "real"
provider = "openai"
base_url = "{url}"
model = "gpt-test"
retries_max = 0
"#;

const REPLAY: &str =
    "[[model]]\nname = \"fast\"\nprovider = \"cassette\"\nmode = \"replay\"\ncassette = \"tape\"\n";

#[tokio::test]
async fn what_was_recorded_is_played_without_a_server() {
    let recording = stage(RECORD).await;
    let (one, other) = (says("one"), with(says("two"), json!({ "stream_to": "answer" })));
    let said = [recording.told(&one).await, recording.told(&other).await];
    let played = stage_with(REPLAY, &recording.tape.text()).await.unwrap();
    assert_eq!([played.told(&one).await, played.told(&other).await], said);
    assert_eq!(said[0], "fast: \"you said one\" [stop, 11+7]");
    assert_eq!(played.provider.seen().len(), 0);
    assert_eq!(played.deltas(), r#"0 "you said two""#, "all that is known of them");
    assert_eq!(played.tokens.told(), recording.tokens.told(), "it counts as it was recorded");
}

#[tokio::test]
async fn a_miss_fails_and_shows_the_nearest_request() {
    let recording = stage(RECORD).await;
    recording.ask(&says("what is the capital of France?")).await.unwrap();
    recording.ask(&says("who are you?")).await.unwrap();
    let played = stage_with(REPLAY, &recording.tape.text()).await.unwrap();
    let failure = played.ask(&says("what is the capital of Greece?")).await.unwrap_err();
    expect![[r#"failed (cassette_miss): the cassette tape has no answer to this; the nearest request is 3 characters off: recorded …text":"what is the capital of France?","type":"text"}],"role…, asked …text":"what is the capital of Greece?","type":"text"}],"role…"#]].assert_eq(&failure.to_string());
    let details = &failure.problem().unwrap().details;
    assert!(details["nearest"].as_str().unwrap().contains("capital of France"));
    assert!(details["asked"].as_str().unwrap().contains("capital of Greece"));
    let empty = stage_with(REPLAY, "").await.unwrap();
    expect![[r#"
        failed (cassette_miss)
        the cassette tape has no answer to this, and no request at all"#]]
    .assert_eq(&empty.told(&says("hi")).await);
}

#[tokio::test]
async fn failures_are_not_recorded() {
    let recording = stage(RECORD).await;
    recording.provider.next(reply(500, "", ""));
    recording.ask(&says("one")).await.unwrap_err();
    assert_eq!(recording.tape.text(), "");
    recording.ask(&says("one")).await.unwrap();
    assert_eq!(CassetteEntry::parse(&recording.tape.text()).unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_kept_is_not_given() {
    let recording = stage(RECORD).await;
    recording.tape.is_full.store(true, Ordering::Relaxed);
    expect![[r#"
        failed (cassette_write)
        the cassette tape cannot be written: the disk is full"#]]
    .assert_eq(&recording.told(&says("one")).await);
}

#[tokio::test]
async fn the_first_good_answer_holds() {
    let request = says("hi");
    let line =
        |outcome: serde_json::Value| with(json!({ "request": request }), outcome).to_string();
    let answer = |text: &str| {
        json!({ "answer": {
            "message": { "role": "assistant", "parts": [{ "type": "text", "text": text }] },
            "finish": "stop", "usage": { "input_tokens": 1, "output_tokens": 1, "extra": {} },
            "model": "fast", "extra": {},
        } })
    };
    let failure = json!({ "failure": { "kind": "upstream", "code": "broken", "message": "cut" } });
    let lines = [line(failure.clone()), line(answer("first")), line(answer("second"))].join("\n");
    let played = stage_with(REPLAY, &lines).await.unwrap();
    assert_eq!(played.told(&request).await, "fast: \"first\" [stop, 1+1]");
    let played = stage_with(REPLAY, &line(failure)).await.unwrap();
    assert_eq!(played.told(&request).await, "upstream (broken)\nthe model fast: cut");
}

#[test]
fn entries_survive_being_written() {
    let text = r#"
{"request":{"model":"fast"},"answer":{"finish":"stop"}}

{"hash":"000102030405060708090a0b0c0d0e0f","failure":{"kind":"limit","code":"c","message":"m"}}
"#;
    let entries = CassetteEntry::parse(text).unwrap();
    let lines: Vec<String> = entries.iter().map(CassetteEntry::to_line).collect();
    assert_eq!(CassetteEntry::parse(&lines.join("\n")).unwrap(), entries);
    assert_eq!(lines[1], text.lines().last().unwrap());
    assert_eq!(CassetteEntry::parse("\n\n"), Ok(Vec::new()));
}

#[test]
fn a_line_that_is_no_entry_is_named() {
    let other_hash = "{\"hash\":\"000102030405060708090a0b0c0d0e0f\",\"request\":{},\"answer\":1}";
    let told = [
        "{\"answer\":1}",
        "\n{\"request\":1}",
        "{\"hash\":\"xyz\",\"answer\":1}",
        other_hash,
        "{\"request\":1,\"answer\":1,\"more\":1}",
    ]
    .map(|text| format!("{}\n", CassetteEntry::parse(text).unwrap_err()))
    .concat();
    expect![[r#"
        line 1: neither a hash nor a request
        line 2: exactly one of answer and failure is needed
        line 1: the hash must be 32 hexadecimal digits
        line 1: the request has the hash 69f968362841e7a11c6ca0c0e3a3c3a5, not 000102030405060708090a0b0c0d0e0f
        line 1: unknown field `more`, expected one of `hash`, `request`, `answer`, `failure` at line 1 column 30
    "#]].assert_eq(&told);
}
