//! The behaviours that a native test can see; panics, endless loops and logs are the host's tests.

use wforge_probe::behaviour::{ask, asks, denied, echo, sleep, twice};
use wforge_probe::{One, Several};
use workflowforge_sdk::{Failure, MockHost, Value, json};

#[test]
fn echo_returns_its_input() {
    assert_eq!(MockHost::new().run(echo, json!({ "a": [1, null] })), Ok(json!({ "a": [1, null] })));
}

#[test]
fn ask_returns_the_answer() {
    let host = MockHost::new().ask(json!({ "approve": true }));
    let answer = host.run(ask, json!({ "prompt": "Publish?" }));
    assert_eq!(answer, Ok(json!({ "answer": { "approve": true } })));
    assert_eq!(host.done(), ["ask Publish?"]);
}

#[test]
fn asks_returns_what_came_of_each() {
    let one = |prompt: &str, assignee: Option<&str>| One {
        prompt: prompt.to_owned(),
        schema: Some(json!({ "type": "boolean" })),
        deadline_ms: Some(5),
        assignee: assignee.map(str::to_owned),
    };
    let input = Several { questions: vec![one("Go?", None), one("Who?", Some("ann"))] };
    let host = MockHost::new().ask(true).ask(false);
    let told = asks(&host.ctx(), input).unwrap();
    assert_eq!(told, json!([{ "answer": true }, { "answer": false }]));
    assert_eq!(host.done(), ["ask Go?", "ask Who?"]);
}

#[test]
fn nobody_to_ask_is_a_denial() {
    let failure = MockHost::new().run(ask, json!({ "prompt": "Publish?" })).unwrap_err();
    assert!(matches!(failure, Failure::Denied(denial) if denial.capability == "ask"));
}

#[test]
fn twice_asks_waits_and_asks() {
    let host = MockHost::new().ask(json!(1)).ask(json!(2));
    assert_eq!(host.run(twice, json!({ "ms": 5 })), Ok(json!({ "first": 1, "second": 2 })));
    assert_eq!(host.done(), ["ask first?", "sleep 5", "ask second?"]);
}

#[test]
fn sleep_says_how_long() {
    let told = MockHost::new().run(sleep, json!({ "ms": 2000 }));
    assert_eq!(told, Ok(json!({ "slept_ms": 2000 })));
}

#[test]
fn a_denial_is_data() {
    assert_eq!(MockHost::new().run(denied, Value::Null).unwrap()["capability"], "llm");
}
