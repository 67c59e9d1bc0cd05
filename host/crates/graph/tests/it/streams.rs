//! What a run streams, mode by mode, with and without what happens in its subgraphs.

use expect_test::{Expect, expect};
use wforge_graph::{StreamMode, project};
use wforge_model::beginning::Origin;
use wforge_model::event::{EventKind, PlannedTask, StoredEvent};

use crate::harness::{At, Bench, Start};

const PART: &str = "
apiVersion: workflowforge/v1
name: part
version: 1.0.0
state: { talk: { reducer: messages }, n: { default: 1 } }
output: [n]
nodes:
  inner: { set: { talk: { id: \"'m2'\", content: \"'from inside'\" } } }
  again: { agent: mock, mock: { script: [{ sleep: 1s }, return_none] } }
edges: [{ from: START, to: inner }, { from: inner, to: again }]
";

const TEXT: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { log: { reducer: append }, talk: { reducer: messages }, token: { persist: false }, n: {} }
output: [log]
interrupt: { after: [part] }
nodes:
  a: { agent: mock, mock: { script: [{ emit: { topic: seen, value: \"'x'\" } }, { set: { log: [\"'a'\"], talk: { id: \"'m1'\", content: \"'hello'\" }, token: \"'s3cret'\" } }] } }
  twice: { agent: mock, mock: { script: [{ set: { log: [\"'b1'\"] } }, { set: { log: [\"'b2'\"], n: '1' } }] } }
  part: { workflow: part, in: {}, out: { log: [result.n] } }
  ask: { ask: { prompt: 'Go on?' }, out: { log: [result] } }
  fails: { agent: t/fails, in: {}, on_error: mend }
  mend: { set: { log: [sent.code] } }
  many: { set: { log: [item] } }
edges:
  - { from: START, to: a }
  - { from: a, to: [twice, ask, fails] }
  - { from: [twice, ask], to: part }
  - { from: part, each: '[1, 2]', as: item, to: many, empty: mend }
";

fn ended() -> Bench {
    let start = Start { parts: &[PART], ..Start::default() };
    let mut bench = Bench::begin(TEXT, "t/fails: fail failed bug", start);
    bench.drain();
    bench.say("true");
    bench.wait();
    bench.go_on(None);
    assert_eq!(bench.run.status.as_str(), "completed", "{}", bench.story());
    bench
}

/// The chunks of a run, a line each, with the sequence of their event; tasks by the names of nodes.
fn streamed(bench: &Bench, modes: &[StreamMode], subgraphs: bool) -> String {
    let mut text = String::new();
    bench.replayed(|run, seq, event| {
        let stored = StoredEvent { seq, event: event.clone() };
        for chunk in project(run, &stored, modes, subgraphs) {
            let ns = chunk.ns.join("/");
            text.push_str(&format!("{seq} {} [{ns}] {}\n", chunk.mode.as_str(), chunk.data));
        }
    });
    for event in &bench.log {
        for PlannedTask { id, node, .. } in planned(&event.kind) {
            text = text.replace(&id.to_string(), &format!("<{node}>"));
        }
    }
    text
}

fn planned(kind: &EventKind) -> Vec<&PlannedTask> {
    match kind {
        EventKind::StepPlanned { tasks, .. } => tasks.iter().collect(),
        EventKind::TaskFailed { handler, .. } => handler.iter().collect(),
        _ => Vec::new(),
    }
}

fn check(modes: &[StreamMode], subgraphs: bool, expected: &Expect) {
    expected.assert_eq(&streamed(&ended(), modes, subgraphs));
}

#[test]
fn values_are_the_state_at_each_border_and_the_pauses() {
    check(
        &[StreamMode::Values],
        false,
        &expect![[r#"
        1 values [] {"log":[],"talk":[]}
        4 values [] {"log":["a"],"talk":[{"content":"hello","id":"m1"}]}
        6 values [] {"__interrupt__":[{"id":"ask_3bbc3485108305eedb6d6f3f7ff5ed64","value":"Go on?"}]}
        12 values [] {"log":["a",true,"bug","b1","b2"],"n":1,"talk":[{"content":"hello","id":"m1"}]}
        24 values [] {"log":["a",true,"bug","b1","b2",1],"n":1,"talk":[{"content":"hello","id":"m1"}]}
        25 values [] {"__interrupt__":[]}
        30 values [] {"log":["a",true,"bug","b1","b2",1,1,2],"n":1,"talk":[{"content":"hello","id":"m1"}]}
    "#]],
    );
}

#[test]
fn updates_are_what_each_task_wrote_and_nothing_is_null() {
    check(
        &[StreamMode::Updates],
        true,
        &expect![[r#"
        3 updates [] {"a":{"log":["a"],"talk":{"content":"hello","id":"m1"}}}
        6 updates [] {"__interrupt__":[{"id":"ask_3bbc3485108305eedb6d6f3f7ff5ed64","value":"Go on?"}]}
        7 updates [] {"twice":{"log":{"$writes":[["b1"],["b2"]]},"n":1}}
        9 updates [] {"mend":{"log":["bug"]}}
        11 updates [] {"ask":{"log":[true]}}
        16 updates [part:<part>] {"inner":{"talk":{"content":"from inside","id":"m2"}}}
        21 updates [part:<part>] {"again":null}
        23 updates [] {"part":{"log":[1]}}
        25 updates [] {"__interrupt__":[]}
        28 updates [] {"many":{"log":[1]}}
        29 updates [] {"many":{"log":[2]}}
    "#]],
    );
}

#[test]
fn without_subgraphs_only_the_run_itself_is_heard() {
    check(
        &[StreamMode::Updates, StreamMode::Messages],
        false,
        &expect![[r#"
        3 updates [] {"a":{"log":["a"],"talk":{"content":"hello","id":"m1"}}}
        3 messages [] [{"content":"hello","id":"m1"},{"node":"a","step":1,"task":"<a>"}]
        6 updates [] {"__interrupt__":[{"id":"ask_3bbc3485108305eedb6d6f3f7ff5ed64","value":"Go on?"}]}
        7 updates [] {"twice":{"log":{"$writes":[["b1"],["b2"]]},"n":1}}
        9 updates [] {"mend":{"log":["bug"]}}
        11 updates [] {"ask":{"log":[true]}}
        23 updates [] {"part":{"log":[1]}}
        25 updates [] {"__interrupt__":[]}
        28 updates [] {"many":{"log":[1]}}
        29 updates [] {"many":{"log":[2]}}
    "#]],
    );
}

#[test]
fn messages_and_emitted_events_come_with_whom_they_are_of() {
    check(
        &[StreamMode::Messages, StreamMode::Custom],
        true,
        &expect![[r#"
        3 messages [] [{"content":"hello","id":"m1"},{"node":"a","step":1,"task":"<a>"}]
        3 custom [] {"payload":"x","topic":"seen"}
        16 messages [part:<part>] [{"content":"from inside","id":"m2"},{"node":"inner","step":1,"task":"<inner>"}]
    "#]],
    );
}

#[test]
fn checkpoints_say_what_comes_next() {
    check(
        &[StreamMode::Checkpoints],
        true,
        &expect![[r#"
        1 checkpoints [] {"base":null,"checkpoint":"run_07070707070707070707070707070707@1","metadata":{"source":"input","step":0},"next":["a"],"values":{"log":[],"talk":[]}}
        4 checkpoints [] {"base":null,"checkpoint":"run_07070707070707070707070707070707@4","metadata":{"source":"loop","step":1},"next":["ask","fails","twice"],"values":{"log":["a"],"talk":[{"content":"hello","id":"m1"}]}}
        12 checkpoints [] {"base":null,"checkpoint":"run_07070707070707070707070707070707@12","metadata":{"source":"loop","step":2},"next":["part"],"values":{"log":["a",true,"bug","b1","b2"],"n":1,"talk":[{"content":"hello","id":"m1"}]}}
        17 checkpoints [part:<part>] {"base":null,"checkpoint":"run_07070707070707070707070707070707@17","metadata":{"source":"loop","step":1},"next":[],"values":{"n":1,"talk":[{"content":"from inside","id":"m2"}]}}
        22 checkpoints [part:<part>] {"base":null,"checkpoint":"run_07070707070707070707070707070707@22","metadata":{"source":"loop","step":2},"next":[],"values":{"n":1,"talk":[{"content":"from inside","id":"m2"}]}}
        24 checkpoints [] {"base":null,"checkpoint":"run_07070707070707070707070707070707@24","metadata":{"source":"loop","step":3},"next":["many","many"],"values":{"log":["a",true,"bug","b1","b2",1],"n":1,"talk":[{"content":"hello","id":"m1"}]}}
        30 checkpoints [] {"base":null,"checkpoint":"run_07070707070707070707070707070707@30","metadata":{"source":"loop","step":4},"next":[],"values":{"log":["a",true,"bug","b1","b2",1,1,2],"n":1,"talk":[{"content":"hello","id":"m1"}]}}
    "#]],
    );
}

#[test]
fn tasks_begin_and_end() {
    check(
        &[StreamMode::Tasks],
        true,
        &expect![[r#"
        2 tasks [] {"id":"<a>","name":"a","sent":false}
        3 tasks [] {"error":null,"id":"<a>","interrupts":[],"name":"a","result":{"log":["a"],"talk":{"content":"hello","id":"m1"}}}
        5 tasks [] {"id":"<ask>","name":"ask","sent":false}
        5 tasks [] {"id":"<fails>","name":"fails","sent":false}
        5 tasks [] {"id":"<twice>","name":"twice","sent":false}
        6 tasks [] {"error":null,"id":"<ask>","interrupts":[{"id":"ask_3bbc3485108305eedb6d6f3f7ff5ed64","value":"Go on?"}],"name":"ask","result":null}
        7 tasks [] {"error":null,"id":"<twice>","interrupts":[],"name":"twice","result":{"log":{"$writes":[["b1"],["b2"]]},"n":1}}
        8 tasks [] {"error":"failed (bug): as the script says","id":"<fails>","interrupts":[],"name":"fails","result":null}
        9 tasks [] {"error":null,"id":"<mend>","interrupts":[],"name":"mend","result":{"log":["bug"]}}
        11 tasks [] {"error":null,"id":"<ask>","interrupts":[],"name":"ask","result":{"log":[true]}}
        13 tasks [] {"id":"<part>","name":"part","sent":false}
        15 tasks [part:<part>] {"id":"<inner>","name":"inner","sent":false}
        16 tasks [part:<part>] {"error":null,"id":"<inner>","interrupts":[],"name":"inner","result":{"talk":{"content":"from inside","id":"m2"}}}
        18 tasks [part:<part>] {"id":"<again>","name":"again","sent":false}
        21 tasks [part:<part>] {"error":null,"id":"<again>","interrupts":[],"name":"again","result":null}
        23 tasks [] {"error":null,"id":"<part>","interrupts":[],"name":"part","result":{"log":[1]}}
        27 tasks [] {"id":"<many>","name":"many","sent":true}
        27 tasks [] {"id":"<many>","name":"many","sent":true}
        28 tasks [] {"error":null,"id":"<many>","interrupts":[],"name":"many","result":{"log":[1]}}
        29 tasks [] {"error":null,"id":"<many>","interrupts":[],"name":"many","result":{"log":[2]}}
    "#]],
    );
}

#[test]
fn debug_is_checkpoints_and_tasks_with_their_step_and_time() {
    let bench =
        Bench::begin(TEXT, "", Start { parts: &[PART], steps: Some(1), ..Start::default() });
    expect![[r#"
        1 debug [] {"payload":{"base":null,"checkpoint":"run_07070707070707070707070707070707@1","metadata":{"source":"input","step":0},"next":["a"],"values":{"log":[],"talk":[]}},"step":0,"timestamp":1000000,"type":"checkpoint"}
        2 debug [] {"payload":{"id":"<a>","name":"a","sent":false},"step":1,"timestamp":1000000,"type":"task"}
        3 debug [] {"payload":{"error":null,"id":"<a>","interrupts":[],"name":"a","result":{"log":["a"],"talk":{"content":"hello","id":"m1"}}},"step":1,"timestamp":1000000,"type":"task_result"}
        4 debug [] {"payload":{"base":null,"checkpoint":"run_07070707070707070707070707070707@4","metadata":{"source":"loop","step":1},"next":["ask","fails","twice"],"values":{"log":["a"],"talk":[{"content":"hello","id":"m1"}]}},"step":1,"timestamp":1000000,"type":"checkpoint"}
    "#]].assert_eq(&streamed(&bench, &[StreamMode::Debug], true));
}

#[test]
fn a_checkpoint_says_how_its_run_began() {
    let first = ended();
    let start = Start { parts: &[PART], steps: Some(0), ..Start::default() };
    let mut sources = Vec::new();
    for origin in
        [Origin::Input, Origin::Continue, Origin::Update(Vec::new()), Origin::Migrate, Origin::Copy]
    {
        let next = Bench::after((&first, At::End), TEXT, start, origin);
        next.replayed(|run, seq, event| {
            let stored = StoredEvent { seq, event: event.clone() };
            let chunks = project(run, &stored, &[StreamMode::Checkpoints], true);
            let source = chunks.first().map(|chunk| chunk.data["metadata"]["source"].to_string());
            sources.extend(source);
        });
    }
    expect![[r#""input" "fork" "update" "migrate" "fork""#]].assert_eq(&sources.join(" "));
}

#[test]
fn every_mode_reads_back_as_it_is_written() {
    let read = StreamMode::ALL.map(|mode| StreamMode::from_text(mode.as_str()));
    assert_eq!(read, StreamMode::ALL.map(Some));
    assert_eq!(StreamMode::from_text("value"), None);
}
