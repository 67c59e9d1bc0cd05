//! Edges: plain, branch, each, barriers, defer, ends.

use expect_test::expect;

use crate::harness::{LIST, Start, check};

fn graph(rest: &str) -> String {
    format!("{LIST}{rest}")
}

/// A node that appends its own name.
const AGENTS: &str = "
nodes:
  a: { agent: t/agent, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/agent, in: {}, out: { log: [\"'b'\"] } }
  c: { agent: t/agent, in: {}, out: { log: [\"'c'\"] } }
  d: { agent: t/agent, in: {}, out: { log: [\"'d'\"] } }
";

fn agents(edges: &str) -> String {
    graph(&format!("{AGENTS}{edges}"))
}

#[test]
fn a_chain_runs_one_node_a_step() {
    check(
        &agents(
            "edges: [{ from: START, to: a }, { from: a, to: b }, { from: b, to: c }, { from: c, to: d }]",
        ),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a
            step 2: b
            step 3: c
            step 4: d
            completed: {"log":["a","b","c","d"]}
        "#]],
    );
}

#[test]
fn plain_edges_from_different_steps_run_the_target_twice() {
    check(
        &agents(
            "edges: [{ from: START, to: [a, b] }, { from: a, to: d }, { from: b, to: c }, { from: c, to: d }]",
        ),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            step 2: c, d
            step 3: d
            completed: {"log":["a","b","c","d","d"]}
        "#]],
    );
}

#[test]
fn a_barrier_waits_for_all_of_its_sources() {
    check(
        &agents(
            "edges: [{ from: START, to: [a, b] }, { from: b, to: c }, { from: [a, c], to: d }]",
        ),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            step 2: c
            step 3: d
            completed: {"log":["a","b","c","d"]}
        "#]],
    );
}

#[test]
fn a_deferred_node_runs_once_when_nothing_else_is_left() {
    let deferred = AGENTS.replace("d: { agent", "d: { defer: true, agent");
    check(
        &graph(&format!(
            "{deferred}edges: [{{ from: START, to: [a, b] }}, {{ from: a, to: d }}, {{ from: b, to: c }}, {{ from: c, to: d }}]"
        )),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            step 2: c
            step 3: d
            completed: {"log":["a","b","c","d"]}
        "#]],
    );
}

const EACH: &str = "
nodes:
  split: { set: { items: state.items } }
  work: { agent: t/agent, in: { item: item }, out: { log: [result.item] } }
  join: { set: { log: [\"'joined'\"] } }
edges:
  - { from: START, to: split }
  - { from: split, each: state.items, as: item, to: work, empty: join }
  - { from: [work], to: join }
";

#[test]
fn each_starts_one_task_an_item_and_keeps_their_order() {
    check(
        &graph(EACH),
        "",
        Start { input: r#"{"items":["x","y","z"]}"#, ..Start::default() },
        &expect![[r#"
            step 1: split
            step 2: work, work, work
            step 3: join
            completed: {"log":["x","y","z","joined"]}
        "#]],
    );
}

#[test]
fn each_over_an_empty_list_leads_elsewhere() {
    check(
        &graph(EACH),
        "",
        Start { input: r#"{"items":[]}"#, ..Start::default() },
        &expect![[r#"
            step 1: split
            step 2: join
            completed: {"log":["joined"]}
        "#]],
    );
}

#[test]
fn each_over_something_else_than_a_list_fails() {
    check(
        &graph(EACH),
        "",
        Start { input: r#"{"items":5}"#, ..Start::default() },
        &expect![[r#"
            step 1: split
              failed for good, failed (type): edges.1.each: `state.items` is a number; `each` from split goes over a list
            failed: type: node split failed: failed (type): edges.1.each: `state.items` is a number; `each` from split goes over a list
        "#]],
    );
}

#[test]
fn a_branch_takes_the_first_arm_that_holds_and_sees_its_own_write() {
    let branch = "
nodes:
  count: { set: { items: '[1, 2, 3]', log: [\"'count'\"] } }
  few: { set: { log: [\"'few'\"] } }
  many: { set: { log: [\"'many'\"] } }
edges:
  - { from: START, to: count }
  - { from: count, branch: [{ when: 'size(state.items) > 5', to: many }, { when: 'size(state.items) > 2', to: few }, { to: END }] }
";
    check(
        &graph(branch),
        "",
        Start::default(),
        &expect![[r#"
            step 1: count
            step 2: few
            completed: {"log":["count","few"]}
        "#]],
    );
}

#[test]
fn a_branch_of_which_no_arm_holds_fails_and_says_so() {
    let branch = "
nodes:
  count: { set: { log: [\"'count'\"] } }
edges:
  - { from: START, to: count }
  - { from: count, branch: [{ when: 'size(state.items) > 5', to: END }] }
";
    check(
        &graph(branch),
        "",
        Start::default(),
        &expect![[r#"
            step 1: count
              failed for good, failed (no_branch): edges.1.branch: no arm of the branch from count holds; add a last arm without `when`, or END
            failed: no_branch: node count failed: failed (no_branch): edges.1.branch: no arm of the branch from count holds; add a last arm without `when`, or END
        "#]],
    );
}

#[test]
fn an_outcome_ends_the_run_and_starts_nothing_that_was_planned() {
    check(
        &agents(
            "edges: [{ from: START, to: [a, b] }, { from: a, to: END, outcome: rejected }, { from: b, to: [c, d] }]",
        ),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b
            completed as rejected: {"log":["a","b"]}
        "#]],
    );
}

#[test]
fn two_outcomes_in_one_step_are_an_error() {
    check(
        &agents(
            "edges: [{ from: START, to: [a, b, c, d] }, { from: a, to: END, outcome: yes }, { from: b, to: END, outcome: no }]",
        ),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a, b, c, d
            failed: outcome_conflict: super-step 1 ends the run with two outcomes: {"no", "yes"}
        "#]],
    );
}
