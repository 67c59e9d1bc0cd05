//! Agents in the place of others: `fallback: publisher/agent`, and scripts of the mock agent that
//! take over.

use expect_test::expect;
use wforge_model::event::EventKind;
use wforge_model::mock::MockMode;

use crate::harness::{Bench, Start, check};

fn one(node: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {{ schema: {{ type: object }} }} }}
input: []
output: [x]
nodes:
  a: {{ in: {{}}, out: {{ x: result }}, {node} }}
edges: [{{ from: START, to: a }}]
"
    )
}

#[test]
fn another_agent_makes_a_further_attempt_and_the_run_is_degraded() {
    let mut bench = Bench::begin(
        &one("agent: t/a, fallback: t/b"),
        "t/a: fail upstream busy\nt/b: ok {\"by\":\"b\"}",
        Start::default(),
    );
    bench.drain();
    expect![[r#"
        step 1: a
          attempt 1 failed, upstream (busy): as the script says; its stand-in takes over
          a by fallback for a named agent
        completed: {"x":{"by":"b"}}
    "#]]
    .assert_eq(&bench.story());
    assert!(bench.run.degraded);
}

#[test]
fn it_stands_in_for_a_missing_agent_before_anything_is_called() {
    let text = one("agent: missing/a, fallback: t/b");
    check(
        &text,
        "t/b: ok {\"by\":\"b\"}",
        Start::default(),
        &expect![[r#"
        step 1: a
          attempt 1 failed, missing (missing_agent): no installed plugin serves missing/a; install one: wforge plugin install FILE; its stand-in takes over
          a by fallback for a named agent
        completed: {"x":{"by":"b"}}
    "#]],
    );
}

#[test]
fn whoever_stands_in_says_for_which_failure() {
    for (node, of) in [
        ("agent: t/a, fallback: t/b", "an agent"),
        ("agent: t/a, fallback: mock", "the mock agent"),
        ("agent: t/a, fallback: mock, mock: { script: [{ set: { y: '1' } }] }", "a script"),
    ] {
        let calls = "t/a: fail trap oops\nt/b: ok {}";
        let mut bench = Bench::begin(&one(node), calls, Start::default());
        bench.drain();
        let finished = bench.log.iter().find_map(|event| match &event.kind {
            EventKind::TaskFinished(finished) => Some(finished),
            _ => None,
        });
        let finished = finished.expect(of);
        let code = finished.instead_of.as_ref().map(|failure| failure.code().to_owned());
        assert_eq!((code.as_deref(), finished.stands_in), (Some("oops"), true), "{of}");
    }
}

#[test]
fn retries_come_first_and_count_anew_for_the_other_agent() {
    let retry = "retry: [{ max_attempts: 2, initial: 1s, jitter: false }]";
    let text = one(&format!("agent: t/a, fallback: t/b, {retry}"));
    let script = "t/a: fail upstream busy\nt/b: fail upstream tired; ok {\"by\":\"b\"}";
    let mut bench = Bench::begin(&text, script, Start::default());
    bench.drain();
    bench.wait();
    bench.wait();
    expect![[r#"
        step 1: a
          attempt 1 failed, upstream (busy): as the script says
          after 1000 ms
          attempt 2 failed, upstream (busy): as the script says; its stand-in takes over
          attempt 3 failed, upstream (tired): as the script says
          after 1000 ms
          a by fallback for a named agent
        completed: {"x":{"by":"b"}}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_stand_in_that_fails_as_well_ends_the_task_unless_the_mode_has_another() {
    let text = one("agent: t/a, fallback: t/b, mock: { output: { by: mock } }");
    let script = "t/a: fail trap oops\nt/b: fail trap again";
    check(
        &text,
        script,
        Start::default(),
        &expect![[r#"
        step 1: a
          attempt 1 failed, trap (oops): as the script says; its stand-in takes over
          failed for good, trap (again): as the script says
        failed: again: node a failed: trap (again): as the script says
    "#]],
    );
    let fallback = Start { mode: Some(MockMode::Fallback), ..Start::default() };
    check(
        &text,
        script,
        fallback,
        &expect![[r#"
        step 1: a
          attempt 1 failed, trap (oops): as the script says; its stand-in takes over
          a by fallback for a named agent
        completed: {"x":{"by":"mock"}}
    "#]],
    );
}

#[test]
fn mode_off_calls_nobody_else() {
    let off = Start { mode: Some(MockMode::Off), ..Start::default() };
    check(
        &one("agent: t/a, fallback: t/b"),
        "t/a: fail trap oops",
        off,
        &expect![[r#"
        step 1: a
          failed for good, trap (oops): as the script says
        failed: oops: node a failed: trap (oops): as the script says
    "#]],
    );
}

#[test]
fn what_a_fallback_does_not_cover_is_not_covered_by_an_agent_either() {
    let text = one("agent: t/a, fallback: t/b");
    check(
        &text,
        "t/a: fail failed bug",
        Start::default(),
        &expect![[r#"
        step 1: a
          failed for good, failed (bug): as the script says
        failed: bug: node a failed: failed (bug): as the script says
    "#]],
    );
    let text = one("agent: t/a, fallback: t/b, fallback_on: [failed]");
    check(
        &text,
        "t/a: fail failed bug",
        Start::default(),
        &expect![[r#"
        step 1: a
          attempt 1 failed, failed (bug): as the script says; its stand-in takes over
          a by fallback for a named agent
        completed: {"x":{}}
    "#]],
    );
}

#[test]
fn a_fallback_that_nobody_serves_is_none() {
    let text = one("agent: t/a, fallback: missing/b");
    check(
        &text,
        "t/a: fail trap oops",
        Start::default(),
        &expect![[r#"
        step 1: a
          failed for good, trap (oops): as the script says
        failed: oops: node a failed: trap (oops): as the script says
    "#]],
    );
}

#[test]
fn a_script_takes_over_as_a_further_attempt_and_may_ask() {
    let script = "script: [{ fail: { times: 1, kind: upstream } }, { interrupt: \"'Well?'\" }, \
                  { set: { by: 'answers[0]' } }]";
    let retry = "retry: [{ on: [upstream], max_attempts: 2, initial: 1s, jitter: false }]";
    let text = one(&format!("agent: t/a, fallback: mock, {retry}, mock: {{ {script} }}"));
    let mut bench = Bench::begin(&text, "t/a: fail trap oops", Start::default());
    bench.drain();
    bench.wait();
    bench.say("\"ada\"");
    expect![[r#"
        step 1: a
          attempt 1 failed, trap (oops): as the script says; its stand-in takes over
          attempt 2 failed, upstream (mock): the script fails here
          after 1000 ms
          asks: Well?
          answered: "ada" by Person("ada")
          a by fallback for a named agent
        completed: {"x":{"by":"ada"}}
    "#]]
    .assert_eq(&bench.story());
    assert!(bench.run.degraded);
}

#[test]
fn a_stand_in_whose_result_does_not_fit_is_tried_again_and_replaced_like_one_that_fails() {
    let retry = "retry: [{ max_attempts: 2, initial: 1s, jitter: false }]";
    let text =
        one(&format!("agent: t/a, fallback: t/b, {retry}, mock: {{ output: {{ by: mock }} }}"));
    let script = "t/a: fail trap oops\nt/b: ok 5";
    let fallback = Start { mode: Some(MockMode::Fallback), ..Start::default() };
    let mut bench = Bench::begin(&text, script, fallback);
    bench.drain();
    bench.wait();
    bench.wait();
    expect![[r#"
        step 1: a
          attempt 1 failed, trap (oops): as the script says
          after 1000 ms
          attempt 2 failed, trap (oops): as the script says; its stand-in takes over
          attempt 3 failed, bad_output (state_schema): state key x: the value is not of type "object"
          after 1000 ms
          a by fallback for a named agent
        completed: {"x":{"by":"mock"}}
    "#]].assert_eq(&bench.story());
}

#[test]
fn what_the_mock_agent_replies_in_an_agents_place_is_not_replaced_again() {
    let text = one("agent: t/a, fallback: mock, mock: { output: 5 }");
    check(
        &text,
        "t/a: fail trap oops",
        Start::default(),
        &expect![[r#"
        step 1: a
          failed for good, failed (fallback_failed): trap (oops): as the script says; and its stand-in: bad_output (state_schema): state key x: the value is not of type "object"
        failed: fallback_failed: node a failed: failed (fallback_failed): trap (oops): as the script says; and its stand-in: bad_output (state_schema): state key x: the value is not of type "object"
    "#]],
    );
    let always = Start { mode: Some(MockMode::Always), ..Start::default() };
    check(
        &text,
        "",
        always,
        &expect![[r#"
        step 1: a
          failed for good, bad_output (state_schema): state key x: the value is not of type "object"
        failed: state_schema: node a failed: bad_output (state_schema): state key x: the value is not of type "object"
    "#]],
    );
}
