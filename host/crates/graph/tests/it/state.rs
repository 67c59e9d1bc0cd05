//! Keys: reducers, schemas, overwrite, outputs.

use expect_test::expect;

use crate::harness::{Start, check};

fn two_writers(key: &str, a: &str, b: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {key} }}
input: []
output: [x]
nodes:
  a: {{ set: {{ x: {a} }} }}
  b: {{ set: {{ x: {b} }} }}
edges: [{{ from: START, to: [a, b] }}]
"
    )
}

#[test]
fn two_writers_of_a_last_key_fail_and_both_are_named() {
    check(
        &two_writers("{}", "'1'", "'2'"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            failed: concurrent_write: state key x: nodes a and b both write state key x in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
        "#]],
    );
}

#[test]
fn sum_adds_integers_to_an_integer_and_a_double_to_a_double() {
    check(
        &two_writers("{ reducer: sum }", "'1'", "'2'"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            completed: {"x":3}
        "#]],
    );
    check(
        &two_writers("{ reducer: sum }", "'1'", "'0.5'"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            completed: {"x":1.5}
        "#]],
    );
}

#[test]
fn merge_joins_objects_and_the_later_node_wins() {
    check(
        &two_writers("{ reducer: merge }", "{ p: '1', q: '1' }", "{ q: '2' }"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            completed: {"x":{"p":1,"q":2}}
        "#]],
    );
}

#[test]
fn append_refuses_what_is_no_list_and_says_what_to_write() {
    check(
        &two_writers("{ reducer: append }", "['1']", "'2'"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
              failed for good, bad_output (reducer_type): node b writes a number to state key x, which has a list; append joins lists: write [x]
            failed: reducer_type: node b failed: bad_output (reducer_type): node b writes a number to state key x, which has a list; append joins lists: write [x]
        "#]],
    );
}

#[test]
fn overwrite_replaces_and_the_ordinary_writes_of_the_step_give_way() {
    check(
        &two_writers("{ reducer: append, default: ['old'] }", "{ overwrite: '[7]' }", "['1']"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            completed: {"x":[7]}
        "#]],
    );
}

#[test]
fn two_overwrites_in_one_step_are_an_error() {
    check(
        &two_writers("{ reducer: append }", "{ overwrite: '[7]' }", "{ overwrite: '[8]' }"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            failed: concurrent_write: state key x: nodes a and b both overwrite state key x in one super-step; let one of them overwrite
        "#]],
    );
}

#[test]
fn a_reduced_value_that_misses_its_schema_fails_the_run_and_names_the_writers() {
    check(
        &two_writers("{ reducer: append, schema: { type: array, maxItems: 1 } }", "['1']", "['2']"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            failed: bad_state: state key x does not fit its schema after super-step 1: the value has more than 1 item; written by a, b
        "#]],
    );
}

#[test]
fn a_run_that_ends_without_its_output_names_who_did_not_come() {
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { x: {}, go: { default: false } }
input: []
output: [x]
nodes:
  a: { set: { go: state.go } }
  b: { set: { go: state.go } }
  c: { set: { x: '1' } }
edges:
  - { from: START, to: a }
  - { from: a, branch: [{ when: state.go, to: b }, { to: END }] }
  - { from: [a, b], to: c }
";
    check(
        text,
        "",
        Start::default(),
        &expect![[r#"
            step 1: a
            failed: missing_output: the run ended without writing output key x; c still waited for b
        "#]],
    );
}
