//! Runs that begin where another one stood: threads, forks, updates, copies, migrations.

use expect_test::expect;
use wforge_model::beginning::{Origin, StateUpdate};
use wforge_model::event::Write;

use crate::harness::{At, Bench, LIST, Start};

/// a, then b and c, then d; b asks.
const TEXT: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state:
  log: { reducer: append }
  n: { reducer: sum }
  once: { ephemeral: true }
  token: { persist: false }
input: [log]
output: [log, n]
nodes:
  a: { set: { log: [\"'a'\"], n: '1', once: '1', token: '1' } }
  b: { ask: { prompt: 'b?' }, out: { log: [result], n: '10' } }
  c: { set: { log: [\"'c'\"], n: '100' } }
  d: { set: { log: [\"'d' + string(default(state.once, 0)) + string(default(state.token, 0))\"] } }
edges: [{ from: START, to: a }, { from: a, to: [b, c] }, { from: [b, c], to: d }]
";

/// A run of it that ended.
fn first() -> Bench {
    let mut bench = Bench::begin(TEXT, "", Start::default());
    bench.say("\"b\"");
    expect![[r#"
        step 1: a
        step 2: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 3: d
        completed: {"log":["a","b","c","d01"],"n":111}
    "#]]
    .assert_eq(&bench.story());
    bench
}

fn after(before: &Bench, at: At, start: Start<'_>, origin: Origin) -> Bench {
    Bench::after((before, at), TEXT, start, origin)
}

fn update(node: Option<&str>, key: &str, value: &str) -> StateUpdate {
    let value = serde_json::from_str(value).unwrap();
    let write = Write { key: key.parse().unwrap(), value, overwrite: false };
    StateUpdate { node: node.map(|node| node.parse().unwrap()), writes: vec![write] }
}

#[test]
fn the_next_run_of_a_thread_goes_on_with_the_state() {
    let before = first();
    let start = Start { input: r#"{"log":["more"]}"#, ..Start::default() };
    let mut bench = after(&before, At::End, start, Origin::Input);
    expect![[r#"{"log":["a","b","c","d01","more","a"],"n":112,"once":1,"token":1}"#]]
        .assert_eq(&bench.state());
    bench.say("\"b\"");
    expect![[r#"
        step 1: a
        step 2: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 3: d
        completed: {"log":["a","b","c","d01","more","a","b","c","d01"],"n":222}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn what_never_reaches_the_store_does_not_go_along_and_what_the_next_super_step_sees_does() {
    // At this checkpoint `once` and `token` are written.
    let text = TEXT.replace("b: { ask: { prompt: 'b?' }, out: { log: [result], n: '10' } }", "b: { set: { log: [\"'b' + string(default(state.once, 0)) + string(default(state.token, 0))\"] } }");
    let mut before = Bench::begin(&text, "", Start::default());
    expect![[r#"
        step 1: a
        step 2: b, c
        step 3: d
        completed: {"log":["a","b11","c","d01"],"n":101}
    "#]]
    .assert_eq(&before.story());
    let base = (&before, At::Step(1));
    let copy = Bench::after(base, &text, Start::default(), Origin::Copy);
    expect![[r#"{"log":["a"],"n":1,"once":1}"#]].assert_eq(&copy.state());
    for base in [base, (&copy, At::End)] {
        let mut bench = Bench::after(base, &text, Start::default(), Origin::Continue);
        expect![[r#"
            step 1: b, c
            step 2: d
            completed: {"log":["a","b10","c","d00"],"n":101}
        "#]]
        .assert_eq(&bench.story());
    }
    // New input begins a super-step of its own.
    let bench =
        Bench::after(base, &text, Start { steps: Some(0), ..Start::default() }, Origin::Input);
    expect![[r#"{"log":["a"],"n":1}"#]].assert_eq(&bench.state());
}

#[test]
fn going_on_from_a_checkpoint_does_what_was_to_be_done_there_and_asks_again() {
    let before = first();
    let mut bench = after(&before, At::Step(1), Start::default(), Origin::Continue);
    bench.say("\"another\"");
    expect![[r#"
        step 1: b, c
          asks: b?
          answered: "another" by Person("ada")
        step 2: d
        completed: {"log":["a","another","c","d00"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn the_tasks_of_a_fork_are_other_tasks() {
    let ids = |bench: &Bench| bench.run.tasks().iter().map(|task| task.id).collect::<Vec<_>>();
    let begun = Bench::begin(TEXT, "", Start::default());
    let before = first();
    let fork = after(&before, At::Step(1), Start::default(), Origin::Continue);
    let again = after(&before, At::Step(1), Start::default(), Origin::Continue);
    assert_eq!((begun.run.tasks().len(), fork.run.tasks().len()), (2, 2));
    assert_eq!(ids(&fork), ids(&again));
    assert!(ids(&begun).iter().all(|id| !ids(&fork).contains(id)));
}

#[test]
fn going_on_from_the_end_does_nothing() {
    let before = first();
    let mut bench = after(&before, At::End, Start::default(), Origin::Continue);
    expect![[r#"
        completed: {"log":["a","b","c","d01"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_checkpoint_holds_nothing_of_the_super_step_after_it() {
    // `c` has finished when the run is forked; its result is not part of the checkpoint.
    let before = Bench::begin(TEXT, "", Start::default());
    let mut bench = after(&before, At::End, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 2: d
        completed: {"log":["a","b","c","d00"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_join_that_is_half_full_stays_so() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ set: {{ log: [\"'a'\"] }} }}
  b: {{ set: {{ log: [\"'b'\"] }} }}
  c: {{ set: {{ log: [\"'c'\"] }} }}
  d: {{ set: {{ log: [\"'d'\"] }} }}
edges: [{{ from: START, to: [a, b] }}, {{ from: b, to: c }}, {{ from: [a, c], to: d }}]
"
    );
    let mut before = Bench::begin(&text, "", Start::default());
    before.drain();
    let mut bench = Bench::after((&before, At::Step(1)), &text, Start::default(), Origin::Continue);
    expect![[r#"
        step 1: c
        step 2: d
        completed: {"log":["a","b","c","d"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn an_update_counts_as_a_node_and_what_follows_on_it_is_next() {
    let before = first();
    let updates = vec![update(Some("a"), "log", "[\"x\"]")];
    let mut written = after(&before, At::Step(1), Start::default(), Origin::Update(updates));
    expect![[r#"
        completed: {"log":["a","x"],"n":1}
    "#]]
    .assert_eq(&written.story());
    let mut bench = after(&written, At::End, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 2: d
        completed: {"log":["a","x","b","c","d00"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_deferred_node_still_waits_after_an_update_and_after_new_input() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ set: {{ log: [\"'a'\"] }} }}
  b: {{ set: {{ log: [\"'b'\"] }} }}
  c: {{ set: {{ log: [\"'c'\"] }} }}
  last: {{ defer: true, set: {{ log: [\"'last'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: [b, last] }}, {{ from: b, to: c }}]
"
    );
    let before = Bench::begin(&text, "", Start::default());
    let updates = Origin::Update(vec![update(Some("b"), "log", "[\"as b\"]")]);
    let written = Bench::after((&before, At::Step(1)), &text, Start::default(), updates);
    let mut bench = Bench::after((&written, At::End), &text, Start::default(), Origin::Continue);
    expect![[r#"
        step 1: c
        step 2: last
        completed: {"log":["a","as b","c","last"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn an_update_as_nobody_counts_as_input() {
    let before = first();
    let updates = vec![update(None, "n", "1000")];
    let written = after(&before, At::End, Start::default(), Origin::Update(updates));
    let mut bench = after(&written, At::End, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: a
        step 2: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 3: d
        completed: {"log":["a","b","c","d01","a","b","c","d01"],"n":1222}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn several_updates_count_in_their_order_and_fill_a_join_together() {
    let before = first();
    let updates =
        vec![update(Some("c"), "log", "[\"as c\"]"), update(Some("b"), "log", "[\"as b\"]")];
    let written = after(&before, At::Step(1), Start::default(), Origin::Update(updates));
    expect![[r#"{"log":["a","as c","as b"],"n":1}"#]].assert_eq(&written.state());
    let mut bench = after(&written, At::End, Start::default(), Origin::Continue);
    expect![[r#"
        step 1: d
        completed: {"log":["a","as c","as b","d00"],"n":1}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn what_is_wrong_with_an_update_is_told_at_once() {
    let before = first();
    let updates = vec![
        update(Some("nobody"), "log", "[1]"),
        update(Some("a"), "lgo", "1"),
        update(Some("a"), "n", "\"text\""),
    ];
    let base = Some((&before, At::End));
    let origin = Origin::Update(updates.clone());
    let refused = Bench::try_begin(TEXT, "", Start::default(), origin, base).err().unwrap();
    expect![[r#"
        nobody: unknown_node: the workflow has no node nobody to write as
        lgo: unknown_key: the state has no key lgo"#]]
    .assert_eq(&refused);
    let origin = Origin::Update(vec![updates[2].clone()]);
    let refused = Bench::try_begin(TEXT, "", Start::default(), origin, base).err().unwrap();
    expect![
        "n: reducer_type: node a writes text to state key n, which has a number; sum adds numbers"
    ]
    .assert_eq(&refused);
}

#[test]
fn a_copy_keeps_what_is_next() {
    let before = first();
    let mut copy = after(&before, At::Step(1), Start::default(), Origin::Copy);
    expect![[r#"
        completed: {"log":["a"],"n":1}
    "#]]
    .assert_eq(&copy.story());
    let mut bench = after(&copy, At::End, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 2: d
        completed: {"log":["a","b","c","d00"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_migration_keeps_the_keys_and_nodes_that_are_still_there() {
    let before = first();
    let newer = TEXT
        .replace("version: 1.0.0", "version: 2.0.0")
        .replace("  n: { reducer: sum }\n", "  m: { default: new }\n")
        .replace(", n]", ", m]")
        .replace(", n: '1'", "")
        .replace(", n: '10'", "")
        .replace(", n: '100'", "")
        .replace("  c: ", "  e: ")
        .replace("[b, c]", "[b, e]");
    let base = (&before, At::Step(1));
    let moved = Bench::after(base, &newer, Start::default(), Origin::Migrate);
    expect![[r#"{"log":["a"],"m":"new"}"#]].assert_eq(&moved.state());
    let mut bench = Bench::after((&moved, At::End), &newer, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: b
          asks: b?
          answered: "b" by Person("ada")
        completed: {"log":["a","b"],"m":"new"}
    "#]]
    .assert_eq(&bench.story());
}

const CHILD: &str = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { seen: { reducer: append } }
output: [seen]
nodes: { x: { set: { seen: ['seen.size'] } } }
edges: [{ from: START, to: x }]
";

#[test]
fn a_subgraph_keeps_its_state_for_the_run_or_for_the_thread() {
    let child = CHILD.replace("seen.size", "state.seen.size()");
    let text = |persist: &str| {
        format!(
            "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ got: {{ default: [] }} }}
output: [got]
nodes:
  one: {{ workflow: child, persist: {persist}, out: {{ got: result.seen }} }}
edges: [{{ from: START, to: one }}]
"
        )
    };
    let mut told = String::new();
    for persist in ["none", "run", "thread"] {
        let start = Start { parts: &[&child], ..Start::default() };
        let text = text(persist);
        let one = Bench::begin(&text, "", start);
        let two = Bench::after((&one, At::End), &text, start, Origin::Input);
        let three = Bench::after((&two, At::End), &text, start, Origin::Input);
        // A fork from the first goes on from what was left there, whatever came later.
        let fork = Bench::after((&one, At::End), &text, start, Origin::Input);
        let states = [&one, &two, &three, &fork].map(Bench::state).join(" ");
        told.push_str(&format!("{persist}: {states}\n"));
    }
    expect![[r#"
        none: {"got":[0]} {"got":[0]} {"got":[0]} {"got":[0]}
        run: {"got":[0]} {"got":[0]} {"got":[0]} {"got":[0]}
        thread: {"got":[0]} {"got":[0,1]} {"got":[0,1,2]} {"got":[0,1]}
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_run_that_failed_leaves_its_thread_where_its_last_super_step_ended() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ set: {{ log: [\"'a'\"] }} }}
  b: {{ agent: t/b, in: {{}}, out: {{ log: [\"'b'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: b }}]
"
    );
    let mut before = Bench::begin(&text, "b: fail failed bug", Start::default());
    before.drain();
    let mut bench = Bench::after((&before, At::End), &text, Start::default(), Origin::Continue);
    bench.drain();
    expect![[r#"
        step 1: b
        completed: {"log":["a","b"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_fork_passes_the_border_at_which_its_run_paused() {
    let text = TEXT.replace("edges:", "interrupt: { before: [b], after: [a] }\nedges:");
    let before = Bench::begin(&text, "", Start::default());
    assert_eq!(before.run.standing().as_str(), "paused");
    let mut bench = Bench::after((&before, At::End), &text, Start::default(), Origin::Continue);
    bench.say("\"b\"");
    expect![[r#"
        step 1: b, c
          asks: b?
          answered: "b" by Person("ada")
        step 2: d
        completed: {"log":["a","b","c","d00"],"n":111}
    "#]]
    .assert_eq(&bench.story());
}
