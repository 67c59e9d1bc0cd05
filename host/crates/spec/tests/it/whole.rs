//! A file as a whole: mistakes of writing and problems of the graph, told at once and each once.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use wforge_spec::{Cel, Report, validate};

const BRIEF: &str = include_str!("../../../../../examples/brief/workflow.yaml");
const HEAD: &str = "apiVersion: workflowforge/v1\nname: t\nversion: 1.0.0\n";

/// All that is said of a whole file.
fn told(text: &str) -> String {
    let all = |reports: &[Report]| reports.iter().map(|report| format!("{report}\n")).collect();
    match validate("w.yaml", text, &Cel::new()) {
        Ok(valid) if valid.warnings.is_empty() => "valid\n".to_owned(),
        Ok(valid) => all(&valid.warnings),
        Err(reports) => all(&reports),
    }
}

/// All that is said of a file with this after its head.
fn check(part: &str, expected: &Expect) {
    expected.assert_eq(&told(&format!("{HEAD}{part}")));
}

#[test]
fn the_brief_workflow_is_a_workflow() {
    expect!["valid\n"].assert_eq(&told(BRIEF));
}

#[test]
fn problems_of_the_graph_have_lines_too() {
    let text = BRIEF
        .replace("in: { section: section }", "in: { section: sectoin }")
        .replace("state.round + 1", "state.rund + 1")
        .replace("to: deeper }", "to: deper }")
        .replace("type: number, minimum", "type: numbr, minimum")
        .replace("when: state.approval.approve", "when: state.approval.approve &&");
    expect![[r#"
        w.yaml:23:5: error[schema]: state.digests.schema: it is no JSON Schema at /additionalProperties/properties/coverage/type: this is not valid under any of the schemas listed in the 'anyOf' keyword
        w.yaml:59:20: error[unknown_name]: nodes.scan.in.section: there is no name sectoin; help: did you mean section?
        w.yaml:66:3: error[unreachable_node]: nodes.deeper: no path leads from START to node deeper; help: add an edge to it, or take it out
        w.yaml:67:19: error[unknown_key]: nodes.deeper.set.round: the state has no key rund; help: did you mean round?
        w.yaml:89:61: error[unknown_node]: edges.3.branch.0.to: there is no node deper; help: did you mean deeper?
        w.yaml:94:17: error[syntax]: edges.5.branch.0.when: `state.approval.approve &&`: the expression ends too early (column 26 of the expression)
    "#]].assert_eq(&told(&text));
}

#[test]
fn mistakes_of_writing_and_problems_of_the_graph_are_told_at_once_in_the_order_of_lines() {
    check(
        "
state: { text: {}, words: {}, extra: {} }
input: [text]
output: [words, extra]
nodes:
  count: { agent: acme/count, inn: { text: state.text }, out: { words: result.words } }
  slow: { agent: acme/slow, timeout: { run: 10 }, out: { words: result } }
  lost: { set: { words: '1' } }
edges:
  - { from: START, to: count }
  - { from: count, to: [slow, slwo] }
",
        &expect![[r#"
            w.yaml:7:17: error[never_written]: output.1: no node writes the output key extra
            w.yaml:9:31: error[unknown_field]: a node has no field "inn"; help: did you mean "in"?
            w.yaml:10:45: error[duration]: run is a time, here is 10; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
            w.yaml:11:3: error[unreachable_node]: nodes.lost: no path leads from START to node lost; help: add an edge to it, or take it out
            w.yaml:14:20: error[unknown_node]: edges.1.to: there is no node slwo; help: did you mean slow?
        "#]],
    );
}

#[test]
fn a_node_or_key_that_could_not_be_read_is_not_unknown() {
    check(
        "
state: { text: [], words: {} }
input: [text]
output: [words]
nodes:
  none: { agnet: acme/none }
  both: { set: { words: '1' }, ask: { prompt: Go? } }
  text: just this
  later: { workflow: other }
  fine: { set: { words: state.text }, goto: {} }
edges:
  - { from: START, to: [none, both] }
  - { from: [none, both], to: [text, later] }
  - { from: text, branch: [{ when: state.text, to: later }, { to: fine }] }
  - { from: later, to: nnoe }
",
        &expect![[r#"
            w.yaml:5:16: error[wrong_type]: a state key is a map, here is a list
            w.yaml:9:9: error[missing_field]: a node needs one of agent, set, ask and workflow
            w.yaml:9:11: error[unknown_field]: a node has no field "agnet"; help: did you mean "agent"?
            w.yaml:10:9: error[node_work]: a node has one of agent, set, ask and workflow, not set and ask
            w.yaml:11:9: error[wrong_type]: a node is a map, here is text
            w.yaml:18:24: error[unknown_node]: edges.3.to: there is no node nnoe; help: did you mean none?
        "#]],
    );
}

#[test]
fn what_an_edge_that_could_not_be_read_would_start_is_not_unreachable() {
    check(
        "
state: { items: {}, words: { reducer: append } }
input: [items]
output: [words]
nodes:
  a: { set: { words: '[1]' } }
  b: { set: { words: '[item]' } }
  c: { set: { words: '[item]' }, goto: 3 }
  d: { agent: x/y, gotoo: { next: e }, out: { words: result } }
  e: { set: { words: '[thing]' } }
  f: { set: { words: '[2]' } }
edges:
  - { from: START, too: a }
  - { form: a, to: d }
  - { from: a, each: state.items, as: item, to: [b, c], emty: d }
  - { from: START, each: state.items, to: c }
  - { from: [b, c], to: d }
",
        &expect![[r#"
            w.yaml:11:40: error[wrong_type]: goto is a map, here is a number
            w.yaml:12:20: error[unknown_field]: a node has no field "gotoo"; help: did you mean "goto"?
            w.yaml:14:3: error[unreachable_node]: nodes.f: no path leads from START to node f; help: add an edge to it, or take it out
            w.yaml:16:5: error[missing_field]: an edge needs to, branch, or each with to
            w.yaml:16:20: error[unknown_field]: an edge has no field "too"; help: did you mean "to"?
            w.yaml:17:5: error[missing_field]: an edge needs "from"
            w.yaml:17:7: error[unknown_field]: an edge has no field "form"; help: did you mean "from"?
            w.yaml:18:57: error[unknown_field]: an edge has no field "emty"; help: did you mean "empty"?
            w.yaml:19:5: error[missing_field]: an edge needs "as"
        "#]],
    );
}

#[test]
fn edges_and_arms_after_one_that_could_not_be_read_keep_their_lines() {
    check(
        "
state: { x: {} }
input: [x]
output: [x]
nodes:
  a: { set: { x: '1' } }
edges:
  - nonsense
  - { from: START, to: a }
  - from: a
    branch:
      - { wen: 1 }
      - { when: state.y, to: a }
      - { when: [], to: a }
      - { when: state.z, to: b }
",
        &expect![[r#"
            w.yaml:11:5: error[wrong_type]: an edge is a map, here is text
            w.yaml:15:9: error[missing_field]: an arm of a branch needs "to"
            w.yaml:15:11: error[unknown_field]: an arm of a branch has no field "wen"; help: did you mean "when"?
            w.yaml:16:17: error[unknown_key]: edges.2.branch.1.when: the state has no key y; help: did you mean x?
            w.yaml:17:17: error[wrong_type]: when is an expression, here is a list; help: quote the expression
            w.yaml:18:17: error[unknown_key]: edges.2.branch.3.when: the state has no key z; help: did you mean x?
            w.yaml:18:30: error[unknown_node]: edges.2.branch.3.to: there is no node b; help: did you mean a?
        "#]],
    );
}

#[test]
fn an_expression_that_yaml_cut_apart_is_told_once() {
    check(
        "
state: { x: {} }
input: [x]
output: [x]
nodes:
  a: { set: { x: [max(1, 2)] } }
edges:
  - { from: START, to: a }
  - { from: a, branch: [{ when: max(state.x, 2) > 3, to: a }, { to: END }] }
",
        &expect![[r#"
            w.yaml:9:19: error[unquoted_expression]: the comma ends "max(1" here; help: quote the expression: "max(1, 2)"
            w.yaml:12:33: error[unquoted_expression]: the comma ends "max(state.x" here; help: quote the expression: when: "max(state.x, 2) > 3"
        "#]],
    );
}

#[test]
fn names_of_a_part_that_is_missing_or_misspelt_are_not_unknown() {
    let nodes = "nodes: { a: { set: { x: state.y } }, b: { set: { x: '1' } } }\n";
    let edges = "edges: [{ from: START, to: [a, c] }]\n";
    for (part, expected) in [
        (
            format!("sate: {{ x: {{}}, y: {{}} }}\n{nodes}{edges}"),
            expect![[r#"
            w.yaml:4:1: error[unknown_field]: a workflow has no field "sate"; help: did you mean "state"?
            w.yaml:5:38: error[unreachable_node]: nodes.b: no path leads from START to node b; help: add an edge to it, or take it out
            w.yaml:6:24: error[unknown_node]: edges.0.to: there is no node c; help: did you mean a?
        "#]],
        ),
        (
            format!("state: [x]\n{nodes}{edges}"),
            expect![[r#"
            w.yaml:4:8: error[wrong_type]: state is a map, here is a list
            w.yaml:5:38: error[unreachable_node]: nodes.b: no path leads from START to node b; help: add an edge to it, or take it out
            w.yaml:6:24: error[unknown_node]: edges.0.to: there is no node c; help: did you mean a?
        "#]],
        ),
        (
            format!("state: {{ x: {{}} }}\nnode: {{}}\n{edges}"),
            expect![[r#"
            w.yaml:1:1: error[missing_field]: a workflow needs "nodes"
            w.yaml:5:1: error[unknown_field]: a workflow has no field "node"; help: did you mean "nodes"?
        "#]],
        ),
        (
            format!("state: {{ x: {{}} }}\n{nodes}edges: {{}}\n"),
            expect![[r#"
            w.yaml:5:25: error[unknown_key]: nodes.a.set.x: the state has no key y; help: did you mean x?
            w.yaml:6:8: error[wrong_type]: edges is a list, here is a map
        "#]],
        ),
        (
            format!("state: {{ x: {{}} }}\ninput: [x y, z]\n{nodes}{edges}"),
            expect![[r#"
            w.yaml:5:9: error[name]: "x y" is no state key: letters, digits and _, beginning with a letter or _, at most 64
            w.yaml:6:25: error[unknown_key]: nodes.a.set.x: the state has no key y; help: did you mean x?
            w.yaml:6:38: error[unreachable_node]: nodes.b: no path leads from START to node b; help: add an edge to it, or take it out
            w.yaml:7:24: error[unknown_node]: edges.0.to: there is no node c; help: did you mean a?
        "#]],
        ),
        (
            format!("{edges}{nodes}state: {{ x: {{}} }}\nstate: {{ y: {{}} }}\n"),
            expect![[r#"
            w.yaml:4:24: error[unknown_node]: edges.0.to: there is no node c; help: did you mean a?
            w.yaml:5:38: error[unreachable_node]: nodes.b: no path leads from START to node b; help: add an edge to it, or take it out
            w.yaml:7:1: error[duplicate_key]: "state" is written twice, first in line 6; help: remove one of them
        "#]],
        ),
    ] {
        check(&part, &expected);
    }
}

#[test]
fn what_may_be_written_where_a_mistake_stands_is_not_never_written() {
    for (part, expected) in [
        (
            "a: { ask: { prompt: Go? }, out: [x] }",
            expect![[r#"
            w.yaml:5:42: error[wrong_type]: out is a map, here is a list
        "#]],
        ),
        (
            "a: { set: { y: '1' }, defer: 3 }",
            expect![[r#"
            w.yaml:5:39: error[wrong_type]: defer is true or false, here is a number
            w.yaml:6:10: error[never_written]: output.0: no node writes the output key x
        "#]],
        ),
        (
            "a: { set: { y: '1' } }, b: { sett: { x: '1' } }",
            expect![[r#"
                w.yaml:5:37: error[missing_field]: a node needs one of agent, set, ask and workflow
                w.yaml:5:39: error[unknown_field]: a node has no field "sett"; help: did you mean "set"?
            "#]],
        ),
        (
            "a: { set: { y: '1' } }, a: { set: { y: '1' } }",
            expect![[r#"
            w.yaml:5:34: error[duplicate_key]: "a" is written twice, first in line 5; help: remove one of them
        "#]],
        ),
    ] {
        let rest = "output: [x]\nedges: [{ from: START, to: a }]\n";
        check(&format!("state: {{ x: {{}}, y: {{}} }}\nnodes: {{ {part} }}\n{rest}"), &expected);
    }
    check(
        "
state: { x: { reducer: appendd }, y: { defer: 1 }, z: {} }
output: [x, y, z]
nodes: { a: { set: { z: '1' } } }
edges: [{ from: START, to: a }]
",
        &expect![[r#"
            w.yaml:5:24: error[unknown_choice]: reducer is one of last, append, merge, union, sum, min, max, messages, any, not "appendd"; help: did you mean "append"?
            w.yaml:5:40: error[unknown_field]: a state key has no field "defer"; help: its fields are reducer, default, schema, persist, ephemeral
        "#]],
    );
}

/// The brief is right, so whatever the graph finds beside the one mistake is an echo of it.
#[test]
fn of_one_misspelt_field_nothing_else_follows() {
    let fields = wforge_spec::parse::fields();
    let fields: BTreeSet<&str> = fields.iter().flat_map(|(_, fields, _)| fields).copied().collect();
    let (mut misspelt, mut echoes) = (0, String::new());
    for (at, _) in BRIEF.match_indices(':') {
        let (before, after) = BRIEF.split_at(at);
        let is_field = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
        if !is_field.is_some_and(|word| fields.contains(word)) {
            continue;
        }
        let told = told(&format!("{before}x{after}"));
        // Keys of a state, of templates and of schemas may be called like fields.
        let Some(line) = told.lines().find(|line| line.contains("error[unknown_field]")) else {
            continue;
        };
        misspelt += 1;
        let parts = ["nodes", "edges", "state", "input", "output", "limits"];
        let graph = |said: &&str| {
            parts.iter().any(|part| {
                said.contains(&format!("]: {part}.")) || said.contains(&format!("]: {part}:"))
            })
        };
        let found: Vec<&str> = told.lines().filter(graph).collect();
        if !found.is_empty() {
            echoes.push_str(&format!("{line}\n  {}\n", found.join("\n  ")));
        }
    }
    assert!(misspelt > 60, "{misspelt}");
    expect![[""]].assert_eq(&echoes);
}

#[test]
fn a_file_without_a_name_is_told_of_its_graph_all_the_same() {
    let text = "apiVersion: workflowforge/v1\nnodes: { a: { set: { x: '1' } } }\nedges: []\n";
    expect![[r#"
        w.yaml:1:1: error[missing_field]: a workflow needs "name"
        w.yaml:1:1: error[missing_field]: a workflow needs "version"
        w.yaml:2:25: error[unknown_key]: nodes.a.set.x: the state has no key x
        w.yaml:3:1: error[no_start]: edges: no edge begins at START; help: write { from: START, to: NODE }
    "#]].assert_eq(&told(text));
}

#[test]
fn of_a_text_that_is_no_yaml_or_no_map_only_that_is_told() {
    expect![[r#"
        w.yaml:2:1: error[yaml]: while parsing a node, did not find expected node content
    "#]]
    .assert_eq(&told("nodes: { a: {\n"));
    expect![[r#"
        w.yaml:1:1: error[wrong_type]: a workflow is a map, here is a list
    "#]]
    .assert_eq(&told("- nodes\n"));
}

#[test]
fn at_most_100_problems_are_told() {
    let nodes: String =
        (0..150).map(|at| format!("  n{at}: {{ set: {{ x: state.y{at} }} }}\n")).collect();
    let edges = "edges: [{ from: START, to: n0 }]\n";
    for mistake in ["", "limits: { stepz: 1 }\n"] {
        let text = format!("{HEAD}state: {{ x: {{}} }}\nnodes:\n{nodes}{edges}{mistake}");
        assert_eq!(told(&text).lines().count(), 100, "{mistake}");
    }
}
