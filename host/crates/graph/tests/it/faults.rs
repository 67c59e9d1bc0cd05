//! Expressions that have no value while a run goes on: each failure names the place, the
//! expression, and the workflow in whose file they stand.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use serde_json::Value;
use wforge_model::event::EventKind;

use crate::harness::{Bench, Start};

const HEAD: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { x: {}, text: { default: word }, map: { default: {} } }
input: []
output: [x]
";

const PART: &str = "
apiVersion: workflowforge/v1
name: part
version: 2.0.0
state: { y: {}, z: {} }
input: []
output: [y]
nodes:
  inner: { set: { y: { deep: ['1', 'state.z + 1'] } } }
edges: [{ from: START, to: inner }]
";

/// What each failure of a run says of its place, with the lines of the file.
fn check(nodes: &str, expected: &Expect) {
    let edges = if nodes.contains("edges:") { "" } else { "edges: [{ from: START, to: a }]" };
    let text = format!("{HEAD}{nodes}{edges}\n");
    let start = Start { parts: &[PART], ..Start::default() };
    let mut bench = Bench::begin(&text, "", start);
    bench.drain();
    let lines = wforge_spec::parse("flow.yaml", &text).unwrap().lines("flow.yaml");
    let parts = wforge_spec::parse("part.yaml", PART).unwrap().lines("part.yaml");
    let mut told = String::new();
    for event in &bench.log {
        let EventKind::TaskFailed { failure, .. } = &event.kind else { continue };
        let details = failure.problem().map_or(&Value::Null, |problem| &problem.details);
        let lines = if details["workflow"] == "part@2.0.0" { &parts } else { &lines };
        let line = details["place"].as_str().and_then(|place| lines.locate(place));
        writeln!(told, "{failure}\n  {}: {details}", line.unwrap_or_default()).unwrap();
    }
    expected.assert_eq(&told);
}

