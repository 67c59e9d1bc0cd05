//! Budgets of runs, nodes and plugins, in front of the tenant's.

use std::sync::Arc;
use std::time::Duration;

use expect_test::expect;
use futures::FutureExt as _;
use wforge_effects::llm::{Budgets, TokenLimits};
use wforge_model::agent::AgentCall;
use wforge_model::{Failure, ModelUsage, Problem};
use wforge_ports::{BoxFuture, TokenMeter};
use wforge_testkit::SimClock;

use crate::world::{NOON, call};

/// A tenant's budget that has nothing left.
#[derive(Debug)]
struct Spent;

impl TokenMeter for Spent {
    fn reserve<'a>(
        &'a self,
        _call: &'a AgentCall,
        _tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        let spent = Failure::Limit(Problem::new("tokens_per_day", "nothing left"));
        std::future::ready(Err(spent)).boxed()
    }

    fn settle(&self, _call: &AgentCall, _reserved: u64, _used: u64) {
        panic!("nothing was held")
    }

    fn count(&self, _model: &str, _outcome: &'static str, _used: &ModelUsage) {}
}

#[derive(Debug)]
struct Endless;

impl TokenMeter for Endless {
    fn reserve<'a>(
        &'a self,
        _call: &'a AgentCall,
        _tokens: u64,
    ) -> BoxFuture<'a, Result<(), Failure>> {
        std::future::ready(Ok(())).boxed()
    }

    fn settle(&self, _call: &AgentCall, _reserved: u64, _used: u64) {}

    fn count(&self, _model: &str, _outcome: &'static str, _used: &ModelUsage) {}
}

const LIMITS: TokenLimits = TokenLimits {
    tokens_per_run_max: 100,
    tokens_per_node_max: 60,
    tokens_per_plugin_per_day_max: 150,
};

fn budgets(limits: TokenLimits) -> (Budgets, SimClock) {
    let clock = SimClock::at(NOON);
    (Budgets::new(limits, Arc::new(clock.clone()), Arc::new(Endless)), clock)
}

/// A call of a run and a node.
fn by(run: u8, node: &str) -> AgentCall {
    let run = format!("run_{run:032x}").parse().unwrap();
    AgentCall { run, node: node.parse().unwrap(), ..call(&[]) }
}

/// None of these meters waits for anything.
fn reserve(budgets: &Budgets, call: &AgentCall, tokens: u64) -> Result<(), Failure> {
    budgets.reserve(call, tokens).now_or_never().unwrap()
}

fn told(held: Result<(), Failure>) -> String {
    held.map_or_else(|failure| failure.to_string(), |()| "held".to_owned())
}

#[test]
fn each_budget_holds_for_its_own() {
    let (budgets, _) = budgets(LIMITS);
    let mut lines = String::new();
    for (run, node, tokens) in
        [(1, "a", 50), (1, "a", 11), (1, "b", 51), (1, "b", 50), (2, "a", 51), (2, "a", 50)]
    {
        let held = told(reserve(&budgets, &by(run, node), tokens));
        lines += &format!("run {run}, {node}, {tokens}: {held}\n");
    }
    expect![[r#"
        run 1, a, 50: held
        run 1, a, 11: limit (tokens_per_node): 11 tokens more would pass the budget of 60: 0 are used and 50 held
        run 1, b, 51: limit (tokens_per_run): 51 tokens more would pass the budget of 100: 0 are used and 50 held
        run 1, b, 50: held
        run 2, a, 51: limit (tokens_per_plugin): 51 tokens more would pass the budget of 150: 0 are used and 100 held
        run 2, a, 50: held
    "#]].assert_eq(&lines);
}

#[test]
fn what_is_settled_counts_and_what_is_given_back_does_not() {
    let (budgets, _) = budgets(LIMITS);
    let call = by(1, "a");
    reserve(&budgets, &call, 60).unwrap();
    assert_eq!(reserve(&budgets, &call, 1).unwrap_err().code(), "tokens_per_node");
    budgets.settle(&call, 60, 10);
    reserve(&budgets, &call, 50).unwrap();
    budgets.settle(&call, 50, 0);
    reserve(&budgets, &call, 50).unwrap();
    // Nobody can take back what a model has used beyond the estimate.
    budgets.settle(&call, 50, 200);
    assert_eq!(reserve(&budgets, &call, 0).unwrap_err().code(), "tokens_per_run");
}

#[test]
fn a_plugins_budget_begins_anew_each_day() {
    let (budgets, clock) = budgets(LIMITS);
    for run in 1..=3 {
        let call = by(run, "a");
        reserve(&budgets, &call, 50).unwrap();
        budgets.settle(&call, 50, 50);
    }
    let failure = reserve(&budgets, &by(4, "a"), 1).unwrap_err();
    assert_eq!(failure.code(), "tokens_per_plugin");
    // It is 22:13:20.
    assert_eq!(failure.problem().unwrap().retry_after_ms, Some(6_400_000));
    expect![[r#"{"asked":1,"held":0,"limit":150,"used":150}"#]]
        .assert_eq(&failure.problem().unwrap().details.to_string());
    clock.advance(Duration::from_millis(6_400_000));
    assert_eq!(told(reserve(&budgets, &by(4, "a"), 1)), "held");
    let other = AgentCall { tenant: "north".parse().unwrap(), ..by(5, "a") };
    assert_eq!(told(reserve(&budgets, &other, 60)), "held", "another tenant has its own");
}

#[test]
fn without_limits_everything_is_held() {
    let (budgets, _) = budgets(TokenLimits::default());
    assert_eq!(told(reserve(&budgets, &by(1, "a"), u64::MAX)), "held");
    assert_eq!(told(reserve(&budgets, &by(1, "a"), u64::MAX)), "held");
}

#[test]
fn what_the_tenant_may_not_is_held_by_nobody() {
    let clock = Arc::new(SimClock::at(NOON));
    let budgets = Budgets::new(LIMITS, clock, Arc::new(Spent));
    for _ in 0..3 {
        assert_eq!(reserve(&budgets, &by(1, "a"), 60).unwrap_err().code(), "tokens_per_day");
    }
}
