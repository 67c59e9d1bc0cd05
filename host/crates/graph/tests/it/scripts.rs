//! Scripts of the mock agent: every step, what it writes, and that a script runs from its top
//! again after each answer.

use std::fmt::Write as _;

use expect_test::{Expect, expect};

use crate::harness::{Bench, LIST, Start, workflow};

/// A node `a` that plays a script, with more fields, and nodes to lead to.
fn graph(node: &str, script: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state:
  log: {{ reducer: append, default: [] }}
  n: {{ default: 0 }}
  text: {{ default: word }}
  extra: {{ reducer: append }}
input: [n]
output: [log, n, text]
nodes:
  a: {{ agent: mock, {node} mock: {{ script: {script} }} }}
  b: {{ set: {{ log: [\"sent == null ? 'b' : sent\"] }} }}
  c: {{ set: {{ log: [\"'c'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: c }}]
"
    )
}

fn check(node: &str, script: &str, expected: &Expect) {
    let mut bench = Bench::begin(&reachable(node, script), "", Start::default());
    bench.drain();
    expected.assert_eq(&bench.story());
}

/// `b` is reached by an exit where the node has one.
fn reachable(node: &str, script: &str) -> String {
    let text = graph(node, script);
    if node.contains("goto") { text } else { text.replace("from: a, to: c", "from: a, to: [c, b]") }
}

#[test]
fn set_writes_state_keys_where_the_node_has_no_out() {
    check(
        "",
        "[{ set: { n: '1 + 1', text: \"state.text + '!'\" } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":2,"text":"word!"}
    "#]],
    );
}

#[test]
fn each_set_is_a_write_of_its_own() {
    let script = "[{ set: { log: [\"'one'\"] } }, { set: { log: [\"'two'\"] } }]";
    check(
        "",
        script,
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["one","two","b","c"],"n":0,"text":"word"}
    "#]],
    );
    // A key without a reducer takes one of them in a super-step.
    check(
        "",
        "[{ set: { n: '1' } }, { set: { n: '2' } }]",
        &expect![[r#"
        step 1: a
          failed for good, bad_output (concurrent_write): nodes a and a both write state key n in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
        failed: concurrent_write: node a failed: bad_output (concurrent_write): nodes a and a both write state key n in one super-step; give the key a reducer (append, merge, union, sum, min, max), or let one of them write
    "#]],
    );
    // With `out`, the last of each field is the result.
    check(
        "out: { n: result.x },",
        "[{ set: { x: '1' } }, { set: { x: '2' } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":2,"text":"word"}
    "#]],
    );
}

#[test]
fn append_wraps_a_value_in_a_list_and_overwrite_replaces() {
    check(
        "",
        "[{ append: { log: \"'x'\" } }, { append: { log: { k: '1' } } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["x",{"k":1},"b","c"],"n":0,"text":"word"}
    "#]],
    );
    let over = "[{ append: { log: '1' } }, { overwrite: { log: [\"'only'\"] } }]";
    check(
        "",
        over,
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["only","b","c"],"n":0,"text":"word"}
    "#]],
    );
}

#[test]
fn concat_fills_a_text() {
    check(
        "",
        "[{ concat: { text: '{{ state.text }} and {{ [1, 2] }}' } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word and [1,2]"}
    "#]],
    );
}

#[test]
fn identity_is_the_input_and_return_none_nothing() {
    check(
        "in: { n: '7', text: \"'in'\" },",
        "[identity]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":7,"text":"in"}
    "#]],
    );
    check(
        "in: { n: '7' },",
        "[identity, { set: { text: \"'set'\" } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":7,"text":"set"}
    "#]],
    );
    check(
        "in: { k: '7' }, out: { n: result.k },",
        "[identity]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":7,"text":"word"}
    "#]],
    );
    check(
        "",
        "[return_none]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
    check(
        "",
        "[{ set: { n: '5' } }, return_none]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
}

#[test]
fn a_script_sees_what_goes_in() {
    check(
        "in: { k: [\"'a'\", '2'] },",
        "[{ set: { n: 'input.k[1]' } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":2,"text":"word"}
    "#]],
    );
}

#[test]
fn goto_and_send_take_exits() {
    check(
        "goto: { out: b },",
        "[{ goto: out }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
    check(
        "goto: { '*': b },",
        "[{ goto: anywhere }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
    let sends =
        "[{ send: { exit: out, input: \"'first'\" } }, { send: { exit: out, input: '[2]' } }]";
    check(
        "goto: { out: b },",
        sends,
        &expect![[r#"
        step 1: a
          a by mock
        step 2: c, b, b
        completed: {"log":["c","first",[2]],"n":0,"text":"word"}
    "#]],
    );
}

#[test]
fn interrupt_asks_and_goes_on_with_the_answer() {
    let script = "[{ interrupt: \"'First?'\" }, { interrupt: { q: answers[0] } }, \
                  { set: { log: answers } }, { emit: { topic: t, value: answers.size() } }]";
    let script =
        script.replace("answers[0]", "'answers[0]'").replace("answers.size()", "'answers.size()'");
    let mut bench = Bench::begin(&reachable("", &script), "", Start::default());
    bench.say("\"one\"");
    bench.restart();
    bench.say("2");
    expect![[r#"
        step 1: a
          asks: First?
          answered: "one" by Person("ada")
          asks: {"q":"one"}
          restarted
          answered: 2 by Person("ada")
          a by mock, emitting t 2
        step 2: b, c
        completed: {"log":["one",2,"b","c"],"n":0,"text":"word"}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn interrupt_each_asks_one_question_for_each_item() {
    let script =
        "[{ interrupt_each: [\"'How old?'\", \"'How tall?'\"] }, { set: { log: answers } }]";
    let mut bench = Bench::begin(&reachable("", script), "", Start::default());
    bench.say("36");
    bench.say("170");
    expect![[r#"
        step 1: a
          asks: How old?
          answered: 36 by Person("ada")
          asks: How tall?
          answered: 170 by Person("ada")
          a by mock
        step 2: b, c
        completed: {"log":[36,170,"b","c"],"n":0,"text":"word"}
    "#]]
    .assert_eq(&bench.story());
    check(
        "",
        "[{ interrupt_each: '[]' }, { set: { n: 'answers.size()' } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
}

#[test]
fn what_stands_before_a_question_is_done_again_after_it() {
    // As an agent's code is: only what it asked and slept is passed over.
    let script =
        "[{ emit: { topic: t, value: \"'asking'\" } }, { interrupt: \"'Well?'\" }, { count: n }]";
    let mut bench = Bench::begin(&reachable("", script), "", Start::default());
    bench.say("1");
    expect![[r#"
        step 1: a
          asks: Well?
          answered: 1 by Person("ada")
          a by mock, emitting t "asking"
        step 2: b, c
        completed: {"log":["b","c"],"n":2,"text":"word"}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn fail_fails_so_often_and_with_what_it_says() {
    check(
        "",
        "[{ fail: {} }]",
        &expect![[r#"
        step 1: a
          failed for good, failed (mock): the script fails here
        failed: mock: node a failed: failed (mock): the script fails here
    "#]],
    );
    check(
        "",
        "[{ fail: { kind: denied, code: no, message: Not today } }]",
        &expect![[r#"
            step 1: a
              failed for good, denied: no on Not today; the script says so
            failed: denied: node a failed: denied: no on Not today; the script says so
        "#]],
    );
    check(
        "",
        "[{ fail: { times: 0 } }, { set: { n: '1' } }]",
        &expect![[r#"
        step 1: a
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":1,"text":"word"}
    "#]],
    );
    let retry = "retry: [{ max_attempts: 3, initial: 10ms, factor: 2, jitter: false }],";
    let script = "[{ fail: { code: busy, retryable: true, times: 2 } }, { set: { n: '1' } }]";
    let mut bench = Bench::begin(&reachable(retry, script), "", Start::default());
    bench.wait();
    bench.wait();
    expect![[r#"
        step 1: a
          attempt 1 failed, failed (busy): the script fails here
          after 10 ms
          attempt 2 failed, failed (busy): the script fails here
          after 20 ms
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":1,"text":"word"}
    "#]]
    .assert_eq(&bench.story());
    // Without `retryable` a failure of the agent itself is not tried again.
    let script = "[{ fail: { code: busy, times: 2 } }]";
    check(
        retry,
        script,
        &expect![[r#"
        step 1: a
          failed for good, failed (busy): the script fails here
        failed: busy: node a failed: failed (busy): the script fails here
    "#]],
    );
}

#[test]
fn sleep_lets_time_pass_and_holds_nothing() {
    let script = "[{ sleep: 10ms }, { sleep: 2s }, { set: { n: '1' } }]";
    let mut bench = Bench::begin(&reachable("", script), "", Start::default());
    bench.wait();
    bench.restart();
    bench.wait();
    expect![[r#"
        step 1: a
          sleeps
          after 10 ms
          sleeps
          restarted
          after 2000 ms
          a by mock
        step 2: b, c
        completed: {"log":["b","c"],"n":1,"text":"word"}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn emit_tells_with_the_result() {
    let script = "[{ emit: { topic: progress, value: '0.5' } }, \
                  { emit: { topic: progress, value: { of: state.text } } }]";
    check(
        "out: {},",
        script,
        &expect![[r#"
        step 1: a
          a by mock, emitting progress 0.5, progress {"of":"word"}
        step 2: b, c
        completed: {"log":["b","c"],"n":0,"text":"word"}
    "#]],
    );
}

#[test]
fn count_is_how_often_the_node_was_called() {
    let text = format!(
        "{LIST}
nodes:
  a: {{ agent: mock, out: {{ log: [result.n] }}, mock: {{ script: [{{ count: n }}] }} }}
edges:
  - {{ from: START, to: a }}
  - {{ from: a, branch: [{{ when: 'state.log.size() < 3', to: a }}, {{ to: END }}] }}
"
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    bench.drain();
    expect![[r#"
        step 1: a
          a by mock
        step 2: a
          a by mock
        step 3: a
          a by mock
        completed: {"log":[1,2,3]}
    "#]]
    .assert_eq(&bench.story());
    // A script that is given with the run's start counts as well.
    let text = text.replace("mock: { script: [{ count: n }] }", "in: {}");
    let mocks = ["a={\"script\":[{\"count\":\"n\"}]}"];
    let mut bench = Bench::begin(&text, "", Start { mocks: &mocks, ..Start::default() });
    bench.drain();
    expect![[r#"
        step 1: a
          a by mock
        step 2: a
          a by mock
        step 3: a
          a by mock
        completed: {"log":[1,2,3]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn what_a_script_says_is_checked_with_the_file() {
    let mut told = String::new();
    for (node, script) in [
        ("", "[{ set: { m: '1' } }]"),
        ("", "[{ count: m }]"),
        ("out: { n: result.m },", "[{ set: { m: '1' } }]"),
        ("", "[{ goto: out }]"),
        ("goto: { in: b },", "[{ send: { exit: out, input: '1' } }]"),
        ("", "[{ set: { n: inputt.k } }]"),
        ("", "[{ set: { n: result.k } }]"),
        ("", "[{ concat: { text: '{{ answers' } }]"),
        ("", "[{ interrupt: 'nobody.x' }]"),
        ("", "[{ set: { n: '1 +' } }, { emit: { topic: t, value: { v: ['state.m'] } } }]"),
    ] {
        let problem = workflow(&reachable(node, script)).err().unwrap_or_else(|| "fine".into());
        writeln!(told, "{node} {script}\n  {problem}").unwrap();
    }
    expect![[r#"
         [{ set: { m: '1' } }]
          nodes.a.mock.script.0: unknown_key: the state has no key m (did you mean n?)
         [{ count: m }]
          nodes.a.mock.script.0: unknown_key: the state has no key m (did you mean n?)
        out: { n: result.m }, [{ set: { m: '1' } }]
          fine
         [{ goto: out }]
          nodes.a.mock.script.0: unmapped_exit: the script takes the exit out, which leads nowhere (write goto: { out: NODE })
        goto: { in: b }, [{ send: { exit: out, input: '1' } }]
          nodes.a.mock.script.0: unmapped_exit: the script takes the exit out, which leads nowhere (write goto: { out: NODE })
         [{ set: { n: inputt.k } }]
          nodes.a.mock.script.0.set.n: unknown_name: there is no name inputt
         [{ set: { n: result.k } }]
          nodes.a.mock.script.0.set.n: unknown_name: `result` is there only in `out`
         [{ concat: { text: '{{ answers' } }]
          nodes.a.mock.script.0.concat.text: syntax: `{{ answers`: "{{" without "}}"
         [{ interrupt: 'nobody.x' }]
          nodes.a.mock.script.0.interrupt: unknown_name: there is no name nobody
         [{ set: { n: '1 +' } }, { emit: { topic: t, value: { v: ['state.m'] } } }]
          nodes.a.mock.script.0.set.n: syntax: `1 +`: the expression ends too early (column 4 of the expression)
        nodes.a.mock.script.1.emit.value.v.0: unknown_key: the state has no key m (did you mean n?)
    "#]].assert_eq(&told);
}

#[test]
fn a_script_that_is_too_long_is_refused_with_the_runs_start() {
    let step = "{\"set\":{\"n\":\"1\"}}";
    let mock = format!("a={{\"script\":[{}]}}", vec![step; 1_001].join(","));
    let start = Start { mocks: &[mock.as_str()], ..Start::default() };
    let origin = wforge_model::beginning::Origin::Input;
    let refused = Bench::try_begin(&reachable("", "[identity]"), "", start, origin, None);
    expect!["a: script_limit: the script has 1001 steps, the most is 1000"]
        .assert_eq(&refused.err().unwrap());
}
