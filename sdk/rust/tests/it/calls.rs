//! Calls of the contract in, answers of the contract out, through the code that `#[agents]` writes.

use serde::{Deserialize, Serialize};
use workflowforge_sdk::bindings::exports::workflowforge::plugin::agent::{Exit, Reply as Wire};
use workflowforge_sdk::export::Call;
use workflowforge_sdk::{Ctx, Failure, MockHost, Reply, Value, agents, json};

#[derive(Deserialize)]
pub struct Numbers {
    left: i64,
    right: i64,
}

#[derive(Deserialize)]
pub struct Config {
    n: i64,
}

#[derive(Serialize)]
pub struct Sum {
    sum: i64,
}

/// An error of the author's own.
pub enum Trouble {
    Negative,
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Negative => Self::failed("negative", "no root of a negative number"),
        }
    }
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

    pub fn times(_ctx: &Ctx, input: i64, config: Config) -> Result<i64, Failure> {
        Ok(input * config.n)
    }

    pub fn root(_ctx: &Ctx, input: f64) -> Result<f64, Trouble> {
        if input < 0.0 { Err(Trouble::Negative) } else { Ok(input.sqrt()) }
    }

    fn doubled(number: i64) -> Result<i64, Failure> {
        Ok(number * 2)
    }
}

pub(crate) fn call(agent: &str, input: &str) -> Result<Wire, Failure> {
    let ctx = MockHost::new().config(json!({ "n": 21 })).ctx();
    let mut call: Call = ctx.call().clone();
    call.agent = agent.to_owned();
    call.input = input.to_owned();
    __workflowforge_invoke(call)
}

fn output(agent: &str, input: &str) -> String {
    call(agent, input).unwrap().output
}

fn refused(agent: &str, input: &str) -> String {
    let failure = call(agent, input).unwrap_err();
    let problem = failure.problem().unwrap();
    format!("{} {}: {}", failure.kind(), problem.code, problem.message)
}

#[test]
fn a_call_reaches_the_function_of_its_agent() {
    assert_eq!(output("add-up", "{\"left\":1,\"right\":2}"), "{\"sum\":3}");
    assert_eq!(output("configured", "null"), "42");
}

#[test]
fn a_third_parameter_is_the_configuration() {
    assert_eq!(output("times", "2"), "42");
    let failure = MockHost::new().run(calculator::times, 2).unwrap_err();
    assert_eq!(
        failure.problem().unwrap().message,
        "the configuration does not fit: missing field `n` at line 1 column 2"
    );
}

#[test]
fn an_error_of_ones_own_becomes_a_failure() {
    assert_eq!(output("root", "9"), "3.0");
    assert_eq!(refused("root", "-1"), "failed negative: no root of a negative number");
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
        refused("add-up", "{\"left\":1}"),
        "invalid-input invalid_json: the input does not fit: missing field `right` at line 1 \
         column 10"
    );
}

#[test]
fn an_agent_that_the_plugin_does_not_have_is_named_with_those_it_has() {
    assert_eq!(
        refused("doubled", "{}"),
        "invalid-input unknown_agent: the plugin has no agent \"doubled\"; it has add-up, exits, \
         configured, times, root"
    );
}

#[test]
fn a_failure_says_whether_a_later_call_may_succeed() {
    let failure = Failure::upstream("busy", "the server is busy").retryable();
    assert!(failure.problem().unwrap().retryable);
    let denied = Failure::denied("ask", "", "grant it");
    assert_eq!((denied.kind(), denied.code()), ("denied", None));
    assert_eq!(denied.clone().retryable(), denied);
}
