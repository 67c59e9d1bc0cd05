//! Validation: every problem at once, each with its place.

use expect_test::{Expect, expect};

use crate::harness::workflow;

fn check(text: &str, expected: &Expect) {
    let header = "apiVersion: workflowforge/v1\nname: test\nversion: 1.0.0\n";
    let problems = workflow(&format!("{header}{text}")).map(|_| "fine".to_owned());
    expected.assert_eq(&(problems.unwrap_or_else(|problems| problems) + "\n"));
}

#[test]
fn every_wrong_name_is_reported_at_once_with_the_nearest_right_one() {
    check(
        "
state: { total: { default: 0 } }
input: [totl]
output: [total, summary]
nodes:
  add: { set: { totale: state.totl + 1 } }
  lost: { set: { total: '1' } }
edges:
  - { from: START, to: ad }
  - { from: add, branch: [{ when: state.total > limit, to: add }, { to: END }] }
",
        &expect![[r#"
            edges.0.to: unknown_node: there is no node ad (did you mean add?)
            edges.1.branch.0.when: unknown_name: there is no name limit
            input.0: unknown_key: the state has no key totl (did you mean total?)
            nodes.add: unreachable_node: no path leads from START to node add (add an edge to it, or take it out)
            nodes.add.set.totale: unknown_key: the state has no key totale (did you mean total?)
            nodes.add.set.totale: unknown_key: the state has no key totl (did you mean total?)
            nodes.lost: unreachable_node: no path leads from START to node lost (add an edge to it, or take it out)
            output.1: unknown_key: the state has no key summary
        "#]],
    );
}

#[test]
fn an_as_name_that_some_path_does_not_bind_is_an_error() {
    check(
        "
state: { items: {}, log: { reducer: append } }
input: [items]
output: [log]
nodes:
  first: { set: { log: [\"'first'\"] } }
  work: { set: { log: [item] } }
edges:
  - { from: START, to: first }
  - { from: first, each: state.items, as: item, to: work }
  - { from: START, to: work }
",
        &expect![[r#"
            nodes.work.set.log.0: unbound_name: item is unbound on some path to work (only an `each` edge with `as: item` binds it, and exits pass it on)
        "#]],
    );
}

#[test]
fn a_join_after_each_needs_a_way_for_the_empty_list() {
    check(
        "
state: { items: {}, log: { reducer: append } }
input: [items]
output: [log]
nodes:
  a: { set: { log: [item] } }
  b: { set: { log: [item] } }
  c: { set: { log: [\"'c'\"] } }
edges:
  - { from: START, each: state.items, as: item, to: [a, b] }
  - { from: [a, b], to: c }
",
        &expect![[r#"
            edges.0: each_without_empty: a join waits for these tasks, and an empty list would start none (write `empty: NODE` for where an empty list leads)
        "#]],
    );
}

#[test]
fn a_result_outside_out_and_fields_of_agents_elsewhere_are_errors() {
    check(
        "
state: { x: {} }
input: []
output: [x]
nodes:
  a: { set: { x: result }, fallback: mock, timeout: { run: 5s } }
edges: [{ from: START, to: a }]
",
        &expect![[r#"
            nodes.a.fallback: field_without_agent: `fallback` means nothing here: the node calls no agent (take it out)
            nodes.a.set.x: unknown_name: `result` is there only in `out`
            nodes.a.timeout: field_without_agent: `timeout` means nothing here: the node calls no agent (take it out)
        "#]],
    );
}

#[test]
fn a_default_that_misses_its_schema_and_a_schema_that_is_none_are_errors() {
    check(
        "
state:
  a: { schema: { type: integer }, default: many }
  b: { schema: { type: nothing } }
  c: { reducer: append, default: {} }
input: [a, b, c]
output: [a]
nodes:
  n: { set: { a: '1' } }
edges: [{ from: START, to: n }]
",
        &expect![[r#"
            state.a.default: default_schema: the default of a misses its schema: the value is not of type "integer"
            state.b.schema: schema: it is no JSON Schema at /type: this is not valid under any of the schemas listed in the 'anyOf' keyword
            state.c.default: default_type: the default of c is an object, but its reducer takes a list
        "#]],
    );
}

#[test]
fn a_pause_is_at_nodes_that_exist() {
    check(
        "
state: { total: { default: 0 } }
interrupt: { before: [add, ad], after: [lost] }
nodes: { add: { set: { total: '1' } } }
edges: [{ from: START, to: add }]
",
        &expect![[r#"
            interrupt.after.0: unknown_node: there is no node lost
            interrupt.before.1: unknown_node: there is no node ad (did you mean add?)
        "#]],
    );
}

/// What is said of a workflow that is accepted all the same.
fn check_warnings(text: &str, expected: &Expect) {
    let header = "apiVersion: workflowforge/v1\nname: test\nversion: 1.0.0\n";
    let parsed = wforge_spec::parse("test.yaml", &format!("{header}{text}")).unwrap();
    let (_, warnings) = wforge_graph::validate(parsed.draft, &wforge_spec::Cel::default()).unwrap();
    let said = warnings.iter().map(|problem| {
        assert_eq!(problem.severity, wforge_graph::Severity::Warning);
        let help = problem.help.as_deref().unwrap_or("-");
        format!("{}: {}: {} ({help})\n", problem.place, problem.code, problem.message)
    });
    expected.assert_eq(&said.collect::<String>());
}

/// A loop from c back to a, and a join of a and b; how it waits and what c is are a test's.
fn looped(join: &str, node: &str, back: &str) -> String {
    format!(
        "
state: {{ n: {{ reducer: sum }} }}
nodes:
  a: {{ set: {{ n: '1' }} }}
  b: {{ set: {{ n: '1' }} }}
  c: {{ {node}set: {{ n: '1' }} }}
edges:
  - {{ from: START, to: [a, b] }}
  - {{ from: [a, b], to: c{join} }}
  - {{ from: c, branch: [{{ when: state.n < 9, to: {back} }}, {{ to: END }}] }}
"
    )
}

#[test]
fn a_join_that_a_loop_fills_only_in_part_is_warned_of() {
    check_warnings(
        &looped("", "", "a"),
        &expect![[r#"
            edges.1.from: starving_join: a loop leads from c back to a but not to b, so this join fills only once (set nodes.c.defer: true, or join only what the loop repeats)
        "#]],
    );
    let fine = expect![[""]];
    check_warnings(&looped("", "", "[a, b]"), &fine);
    check_warnings(&looped(", join: any", "", "a"), &fine);
    check_warnings(&looped("", "defer: true, ", "a"), &fine);
    check_warnings(&looped("", "", "END"), &fine);
}

#[test]
fn a_node_without_a_way_to_it_may_be_left_to_where_a_workflow_runs_inside() {
    let text = "
state: { n: { reducer: sum } }
nodes:
  a: { workflow: part, out: { n: '1' } }
  b: { set: { n: '1' } }
edges: [{ from: START, to: a }]
";
    check_warnings(
        text,
        &expect![[r#"
            nodes.b: unreachable_node: no path leads from START to node b (add an edge to it, or leave a workflow inside to parent:b)
        "#]],
    );
}
