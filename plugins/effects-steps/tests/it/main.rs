//! Steps in their order, their failures, and those of one attempt only.

use wforge_effects_steps::{Input, agent::steps};
use workflowforge_sdk::{Ctx, Failure, Value, json};

fn check(ctx: &Ctx, list: Value) -> Result<Value, Failure> {
    let steps: Vec<wforge_effects_steps::Step> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|step| serde::Deserialize::deserialize(step).unwrap())
        .collect();
    self::steps(ctx, Input { steps })
}

#[test]
fn steps_are_done_in_their_order_and_what_came_of_each_is_seen() {
    let ctx = Ctx::for_test(&Value::Null);
    ctx.rehearsal().answer(Ok(json!("hello")));
    ctx.rehearsal().answer(Ok(json!("yes")));
    let list = json!([
        { "do": "model", "model": "m", "prompt": "hi" },
        { "do": "ask", "prompt": "go on?" },
        { "do": "sleep", "ms": 5 },
    ]);
    assert_eq!(check(&ctx, list).unwrap(), json!({ "seen": ["hello", "yes", null] }));
    assert_eq!(ctx.rehearsal().done(), ["llm m hi", "ask go on?", "sleep 5"]);
}

#[test]
fn a_failure_that_is_caught_is_seen_and_another_is_the_agents() {
    let ctx = Ctx::for_test(&Value::Null);
    let list = json!([{ "do": "tool", "name": "t", "input": {}, "catch": true }]);
    assert_eq!(check(&ctx, list).unwrap()["seen"][0]["failure"], "denied");
    let list = json!([{ "do": "fail", "kind": "limit", "message": "enough" }]);
    assert!(matches!(check(&ctx, list), Err(Failure::Limit(_))));
}

#[test]
fn a_step_of_another_attempt_is_left_out() {
    let ctx = Ctx::for_test(&Value::Null);
    let list = json!([{ "do": "trap", "attempt": 2 }, { "do": "say", "output": 7 }]);
    assert_eq!(check(&ctx, list).unwrap(), json!(7));
}
