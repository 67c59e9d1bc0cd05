//! Keys that last less than the state: those that never reach the store, and those that only the
//! next super-step sees.

use std::fmt::Write as _;

use expect_test::expect;

use crate::harness::{Bench, LIST, Start, check, workflow};

const TOKEN: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state:
  token: { persist: false }
  tries: { persist: false, reducer: sum, default: 10 }
  log: { reducer: append }
input: []
output: [log]
nodes:
  a: { set: { token: \"'s3cret'\", tries: '1' } }
  q: { ask: { prompt: Go on? }, out: { log: [result] } }
  b: { set: { log: [\"size(default(state.token, ''))\", state.tries], tries: '1' } }
  c: { set: { log: [\"'known'\"] } }
edges:
  - { from: START, to: a }
  - { from: a, to: q }
  - { from: q, to: b }
  - { from: b, branch: [{ when: \"default(state.token, '') == 's3cret'\", to: c }, { to: END }] }
";

#[test]
fn a_key_that_is_not_kept_is_there_while_the_run_is() {
    let mut bench = Bench::begin(TOKEN, "", Start::default());
    bench.say("1");
    expect![[r#"
        step 1: a
        step 2: q
          asks: Go on?
          answered: 1 by Person("ada")
        step 3: b
        step 4: c
        completed: {"log":[1,6,11,"known"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn after_a_restart_it_is_as_before_its_first_write() {
    let mut bench = Bench::begin(TOKEN, "", Start::default());
    bench.restart();
    bench.say("1");
    expect![[r#"
        step 1: a
        step 2: q
          asks: Go on?
          restarted
          answered: 1 by Person("ada")
        step 3: b
        completed: {"log":[1,0,10]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn no_event_and_no_snapshot_holds_its_value() {
    let mut bench = Bench::begin(TOKEN, "", Start::default());
    bench.say("1");
    assert!(bench.state().contains("s3cret"), "the run itself has it");
    let log = serde_json::to_string(&bench.log).unwrap();
    let snapshot = serde_json::to_string(&bench.run.persisted()).unwrap();
    assert!(!log.contains("s3cret") && !snapshot.contains("s3cret"));
}

#[test]
fn only_set_when_and_each_may_read_it() {
    let mut told = String::new();
    for node in [
        "{ set: { x: state.token } }",
        "{ agent: t/a, in: { x: state.token } }",
        "{ agent: t/a, in: {}, out: { x: state.token } }",
        "{ agent: mock, mock: { output: 1 }, in: { x: ['1 + state.token'] }, out: { x: result } }",
        "{ agent: mock, mock: { script: [{ set: { x: state.token } }] } }",
        "{ ask: { prompt: 'Is it {{ state.token }}?' }, out: { x: result } }",
        "{ workflow: part, in: { x: state.token } }",
    ] {
        let text = format!(
            "apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {{}}, token: {{ persist: false }} }}
nodes: {{ a: {node} }}
edges:
  - {{ from: START, to: a }}
  - {{ from: a, branch: [{{ when: state.token == 1, to: a }}, {{ to: END }}] }}
"
        );
        writeln!(told, "{}", workflow(&text).err().unwrap_or_else(|| "fine".into())).unwrap();
    }
    let listed = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { token: { persist: false } }
input: [token]
output: [token]
nodes: { a: { set: { token: '1' } } }
edges: [{ from: START, to: a }]
";
    writeln!(told, "{}", workflow(listed).err().unwrap()).unwrap();
    expect![[r#"
        fine
        nodes.a.in.x: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        nodes.a.out.x: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        nodes.a.in.x.0: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        nodes.a.mock.script.0.set.x: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        nodes.a.ask.prompt: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        nodes.a.in.x: volatile_key: token never reaches the store (persist: false), so only `set`, `when` and `each` may read it
        input.0: volatile_key: token never reaches the store (persist: false), and input does
        output.0: volatile_key: token never reaches the store (persist: false), and output does
    "#]].assert_eq(&told);
}

#[test]
fn a_subgraph_without_in_does_not_get_it() {
    let part = "
apiVersion: workflowforge/v1
name: part
version: 1.0.0
state: { token: { default: none given }, word: {} }
input: [token, word]
output: [token]
nodes: { x: { set: { word: state.word } } }
edges: [{ from: START, to: x }]
";
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { token: { persist: false }, word: { default: w }, got: {} }
output: [got]
nodes:
  a: { set: { token: \"'s3cret'\" } }
  b: { workflow: part, out: { got: result.token } }
edges: [{ from: START, to: a }, { from: a, to: b }]
";
    let start = Start { parts: &[part], ..Start::default() };
    check(
        text,
        "",
        start,
        &expect![[r#"
        step 1: a
        step 2: b
        step 1 in b: x
        completed: {"got":"none given"}
    "#]],
    );
}

fn passing(keys: &str, more: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ once: {keys}, log: {{ reducer: append }} }}
input: []
output: [log]
nodes:
  a: {{ set: {{ once: \"'from a'\", log: [\"default(state.once, 'nothing')\"] }} }}
  b: {{ set: {{ log: [\"default(state.once, 'nothing')\"] }} }}
  c: {{ set: {{ log: [\"default(state.once, 'nothing')\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: b }}, {{ from: b, to: c }}]
{more}"
    )
}

#[test]
fn an_ephemeral_value_is_seen_by_the_next_super_step_only() {
    check(
        &passing("{ ephemeral: true }", ""),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        step 2: b
        step 3: c
        completed: {"log":["nothing","from a","nothing"]}
    "#]],
    );
    let text = passing("{ ephemeral: true, default: first }", "");
    check(
        &text,
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        step 2: b
        step 3: c
        completed: {"log":["first","from a","first"]}
    "#]],
    );
}

#[test]
fn an_edge_sees_the_ephemeral_value_that_its_own_task_wrote() {
    let text = "
nodes:
  a: { set: { once: '[1, 2]' } }
  b: { set: { log: [\"string(i) + ' of ' + string(size(default(state.once, [])))\"] } }
edges: [{ from: START, to: a }, { from: a, each: state.once, as: i, to: b }]
";
    let text = format!("{LIST}{text}").replace("state:\n", "state:\n  once: { ephemeral: true }\n");
    check(
        &text,
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        step 2: b, b
        completed: {"log":["1 of 2","2 of 2"]}
    "#]],
    );
}

#[test]
fn two_writers_of_an_ephemeral_key_are_an_error_unless_any_will_do() {
    let two = |key: &str| {
        let text = "
nodes:
  a: { set: { once: \"'a'\" } }
  b: { set: { once: \"'b'\" } }
  c: { set: { log: [state.once] } }
edges: [{ from: START, to: [a, b] }, { from: [a, b], to: c }]
";
        format!("{LIST}{text}").replace("state:\n", &format!("state:\n  once: {key}\n"))
    };
    check(
        &two("{ ephemeral: true }"),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, b
        failed: concurrent_write: state key once: nodes a and b both write state key once in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
    "#]],
    );
    let any = two("{ ephemeral: true, reducer: any }");
    check(
        &any,
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, b
        step 2: c
        completed: {"log":["b"]}
    "#]],
    );
}

#[test]
fn an_ephemeral_value_makes_room_for_the_next() {
    // Each is 62 bytes as JSON; two of them would be too many.
    let text = |limit: u32| {
        format!(
            "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ p: {{ ephemeral: true }}, q: {{ ephemeral: true }}, done: {{ default: false }} }}
output: [done]
nodes:
  a: {{ set: {{ p: \"'{0}'\" }} }}
  b: {{ set: {{ q: \"'{0}'\" }} }}
  c: {{ set: {{ p: \"'{0}'\", done: 'true' }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: b }}, {{ from: b, to: c }}]
limits: {{ state_bytes_max: {limit} }}
",
            "x".repeat(60)
        )
    };
    check(
        &text(70),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        step 2: b
        step 3: c
        completed: {"done":true}
    "#]],
    );
    check(
        &text(60),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        failed: state_too_large: the state would have 67 bytes after super-step 1, more than limits.state_bytes_max = 60
    "#]],
    );
}

#[test]
fn an_ephemeral_input_is_seen_by_the_first_super_step_only() {
    let text = passing("{ ephemeral: true }", "").replace("input: []", "input: [once]");
    let text = text.replace("once: \"'from a'\", ", "");
    let start = Start { input: r#"{"once":"given"}"#, ..Start::default() };
    check(
        &text,
        "",
        start,
        &expect![[r#"
        step 1: a
        step 2: b
        step 3: c
        completed: {"log":["given","nothing","nothing"]}
    "#]],
    );
}
