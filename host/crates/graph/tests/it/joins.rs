//! Edges from several nodes: how many must come, and what becomes of those that come late.

use expect_test::expect;

use crate::harness::{LIST, Start, check};

/// Nodes that append their names; `x0` to `x9` are detours.
fn graph(edges: &str) -> String {
    let names = ["a", "b", "c", "d", "x0", "x1", "x2"];
    let used = names.iter().filter(|name| {
        edges.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == **name)
    });
    let nodes: String =
        used.map(|name| format!("  {name}: {{ set: {{ log: [\"'{name}'\"] }} }}\n")).collect();
    format!("{LIST}nodes:\n{nodes}edges:\n{edges}")
}

/// The arm that goes round until `d` has run so often.
fn again(rounds: usize, to: &str) -> String {
    let count = format!("state.log.filter(n, n == 'd').size() < {rounds}");
    format!("  - {{ from: d, branch: [{{ when: \"{count}\", to: {to} }}, {{ to: END }}] }}\n")
}

#[test]
fn all_is_what_an_edge_without_join_waits_for() {
    let edges = "
  - { from: START, to: [a, x0] }
  - { from: x0, to: b }
  - { from: [a, b], to: d, join: all }
";
    check(
        &graph(edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b
        step 3: d
        completed: {"log":["a","x0","b","d"]}
    "#]],
    );
}

#[test]
fn any_leads_on_with_the_first_and_once() {
    let edges = "
  - { from: START, to: [a, x0] }
  - { from: x0, to: b }
  - { from: [a, b], to: d, join: any }
";
    check(
        &graph(edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b, d
        completed: {"log":["a","x0","b","d"]}
    "#]],
    );
    let together = "
  - { from: START, to: [a, b] }
  - { from: [a, b], to: d, join: any }
";
    check(
        &graph(together),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, b
        step 2: d
        completed: {"log":["a","b","d"]}
    "#]],
    );
}

#[test]
fn a_number_leads_on_with_so_many() {
    let edges = "
  - { from: START, to: [a, x0, x1] }
  - { from: x0, to: b }
  - { from: x1, to: x2 }
  - { from: x2, to: c }
  - { from: [a, b, c], to: d, join: 2 }
";
    check(
        &graph(edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0, x1
        step 2: b, x2
        step 3: c, d
        completed: {"log":["a","x0","x1","b","x2","c","d"]}
    "#]],
    );
}

#[test]
fn each_round_of_a_loop_waits_anew() {
    let edges = format!(
        "
  - {{ from: START, to: [a, x0] }}
  - {{ from: x0, to: b }}
  - {{ from: [a, b], to: d }}
{}",
        again(3, "[a, x0]")
    );
    check(
        &graph(&edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b
        step 3: d
        step 4: a, x0
        step 5: b
        step 6: d
        step 7: a, x0
        step 8: b
        step 9: d
        completed: {"log":["a","x0","b","d","a","x0","b","d","a","x0","b","d"]}
    "#]],
    );
}

#[test]
fn any_leads_on_once_a_round() {
    // b comes while d runs, so it belongs to the round that has led on already.
    let edges = format!(
        "
  - {{ from: START, to: [a, x0] }}
  - {{ from: x0, to: b }}
  - {{ from: [a, b], to: d, join: any }}
{}",
        again(3, "[a, x0]")
    );
    check(
        &graph(&edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b, d
        step 3: a, x0
        step 4: b, d
        step 5: a, x0
        step 6: b, d
        completed: {"log":["a","x0","b","d","a","x0","b","d","a","x0","b","d"]}
    "#]],
    );
}

#[test]
fn any_goes_round_by_one_source_alone() {
    let edges = format!(
        "
  - {{ from: START, to: [a, x0] }}
  - {{ from: x0, to: b }}
  - {{ from: [a, b], to: d, join: any }}
{}",
        again(3, "a")
    );
    check(
        &graph(&edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b, d
        step 3: a
        step 4: d
        step 5: a
        step 6: d
        completed: {"log":["a","x0","b","d","a","d","a","d"]}
    "#]],
    );
}

#[test]
fn two_of_three_go_round() {
    let edges = format!(
        "
  - {{ from: START, to: [a, b, x0] }}
  - {{ from: x0, to: x1 }}
  - {{ from: x1, to: c }}
  - {{ from: [a, b, c], to: d, join: 2 }}
{}",
        again(2, "[a, b, x0]")
    );
    check(
        &graph(&edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, b, x0
        step 2: d, x1
        step 3: a, b, c, x0
        step 4: d, x1
        step 5: c
        completed: {"log":["a","b","x0","d","x1","a","b","c","x0","d","x1","c"]}
    "#]],
    );
}

#[test]
fn a_deferred_target_waits_for_more_than_its_join() {
    let edges = "
  - { from: START, to: [a, x0] }
  - { from: x0, to: b }
  - { from: [a, b], to: d, join: any }
";
    let text = graph(edges).replace("d: { set", "d: { defer: true, set");
    check(
        &text,
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b
        step 3: d
        completed: {"log":["a","x0","b","d"]}
    "#]],
    );
}

#[test]
fn one_edge_with_two_targets_starts_both_and_two_edges_are_two_joins() {
    let edges = "
  - { from: START, to: [a, x0] }
  - { from: x0, to: b }
  - { from: [a, b], to: [c, d], join: any }
";
    check(
        &graph(edges),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b, c, d
        completed: {"log":["a","x0","b","c","d"]}
    "#]],
    );
    let two = "
  - { from: START, to: [a, x0] }
  - { from: x0, to: b }
  - { from: [a, b], to: d, join: any }
  - { from: [a, b], to: d }
";
    check(
        &graph(two),
        "",
        Start::default(),
        &expect![[r#"
        step 1: a, x0
        step 2: b, d
        step 3: d
        completed: {"log":["a","x0","b","d","d"]}
    "#]],
    );
}

#[test]
fn a_join_that_starves_is_named_where_the_output_is_missing() {
    let edges = "
  - { from: START, to: a }
  - { from: a, branch: [{ when: 'false', to: [b, c] }, { to: END }] }
  - { from: [a, b, c], to: d, join: 2 }
";
    let text = graph(edges).replace("d: { set: { log: [\"'d'\"] } }", "d: { set: { x: '1' } }");
    let text =
        text.replace("output: [log]", "output: [x]").replace("  items:", "  x: {}\n  items:");
    check(
        &text,
        "",
        Start::default(),
        &expect![[r#"
            step 1: a
            failed: missing_output: the run ended without writing output key x; d still waited for 1 of b, c
        "#]],
    );
}
