//! Exits that leave a subgraph: `goto: { exit: parent:NODE }`.

use expect_test::expect;
use wforge_model::beginning::Origin;

use crate::harness::{Bench, LIST, Start, check};

/// Its node `go` may leave to the node `done` around it.
const CHILD: &str = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { seen: { reducer: append }, note: {}, gone: {} }
output: [seen, note]
nodes:
  first: { set: { seen: [\"'first'\"], gone: \"'lost'\" } }
  go: { agent: t/go, in: {}, out: { seen: [\"'go'\"], note: \"'left'\" }, goto: { out: parent:done } }
  slow: { agent: t/slow, in: {}, out: { seen: [\"'slow'\"] } }
  never: { set: { seen: [\"'never'\"] } }
edges:
  - { from: START, to: first }
  - { from: first, to: [go, slow] }
  - { from: go, to: never }
";

fn graph(side: &str) -> String {
    format!(
        "{LIST}
nodes:
  side: {{ workflow: child, {side} }}
  next: {{ set: {{ log: [\"'next'\"] }} }}
  done: {{ set: {{ log: [\"sent == null ? 'done' : 'done ' + sent.why\"] }} }}
edges:
  - {{ from: START, to: side }}
  - {{ from: side, to: next }}
"
    )
}

fn start() -> Start<'static> {
    Start { parts: &[CHILD], ..Start::default() }
}

#[test]
fn an_exit_to_the_parent_ends_the_subgraph_and_edges_are_taken_as_well() {
    let text = graph("out: { log: result.seen }");
    check(
        &text,
        "go: exit out",
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: done, next
        completed: {"log":["go","done","next"]}
    "#]],
    );
}

#[test]
fn without_the_exit_the_subgraph_ends_by_itself() {
    check(
        &graph("out: { log: result.seen }"),
        "",
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 3 in side: never
        step 2: next
        completed: {"log":["first","go","slow","never","next"]}
    "#]],
    );
}

#[test]
fn only_what_the_task_that_leaves_wrote_comes_out() {
    // `seen` is what `go` wrote, not what `first` did; what `out` names beside that is passed over.
    let text = graph("out: { log: [result.note, \"result.seen.size()\"] }");
    check(
        &text,
        "go: exit out",
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: done, next
        completed: {"log":["left",1,"done","next"]}
    "#]],
    );
    let text = graph("out: { log: [result.gone] }");
    check(
        &text,
        "go: exit out",
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: done, next
        completed: {"log":["done","next"]}
    "#]],
    );
}

#[test]
fn a_send_to_the_parent_is_seen_by_its_node() {
    let text = graph("out: {}");
    check(
        &text,
        "go: send out {\"why\":\"tired\"}",
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: next, done
        completed: {"log":["next","done tired"]}
    "#]],
    );
}

#[test]
fn whoever_runs_beside_the_one_that_leaves_is_dropped() {
    let mut bench = Bench::begin(&graph("out: {}"), "go: exit out", start());
    bench.drain_only(1);
    expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: done, next
        completed: {"log":["done","next"]}
    "#]]
    .assert_eq(&bench.story());
    bench.drain();
    expect![[r#""#]].assert_eq(&bench.story());
}

#[test]
fn a_subgraph_that_is_left_keeps_no_state() {
    let text = "
nodes:
  side: { workflow: child, persist: run, out: { log: [result.seen] } }
  again: { set: { items: \"state.items + [1]\" } }
  done: { set: { log: [\"'done'\"] } }
edges:
  - { from: START, to: side }
  - { from: side, to: again }
  - { from: again, branch: [{ when: 'state.items.size() < 3', to: side }, { to: END }] }
";
    let text = format!("{LIST}{text}");
    // The first call is left, so the second begins afresh; the third goes on from the second.
    let script = "go: exit out; echo; echo";
    check(
        &text,
        script,
        start(),
        &expect![[r#"
        step 1: side
        step 1 in side: first
        step 2 in side: go, slow
        step 2: again, done
        step 3: side
        step 1 in side: first
        step 2 in side: go, slow
        step 3 in side: never
        step 4: again
        step 5: side
        step 1 in side: first
        step 2 in side: go, slow
        step 3 in side: never
        step 6: again
        completed: {"log":[["go"],"done",["first","go","slow","never"],["first","go","slow","never","first","go","slow","never"]]}
    "#]],
    );
}

#[test]
fn an_exit_leads_one_level_up() {
    let middle = "
apiVersion: workflowforge/v1
name: middle
version: 1.0.0
state: { log: { reducer: append } }
output: [log]
nodes:
  side: { workflow: child, out: { log: result.seen } }
  done: { set: { log: [\"'done in the middle'\"] } }
edges: [{ from: START, to: side }]
";
    let text = "
nodes:
  outer: { workflow: middle }
  done: { set: { log: [\"'done outside'\"] } }
edges: [{ from: START, to: outer }]
";
    let start = Start { parts: &[CHILD, middle], ..Start::default() };
    check(
        &format!("{LIST}{text}"),
        "go: exit out",
        start,
        &expect![[r#"
        step 1: outer
        step 1 in outer: side
        step 1 in outer/side: first
        step 2 in outer/side: go, slow
        step 2 in outer: done
        completed: {"log":["go","done in the middle"]}
    "#]],
    );
}

#[test]
fn each_call_that_is_left_starts_the_target_once_more() {
    let text = "
nodes:
  side: { workflow: child, out: {} }
  done: { set: { log: [\"'done'\"] } }
edges: [{ from: START, each: state.items, as: item, to: side }]
";
    let text = format!("{LIST}{text}");
    let start = Start { input: r#"{"items":["x","y"]}"#, ..start() };
    check(
        &text,
        "go: exit out",
        start,
        &expect![[r#"
        step 1: side, side
        step 1 in side: first
        step 2 in side: go, slow
        step 1 in side: first
        step 2 in side: go, slow
        step 2: done, done
        completed: {"log":["done","done"]}
    "#]],
    );
}

#[test]
fn where_an_exit_leads_is_checked_before_the_run_begins() {
    let text = graph("out: {}").replace("done:", "don:");
    let refused = Bench::try_begin(&text, "", start(), Origin::Input, None).err().unwrap();
    expect!["side: unknown_node: node side runs child@1.0.0, which leaves to parent:done, but test@1.0.0 has no such node (did you mean don?)"].assert_eq(&refused);
}

#[test]
fn a_workflow_that_runs_by_itself_has_no_parent() {
    check(
        CHILD,
        "go: exit out",
        Start::default(),
        &expect![[r#"
        step 1: first
        step 2: go, slow
          failed for good, denied: exit on parent; node go leaves to a parent, but this workflow runs by itself
        failed: denied: node go failed: denied: exit on parent; node go leaves to a parent, but this workflow runs by itself
    "#]],
    );
}
