//! Calls of the contract in, answers of the contract out, through the code that `#[agents]` writes.
#![expect(missing_docs, reason = "agents have to be public, and a test binary has no readers")]
#![expect(clippy::unwrap_used, reason = "a call that should succeed and does not has to fail")]

use serde::{Deserialize, Serialize};
use workflowforge_sdk::bindings::exports::workflowforge::plugin::agent::{Exit, Reply as Wire};
use workflowforge_sdk::export::Call;
use workflowforge_sdk::{Blob, Ctx, Failure, Question, Reply, Value, agents, http, json, kv, llm};

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

fn rehearsed(answers: impl IntoIterator<Item = Value>) -> Ctx {
    let ctx = Ctx::for_test(&Value::Null);
    answers.into_iter().for_each(|answer| ctx.rehearsal().answer(Ok(answer)));
    ctx
}

#[test]
fn what_is_asked_at_once_is_answered_in_its_order() {
    let ctx = rehearsed([json!(1), json!(2)]);
    let answers = ctx.ask_all::<i64>(["a?", "b?", "c?"].map(Question::new)).unwrap();
    assert!(matches!(answers[..], [Ok(1), Ok(2), Err(Failure::Denied(_))]));
    assert_eq!(ctx.rehearsal().done(), ["ask a?", "ask b?", "ask c?"]);
}

#[test]
fn an_answer_of_another_type_is_a_failure_in_its_place() {
    let ctx = rehearsed([json!("one"), json!(2)]);
    let answers = ctx.tool_all::<i64>([("a", json!({})), ("b", json!({}))]).unwrap();
    assert!(matches!(answers[..], [Err(Failure::InvalidInput(_)), Ok(2)]));
}

#[test]
fn a_model_says_what_was_rehearsed() {
    let ctx = rehearsed([json!("fine"), json!("well")]);
    assert_eq!(ctx.prompt("fast", "how are you?").unwrap(), "fine");
    let request = llm::Request::new("slow").system("be kind").user("and you?").max_tokens(9);
    assert_eq!(ctx.complete(request).unwrap().message.text(), "well");
    assert_eq!(ctx.rehearsal().done(), ["llm fast how are you?", "llm slow and you?"]);
}

#[test]
fn a_server_says_what_was_rehearsed() {
    let ctx = rehearsed([json!({ "status": 404, "body": { "n": 1 } }), json!({ "body": "ok" })]);
    let request = http::Request::post("https://a.example").json(&json!({ "q": 1 })).unwrap();
    let response = ctx.fetch(request).unwrap();
    assert_eq!((response.status, response.json::<Value>().unwrap()), (404, json!({ "n": 1 })));
    let response = ctx.fetch(http::Request::get("https://b.example")).unwrap();
    assert_eq!((response.status, response.text().unwrap()), (200, "ok"));
    let done = ["http POST https://a.example {\"q\":1}", "http GET https://b.example"];
    assert_eq!(ctx.rehearsal().done(), done);
}

#[test]
fn memory_answers_as_it_was_rehearsed() {
    let ctx = rehearsed([json!(null), json!(7), json!(true), json!({ "a": 1 }), json!(true)]);
    let scope = kv::Scope::Run;
    assert_eq!(ctx.kv_set(scope, "a", &[1]).unwrap(), 1);
    assert_eq!(ctx.kv_get::<i64>(scope, "a").unwrap(), Some(7));
    assert!(ctx.kv_swap(scope, "a", Some(1), &2).unwrap());
    assert_eq!(ctx.kv_list(scope, "", 9, None).unwrap().entries[0].read::<i64>().unwrap(), 1);
    assert!(ctx.kv_delete(scope, "a").unwrap());
    let done =
        ["kv set run a [1]", "kv get run a", "kv swap run a 2", "kv list run ", "kv delete run a"];
    assert_eq!(ctx.rehearsal().done(), done);
}

#[test]
fn a_blob_is_written_in_json_as_in_inputs() {
    let reference = json!({ "$blob": "sha256:00", "size": 2, "media_type": "text/plain" });
    let ctx = rehearsed([reference.clone(), json!("hi")]);
    let blob = ctx.blob_write("text/plain", b"hi").unwrap();
    assert_eq!(serde_json::to_value(&blob).unwrap(), reference);
    assert_eq!(serde_json::from_value::<Blob>(reference).unwrap(), blob);
    assert_eq!(ctx.blob_read(&blob, 0, 2).unwrap(), b"hi");
}

#[test]
fn without_a_host_everything_that_needs_a_grant_is_denied() {
    let ctx = Ctx::for_test(&Value::Null);
    let scope = kv::Scope::Run;
    let failures = [
        ctx.prompt("fast", "hello").unwrap_err(),
        ctx.kv_set(scope, "key", &1).unwrap_err(),
        ctx.kv_get::<i64>(scope, "key").unwrap_err(),
        ctx.secret("token").unwrap_err(),
        ctx.tool::<Value>("search", &json!({})).unwrap_err(),
        ctx.tools().unwrap_err(),
        ctx.fetch(http::Request::get("https://a.example")).unwrap_err(),
        ctx.blob_write("text/plain", b"").unwrap_err(),
    ];
    assert!(failures.iter().all(|failure| matches!(failure, Failure::Denied(_))));
}
