//! Steps in their order, their failures, and those of one attempt only.

use wforge_effects_steps::agent::steps;
use workflowforge_sdk::{Failure, MockHost, Value, json};

fn check(host: &MockHost, list: Value) -> Result<Value, Failure> {
    host.run(steps, json!({ "steps": list }))
}

#[test]
fn steps_are_done_in_their_order_and_what_came_of_each_is_seen() {
    let host = MockHost::new().llm("hello").ask("yes");
    let list = json!([
        { "do": "model", "model": "m", "prompt": "hi" },
        { "do": "ask", "prompt": "go on?" },
        { "do": "sleep", "ms": 5 },
    ]);
    assert_eq!(check(&host, list).unwrap(), json!({ "seen": ["hello", "yes", null] }));
    assert_eq!(host.done(), ["llm m hi", "ask go on?", "sleep 5"]);
}

#[test]
fn a_failure_that_is_caught_is_seen_and_another_is_the_agents() {
    let host = MockHost::new();
    let list = json!([{ "do": "tool", "name": "t", "input": {}, "catch": true }]);
    assert_eq!(check(&host, list).unwrap()["seen"][0]["failure"], "denied");
    let list = json!([{ "do": "fail", "kind": "limit", "message": "enough" }]);
    assert!(matches!(check(&host, list), Err(Failure::Limit(_))));
}

#[test]
fn a_step_of_another_attempt_is_left_out() {
    let host = MockHost::new();
    let list = json!([{ "do": "trap", "attempt": 2 }, { "do": "say", "output": 7 }]);
    assert_eq!(check(&host, list).unwrap(), json!(7));
}
