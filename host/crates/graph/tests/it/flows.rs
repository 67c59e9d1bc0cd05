//! Where what a secret node knows may get to.
//!
//! In these workflows node `s` is secret and the nodes whose names begin with `net` reach out.

use std::collections::BTreeSet;

use wforge_graph::{is_secret, leaks};
use wforge_model::NodeId;
use wforge_spec::Cel;

use crate::harness::workflow;

fn check(nodes: &str, edges: &str, expected: &str) {
    let text = format!(
        "apiVersion: workflowforge/v1\nname: test\nversion: 1.0.0
state: {{ a: {{}}, b: {{}}, c: {{}} }}
input: []
output: []
nodes:
{nodes}
edges:
{edges}
"
    );
    let workflow = workflow(&text).unwrap_or_else(|problems| panic!("{problems}"));
    let nodes = &workflow.draft().nodes;
    let those = |is: &dyn Fn(&NodeId) -> bool| -> BTreeSet<NodeId> {
        nodes.keys().filter(|id| is(id)).cloned().collect()
    };
    let secret = those(&|id| is_secret(&nodes[id]));
    let reaching = those(&|id| id.as_str().starts_with("net"));
    let found = leaks(&workflow, &Cel::new(), &secret, &reaching);
    let found: Vec<String> =
        found.iter().map(|leak| format!("{} -> {}", leak.from, leak.to)).collect();
    assert_eq!(found.join(", "), expected, "{text}");
}

const S: &str = "  s: { agent: t/s, in: {}, out: { a: result }, labels: [secret] }";

#[test]
fn along_an_edge_and_over_other_nodes() {
    let net = "  net: { agent: t/net, in: {}, out: {} }";
    check(
        &format!("{S}\n{net}"),
        "  - { from: START, to: s }\n  - { from: s, to: net }",
        "s -> net",
    );
    check(
        &format!("{S}\n  mid: {{ set: {{ b: '1' }} }}\n{net}"),
        "  - { from: START, to: s }\n  - { from: s, to: mid }\n  - { from: mid, to: net }",
        "s -> net",
    );
}

#[test]
fn along_an_exit() {
    check(
        "  s: { agent: t/s, in: {}, out: { a: result }, labels: [secret], goto: { out: net } }
  net: { agent: t/net, in: {}, out: {} }",
        "  - { from: START, to: s }",
        "s -> net",
    );
}

#[test]
fn a_person_who_is_asked_in_between_lets_it() {
    check(
        &format!(
            "{S}\n  ask: {{ ask: {{ prompt: 'send {{{{ state.a }}}}?' }}, out: {{ b: result }} }}
  net: {{ agent: t/net, in: {{ x: state.a }}, out: {{}} }}"
        ),
        "  - { from: START, to: s }\n  - { from: s, to: ask }\n  - { from: ask, to: net }",
        "",
    );
}

#[test]
fn a_way_around_the_question_is_found() {
    check(
        &format!(
            "{S}\n  ask: {{ ask: {{ prompt: 'send?' }}, out: {{ b: result }} }}
  net: {{ agent: t/net, in: {{ x: state.a }}, out: {{}} }}"
        ),
        "  - { from: START, to: s }\n  - { from: s, branch: [{ when: 'state.a == 1', to: ask }, { to: net }] }
  - { from: ask, to: net }",
        "s -> net",
    );
}

#[test]
fn through_the_state_to_one_that_runs_beside_it() {
    let beside = |reads: &str| {
        format!(
            "{S}\n  one: {{ set: {{ b: '1' }} }}
  net: {{ agent: t/net, in: {{ x: {reads} }}, out: {{}} }}"
        )
    };
    let edges = "  - { from: START, to: [s, one] }\n  - { from: one, to: net }";
    check(&beside("state.a"), edges, "s -> net");
    check(&beside("state.c"), edges, "");
}

#[test]
fn over_a_third_that_read_it_and_wrote_it_elsewhere() {
    check(
        &format!(
            "{S}\n  one: {{ set: {{ c: '1' }} }}
  copy: {{ set: {{ b: state.a }} }}
  two: {{ set: {{ c: '2' }} }}
  net: {{ agent: t/net, in: {{ x: state.b }}, out: {{}} }}"
        ),
        "  - { from: START, to: [s, one] }\n  - { from: s, to: copy }\n  - { from: one, to: two }
  - { from: two, to: net }",
        "s -> net",
    );
}

#[test]
fn a_node_that_names_nothing_that_it_reads_may_read_everything() {
    check(
        &format!("{S}\n  net: {{ agent: t/net, out: {{}} }}"),
        "  - { from: START, to: [s, net] }",
        "s -> net",
    );
}

#[test]
fn what_came_before_the_secret_never_learns_it() {
    check(
        &format!("{S}\n  net: {{ agent: t/net, in: {{}}, out: {{ b: result }} }}"),
        "  - { from: START, to: net }\n  - { from: net, to: s }",
        "",
    );
}

#[test]
fn a_secret_node_that_reaches_out_itself_is_a_way_out() {
    check(
        "  nets: { agent: t/s, in: {}, out: { a: result }, labels: [secret] }",
        "  - { from: START, to: nets }",
        "nets -> nets",
    );
}
