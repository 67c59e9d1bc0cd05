//! The behaviours that a native test can see; panics, endless loops and logs are the host's tests.

use std::time::Duration;

use wforge_probe::behaviour::{ask, asks, denied, echo, sleep, twice};
use wforge_probe::{Asked, One, Several, Slept, Twice};
use workflowforge_sdk::{Ctx, Failure, Value, json};

fn ctx(answers: impl IntoIterator<Item = Value>) -> Ctx {
    let ctx = Ctx::for_test(&Value::Null);
    answers.into_iter().for_each(|answer| ctx.rehearsal().answer(Ok(answer)));
    ctx
}

#[test]
fn echo_returns_its_input() {
    assert_eq!(echo(&ctx([]), json!({ "a": [1, null] })).unwrap(), json!({ "a": [1, null] }));
}

#[test]
fn ask_returns_the_answer() {
    let ctx = ctx([json!({ "approve": true })]);
    let answer = ask(&ctx, Asked { prompt: "Publish?".to_owned() }).unwrap();
    assert_eq!(answer, json!({ "answer": { "approve": true } }));
    assert_eq!(ctx.rehearsal().done(), ["ask Publish?"]);
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
    let ctx = ctx([json!(true), json!(false)]);
    let told = asks(&ctx, input).unwrap();
    assert_eq!(told, json!([{ "answer": true }, { "answer": false }]));
    assert_eq!(ctx.rehearsal().done(), ["ask Go?", "ask Who?"]);
}

#[test]
fn nobody_to_ask_is_a_denial() {
    let failure = ask(&ctx([]), Asked { prompt: "Publish?".to_owned() }).unwrap_err();
    assert!(matches!(failure, Failure::Denied(denial) if denial.capability == "ask"));
}

#[test]
fn twice_asks_waits_and_asks() {
    let ctx = ctx([json!(1), json!(2)]);
    assert_eq!(twice(&ctx, Twice { ms: 5 }).unwrap(), json!({ "first": 1, "second": 2 }));
    assert_eq!(ctx.rehearsal().done(), ["ask first?", "sleep 5", "ask second?"]);
}

#[test]
fn sleep_says_how_long() {
    let ms = u64::try_from(Duration::from_secs(2).as_millis()).unwrap();
    assert_eq!(sleep(&ctx([]), Slept { ms }).unwrap(), json!({ "slept_ms": 2000 }));
}

#[test]
fn a_denial_is_data() {
    assert_eq!(denied(&ctx([]), Value::Null).unwrap()["capability"], "llm");
}