#[test]
fn an_input_names_its_field() {
    check(
        "nodes: { a: { agent: t/a, in: { n: { m: ['1', 'state.x'] } } } }\n",
        &expect![[r#"
        failed (unwritten_key): nodes.a.in.n.m.1: `state.x`: state.x is read before it is written
          flow.yaml:8:47: {"expression":"state.x","place":"nodes.a.in.n.m.1","workflow":"test@1.0.0"}
    "#]],
    );
}

#[test]
fn a_write_names_its_key_and_a_computed_name_itself() {
    check(
        "nodes: { a: { set: { x: { k: 'state.text + 1' } } } }\n",
        &expect![[r#"
        failed (type): nodes.a.set.x.k: `state.text + 1`: + does not go between string and int
          flow.yaml:8:30: {"expression":"state.text + 1","place":"nodes.a.set.x.k","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        "nodes: { a: { set: { x: { '[state.map]': '1' } } } }\n",
        &expect![[r#"
        failed (type): nodes.a.set.x.[state.map]: `state.map`: the computed name is an object; it must be text
          flow.yaml:8:42: {"expression":"state.map","place":"nodes.a.set.x.[state.map]","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        "nodes: { a: { set: { x: { overwrite: 'state.x' } } } }\n",
        &expect![[r#"
        failed (unwritten_key): nodes.a.set.x.overwrite: `state.x`: state.x is read before it is written
          flow.yaml:8:38: {"expression":"state.x","place":"nodes.a.set.x.overwrite","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        "nodes: { a: { agent: mock, mock: { output: 1 }, out: { x: result.k } } }\n",
        &expect![[r#"
            failed (type): nodes.a.out.x: `result.k`: result is int, it has no field "k"
              flow.yaml:8:59: {"expression":"result.k","place":"nodes.a.out.x","workflow":"test@1.0.0"}
        "#]],
    );
}

#[test]
fn a_prompt_names_the_one_of_its_expressions() {
    check(
        "nodes: { a: { ask: { prompt: 'Is {{ state.text }} in {{ state.map.list }}?' } } }\n",
        &expect![[r#"
            failed (unknown_name): nodes.a.ask.prompt: `state.map.list`: state.map has no field "list"; there is none
              flow.yaml:8:30: {"expression":"state.map.list","place":"nodes.a.ask.prompt","workflow":"test@1.0.0"}
        "#]],
    );
}

#[test]
fn an_edge_names_its_arm_or_its_list() {
    let branch = |arms: &str| {
        format!(
            "nodes: {{ a: {{ set: {{ x: '1' }} }} }}
edges: [{{ from: START, to: a }}, {{ from: a, branch: {arms} }}]"
        )
    };
    check(
        &branch("[{ when: 'state.x > 1', to: a }, { when: 'state.x + state.text == 2', to: a }]"),
        &expect![[r#"
            failed (type): edges.1.branch.1.when: `state.x + state.text == 2`: + does not go between int and string
              flow.yaml:9:93: {"expression":"state.x + state.text == 2","place":"edges.1.branch.1.when","workflow":"test@1.0.0"}
        "#]],
    );
    check(
        &branch("[{ when: 'state.x', to: a }]"),
        &expect![[r#"
        failed (type): edges.1.branch.0.when: `state.x` is a number; a condition must be true or false
          flow.yaml:9:61: {"expression":"state.x","place":"edges.1.branch.0.when","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &branch("[{ when: 'state.x > 1', to: a }]"),
        &expect![[r#"
        failed (no_branch): edges.1.branch: no arm of the branch from a holds; add a last arm without `when`, or END
          flow.yaml:9:44: {"place":"edges.1.branch","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        "nodes: { a: { set: { x: '1' } }, b: { set: { x: i } } }
edges: [{ from: START, to: a }, { from: a, each: state.map.list, as: i, to: b }]",
        &expect![[r#"
            failed (unknown_name): edges.1.each: `state.map.list`: state.map has no field "list"; there is none
              flow.yaml:9:50: {"expression":"state.map.list","place":"edges.1.each","workflow":"test@1.0.0"}
        "#]],
    );
}

#[test]
fn a_script_names_its_step() {
    let script = |steps: &str| {
        format!(
            "nodes: {{ a: {{ agent: mock, goto: {{ out: a }}, mock: {{ script: {steps} }} }} }}\n"
        )
    };
    check(&script("[{ sleep: 0ms }]"), &expect![[r#""#]]);
    check(
        &script("[{ set: { x: '1' } }, { set: { x: ['state.x'] } }]"),
        &expect![[r#"
        failed (unwritten_key): nodes.a.mock.script.1.set.x.0: `state.x`: state.x is read before it is written
          flow.yaml:8:97: {"expression":"state.x","place":"nodes.a.mock.script.1.set.x.0","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &script("[{ concat: { x: 'a {{ 1 + 1 }} b {{ answers[0] }}' } }]"),
        &expect![[r#"
        failed (type): nodes.a.mock.script.0.concat.x: `answers[0]`: answers has 0 items, none at 0
          flow.yaml:8:78: {"expression":"answers[0]","place":"nodes.a.mock.script.0.concat.x","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &script("[{ send: { exit: out, input: input.n } }]"),
        &expect![[r#"
        failed (unknown_name): nodes.a.mock.script.0.send.input: `input.n`: input has no field "n"; there is none
          flow.yaml:8:91: {"expression":"input.n","place":"nodes.a.mock.script.0.send.input","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &script("[{ emit: { topic: t, value: { v: input.n } } }]"),
        &expect![[r#"
        failed (unknown_name): nodes.a.mock.script.0.emit.value.v: `input.n`: input has no field "n"; there is none
          flow.yaml:8:95: {"expression":"input.n","place":"nodes.a.mock.script.0.emit.value.v","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &script("[{ interrupt: input.n }]"),
        &expect![[r#"
        failed (unknown_name): nodes.a.mock.script.0.interrupt: `input.n`: input has no field "n"; there is none
          flow.yaml:8:76: {"expression":"input.n","place":"nodes.a.mock.script.0.interrupt","workflow":"test@1.0.0"}
    "#]],
    );
    check(
        &script("[{ interrupt_each: state.text }]"),
        &expect![[r#"
        failed (type): nodes.a.mock.script.0.interrupt_each: `state.text` is text; interrupt_each takes a list
          flow.yaml:8:81: {"expression":"state.text","place":"nodes.a.mock.script.0.interrupt_each","workflow":"test@1.0.0"}
    "#]],
    );
}

#[test]
fn a_subgraph_names_its_own_file() {
    check(
        "nodes: { a: { workflow: part, out: { x: result.y } } }\n",
        &expect![[r#"
        failed (unwritten_key): nodes.inner.set.y.deep.1: `state.z + 1`: state.z is read before it is written
          part.yaml:9:36: {"expression":"state.z + 1","place":"nodes.inner.set.y.deep.1","workflow":"part@2.0.0"}
        failed (unwritten_key): nodes.inner.set.y.deep.1: `state.z + 1`: state.z is read before it is written
          part.yaml:9:36: {"expression":"state.z + 1","place":"nodes.inner.set.y.deep.1","workflow":"part@2.0.0"}
    "#]],
    );
    check(
        "nodes: { a: { workflow: part, out: { x: 'result.y.deep' } } }\n",
        &expect![[r#"
        failed (unwritten_key): nodes.inner.set.y.deep.1: `state.z + 1`: state.z is read before it is written
          part.yaml:9:36: {"expression":"state.z + 1","place":"nodes.inner.set.y.deep.1","workflow":"part@2.0.0"}
        failed (unwritten_key): nodes.inner.set.y.deep.1: `state.z + 1`: state.z is read before it is written
          part.yaml:9:36: {"expression":"state.z + 1","place":"nodes.inner.set.y.deep.1","workflow":"part@2.0.0"}
    "#]],
    );
}

#[test]
fn a_script_that_was_given_at_the_start_stands_in_no_file() {
    let text =
        format!("{HEAD}nodes: {{ a: {{ agent: t/a }} }}\nedges: [{{ from: START, to: a }}]\n");
    let mocks = ["a={\"script\":[{\"set\":{\"x\":\"input.n\"}}]}"];
    let mut bench = Bench::begin(&text, "", Start { mocks: &mocks, ..Start::default() });
    bench.drain();
    expect![[r#"
        step 1: a
          failed for good, failed (unknown_name): mocks.a.script.0.set.x: `input.n`: input has no field "n"; there is none
        failed: unknown_name: node a failed: failed (unknown_name): mocks.a.script.0.set.x: `input.n`: input has no field "n"; there is none
    "#]].assert_eq(&bench.story());
}

#[test]
fn a_long_expression_is_shortened_in_the_message_and_whole_in_the_details() {
    let long = format!("state.x == '{}'", "long ".repeat(100));
    let text = format!(
        "{HEAD}nodes: {{ a: {{ set: {{ x: \"{long}\" }} }} }}\nedges: [{{ from: START, to: a }}]\n"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    let error = bench.run.error.as_ref().unwrap();
    assert!(error.message.len() < 300, "{}", error.message);
    let details = &error.failure.as_ref().unwrap().problem().unwrap().details;
    assert_eq!(details["expression"], Value::String(long));
}

#[test]
fn a_run_that_cannot_begin_names_the_edge_from_start() {
    let text = format!(
        "{HEAD}nodes: {{ a: {{ set: {{ x: i }} }} }}\n\
         edges: [{{ from: START, each: state.map.list, as: i, to: a }}]\n"
    );
    let origin = wforge_model::beginning::Origin::Input;
    let refused = Bench::try_begin(&text, "", Start::default(), origin, None).err().unwrap();
    expect![[r#"edges.0.each: unknown_name: `state.map.list`: state.map has no field "list"; there is none"#]].assert_eq(&refused);
}
