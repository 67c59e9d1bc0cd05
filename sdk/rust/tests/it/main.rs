//! Calls of the contract in, answers of the contract out, through the code that `#[agents]` writes.
#![expect(missing_docs, reason = "agents have to be public, and a test binary has no readers")]
#![expect(clippy::unwrap_used, reason = "a call that should succeed and does not has to fail")]

use serde::{Deserialize, Serialize};
use workflowforge_sdk::bindings::exports::workflowforge::plugin::agent::{Exit, Reply as Wire};
use workflowforge_sdk::export::Call;
use workflowforge_sdk::{Ctx, Failure, Question, Reply, Value, agents, json};

#[derive(Deserialize)]
pub struct Numbers {
    left: i64,
    right: i64,
}

#[derive(Deserialize)]
struct Config {
    n: i64,
}

#[derive(Serialize)]
pub struct Sum {
    sum: i64,
}

#[agents]
pub mod calculator {
    use super::*;

    pub fn add_up(_ctx: &Ctx, input: Numbers) -> Result<Sum, Failure> {
        Ok(Sum { sum: input.left + input.right })
    }

    pub fn exits(_ctx: &Ctx, _input: Value) -> Result<Reply<Value>, Failure> {
        Ok(Reply::new(json!(1)).goto("again").send("other", json!({ "n": 2 })))
    }

    pub fn configured(ctx: &Ctx, _input: Value) -> Result<i64, Failure> {
        doubled(ctx.config::<Config>()?.n)
    }

    fn doubled(number: i64) -> Result<i64, Failure> {
        Ok(number * 2)
    }
}

fn call(agent: &str, input: &str) -> Result<Wire, Failure> {
    let mut call: Call = Ctx::for_test(&json!({ "n": 21 })).call().clone();
    call.agent = agent.to_owned();
    call.input = input.to_owned();
    __workflowforge_invoke(call)
}

fn code(result: Result<Wire, Failure>) -> String {
    match result.unwrap_err() {
        Failure::InvalidInput(problem) => format!("{}: {}", problem.code, problem.message),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_call_reaches_the_function_of_its_agent() {
    assert_eq!(call("add-up", "{\"left\":1,\"right\":2}").unwrap().output, "{\"sum\":3}");
    assert_eq!(call("configured", "null").unwrap().output, "42");
}

#[test]
fn exits_go_out_in_their_order() {
    let goto = call("exits", "{}").unwrap().goto;
    assert!(matches!(&goto[0], Exit::Name(name) if name == "again"));
    assert!(matches!(&goto[1], Exit::Send(send) if send.input == "{\"n\":2}"));
}

#[test]
fn an_input_that_does_not_fit_is_the_callers_fault() {
    assert_eq!(
        code(call("add-up", "{\"left\":1}")),
        "invalid_json: the input does not fit: missing field `right` at line 1 column 10"
    );
}

#[test]
fn an_agent_that_the_plugin_does_not_have_is_named_with_those_it_has() {
    assert_eq!(
        code(call("doubled", "{}")),
        "unknown_agent: the plugin has no agent \"doubled\"; it has add-up, exits, configured"
    );
}

#[test]
fn a_rehearsal_answers_in_order_and_then_denies() {
    let ctx = Ctx::for_test(&Value::Null);
    ctx.rehearsal().answer(Ok(json!({ "approve": true })));
    let answer: Value = ctx.ask(Question::new("Publish?")).unwrap();
    assert_eq!(answer["approve"], true);
    let failure = ctx.ask::<Value>(Question::new("Again?")).unwrap_err();
    assert!(matches!(failure, Failure::Denied(_)));
    assert_eq!(ctx.rehearsal().done(), ["ask Publish?", "ask Again?"]);
}

#[test]
fn without_a_host_everything_that_needs_a_grant_is_denied() {
    let ctx = Ctx::for_test(&Value::Null);
    let scope = workflowforge_sdk::kv::Scope::Run;
    let failures = [
        ctx.prompt("fast", "hello").unwrap_err(),
        ctx.kv_set(scope, "key", &1).unwrap_err(),
        ctx.kv_get::<i64>(scope, "key").unwrap_err(),
        ctx.secret("token").unwrap_err(),
        ctx.tool::<Value>("search", &json!({})).unwrap_err(),
    ];
    assert!(failures.iter().all(|failure| matches!(failure, Failure::Denied(_))));
}
