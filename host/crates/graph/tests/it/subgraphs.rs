//! Workflows inside a run: what goes in, what comes out, what is kept between calls.

use std::fmt::Write as _;

use expect_test::expect;

use crate::harness::{Bench, LIST, Start, check, workflow};

fn graph(rest: &str) -> String {
    format!("{LIST}{rest}")
}

/// Adds to a text of its own, and remembers what it was given.
const CHILD: &str = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { text: {}, all: { reducer: append }, hidden: {} }
input: [text]
output: [text, all]
nodes:
  x: { set: { text: \"state.text + ' there'\", all: [state.text], hidden: '1' } }
  y: { set: { text: \"state.text + ' and back'\" } }
edges: [{ from: START, to: x }, { from: x, to: y }]
";

#[test]
fn keys_are_mapped_on_the_way_in_and_out() {
    let text = "
nodes:
  side: { workflow: child, in: { text: \"state.items[0]\" }, out: { log: [result.text] } }
  after: { set: { log: [\"'again'\"] } }
edges: [{ from: START, to: side }, { from: side, to: after }]
";
    let start = Start { input: r#"{"items":["my value"]}"#, parts: &[CHILD], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
        step 2 in side: y
        step 2: after
        completed: {"log":["my value there and back","again"]}
    "#]],
    );
}

#[test]
fn the_edges_from_start_of_a_part_are_taken_before_its_first_super_step() {
    let child = CHILD.replace(
        "{ from: START, to: x }",
        "{ from: START, branch: [{ when: run.step == 0, to: x }, { to: y }] }",
    );
    let text = "
nodes:
  first: { set: { log: [\"'first'\"] } }
  side: { workflow: child, in: { text: \"'hi'\" }, out: { log: [result.text] } }
edges: [{ from: START, to: first }, { from: first, to: side }]
";
    let start = Start { parts: &[&child], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: first
        step 2: side
        step 1 in side: x
        step 2 in side: y
        completed: {"log":["first","hi there and back"]}
    "#]],
    );
}

/// A workflow whose keys have the names of the child's.
fn same_keys(node: &str) -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: {{ text: {{ default: hi }}, all: {{ reducer: append, default: [before] }}, i: {{ default: 0 }} }}
output: [text, all]
nodes:
  side: {{ {node} }}
  again: {{ set: {{ i: state.i + 1 }} }}
edges:
  - {{ from: START, to: side }}
  - {{ from: side, to: again }}
  - {{ from: again, branch: [{{ when: state.i < 3, to: side }}, {{ to: END }}] }}
"
    )
}

#[test]
fn without_a_mapping_the_keys_of_the_same_name_go_in_and_out() {
    let start = Start { parts: &[CHILD], ..Start::default() };
    check(
        &same_keys("workflow: child"),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
        step 2 in side: y
        step 2: again
        step 3: side
        step 1 in side: x
        step 2 in side: y
        step 4: again
        step 5: side
        step 1 in side: x
        step 2 in side: y
        step 6: again
        completed: {"all":["before","hi","hi there and back","hi there and back there and back"],"text":"hi there and back there and back there and back"}
    "#]],
    );
}

#[test]
fn a_state_that_is_kept_for_the_run_goes_on_with_each_call() {
    let start = Start { parts: &[CHILD], ..Start::default() };
    let node = "workflow: child, persist: run, out: { all: { overwrite: result.all } }";
    check(
        &same_keys(node),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
        step 2 in side: y
        step 2: again
        step 3: side
        step 1 in side: x
        step 2 in side: y
        step 4: again
        step 5: side
        step 1 in side: x
        step 2 in side: y
        step 6: again
        completed: {"all":["hi","hi","hi"],"text":"hi"}
    "#]],
    );
}

#[test]
fn what_goes_in_and_out_must_fit() {
    let mut told = String::new();
    for node in [
        "workflow: child, in: { txt: \"'a'\" }",
        "workflow: child, in: {}",
        "workflow: child, in: { text: \"'a'\" }",
        "workflow: missing, in: {}",
    ] {
        let text = graph(&format!(
            "nodes: {{ side: {{ {node} }} }}\nedges: [{{ from: START, to: side }}]\n"
        ));
        let mut bench = Bench::begin(&text, "", Start { parts: &[CHILD], ..Start::default() });
        bench.drain();
        writeln!(told, "{node}\n  {}", bench.run.error.as_ref().unwrap().message).unwrap();
    }
    expect![[r#"
        workflow: child, in: { txt: "'a'" }
          node side failed: invalid-input (unknown_input): the input of child does not fit: the workflow takes no input "txt" (and 1 more)
        workflow: child, in: {}
          node side failed: invalid-input (missing_input): the input of child does not fit: the input text is missing
        workflow: child, in: { text: "'a'" }
          node side failed: bad_output (unmapped_output): the result's key "all" is no state key; write `out`
        workflow: missing, in: {}
          node side failed: missing (missing_workflow): no registered workflow missing; register it: wforge workflow register FILE
    "#]].assert_eq(&told);
}

#[test]
fn a_subgraph_that_ends_without_its_output_fails_its_task() {
    let child = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { text: {}, all: { default: [] }, go: { default: true } }
output: [text, all]
nodes: { x: { set: { all: ['1'] } }, y: { set: { text: '1' } } }
edges:
  - { from: START, to: x }
  - { from: x, branch: [{ when: state.go, to: END }, { to: y }] }
";
    let text = "
nodes: { side: { workflow: child, out: { log: [result.text] } } }
edges: [{ from: START, to: side }]
";
    let start = Start { parts: &[child], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
          failed for good, failed (missing_output): child@1.0.0: the run ended without writing output key text
        failed: missing_output: node side failed: failed (missing_output): child@1.0.0: the run ended without writing output key text
    "#]],
    );
    let early = child.replace("to: END", "to: END, outcome: early");
    let text = text.replace("result.text", "has(result.text)");
    let start = Start { parts: &[&early], ..Start::default() };
    check(
        &graph(&text),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
        completed: {"log":[false]}
    "#]],
    );
}

#[test]
fn each_item_may_have_a_chain_of_its_own() {
    let text = "
nodes:
  side: { workflow: child, in: { text: item }, out: { log: [result.text] } }
  done: { set: { log: [\"'done'\"] } }
edges:
  - { from: START, each: state.items, as: item, to: side, empty: done }
  - { from: [side], to: done }
";
    let start = Start { input: r#"{"items":["a","b"]}"#, parts: &[CHILD], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: side, side
        step 1 in side: x
        step 2 in side: y
        step 1 in side: x
        step 2 in side: y
        step 2: done
        completed: {"log":["a there and back","b there and back","done"]}
    "#]],
    );
}

#[test]
fn a_state_that_is_kept_cannot_be_gone_on_with_twice_at_once() {
    let text = "
nodes:
  side: { workflow: child, persist: run, in: { text: item }, out: { log: [result.text] } }
edges: [{ from: START, each: state.items, as: item, to: side }]
";
    let start = Start { input: r#"{"items":["a","b"]}"#, parts: &[CHILD], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
            step 1: side, side
              failed for good, failed (concurrent_subgraph): node side runs twice at once, but its subgraph keeps its state between calls; write persist: none, or call it one after the other
            failed: concurrent_subgraph: node side failed: failed (concurrent_subgraph): node side runs twice at once, but its subgraph keeps its state between calls; write persist: none, or call it one after the other
        "#]],
    );
}

const OUTER: &str = "
apiVersion: workflowforge/v1
name: outer
version: 1.0.0
state: { word: {} }
input: [word]
output: [word]
nodes:
  deep: { workflow: child, in: { text: state.word }, out: { word: result.text } }
edges: [{ from: START, to: deep }]
";

#[test]
fn subgraphs_lie_in_one_another_and_each_has_its_own_steps() {
    let text = "
nodes:
  side: { workflow: outer, in: { word: \"'a'\" }, out: { log: [result.word] } }
  beside: { agent: t/b, in: {}, out: { log: [\"'beside'\"] } }
edges: [{ from: START, to: [side, beside] }]
";
    let start = Start { parts: &[CHILD, OUTER], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: beside, side
        step 1 in side: deep
        step 1 in side/deep: x
        step 2 in side/deep: y
        completed: {"log":["beside","a there and back"]}
    "#]],
    );
}

#[test]
fn a_failure_deep_inside_is_tried_again_from_the_node_that_says_so() {
    let child = CHILD.replace(
        "y: { set: { text: \"state.text + ' and back'\" } }",
        "y: { agent: t/y, in: {}, out: { text: \"'from y'\" } }",
    );
    let text = "
nodes:
  side:
    workflow: outer
    in: { word: \"'a'\" }
    out: { log: [result.word] }
    retry: [{ on: upstream, max_attempts: 2, initial: 1s, jitter: false }]
  beside: { agent: t/b, in: {}, out: { log: [\"'beside'\"] } }
edges: [{ from: START, to: [side, beside] }]
";
    let start = Start { parts: &[&child, OUTER], ..Start::default() };
    let mut bench = Bench::begin(&graph(text), "y: fail upstream busy; echo", start);
    bench.drain();
    bench.wait();
    expect![[r#"
        step 1: beside, side
        step 1 in side: deep
        step 1 in side/deep: x
        step 2 in side/deep: y
          failed for good in side/deep, upstream (busy): as the script says
          failed for good in side, upstream (busy): as the script says
          attempt 1 failed, upstream (busy): as the script says
          after 1000 ms
        step 1 in side: deep
        step 1 in side/deep: x
        step 2 in side/deep: y
        completed: {"log":["beside","from y"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_failure_inside_that_nothing_mends_ends_the_run_and_says_where() {
    let child = CHILD
        .replace("y: { set: { text: \"state.text + ' and back'\" } }", "y: { agent: t/y, in: {} }");
    let text = "
nodes: { side: { workflow: outer, in: { word: \"'a'\" }, out: { log: [result.word] } } }
edges: [{ from: START, to: side }]
";
    let start = Start { parts: &[&child, OUTER], ..Start::default() };
    check(
        &graph(text),
        "y: fail failed broken",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: deep
        step 1 in side/deep: x
        step 2 in side/deep: y
          failed for good in side/deep, failed (broken): as the script says
          failed for good in side, failed (broken): as the script says
          failed for good, failed (broken): as the script says
        failed: broken: node side failed: failed (broken): as the script says
    "#]],
    );
}

#[test]
fn a_subgraph_has_limits_of_its_own_and_may_not_lie_in_itself_for_ever() {
    let endless = CHILD.replace("from: x, to: y", "from: x, to: x").replace("  y: {", "  y_: {");
    let endless = endless.replace("  y_: { set: { text: \"state.text + ' and back'\" } }\n", "")
        + "limits: { steps: 2 }\n";
    let text = "
nodes: { side: { workflow: child, in: { text: \"'a'\" }, out: { log: [result.text] } } }
edges: [{ from: START, to: side }]
";
    let start = Start { parts: &[&endless], ..Start::default() };
    check(
        &graph(text),
        "",
        start,
        &expect![[r#"
        step 1: side
        step 1 in side: x
        step 2 in side: x
          failed for good, failed (step_limit): child@1.0.0: the run took 2 super-steps, the most that limits.steps allows; raise it, or end the loop
        failed: step_limit: node side failed: failed (step_limit): child@1.0.0: the run took 2 super-steps, the most that limits.steps allows; raise it, or end the loop
    "#]],
    );
    let itself = OUTER.replace(
        "workflow: child, in: { text: state.word }, out: { word: result.text }",
        "workflow: outer",
    );
    let text = text
        .replace("child, in: { text:", "outer, in: { word:")
        .replace("result.text", "result.word");
    let mut bench =
        Bench::begin(&graph(&text), "", Start { parts: &[&itself], ..Start::default() });
    bench.drain();
    let story = bench.story();
    assert_eq!(story.lines().filter(|line| line.starts_with("step 1")).count(), 17);
    expect!["failed: nesting_limit: node side failed: limit (nesting_limit): workflows lie in one another more than 16 deep"].assert_eq(story.lines().last().unwrap());
}

#[test]
fn people_are_asked_from_inside_several_at_once() {
    let asks = "
apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { who: {}, age: {} }
input: [who]
output: [age]
nodes:
  ask: { ask: { prompt: 'How old is {{ state.who }}?' }, out: { age: result } }
edges: [{ from: START, to: ask }]
";
    let text = "
nodes:
  side: { workflow: asks, in: { who: item }, out: { log: [\"item + ' is ' + string(result.age)\"] } }
edges: [{ from: START, each: state.items, as: item, to: side }]
";
    let start =
        Start { input: r#"{"items":["ada","bob","cy"]}"#, parts: &[asks], ..Start::default() };
    let mut bench = Bench::begin(&graph(text), "", start);
    assert_eq!(bench.run.standing().as_str(), "waiting");
    bench.say_to("How old is cy?", "3");
    bench.say_to("How old is ada?", "36");
    bench.restart();
    bench.say_to("How old is bob?", "20");
    expect![[r#"
        step 1: side, side, side
        step 1 in side: ask
          asks in side: How old is ada?
        step 1 in side: ask
          asks in side: How old is bob?
        step 1 in side: ask
          asks in side: How old is cy?
          answered: 3 by Person("ada")
          answered: 36 by Person("ada")
          restarted
          answered: 20 by Person("ada")
        completed: {"log":["ada is 36","bob is 20","cy is 3"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_mock_that_stands_in_inside_degrades_the_run() {
    let child = CHILD.replace(
        "y: { set: { text: \"state.text + ' and back'\" } }",
        "y: { agent: missing/y, in: {}, out: { text: result.t }, fallback: mock, mock: { output: { t: mocked } } }",
    );
    let text = "
nodes: { side: { workflow: child, in: { text: \"'a'\" }, out: { log: [result.text] } } }
edges: [{ from: START, to: side }]
";
    let mut bench = Bench::begin(&graph(text), "", Start { parts: &[&child], ..Start::default() });
    bench.drain();
    expect![[r#"
        step 1: side
        step 1 in side: x
        step 2 in side: y
          side/y by fallback for a named agent
        completed: {"log":["mocked"]}
    "#]]
    .assert_eq(&bench.story());
    assert!(bench.run.degraded);
}

#[test]
fn what_means_something_for_agents_only_is_refused_at_a_workflow() {
    let text = graph("
nodes:
  side: { workflow: child, config: { a: 1 }, goto: { x: side }, cache: { ttl: 1h }, fallback: mock, mock: { output: 1 } }
edges: [{ from: START, to: side }]
");
    expect![[r#"
        nodes.side.cache: field_without_agent: `cache` means nothing here: the node calls no agent (take it out)
        nodes.side.config: field_without_agent: `config` means nothing here: the node calls no agent (take it out)
        nodes.side.fallback: field_without_agent: `fallback` means nothing here: the node calls no agent (take it out)
        nodes.side.goto: field_without_agent: `goto` means nothing here: the node calls no agent (take it out)
        nodes.side.mock: field_without_agent: `mock` means nothing here: the node calls no agent (take it out)"#]].assert_eq(&workflow(&text).err().unwrap());
}

/// Asks, and has an agent of the same name as the workflow around it.
const INSIDE: &str = "
apiVersion: workflowforge/v1
name: inside
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: missing/a, in: {}, out: { log: [result.n] } }
  ask: { ask: { prompt: 'Inside?', schema: { type: integer } }, out: { log: [result] } }
edges: [{ from: START, to: a }, { from: a, to: ask }]
";

const AROUND: &str = "
nodes:
  a: { agent: missing/a, in: {}, out: { log: [result.n] } }
  one: { workflow: inside, in: {}, out: { log: result.log } }
  two: { workflow: inside, in: {}, out: { log: result.log } }
edges: [{ from: START, to: a }, { from: a, to: one }, { from: one, to: two }]
";

#[test]
fn mocks_and_answers_of_the_start_reach_into_subgraphs_and_each_node_counts_for_itself() {
    let count = "{\"script\":[{\"count\":\"n\"}]}";
    let mocks = [format!("a={count}"), format!("one/a={count}"), format!("two/a={count}")];
    let mocks: Vec<&str> = mocks.iter().map(String::as_str).collect();
    let answers = r#"{"one/ask":7,"two/ask":8}"#;
    let start = Start { mocks: &mocks, answers, parts: &[INSIDE], ..Start::default() };
    check(
        &graph(AROUND),
        "",
        start,
        &expect![[r#"
        step 1: a
          a by mock for a named agent
        step 2: one
        step 1 in one: a
          one/a by mock for a named agent
        step 2 in one: ask
          asks in one: Inside?
          answered: 7 by Start
        step 3: two
        step 1 in two: a
          two/a by mock for a named agent
        step 2 in two: ask
          asks in two: Inside?
          answered: 8 by Start
        completed: {"log":[1,1,7,1,8]}
    "#]],
    );
}

#[test]
fn a_path_that_leads_nowhere_or_to_an_answer_that_does_not_fit_is_refused() {
    let check = |answers: &str, mocks: &[&str], expected: expect_test::Expect| {
        let start = Start { mocks, answers, parts: &[INSIDE], ..Start::default() };
        let origin = wforge_model::beginning::Origin::Input;
        let refused = Bench::try_begin(&graph(AROUND), "", start, origin, None).map(|_| ());
        expected.assert_eq(&refused.unwrap_err());
    };
    check(
        r#"{"one/ask":"seven","one/a":1,"one/nobody":1,"a/ask":1}"#,
        &["two/nobody"],
        expect![[r#"
            a/ask: unknown_ask: a/ask is no node that asks, so it takes no answer
            one/a: unknown_ask: one/a is no node that asks, so it takes no answer
            one/ask: answer_schema: the answer for one/ask does not fit: the value is not of type "integer"
            one/nobody: unknown_ask: one/nobody is no node that asks, so it takes no answer
            two/nobody: unknown_node: the workflow has no node two/nobody to mock"#]],
    );
}
