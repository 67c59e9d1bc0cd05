//! Where a run stops between super-steps: at nodes that its workflow names, when somebody wants it
//! to, after so many steps.

use expect_test::expect;
use wforge_graph::{head_of, waiting_for};
use wforge_model::command::Fact;

use crate::harness::{Bench, LIST, Start};

/// a, then b and c, then d; with pauses.
fn graph(interrupt: &str) -> String {
    format!(
        "{LIST}
nodes:
  a: {{ set: {{ log: [\"'a'\"] }} }}
  b: {{ set: {{ log: [\"'b'\"] }} }}
  c: {{ agent: t/c, in: {{}}, out: {{ log: [\"'c'\"] }} }}
  d: {{ set: {{ log: [\"'d'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: [b, c] }}, {{ from: [b, c], to: d }}]
{interrupt}
"
    )
}

/// Goes on until the run ends, and says what happened.
fn to_the_end(interrupt: &str) -> String {
    let mut bench = Bench::begin(&graph(interrupt), "", Start::default());
    bench.drain();
    for _ in 0..10 {
        if bench.run.status.is_final() {
            break;
        }
        assert_eq!(bench.run.standing().as_str(), "paused");
        bench.restart();
        bench.go_on(None);
    }
    bench.story().replace("  restarted\n", "")
}

#[test]
fn a_run_pauses_before_a_node_and_goes_on_with_it() {
    expect![[r#"
        step 1: a
        paused before b
        ada lets it go on
        step 2: b, c
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&to_the_end("interrupt: { before: [b] }"));
}

#[test]
fn a_run_pauses_after_a_node_with_its_writes_in_the_state() {
    let mut bench = Bench::begin(&graph("interrupt: { after: [a] }"), "", Start::default());
    expect![[r#"{"items":[],"log":["a"]}"#]].assert_eq(&bench.state());
    bench.go_on(None);
    expect![[r#"
        step 1: a
        paused after a
        ada lets it go on
        step 2: b, c
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn several_nodes_of_one_super_step_are_one_pause() {
    expect![[r#"
        step 1: a
        paused before b, c
        ada lets it go on
        step 2: b, c
        paused after b, c
        ada lets it go on
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&to_the_end("interrupt: { before: [c, b], after: [b, c] }"));
}

#[test]
fn whoever_lets_a_run_go_on_after_a_node_passes_what_comes_before_the_next() {
    // As LangGraph has it: a border is passed once, whatever stops at it.
    expect![[r#"
        step 1: a
        paused after a
        ada lets it go on
        step 2: b, c
        paused before d
        ada lets it go on
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&to_the_end("interrupt: { after: [a], before: [b, d] }"));
}

#[test]
fn a_star_stops_at_every_border() {
    expect![[r#"
        paused before a
        ada lets it go on
        step 1: a
        paused before b, c
        ada lets it go on
        step 2: b, c
        paused before d
        ada lets it go on
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&to_the_end("interrupt: { before: \"*\" }"));
    expect![[r#"
        step 1: a
        paused after a
        ada lets it go on
        step 2: b, c
        paused after b, c
        ada lets it go on
        step 3: d
        paused after d
        ada lets it go on
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&to_the_end("interrupt: { after: \"*\" }"));
}

#[test]
fn a_loop_pauses_each_time_it_comes_round() {
    let text = format!(
        "{LIST}
nodes: {{ a: {{ set: {{ log: ['state.log.size()'] }} }} }}
edges:
  - {{ from: START, to: a }}
  - {{ from: a, branch: [{{ when: 'state.log.size() < 3', to: a }}, {{ to: END }}] }}
interrupt: {{ before: [a] }}
"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.go_on(None);
    bench.go_on(None);
    bench.go_on(None);
    expect![[r#"
        paused before a
        ada lets it go on
        step 1: a
        paused before a
        ada lets it go on
        step 2: a
        paused before a
        ada lets it go on
        step 3: a
        completed: {"log":[0,1,2]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn what_a_paused_run_waits_for_names_the_nodes() {
    let mut bench = Bench::begin(&graph("interrupt: { before: [b, c] }"), "", Start::default());
    bench.drain();
    let waits = serde_json::to_string(&waiting_for(&bench.run)).unwrap();
    expect![[r#"[{"waiting":{"resume":{"when":"before","nodes":["b","c"]}}}]"#]].assert_eq(&waits);
    let head = head_of(&"acme".parse().unwrap(), &bench.run);
    assert_eq!((head.status.as_str(), head.tasks_open), ("paused", 0));
}

#[test]
fn a_pause_waits_for_the_super_step_that_is_under_way() {
    let mut bench = Bench::begin(&graph(""), "", Start::default());
    let pause = || Fact::Pause { by: "ada".into() };
    bench.tell(pause());
    bench.tell(pause());
    assert_eq!(bench.run.standing().as_str(), "running");
    bench.drain();
    assert_eq!(bench.run.standing().as_str(), "paused");
    bench.restart();
    bench.go_on(None);
    expect![[r#"
        step 1: a
        step 2: b, c
        ada wants a pause
          restarted
        ada lets it go on
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_run_that_has_nothing_more_to_do_ends_although_somebody_wants_a_pause() {
    let text = format!(
        "{LIST}
nodes: {{ a: {{ agent: t/a, in: {{}}, out: {{ log: [\"'a'\"] }} }} }}
edges: [{{ from: START, to: a }}]
"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.tell(Fact::Pause { by: "ada".into() });
    bench.drain();
    expect![[r#"
        step 1: a
        ada wants a pause
        completed: {"log":["a"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn steps_are_taken_one_at_a_time_or_so_many() {
    let mut bench = Bench::begin(&graph(""), "", Start { steps: Some(1), ..Start::default() });
    bench.drain();
    assert_eq!(bench.run.standing().as_str(), "paused");
    bench.go_on(Some(2));
    expect![[r#"
        step 1: a
        ada lets it go on for 2 step(s)
        step 2: b, c
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
    let mut bench = Bench::begin(&graph(""), "", Start { steps: Some(1), ..Start::default() });
    bench.restart();
    bench.go_on(Some(1));
    bench.go_on(None);
    expect![[r#"
        step 1: a
          restarted
        ada lets it go on for 1 step(s)
        step 2: b, c
        ada lets it go on
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn no_step_at_all_stops_before_the_first() {
    let mut bench = Bench::begin(&graph(""), "", Start { steps: Some(0), ..Start::default() });
    assert_eq!(bench.run.standing().as_str(), "paused");
    bench.go_on(None);
    expect![[r#"
        ada lets it go on
        step 1: a
        step 2: b, c
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_run_that_does_not_pause_takes_no_leave_to_go_on() {
    let mut bench = Bench::begin(&graph(""), "", Start::default());
    bench.go_on(None);
    expect![[r#"
        step 1: a
        step 2: b, c
        step 3: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_paused_run_can_be_cancelled_and_spends_no_time() {
    let text = graph("interrupt: { before: [b] }\nlimits: { wall: 1s }");
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.now = bench.now.after_ms(3_600_000);
    bench.tell(Fact::Time);
    let (reason, by) = ("enough".into(), "ada".into());
    bench.tell(Fact::Cancel { reason, by, roll_back: true });
    expect![[r#"
        step 1: a
        paused before b
        cancelled, rolled back: enough
    "#]]
    .assert_eq(&bench.story());
    assert_eq!(bench.run.status.as_str(), "rolled_back");
}

const CHILD: &str = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { seen: { reducer: append } }
output: [seen]
nodes:
  x: { set: { seen: [\"'x'\"] } }
  y: { set: { seen: [\"'y'\"] } }
edges: [{ from: START, to: x }, { from: x, to: y }]
interrupt: { before: [y] }
";

/// Two subgraphs that pause, and a node beside them.
const PARENT: &str = "
nodes:
  left: { workflow: child, out: { log: result.seen } }
  right: { workflow: child, out: { log: result.seen } }
  beside: { agent: t/b, in: {}, out: { log: [\"'beside'\"] } }
  last: { set: { log: [\"'last'\"] } }
edges:
  - { from: START, to: [left, right, beside] }
  - { from: [left, right, beside], to: last }
interrupt: { before: [last] }
";

#[test]
fn subgraphs_pause_by_themselves_and_go_on_together() {
    let text = format!("{LIST}{PARENT}");
    let mut bench = Bench::begin(&text, "", Start { parts: &[CHILD], ..Start::default() });
    assert_eq!(bench.run.standing().as_str(), "running");
    bench.drain();
    assert_eq!(bench.run.standing().as_str(), "paused");
    assert_eq!(waiting_for(&bench.run).len(), 2);
    bench.restart();
    bench.go_on(None);
    bench.go_on(None);
    expect![[r#"
        step 1: beside, left, right
        step 1 in left: x
        paused in left before y
        step 1 in right: x
        paused in right before y
          restarted
        ada lets it go on
        step 2 in left: y
        step 2 in right: y
        paused before last
        ada lets it go on
        step 2: last
        completed: {"log":["beside","x","y","x","y","last"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn whoever_lets_subgraphs_go_on_passes_no_border_that_is_still_to_come() {
    // `beside` is under way when somebody lets the subgraphs go on: the pause before `last` stays.
    let text = format!("{LIST}{PARENT}");
    let mut bench = Bench::begin(&text, "", Start { parts: &[CHILD], ..Start::default() });
    bench.tell(Fact::Continue { by: "ada".into(), steps: None });
    bench.drain();
    bench.go_on(None);
    expect![[r#"
        step 1: beside, left, right
        step 1 in left: x
        paused in left before y
        step 1 in right: x
        paused in right before y
        ada lets it go on
        step 2 in left: y
        step 2 in right: y
        paused before last
        ada lets it go on
        step 2: last
        completed: {"log":["beside","x","y","x","y","last"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_run_that_waits_for_a_person_can_be_paused_as_well() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ ask: {{ prompt: Go on? }}, out: {{ log: [result] }} }}
  b: {{ set: {{ log: [\"'b'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: b }}]
"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.tell(Fact::Pause { by: "ada".into() });
    assert_eq!(bench.run.standing().as_str(), "waiting");
    bench.say("1");
    assert_eq!(bench.run.standing().as_str(), "paused");
    bench.go_on(None);
    expect![[r#"
        step 1: a
          asks: Go on?
        ada wants a pause
          answered: 1 by Person("ada")
        ada lets it go on
        step 2: b
        completed: {"log":[1,"b"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn an_outcome_ends_a_run_that_would_pause_before_what_comes_next() {
    let text = graph("interrupt: { before: [b] }").replace(
        "{ from: a, to: [b, c] }",
        "{ from: a, to: END, outcome: enough }, { from: a, to: [b, c] }",
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    expect![[r#"
        step 1: a
        completed as enough: {"log":["a"]}
    "#]]
    .assert_eq(&bench.story());
}
