//! What others read of a run and of a workflow: rows of lists, what is next, drawings, sizes.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::expect;
use wforge_graph::{
    Carried, draw, event_bytes, head_of, migration, nearest, next_nodes, unserved, waiting_for,
};
use wforge_model::beginning::{Origin, StateUpdate};
use wforge_model::command::Fact;
use wforge_model::event::Write;
use wforge_model::head::WaitReason;
use wforge_model::mock::MockMode;
use wforge_spec::Cel;

use crate::harness::{At, Bench, LIST, Start, workflow};

const TEXT: &str = "
nodes:
  a: { set: { log: [\"'a'\"] } }
  call: { agent: t/call, in: {}, out: { log: [\"'call'\"] }, retry: [{ on: [busy], max_attempts: 2, initial: 1s, jitter: false }] }
  ask: { ask: { prompt: 'Go on?' }, out: { log: [result] } }
  side: { workflow: part, out: { log: result.log } }
  last: { set: { log: [\"'last'\"] } }
edges:
  - { from: START, to: a }
  - { from: a, to: [call, ask, side] }
  - { from: [call, ask, side], to: last }
";

const PART: &str = "
apiVersion: workflowforge/v1
name: part
version: 1.0.0
state: { log: { reducer: append } }
output: [log]
interrupt: { before: [y] }
nodes:
  x: { set: { log: [\"'x'\"] } }
  y: { set: { log: [\"'y'\"] } }
edges: [{ from: START, to: x }, { from: x, to: y }]
";

fn begun() -> Bench {
    let start = Start { parts: &[PART], ..Start::default() };
    Bench::begin(&format!("{LIST}{TEXT}"), "call: fail upstream busy; ok {}", start)
}

/// The row of a run in a line, what it waits for, what is next, and what it wrote so far.
fn row(bench: &Bench) -> String {
    let head = head_of(&"acme".parse().unwrap(), &bench.run);
    let waits = head.waiting_for.iter().map(|entry| {
        let node = entry.node.as_ref().map(|node| format!("{node} ")).unwrap_or_default();
        let on = match &entry.waiting {
            WaitReason::Question(question) => format!("\"{}\"", question.prompt),
            WaitReason::Timer { until } => format!("until {until:?}"),
            WaitReason::Calls { count } => format!("{count} calls"),
            WaitReason::Resume { when, nodes } => format!("{when:?} {nodes:?}"),
            other => format!("{other:?}"),
        };
        format!("{node}{on}")
    });
    let next = next_nodes(&bench.run).iter().map(ToString::to_string).collect::<Vec<_>>();
    let planned: Vec<String> =
        bench.run.next_tasks().iter().map(|task| task.node.to_string()).collect();
    let so_far = bench.run.state_so_far();
    let log = so_far.iter().find(|(key, _)| key.as_str() == "log").unwrap().1;
    format!(
        "{}, step {}, {} finished, {} open; waits for {}; next {}; then {}; log {log}\n",
        head.status.as_str(),
        head.step,
        head.tasks_finished,
        head.tasks_open,
        waits.collect::<Vec<_>>().join(", "),
        next.join(" "),
        planned.join(" ")
    )
}

#[test]
fn a_row_says_how_a_run_stands_and_what_it_waits_for() {
    let mut bench = begun();
    let mut told = row(&bench);
    bench.drain();
    told += &row(&bench);
    bench.go_on(None);
    told += &row(&bench);
    bench.wait();
    told += &row(&bench);
    bench.tell(Fact::Pause { by: "ada".into() });
    bench.say("1");
    told += &row(&bench);
    bench.go_on(None);
    told += &row(&bench);
    expect![[r#"
        running, step 2, 2 finished, 3 open; waits for ask "Go on?", 1 calls, side Some(Before) [y]; next ask call side; then ; log ["a"]
        running, step 2, 2 finished, 3 open; waits for ask "Go on?", call until Timestamp(1001000), side Some(Before) [y]; next ask call side; then ; log ["a"]
        running, step 2, 4 finished, 2 open; waits for ask "Go on?", call until Timestamp(1001000); next ask call; then ; log ["a","x","y"]
        waiting, step 2, 5 finished, 1 open; waits for ask "Go on?"; next ask; then ; log ["a","call","x","y"]
        paused, step 2, 6 finished, 0 open; waits for None []; next last; then last; log ["a",1,"call","x","y"]
        completed, step 3, 7 finished, 0 open; waits for ; next ; then ; log ["a",1,"call","x","y","last"]
    "#]].assert_eq(&told);
}

#[test]
fn a_row_names_the_run_its_workflow_and_who_began_it() {
    let bench = begun();
    let head = head_of(&"acme".parse().unwrap(), &bench.run);
    let started = bench.run.started.as_ref().unwrap();
    assert_eq!((head.workflow.as_str(), head.version.as_str()), ("test", "1.0.0"));
    assert_eq!((head.digest, head.by.as_str()), (Some(started.digest), "test"));
    assert_eq!((head.run, head.seq.0), (bench.run.id, bench.log.len() as u64));
    assert_eq!((head.started_at, head.updated_at), (bench.now, bench.now));
}

#[test]
fn a_run_of_a_thread_that_only_writes_leaves_what_is_next_to_the_one_after_it() {
    let write = Write { key: "log".parse().unwrap(), value: [1].into(), overwrite: false };
    let update = StateUpdate { node: Some("a".parse().unwrap()), writes: vec![write] };
    let text = format!("{LIST}{TEXT}");
    let start = Start { parts: &[PART], ..Start::default() };
    let origin = Origin::Update(vec![update]);
    let written = Bench::after((&begun(), At::Step(1)), &text, start, origin);
    let next: Vec<String> = written.run.next_tasks().iter().map(|t| t.node.to_string()).collect();
    assert_eq!(next, ["ask", "call", "side"]);
    assert_eq!(waiting_for(&written.run), []);
}

#[test]
fn the_namespace_of_a_level_leads_from_the_run_inwards() {
    let bench = begun();
    let levels = bench.run.levels().map(|ns| {
        let names = bench.run.namespace(ns);
        names.iter().map(|(node, _)| node.to_string()).collect::<Vec<_>>().join("/")
    });
    assert_eq!(levels.collect::<Vec<_>>(), ["", "side"]);
}

#[test]
fn a_drawing_has_every_edge_with_its_label() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ agent: t/a, goto: {{ out: d }}, on_error: d, in: {{}} }}
  b: {{ set: {{ log: ['1'] }} }}
  c: {{ ask: {{ prompt: '?' }}, out: {{ log: [result] }} }}
  d: {{ defer: true, agent: mock, mock: {{ output: 1 }}, out: {{ log: [result] }} }}
  e: {{ workflow: part }}
edges:
  - {{ from: START, to: [a, b] }}
  - {{ from: [a, b], to: c }}
  - {{ from: c, branch: [{{ when: state.log.size() > 1, to: d }}, {{ to: END }}] }}
  - {{ from: d, each: state.items, as: item, to: e, empty: b }}
  - {{ from: e, to: END, outcome: done }}
"
    );
    let drawing = draw(workflow(&text).unwrap().draft());
    let mut told = format!("{}\n", drawing.title);
    for node in &drawing.nodes {
        let agent = node.agent.as_deref().unwrap_or("-");
        writeln!(told, "{} {} {agent} {}", node.id, node.kind, node.defer).unwrap();
    }
    for edge in &drawing.edges {
        let label = edge.label.as_deref().unwrap_or("-");
        writeln!(told, "{} -> {} {} {label}", edge.from, edge.to, edge.kind).unwrap();
    }
    expect![[r#"
        test@1.0.0
        START start - false
        a agent t/a false
        b set - false
        c ask - false
        d mock - true
        e workflow part false
        END end - false
        START -> a plain -
        START -> b plain -
        a -> c barrier -
        b -> c barrier -
        c -> d branch state.log.size() > 1
        c -> END branch else
        d -> e each each state.items as item
        d -> b empty empty
        e -> END plain outcome: done
        a -> d exit out
        a -> d error on error
    "#]]
    .assert_eq(&told);
}

const BEFORE: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state:
  same: { default: 1 }
  gone: { default: 1 }
  once: { ephemeral: true, default: 1 }
  list: { default: text }
  map: { default: [] }
  sum: { default: text }
  max: { default: [] }
  low: { default: text }
  fits: { default: 7 }
  small: { default: 1 }
nodes:
  a: { set: { same: '2' } }
  b: { set: { same: '3' } }
  c: { set: { same: '4' } }
edges: [{ from: START, to: a }, { from: a, to: b }, { from: b, to: c }]
";

const AFTER: &str = "
apiVersion: workflowforge/v1
name: test
version: 2.0.0
state:
  same: {}
  new: {}
  once: { ephemeral: true, default: 1 }
  list: { reducer: append }
  map: { reducer: merge }
  sum: { reducer: sum }
  max: { reducer: max }
  low: { reducer: min }
  fits: { reducer: sum }
  small: { schema: { type: integer, minimum: 5 } }
nodes: { a: { set: { same: '2' } } }
edges: [{ from: START, to: a }]
";

#[test]
fn a_migration_is_told_before_it_is_made() {
    let run = Bench::begin(BEFORE, "", Start { steps: Some(1), ..Start::default() }).run;
    let to = workflow(AFTER).unwrap();
    let found = migration(&Carried::from(&run), &to, &Cel::default());
    expect![[r#"
        {
          "added": [
            "new",
            "once"
          ],
          "dropped": [
            "gone"
          ],
          "kept": [
            "fits",
            "list",
            "low",
            "map",
            "max",
            "same",
            "small",
            "sum"
          ],
          "misfits": [
            {
              "key": "list",
              "why": "the reducer append cannot go on from text"
            },
            {
              "key": "map",
              "why": "the reducer merge cannot go on from a list"
            },
            {
              "key": "max",
              "why": "the reducer max cannot go on from a list"
            },
            {
              "key": "small",
              "why": "the value is less than the minimum of 5"
            },
            {
              "key": "sum",
              "why": "the reducer sum cannot go on from text"
            }
          ],
          "dropped_nodes": [
            "b"
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&found).unwrap());
}

#[test]
fn nodes_that_nobody_serves_are_named() {
    let text = format!(
        "{LIST}
nodes:
  named: {{ agent: missing/a, in: {{}} }}
  mock: {{ agent: missing/a, in: {{}}, fallback: mock }}
  other: {{ agent: missing/a, in: {{}}, fallback: t/b }}
  none: {{ agent: missing/a, in: {{}}, fallback: none }}
  set: {{ set: {{ log: ['1'] }} }}
edges: [{{ from: START, to: [named, mock, other, none, set] }}]
"
    );
    let workflow = workflow(&text).unwrap();
    let bench = Bench::begin(&text, "", Start { steps: Some(0), ..Start::default() });
    let started = bench.run.started.unwrap();
    let mut told = String::new();
    for mode in [MockMode::Off, MockMode::Node, MockMode::Fallback, MockMode::Always] {
        for mocks in [BTreeSet::new(), BTreeSet::from(["named".parse().unwrap()])] {
            let (pins, fallbacks) = (&started.pins, &started.fallbacks);
            let nodes = unserved(&workflow, pins, fallbacks, &mocks, mode);
            let nodes: Vec<&str> = nodes.iter().map(|node| node.as_str()).collect();
            writeln!(told, "{} {}: {}", mode.as_str(), mocks.len(), nodes.join(" ")).unwrap();
        }
    }
    expect![[r#"
        off 0: mock named none other
        off 1: mock none other
        node 0: named none
        node 1: none
        fallback 0: none
        fallback 1: none
        always 0: none
        always 1: none
    "#]]
    .assert_eq(&told);
}

const LARGE: &str = "
nodes:
  split: { set: { log: [state.items] } }
  each: { agent: mock, goto: { out: tell }, mock: { script: [{ emit: { topic: t, value: item } }, { set: { log: [item] } }, { send: { exit: out, input: item } }] } }
  tell: { set: { log: [sent] } }
  side: { workflow: inside, in: { items: state.items }, out: { log: [] } }
  done: { set: { log: [sent] } }
  call: { agent: t/call, in: {}, out: { log: [] } }
  ask: { ask: { prompt: 'Large?' }, out: { log: [result] } }
edges:
  - { from: START, each: state.items, as: item, to: each, empty: ask }
  - { from: START, to: [split, call] }
  - { from: split, each: state.items, as: item, to: each, empty: ask }
  - { from: split, to: [side, ask] }
";

const INSIDE: &str = "
apiVersion: workflowforge/v1
name: inside
version: 1.0.0
state: { items: {} }
input: [items]
output: []
nodes:
  leaves: { agent: mock, goto: { out: 'parent:done' }, mock: { script: [{ send: { exit: out, input: state.items } }] } }
edges: [{ from: START, each: state.items, as: item, to: leaves, empty: leaves }]
";

/// Whether a snapshot is worth its room is decided by an estimate, which values must not escape.
#[test]
fn the_size_of_an_event_is_about_that_of_its_text() {
    let mut words = serde_json::Map::new();
    for number in 0..200 {
        words.insert(format!("key number {number}"), serde_json::json!(["some text", true, null]));
    }
    let value = serde_json::Value::Object(words);
    let input = serde_json::json!({ "items": [value] }).to_string();
    let with = |started: &mut wforge_model::beginning::RunStarted| {
        started.context = started.input["items"].clone();
        for pin in started.pins.values_mut() {
            pin.input = serde_json::json!({ "title": "an input".repeat(200) });
            pin.output = serde_json::json!({ "title": "an output".repeat(200) });
        }
        let agent = started.pins.values().next().unwrap().clone();
        let tool = wforge_model::agent::ToolPin { description: "A tool.".into(), agent };
        let tools = (0..9).map(|number| (format!("t__{number}"), tool.clone()));
        started.tools = std::sync::Arc::new(tools.collect());
    };
    let start = Start { input: &input, with: Some(with), parts: &[INSIDE], ..Start::default() };
    let mut bench = Bench::begin(&format!("{LIST}{LARGE}"), "", start);
    bench.drain();
    bench.say(&value.to_string());
    assert_eq!(bench.run.status.as_str(), "completed", "{}", bench.story());
    let mut large = std::collections::BTreeSet::new();
    for event in &bench.log {
        let length = serde_json::to_string(event).unwrap().len() as u64;
        let about = event_bytes(event);
        let name = event.kind.name();
        assert!(about.abs_diff(length) < 400 + length / 10, "{about} for {length}: {name}");
        large.extend((length > 5_000).then_some(name));
    }
    let of_values =
        ["question_answered", "run_completed", "run_started", "subgraph_started", "task_finished"];
    assert_eq!(large.into_iter().collect::<Vec<_>>(), of_values);
}

#[test]
fn a_wrong_name_is_near_to_one_that_is_meant_or_to_none() {
    let known = ["summary", "digest", "outline"];
    let near = ["sumary", "digset", "outlines", "out", "xyz", "digest", ""];
    let told = near.map(|wrong| format!("{wrong}: {}", nearest(wrong, known).unwrap_or("-")));
    expect![[r#"
        sumary: summary
        digset: digest
        outlines: outline
        out: -
        xyz: -
        digest: digest
        : -"#]]
    .assert_eq(&told.join("\n"));
    assert_eq!(nearest("abc", ["abd", "abc", "xbc"]), Some("abc"));
    assert_eq!(nearest("a", ["b"]), Some("b"));
    assert_eq!(nearest("ab", ["cd"]), None);
}
