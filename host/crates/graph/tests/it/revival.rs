//! A run that failed and is taken up again, and the workflow that is run with its failure.

use expect_test::expect;
use wforge_graph::waiting_for;
use wforge_model::RunId;
use wforge_model::command::Fact;

use crate::harness::{Bench, LIST, Start};

fn revive() -> Fact {
    Fact::Revive { by: "ada".into() }
}

const TWO: &str = "
nodes:
  one: { agent: mock, out: { log: [\"'one ' + string(result.calls)\"] }, mock: { script: [{ count: calls }] } }
  two:
    agent: mock
    out: { log: [\"'two ' + string(result.calls)\"] }
    mock: { script: [{ fail: { kind: upstream, times: 2 } }, { count: calls }] }
    retry: [{ max_attempts: 2, initial: 10ms, jitter: false }]
  after: { set: { log: [\"'after'\"] } }
edges: [{ from: START, to: [one, two] }, { from: [one, two], to: after }]
";

#[test]
fn finished_siblings_keep_their_results_and_what_failed_begins_again() {
    let mut bench = Bench::begin(&format!("{LIST}{TWO}"), "", Start::default());
    bench.wait();
    assert_eq!(bench.run.status.as_str(), "failed");
    bench.tell(revive());
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
          after 10 ms
          failed for good, upstream (mock): the script fails here
        failed: mock: node two failed: upstream (mock): the script fails here
        ada takes it up again
          two by mock
        step 2: after
        completed: {"log":["one 1","two 3","after"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_revived_task_has_all_its_attempts_again() {
    let text = format!("{LIST}{TWO}").replace("times: 2", "times: 3");
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.wait();
    bench.tell(revive());
    bench.wait();
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
          after 10 ms
          failed for good, upstream (mock): the script fails here
        failed: mock: node two failed: upstream (mock): the script fails here
        ada takes it up again
          attempt 3 failed, upstream (mock): the script fails here
          after 10 ms
          two by mock
        step 2: after
        completed: {"log":["one 1","two 4","after"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn siblings_that_were_under_way_are_called_again() {
    let text = "
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [a, b] }]
";
    let script = "a: fail failed bug; echo";
    let mut bench = Bench::begin(&format!("{LIST}{text}"), script, Start::default());
    bench.drain();
    bench.tell(revive());
    bench.drain();
    expect![[r#"
        step 1: a, b
          failed for good, failed (bug): as the script says
        failed: bug: node a failed: failed (bug): as the script says
        ada takes it up again
        completed: {"log":["a","b"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_run_is_revived_after_a_restart_as_well() {
    let mut bench = Bench::begin(&format!("{LIST}{TWO}"), "", Start::default());
    bench.wait();
    bench.restart();
    bench.tell(revive());
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
          after 10 ms
          failed for good, upstream (mock): the script fails here
        failed: mock: node two failed: upstream (mock): the script fails here
          restarted
        ada takes it up again
          two by mock
        step 2: after
        completed: {"log":["one 1","two 3","after"]}
    "#]]
    .assert_eq(&bench.story());
}

const CHILD: &str = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { seen: { reducer: append } }
output: [seen]
nodes:
  x: { set: { seen: [\"'x'\"] } }
  y: { agent: t/y, in: {}, out: { seen: [\"'y'\"] } }
  z: { agent: t/z, in: {}, out: { seen: [\"'z'\"] } }
edges: [{ from: START, to: x }, { from: x, to: [y, z] }]
";

#[test]
fn a_subgraph_goes_on_where_it_failed() {
    let text = "
nodes:
  side: { workflow: child, out: { log: result.seen } }
  beside: { agent: t/b, in: {}, out: { log: [\"'beside'\"] } }
edges: [{ from: START, to: [side, beside] }]
";
    let start = Start { parts: &[CHILD], ..Start::default() };
    let script = "y: fail failed bug; echo\nbeside: echo; fail failed twice";
    let mut bench = Bench::begin(&format!("{LIST}{text}"), script, start);
    bench.drain();
    bench.restart();
    bench.tell(revive());
    bench.drain();
    expect![[r#"
        step 1: beside, side
        step 1 in side: x
        step 2 in side: y, z
          failed for good in side, failed (bug): as the script says
          failed for good, failed (bug): as the script says
        failed: bug: node side failed: failed (bug): as the script says
          restarted
        ada takes it up again
        completed: {"log":["beside","x","y","z"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn what_passed_a_limit_or_was_ended_cannot_be_revived() {
    let text = format!("{LIST}{TWO}limits: {{ steps: 1 }}\n").replace("times: 2", "times: 0");
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.tell(revive());
    expect![[r#"
        step 1: one, two
          one by mock
          two by mock
        failed: step_limit: the run took 1 super-steps, the most that limits.steps allows; raise it, or end the loop
    "#]].assert_eq(&bench.story());
    let mut bench = Bench::begin(&format!("{LIST}{TWO}"), "", Start::default());
    let (reason, by) = ("enough".into(), "ada".into());
    bench.tell(Fact::Cancel { reason, by, roll_back: false });
    bench.tell(revive());
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
        cancelled: enough
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_failed_run_owes_its_failure_to_the_workflow_that_handles_it() {
    let report = CHILD.replace("name: child", "name: report");
    let text = format!("{LIST}{TWO}on_failure: report\n");
    let mut bench = Bench::begin(&text, "", Start { parts: &[&report], ..Start::default() });
    bench.wait();
    let waits = serde_json::to_string(&waiting_for(&bench.run)).unwrap();
    expect![[r#"[{"waiting":"failure_handler"}]"#]].assert_eq(&waits);
    // Nobody came to it before the host went down: it is asked for again.
    bench.restart();
    bench.tell(Fact::FailureHandled { outcome: Ok(RunId::from_bytes([9; 16])) });
    bench.tell(Fact::FailureHandled { outcome: Ok(RunId::from_bytes([9; 16])) });
    assert!(waiting_for(&bench.run).is_empty());
    // Whoever takes the run up again owes the next failure anew.
    bench.tell(revive());
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
          after 10 ms
          failed for good, upstream (mock): the script fails here
        failed: mock: node two failed: upstream (mock): the script fails here
          its failure is to be handled
          restarted
          its failure is to be handled
        its failure is handled by a run
        ada takes it up again
          two by mock
        step 2: after
        completed: {"log":["one 1","two 3","after"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_failure_that_nobody_can_handle_is_told_and_done_with() {
    let report = CHILD.replace("name: child", "name: report");
    let text = format!("{LIST}{TWO}on_failure: report\n");
    let mut bench = Bench::begin(&text, "", Start { parts: &[&report], ..Start::default() });
    bench.wait();
    bench.tell(Fact::FailureHandled { outcome: Err("it takes other input".into()) });
    expect![[r#"
        step 1: one, two
          one by mock
          attempt 1 failed, upstream (mock): the script fails here
          after 10 ms
          failed for good, upstream (mock): the script fails here
        failed: mock: node two failed: upstream (mock): the script fails here
          its failure is to be handled
        its failure is not handled: it takes other input
    "#]]
    .assert_eq(&bench.story());
    assert!(waiting_for(&bench.run).is_empty());
}
