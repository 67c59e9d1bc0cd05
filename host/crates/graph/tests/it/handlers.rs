//! `on_error`: a node that handles the failure of another one, in the same super-step.

use std::fmt::Write as _;

use expect_test::expect;

use crate::harness::{Bench, LIST, Start, check, workflow};

fn graph(rest: &str) -> String {
    format!("{LIST}{rest}")
}

const ONE: &str = "
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] }, on_error: mend }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
  c: { set: { log: [\"'c'\"] } }
  mend: { set: { log: [\"sent.node + ' ' + sent.kind + ' ' + sent.code + ': ' + sent.message\"] } }
  after: { set: { log: [\"'after'\"] } }
edges:
  - { from: START, to: [a, b] }
  - { from: a, to: c }
  - { from: mend, to: after }
";

#[test]
fn the_handler_runs_in_the_same_super_step_and_leads_on_in_the_place_of_the_one_that_failed() {
    check(
        &graph(ONE),
        "a: fail upstream busy",
        Start::default(),
        &expect![[r#"
        step 1: a, b
          a failed, upstream (busy): as the script says; mend handles it
        step 2: after
        completed: {"log":["b","a upstream busy: as the script says","after"]}
    "#]],
    );
}

#[test]
fn a_node_that_does_not_fail_needs_no_handler() {
    check(
        &graph(ONE),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, b
        step 2: c
        completed: {"log":["a","b","c"]}
    "#]],
    );
}

#[test]
fn retries_come_before_the_handler_and_a_fallback_does_not_come_at_all() {
    let more = "retry: [{ max_attempts: 2, initial: 1s, jitter: false }], fallback: mock, on_error";
    let mut bench =
        Bench::begin(&graph(&ONE.replace("on_error", more)), "a: fail upstream", Start::default());
    bench.drain();
    bench.wait();
    expect![[r#"
        step 1: a, b
          attempt 1 failed, upstream (boom): as the script says
          after 1000 ms
          a failed, upstream (boom): as the script says; mend handles it
        step 2: after
        completed: {"log":["b","a upstream boom: as the script says","after"]}
    "#]]
    .assert_eq(&bench.story());
    assert!(!bench.run.degraded);
}

#[test]
fn a_handler_that_fails_ends_the_run_with_its_own_failure() {
    let text = graph(
        &ONE.replace("mend: { set: { log: [\"sent.node", "mend: { set: { log: [\"sent.nobody"),
    );
    check(
        &text,
        "a: fail upstream busy",
        Start::default(),
        &expect![[r#"
        step 1: a, b
          a failed, upstream (busy): as the script says; mend handles it
          failed for good, failed (unknown_name): nodes.mend.set.log.0: `sent.nobody + ' ' + sent.kind + ' ' + sent.code + ': ' + sent.message`: sent has no field "nobody"; there is code, details, kind, message, node
        failed: unknown_name: node mend failed: failed (unknown_name): nodes.mend.set.log.0: `sent.nobody + ' ' + sent.kind + ' ' + sent.code + ': ' + sent.message`: sent has no field "nobody"; there is code, details, kind, message, node
    "#]],
    );
}

#[test]
fn each_task_that_fails_has_a_handler_of_its_own_which_sees_its_item() {
    let text = "
nodes:
  work: { agent: t/w, in: { item: item }, out: { log: [item] }, on_error: mend }
  mend: { set: { log: [\"'mended ' + item + ' after ' + sent.code\"] } }
  done: { set: { log: [\"'done'\"] } }
edges:
  - { from: START, each: state.items, as: item, to: work, empty: done }
  - { from: [mend, work], to: done, join: any }
";
    let start = Start { input: r#"{"items":["x","y","z"]}"#, ..Start::default() };
    let script = "work: fail trap oops; echo; fail failed bug";
    check(
        &graph(text),
        script,
        start,
        &expect![[r#"
        step 1: work, work, work
          work failed, trap (oops): as the script says; mend handles it
          work failed, failed (bug): as the script says; mend handles it
        step 2: done
        completed: {"log":["y","mended x after oops","mended z after bug","done"]}
    "#]],
    );
}

#[test]
fn a_handler_may_be_an_agent_that_takes_an_exit() {
    let text = "
nodes:
  a: { agent: t/a, in: {}, out: {}, on_error: mend }
  mend: { agent: t/m, in: { code: sent.code }, out: { log: [result.code] }, goto: { repair: fix } }
  fix: { set: { log: [\"'fixed'\"] } }
edges: [{ from: START, to: a }]
";
    let script = "a: fail failed broken\nmend: exit repair";
    check(
        &graph(text),
        script,
        Start::default(),
        &expect![[r#"
        step 1: a
          a failed, failed (broken): as the script says; mend handles it
        step 2: fix
        completed: {"log":["broken","fixed"]}
    "#]],
    );
}

#[test]
fn a_handler_sees_the_details_of_an_expression_that_failed() {
    let text = "
nodes:
  a: { set: { log: ['state.items[7]'] }, on_error: mend }
  mend: { set: { log: [sent.details.place, sent.details.expression] } }
edges: [{ from: START, to: a }]
";
    check(
        &graph(text),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
          a failed, failed (type): nodes.a.set.log.0: `state.items[7]`: state.items has 0 items, none at 7; mend handles it
        completed: {"log":["nodes.a.set.log.0","state.items[7]"]}
    "#]],
    );
}

#[test]
fn a_failure_that_is_handled_leaves_its_siblings_alone() {
    let mut bench = Bench::begin(&graph(ONE), "a: fail trap", Start::default());
    bench.drain_only(1);
    bench.drain();
    expect![[r#"
        step 1: a, b
          a failed, trap (boom): as the script says; mend handles it
        step 2: after
        completed: {"log":["b","a trap boom: as the script says","after"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_cancelled_call_is_nobodys_to_handle() {
    check(
        &graph(ONE),
        "a: fail cancelled",
        Start::default(),
        &expect![[r#"
        step 1: a, b
          failed for good, cancelled (boom): as the script says
        failed: boom: node a failed: cancelled (boom): as the script says
    "#]],
    );
}

#[test]
fn the_failure_of_a_subgraph_is_handled_as_a_whole() {
    let part = "
apiVersion: workflowforge/v1
name: part
version: 1.0.0
state: { x: { default: 0 } }
output: [x]
nodes:
  p: { agent: t/p, in: {}, out: { x: '1' } }
  q: { agent: t/q, in: {}, out: {} }
edges: [{ from: START, to: [p, q] }]
";
    let text = "
nodes:
  a: { workflow: part, out: {}, on_error: mend }
  mend: { set: { log: [sent.node, sent.code] } }
edges: [{ from: START, to: a }]
";
    let start = Start { parts: &[part], ..Start::default() };
    let mut bench = Bench::begin(&graph(text), "p: fail failed broken", start);
    bench.drain();
    expect![[r#"
        step 1: a
        step 1 in a: p, q
          failed for good in a, failed (broken): as the script says
          a failed, failed (broken): as the script says; mend handles it
        completed: {"log":["a","broken"]}
    "#]]
    .assert_eq(&bench.story());
    assert!(bench.run.levels().eq([None]), "nothing of the subgraph is left");
}

#[test]
fn who_handles_is_a_node_that_is_there_and_has_no_handler_itself() {
    let mut told = String::new();
    for (a, mend) in [("mend", "{ on_error: a, "), ("a", "{ "), ("nobody", "{ ")] {
        let text = format!(
            "
nodes:
  a: {{ set: {{ log: ['1'] }}, on_error: {a} }}
  mend: {mend}set: {{ log: ['1'] }} }}
edges: [{{ from: START, to: [a, mend] }}]
"
        );
        writeln!(told, "{}", workflow(&graph(&text)).err().unwrap_or_default()).unwrap();
    }
    expect![[r#"
        nodes.a.on_error: handler_chain: mend handles a failure, so its own cannot be handled again (let the handler be a node without on_error)
        nodes.mend.on_error: handler_chain: a handles a failure, so its own cannot be handled again (let the handler be a node without on_error)
        nodes.a.on_error: handler_chain: a handles a failure, so its own cannot be handled again (let the handler be a node without on_error)
        nodes.a.on_error: unknown_node: there is no node nobody
    "#]].assert_eq(&told);
}
