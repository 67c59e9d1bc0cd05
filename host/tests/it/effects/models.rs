//! Models: what a server does wrong, and what the agent sees of it.

use serde_json::json;

use super::{MODEL_KEY, Stage, ask_model, kind, model, prompts, times};
use crate::harness::files_holding;

/// Asks that model, and says what kind of failure was seen; it names the model.
fn check(stage: &Stage, name: &str, expected: &str, arrives: usize) {
    let seen = stage.seen_of(ask_model(name, name));
    assert_eq!(kind(&seen), expected, "{seen}");
    let message = seen["message"].as_str().expect("a message");
    assert!(message.contains(&format!("the model {name}: ")), "{message}");
    assert_eq!(times(&stage.models, name), (arrives, 1), "one key for all that arrived");
}

#[test]
fn each_fault_of_a_server_is_a_failure_of_its_own_that_names_the_model() {
    let more = [
        model("stubborn", "broken", "retries_max = 2\nretry_wait_ms_max = 100"),
        model("asleep", "silent", "retries_max = 0\ntimeout_ms = 300"),
        model("wordy", "fixed", "retries_max = 0\nanswer_bytes_max = 10"),
    ];
    let stage = Stage::with_models(&more.concat());
    check(&stage, "busy", "upstream \"rate_limited\"", 1);
    check(&stage, "broken", "upstream \"provider_failed\"", 1);
    check(&stage, "stubborn", "upstream \"provider_failed\"", 3);
    check(&stage, "cut", "upstream \"broken\"", 1);
    check(&stage, "garbage", "upstream \"bad_answer\"", 1);
    check(&stage, "odd", "upstream \"bad_answer\"", 1);
    check(&stage, "asleep", "upstream \"timeout\"", 1);
    let seen = stage.seen_of(ask_model("wordy", "wordy"));
    assert_eq!(kind(&seen), "limit \"answer_bytes\"");
    let seen = stage.seen_of(ask_model("nobody", "hello"));
    assert_eq!(kind(&seen), "invalid-input \"unknown_model\"");
}

#[test]
fn a_stream_that_is_cut_in_the_middle_is_a_failure_too() {
    let stage = Stage::new();
    let mut step = ask_model("cut", "go on");
    step["stream_to"] = "words".into();
    assert_eq!(kind(&stage.seen_of(step)), "upstream \"broken\"");
}

#[test]
fn a_busy_server_is_asked_again_when_it_says_so() {
    let stage = Stage::with_models(&model("patient", "busy-once", "retries_max = 1"));
    let seen = stage.seen_of(ask_model("patient", "hello"));
    assert!(seen.as_str().expect("an answer").starts_with("answer "), "{seen}");
    let arrived = stage.models.arrived().unwrap();
    assert_eq!(times(&stage.models, "hello"), (2, 1));
    let waited_ms = arrived[1].at_ms - arrived[0].at_ms;
    assert!(waited_ms >= 1_000, "Retry-After: 1, and it waited {waited_ms} ms");
}

#[test]
fn a_longer_wait_than_the_operator_allows_is_left_to_the_run() {
    let stage = Stage::with_models(&model(
        "hasty",
        "busy-once",
        "retries_max = 5\nretry_wait_ms_max = 900",
    ));
    check(&stage, "hasty", "upstream \"rate_limited\"", 1);
}

#[test]
fn a_fallback_answers_where_the_model_cannot_and_not_where_it_refuses() {
    let more = [
        model("first", "broken", "retries_max = 0\nfallbacks = [\"cut\", \"fixed\"]"),
        model("doomed", "broken", "retries_max = 0\nfallbacks = [\"garbage\"]"),
    ];
    let stage = Stage::with_models(&more.concat());
    let seen = stage.seen_of(ask_model("first", "hello"));
    assert!(seen.as_str().expect("an answer").starts_with("answer "), "{seen}");
    let asked: Vec<String> = stage
        .models
        .arrived()
        .unwrap()
        .into_iter()
        .map(|arrived| arrived.body["model"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(asked, ["broken", "cut", "fixed"]);
    let seen = stage.seen_of(ask_model("doomed", "hello"));
    assert!(seen["message"].as_str().unwrap().contains("the model garbage: "), "{seen}");
}

#[test]
fn an_answer_fits_the_schema_that_was_asked_for_or_is_none() {
    let stage = Stage::new();
    let step = |schema: serde_json::Value| json!({ "do": "model", "model": "fixed", "prompt": "count", "schema": schema });
    let schema = json!({
        "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } },
    });
    assert_eq!(stage.seen_of(step(schema)), json!("{\"n\":1}"));
    let more = json!({ "type": "integer", "minimum": 5 });
    assert_eq!(kind(&stage.seen_of(step(more))), "upstream \"bad_answer\"");
    let asked = &stage.models.arrived().unwrap()[0].body["response_format"];
    assert_eq!(asked["type"], "json_schema");
}

#[test]
fn the_operators_key_goes_to_the_server_and_nowhere_else() {
    let keyed = model("keyed", "broken", "retries_max = 0\napi_key_variable = \"MODEL_KEY\"");
    let stage = Stage::with_models(&keyed);
    let ran = stage.run(&json!([ask_model("keyed", "hello")]), "");
    ran.exits(1).says(&["provider_failed", "the model is on fire"]);
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(MODEL_KEY));
    assert_eq!(stage.models.arrived().unwrap()[0].authorization, format!("Bearer {MODEL_KEY}"));
    assert_eq!(files_holding(&stage.cli.data(), MODEL_KEY.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_run_has_a_budget_of_tokens() {
    let stage = Stage::new().with("WFORGE_LLM__TOKENS_PER_RUN_MAX", "5000");
    let steps: Vec<_> = (0..3).map(|n| ask_model("fixed", &format!("question {n}"))).collect();
    stage.run(&json!(steps), "").exits(0);
    assert_eq!(prompts(&stage.models).len(), 3);
    let stage = Stage::new().with("WFORGE_LLM__TOKENS_PER_RUN_MAX", "100");
    stage.run(&json!(steps), "").exits(1).says(&["limit", "tokens"]);
    assert_eq!(prompts(&stage.models), [], "nothing was asked that could not be paid for");
}
