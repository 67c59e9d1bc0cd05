//! Every limit of a file and of an expression, passed by one: what is at the limit is taken.

use std::fmt::Write as _;

use expect_test::expect;
use serde_json::json;
use wforge_spec::{Cel, validate};

use crate::support::{World, answer};

/// A file with a mock that plays this script, and what is said of it.
fn played(script: &str) -> String {
    told(&format!(
        "apiVersion: workflowforge/v1
name: t
version: 1.0.0
state: {{ x: {{ default: 0 }} }}
output: [x]
nodes:
  a: {{ agent: mock, mock: {{ script: {script} }} }}
  b: {{ set: {{ x: '1' }} }}
edges: [{{ from: START, to: [a, b] }}, {{ from: [a, b], to: END }}]
"
    ))
}

fn told(text: &str) -> String {
    match validate("w.yaml", text, &Cel::new()) {
        Ok(_) => "fine".to_owned(),
        Err(reports) => reports.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    }
}

#[test]
fn a_script_has_at_most_1000_steps() {
    let script = |steps: usize| format!("[{}]", vec!["{ set: { x: '1' } }"; steps].join(", "));
    expect!["fine"].assert_eq(&played(&script(1_000)));
    expect!["w.yaml:7:29: error[script_limit]: nodes.a.mock.script: the script has 1001 steps, the most is 1000"].assert_eq(&played(&script(1_001)));
    expect!["w.yaml:7:29: error[script_limit]: nodes.a.mock.script: the script has 10000 steps, the most is 1000"].assert_eq(&played(&script(10_000)));
    expect!["w.yaml:1:1: error[file_too_large]: a workflow has at most 1048576 bytes, not 1260230"]
        .assert_eq(&played(&script(60_000)));
}

#[test]
fn what_a_script_sets_nests_as_deep_as_a_file_may() {
    let nested =
        |depth: usize| format!("[{{ set: {{ x: {}1{} }} }}]", "[".repeat(depth), "]".repeat(depth));
    // Seven levels of the file are around it.
    expect!["fine"].assert_eq(&played(&nested(57)));
    expect!["w.yaml:7:107: error[too_deep]: values nest at most 64 deep"]
        .assert_eq(&played(&nested(58)));
    expect!["w.yaml:7:300: error[too_deep]: values nest at most 64 deep"]
        .assert_eq(&played(&nested(20_000)));
    let source = format!("[{{ set: {{ x: '{}1{}' }} }}]", "[".repeat(40), "]".repeat(40));
    expect!["w.yaml:7:50: error[expression_limit]: nodes.a.mock.script.0.set.x: `[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]`: an expression nests at most 32 deep; compute a part in a `set` node"].assert_eq(&played(&source));
}

#[test]
fn a_join_waits_for_no_more_than_there_are() {
    let mut all = String::new();
    for join in ["0", "2", "3", "4294967295", "4294967296", "99999999999999999999", "-1"] {
        let text = told(&format!(
            "apiVersion: workflowforge/v1
name: t
version: 1.0.0
state: {{ x: {{ default: 0 }} }}
output: [x]
nodes: {{ a: {{ set: {{ x: '1' }} }}, b: {{ set: {{ x: '1' }} }}, c: {{ set: {{ x: '1' }} }} }}
edges:
  - {{ from: START, to: [a, b] }}
  - {{ from: [a, b], to: c, join: {join} }}
"
        ));
        writeln!(all, "{join}: {text}").expect("text");
    }
    expect![[r#"
        0: w.yaml:9:34: error[join]: edges.1.join: join: 0 of 2 nodes can never be met; help: write all, any or a number from 1 to 2
        2: fine
        3: w.yaml:9:34: error[join]: edges.1.join: join: 3 of 2 nodes can never be met; help: write all, any or a number from 1 to 2
        4294967295: w.yaml:9:34: error[join]: edges.1.join: join: 4294967295 of 2 nodes can never be met; help: write all, any or a number from 1 to 2
        4294967296: w.yaml:9:34: error[wrong_type]: join is a whole number below 2^32, here is 4294967296
        99999999999999999999: w.yaml:9:34: error[wrong_type]: join is a whole number below 2^32, here is 99999999999999999999
        -1: w.yaml:9:34: error[wrong_type]: join is a whole number of at least 0, here is -1
    "#]].assert_eq(&all);
}

#[test]
fn times_and_counts_end_somewhere() {
    expect!["fine"].assert_eq(&played("[{ sleep: 36500d }]"));
    expect!["w.yaml:7:47: error[duration]: sleep is too long: 36501d; help: the longest time is 36500d, a hundred years"].assert_eq(&played("[{ sleep: 36501d }]"));
    expect!["w.yaml:7:47: error[duration]: sleep is too long: 99999999999999999999999h; help: the longest time is 36500d, a hundred years"].assert_eq(&played("[{ sleep: 99999999999999999999999h }]"));
    expect![
        "w.yaml:7:55: error[wrong_type]: times is a whole number below 2^32, here is 99999999999"
    ]
    .assert_eq(&played("[{ fail: { times: 99999999999 } }]"));
}

/// What an expression gives on a list of so many items, shortened.
fn on(count: usize, source: &str) -> String {
    let world = World::of(&json!({ "x": (0..count).collect::<Vec<_>>(), "y": 1 }));
    let mut answer = answer(source, &world);
    answer.truncate(100);
    answer
}

#[test]
fn each_cap_of_an_expression_is_where_it_is_said_to_be() {
    let text = |bytes: usize| format!("'{}'.size()", "a".repeat(bytes - "''.size()".len()));
    expect!["4087"].assert_eq(&on(1, &text(4_096)));
    expect!["expression_limit: an expression has at most 4096 bytes, this one has 4097"]
        .assert_eq(&on(1, &text(4_097)));
    let depth = |depth: usize| format!("{}1{}", "[".repeat(depth - 1), "]".repeat(depth - 1));
    assert!(on(1, &depth(32)).starts_with("[[["), "{}", on(1, &depth(32)));
    expect![
        "expression_limit: an expression nests at most 32 deep; compute a part in a `set` node"
    ]
    .assert_eq(&on(1, &depth(33)));
    let terms = |terms: usize| format!("[{}].size()", vec!["1"; terms - 2].join(","));
    expect!["498"].assert_eq(&on(1, &terms(500)));
    expect!["expression_limit: an expression has at most 500 terms"].assert_eq(&on(1, &terms(501)));
    expect!["true"].assert_eq(&on(3, "state.x.all(a, state.x.all(b, a + b >= 0))"));
    expect!["expression_limit: comprehensions nest at most 2 deep"]
        .assert_eq(&on(3, "state.x.all(a, state.x.all(b, state.x.all(c, a + b + c >= 0)))"));
    expect!["true"].assert_eq(&on(100_000, "state.x.all(a, a >= 0)"));
    expect!["expression_limit: the expression would visit 100001 items, the most is 100000"]
        .assert_eq(&on(100_001, "state.x.all(a, a >= 0)"));
    // A comprehension goes over what is named only: what is computed could be of any size.
    for range in ["[1, 2]", "(state.x + state.x)", "state.x.filter(b, true)", "split('a,b', ',')"] {
        let answer = on(3, &format!("{range}.all(a, true)"));
        assert!(answer.starts_with("expression_limit: a comprehension goes over"), "{answer}");
    }
    let world = World::of(&json!({ "x": { "a": 1 } }));
    for range in ["state.x", "keys(state.x)", "values(state.x)"] {
        assert_eq!(answer(&format!("{range}.all(a, true)"), &world), "true", "{range}");
    }
}
