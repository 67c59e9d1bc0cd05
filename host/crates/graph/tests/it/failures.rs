//! Retry, then fallback, then the end.

use expect_test::expect;
use wforge_model::mock::MockMode;

use crate::harness::{Bench, Start, check};

fn one(agent: &str, policy: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {{ schema: {{ type: object, required: [n], properties: {{ n: {{ type: integer, minimum: 4, maximum: 4 }} }} }} }} }}
input: []
output: [x]
nodes:
  a: {{ agent: {agent}, in: {{}}, out: {{ x: result }}{policy} }}
edges: [{{ from: START, to: a }}]
mock: {{ on_degraded: continue }}
"
    )
}

#[test]
fn a_retry_waits_longer_each_time_and_gives_up_after_its_attempts() {
    let retry = ", retry: [{ on: [upstream], max_attempts: 3, initial: 100ms, factor: 3, max: 10s, jitter: false }]";
    let mut bench = Bench::begin(&one("t/a", retry), "a: fail upstream busy", Start::default());
    bench.drain();
    bench.wait();
    bench.wait();
    expect![[r#"
        step 1: a
          attempt 1 failed, upstream (busy): as the script says
          after 100 ms
          attempt 2 failed, upstream (busy): as the script says
          after 300 ms
          failed for good, upstream (busy): as the script says
        failed: busy: node a failed: upstream (busy): as the script says
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_retry_that_succeeds_goes_on() {
    let retry = ", retry: [{ on: [busy], max_attempts: 2, initial: 100ms, jitter: false }]";
    let script = "a: fail upstream busy; ok {\"n\":4}";
    let mut bench = Bench::begin(&one("t/a", retry), script, Start::default());
    bench.drain();
    bench.wait();
    expect![[r#"
        step 1: a
          attempt 1 failed, upstream (busy): as the script says
          after 100 ms
        completed: {"x":{"n":4}}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_failure_that_no_rule_names_is_not_tried_again() {
    check(
        &one("t/a", ", retry: [{ on: [timeout], max_attempts: 5 }]"),
        "a: fail failed bug",
        Start::default(),
        &expect![[r#"
            step 1: a
              failed for good, failed (bug): as the script says
            failed: bug: node a failed: failed (bug): as the script says
        "#]],
    );
}

#[test]
fn the_mock_agent_stands_in_where_the_node_says_so_and_the_run_is_degraded() {
    let mut bench =
        Bench::begin(&one("t/a", ", fallback: mock"), "a: fail trap oops", Start::default());
    bench.drain();
    expect![[r#"
        step 1: a
          a by fallback for a named agent
        completed: {"x":{"n":4}}
    "#]]
    .assert_eq(&bench.story());
    assert!(bench.run.degraded);
}

#[test]
fn a_missing_agent_falls_back_in_mode_fallback_without_the_node_saying_so() {
    check(
        &one("missing/a", ""),
        "",
        Start { mode: Some(MockMode::Fallback), ..Start::default() },
        &expect![[r#"
            step 1: a
              a by fallback for a named agent
            completed: {"x":{"n":4}}
        "#]],
    );
}

#[test]
fn fallback_none_holds_in_every_mode() {
    check(
        &one("missing/a", ", fallback: none"),
        "",
        Start { mode: Some(MockMode::Fallback), ..Start::default() },
        &expect![[r#"
            step 1: a
              failed for good, missing (missing_agent): no installed plugin serves missing/a; install one: wforge plugin install FILE
            failed: missing_agent: node a failed: missing (missing_agent): no installed plugin serves missing/a; install one: wforge plugin install FILE
        "#]],
    );
}

#[test]
fn a_fallback_covers_the_agents_own_failure_only_where_it_is_named() {
    check(
        &one("t/a", ", fallback: mock"),
        "a: fail failed bug",
        Start::default(),
        &expect![[r#"
            step 1: a
              failed for good, failed (bug): as the script says
            failed: bug: node a failed: failed (bug): as the script says
        "#]],
    );
    check(
        &one("t/a", ", fallback: mock, fallback_on: [failed]"),
        "a: fail failed bug",
        Start::default(),
        &expect![[r#"
            step 1: a
              a by fallback for a named agent
            completed: {"x":{"n":4}}
        "#]],
    );
}

#[test]
fn a_result_that_misses_the_states_schema_is_bad_output_and_falls_back() {
    check(
        &one("t/a", ", fallback: mock"),
        "a: ok {\"n\":9}",
        Start::default(),
        &expect![[r#"
            step 1: a
              a by fallback for a named agent
            completed: {"x":{"n":4}}
        "#]],
    );
}

#[test]
fn always_and_a_named_mock_take_the_agents_place_from_the_first() {
    let mocked = expect![[r#"
        step 1: a
          a by mock for a named agent
        completed: {"x":{"n":4}}
    "#]];
    let always = Start { mode: Some(MockMode::Always), ..Start::default() };
    check(&one("t/a", ""), "", always, &mocked);
    check(&one("t/a", ""), "", Start { mocks: &["a"], ..Start::default() }, &mocked);
}

#[test]
fn a_mock_by_the_authors_choice_does_not_degrade() {
    let mut bench =
        Bench::begin(&one("mock", ", mock: { output: { n: 4 } }"), "", Start::default());
    bench.drain();
    expect![[r#"
        step 1: a
          a by mock
        completed: {"x":{"n":4}}
    "#]]
    .assert_eq(&bench.story());
    assert!(!bench.run.degraded);
}

#[test]
fn on_degraded_fail_ends_the_run() {
    check(
        &one("t/a", ", fallback: mock").replace("on_degraded: continue", "on_degraded: fail"),
        "a: fail trap oops",
        Start::default(),
        &expect![[r#"
            step 1: a
              a by fallback for a named agent
            failed: degraded: the mock agent stood in for an agent, and mock.on_degraded is `fail`
        "#]],
    );
}
