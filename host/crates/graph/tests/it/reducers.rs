//! Reducers: how the writes of one super-step become a value.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use crate::harness::{Bench, Start};

/// A key with this spec, written by `a` and `b` in one step, and read.
fn written(key: &str, a: &str, b: &str) -> String {
    let text = format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {key}, seen: {{ default: nothing }} }}
input: []
output: [seen]
nodes:
  a: {{ set: {{ x: {a} }} }}
  b: {{ set: {{ x: {b} }} }}
  c: {{ set: {{ seen: state.x }} }}
edges: [{{ from: START, to: [a, b] }}, {{ from: [a, b], to: c }}]
"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    let end = bench.story().lines().last().unwrap_or_default().to_owned();
    let end = end.strip_prefix("completed: {\"seen\":").unwrap_or(&end);
    end.strip_suffix('}').unwrap_or(end).to_owned()
}

/// Each row: the key, what `a` writes, what `b` writes.
fn check(rows: &[(&str, &str, &str)], expected: &Expect) {
    let mut told = String::new();
    for (key, a, b) in rows {
        writeln!(told, "{key} a {a} b {b}\n  {}", written(key, a, b)).unwrap();
    }
    expected.assert_eq(&told);
}

#[test]
fn append_joins_lists_in_the_order_of_the_nodes() {
    check(
        &[
            ("{ reducer: append }", "['1', '2']", "['2']"),
            ("{ reducer: append }", "[]", "[]"),
            ("{ reducer: append, default: [0] }", "['1']", "['2']"),
            ("{ reducer: append }", "['1']", "{ k: '2' }"),
            ("{ reducer: append }", "['1']", "'null'"),
        ],
        &expect![[r#"
            { reducer: append } a ['1', '2'] b ['2']
              [1,2,2]
            { reducer: append } a [] b []
              []
            { reducer: append, default: [0] } a ['1'] b ['2']
              [0,1,2]
            { reducer: append } a ['1'] b { k: '2' }
              failed: reducer_type: node b failed: bad_output (reducer_type): node b writes an object to state key x, which has a list; append joins lists: write [x]
            { reducer: append } a ['1'] b 'null'
              failed: reducer_type: node b failed: bad_output (reducer_type): node b writes null to state key x, which has a list; append joins lists: write [x]
        "#]],
    );
}

#[test]
fn union_leaves_out_what_is_there_already() {
    check(
        &[
            ("{ reducer: union }", "['1', '2', '1']", "['2', '3']"),
            ("{ reducer: union, default: [2] }", "['2']", "[]"),
            ("{ reducer: union }", "[{ k: '1' }]", "[{ k: '1' }, { k: '2' }]"),
            ("{ reducer: union }", "['1']", "['1.0', '1.5']"),
            ("{ reducer: union }", "[{ k: ['2.0'] }]", "[{ k: ['2'] }, '-0.0', '0']"),
            ("{ reducer: union }", "[\"'1'\"]", "['1']"),
            ("{ reducer: union }", "'1'", "['1']"),
        ],
        &expect![[r#"
            { reducer: union } a ['1', '2', '1'] b ['2', '3']
              [1,2,3]
            { reducer: union, default: [2] } a ['2'] b []
              [2]
            { reducer: union } a [{ k: '1' }] b [{ k: '1' }, { k: '2' }]
              [{"k":1},{"k":2}]
            { reducer: union } a ['1'] b ['1.0', '1.5']
              [1,1.5]
            { reducer: union } a [{ k: ['2.0'] }] b [{ k: ['2'] }, '-0.0', '0']
              [{"k":[2.0]},-0.0]
            { reducer: union } a ["'1'"] b ['1']
              ["1",1]
            { reducer: union } a '1' b ['1']
              failed: reducer_type: node a failed: bad_output (reducer_type): node a writes a number to state key x, which has a list; union joins lists: write [x]
        "#]],
    );
}

#[test]
fn merge_replaces_by_key_and_goes_no_deeper() {
    check(
        &[
            ("{ reducer: merge }", "{ p: '1', q: '1' }", "{ q: '2' }"),
            ("{ reducer: merge, default: { p: { a: 1 } } }", "{ p: { b: '2' } }", "{}"),
            ("{ reducer: merge }", "['1']", "{}"),
        ],
        &expect![[r#"
            { reducer: merge } a { p: '1', q: '1' } b { q: '2' }
              {"p":1,"q":2}
            { reducer: merge, default: { p: { a: 1 } } } a { p: { b: '2' } } b {}
              {"p":{"b":2}}
            { reducer: merge } a ['1'] b {}
              failed: reducer_type: node a failed: bad_output (reducer_type): node a writes a list to state key x, which has an object; merge joins objects: write { name: x 
        "#]],
    );
}

#[test]
fn sum_adds_integers_exactly_and_doubles_as_doubles() {
    check(
        &[
            ("{ reducer: sum }", "'1'", "'2'"),
            ("{ reducer: sum }", "'1'", "'0.5'"),
            ("{ reducer: sum, default: 0.5 }", "'1'", "'2'"),
            ("{ reducer: sum }", "'-3'", "'3'"),
            ("{ reducer: sum }", "'9223372036854775807'", "'1'"),
            ("{ reducer: sum }", "\"'1'\"", "'1'"),
        ],
        &expect![[r#"
            { reducer: sum } a '1' b '2'
              3
            { reducer: sum } a '1' b '0.5'
              1.5
            { reducer: sum, default: 0.5 } a '1' b '2'
              3.5
            { reducer: sum } a '-3' b '3'
              0
            { reducer: sum } a '9223372036854775807' b '1'
              failed: reducer_type: state key x: what node b adds makes state key x larger than a number can be
            { reducer: sum } a "'1'" b '1'
              failed: reducer_type: node a failed: bad_output (reducer_type): node a writes text to state key x, which has a number; sum adds numbers
        "#]],
    );
}

#[test]
fn min_and_max_compare_numbers_with_numbers_and_texts_with_texts() {
    check(
        &[
            ("{ reducer: min }", "'2'", "'1'"),
            ("{ reducer: max }", "'2'", "'1'"),
            ("{ reducer: max }", "'2'", "'2.5'"),
            ("{ reducer: max }", "'2'", "'2.0'"),
            ("{ reducer: min, default: 0 }", "'2'", "'1'"),
            ("{ reducer: max }", "\"'b'\"", "\"'abc'\""),
            ("{ reducer: max }", "9223372036854775806", "9223372036854775807"),
            ("{ reducer: min }", "'1'", "\"'a'\""),
            ("{ reducer: min }", "'true'", "'false'"),
        ],
        &expect![[r#"
            { reducer: min } a '2' b '1'
              1
            { reducer: max } a '2' b '1'
              2
            { reducer: max } a '2' b '2.5'
              2.5
            { reducer: max } a '2' b '2.0'
              2
            { reducer: min, default: 0 } a '2' b '1'
              0
            { reducer: max } a "'b'" b "'abc'"
              "b"
            { reducer: max } a 9223372036854775806 b 9223372036854775807
              9223372036854775807
            { reducer: min } a '1' b "'a'"
              failed: reducer_type: state key x: node b writes text to state key x, which has a number; min compares numbers with numbers and texts with texts
            { reducer: min } a 'true' b 'false'
              failed: reducer_type: node a failed: bad_output (reducer_type): node a writes a boolean to state key x, which has nothing yet; min compares numbers with numbers and texts with texts
        "#]],
    );
}

#[test]
fn any_keeps_the_last_of_several_and_last_refuses_them() {
    check(
        &[
            ("{ reducer: any }", "'1'", "'2'"),
            ("{ reducer: any, default: 0 }", "{ k: '1' }", "'null'"),
            ("{ reducer: last }", "'1'", "'1'"),
            ("{}", "'1'", "'2'"),
        ],
        &expect![[r#"
            { reducer: any } a '1' b '2'
              2
            { reducer: any, default: 0 } a { k: '1' } b 'null'
              null
            { reducer: last } a '1' b '1'
              failed: concurrent_write: state key x: nodes a and b both write state key x in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
            {} a '1' b '2'
              failed: concurrent_write: state key x: nodes a and b both write state key x in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
        "#]],
    );
}

#[test]
fn an_overwrite_replaces_before_and_after_ordinary_writes() {
    check(
        &[
            ("{ reducer: append, default: [0] }", "{ overwrite: '[7]' }", "['1']"),
            ("{ reducer: append, default: [0] }", "['1']", "{ overwrite: '[7]' }"),
            ("{ reducer: sum, default: 5 }", "'1'", "{ overwrite: '2' }"),
            ("{ reducer: merge, default: { p: 1 } }", "{ q: '1' }", "{ overwrite: { r: '1' } }"),
            ("{ reducer: append }", "{ overwrite: '[7]' }", "{ overwrite: '[8]' }"),
            ("{}", "{ overwrite: '1' }", "'2'"),
            // More than the one name: an object like any other.
            ("{ reducer: merge }", "{ overwrite: '1', p: '2' }", "{}"),
        ],
        &expect![[r#"
            { reducer: append, default: [0] } a { overwrite: '[7]' } b ['1']
              [7]
            { reducer: append, default: [0] } a ['1'] b { overwrite: '[7]' }
              [7]
            { reducer: sum, default: 5 } a '1' b { overwrite: '2' }
              2
            { reducer: merge, default: { p: 1 } } a { q: '1' } b { overwrite: { r: '1' } }
              {"r":1}
            { reducer: append } a { overwrite: '[7]' } b { overwrite: '[8]' }
              failed: concurrent_write: state key x: nodes a and b both overwrite state key x in one super-step; let one of them overwrite
            {} a { overwrite: '1' } b '2'
              1
            { reducer: merge } a { overwrite: '1', p: '2' } b {}
              {"overwrite":1,"p":2}
        "#]],
    );
}

#[test]
fn an_overwrite_is_the_value_that_later_steps_reduce_into() {
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { x: { reducer: append, default: [0] } }
input: []
output: [x]
nodes:
  a: { set: { x: ['1'] } }
  b: { set: { x: { overwrite: \"state.x.filter(i, i > 0)\" } } }
  c: { set: { x: ['2'] } }
edges: [{ from: START, to: a }, { from: a, to: b }, { from: b, to: c }]
";
    crate::harness::check(
        text,
        "",
        Start::default(),
        &expect![[r#"
        step 1: a
        step 2: b
        step 3: c
        completed: {"x":[1,2]}
    "#]],
    );
}

#[test]
fn a_value_that_an_agent_returns_is_reduced_like_any_other() {
    let text = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { x: { reducer: sum }, best: { reducer: max }, words: { reducer: union } }
input: []
output: [x, best, words]
nodes:
  a: { agent: t/a }
  b: { agent: t/b }
edges: [{ from: START, to: [a, b] }]
";
    let script =
        "a: ok {\"x\":1,\"best\":3,\"words\":[\"p\"]}\nb: ok {\"x\":2,\"words\":[\"p\",\"q\"]}";
    crate::harness::check(
        text,
        script,
        Start::default(),
        &expect![[r#"
        step 1: a, b
        completed: {"best":3,"words":["p","q"],"x":3}
    "#]],
    );
}

#[test]
fn a_default_must_be_what_its_reducer_takes() {
    let file = |key: &str| {
        format!(
            "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ x: {key} }}
nodes: {{ a: {{ set: {{ x: '1' }} }} }}
edges: [{{ from: START, to: a }}]
"
        )
    };
    let mut told = String::new();
    for key in [
        "{ reducer: union, default: {} }",
        "{ reducer: messages, default: 1 }",
        "{ reducer: sum, default: many }",
        "{ reducer: min, default: 1 }",
        "{ reducer: max, default: [] }",
        "{ reducer: any, default: null }",
        "{ reducer: append, ephemeral: true }",
    ] {
        let problem = crate::harness::workflow(&file(key)).err().unwrap_or("fine".into());
        writeln!(told, "{key}: {problem}").unwrap();
    }
    expect![[r#"
        { reducer: union, default: {} }: state.x.default: default_type: the default of x is an object, but its reducer takes a list
        { reducer: messages, default: 1 }: state.x.default: default_type: the default of x is a number, but its reducer takes a list
        { reducer: sum, default: many }: state.x.default: default_type: the default of x is text, but its reducer takes a number
        { reducer: min, default: 1 }: fine
        { reducer: max, default: [] }: fine
        { reducer: any, default: null }: fine
        { reducer: append, ephemeral: true }: state.x.ephemeral: ephemeral_reducer: x lasts one super-step, so its reducer has nothing to add to (take the reducer out, or use `any`)
    "#]].assert_eq(&told);
}
