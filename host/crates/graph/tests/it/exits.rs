//! Exits: ways out of a node beside its edges.

use expect_test::expect;

use crate::harness::{LIST, Start, check};

const LOOK_AGAIN: &str = "
nodes:
  split: { set: { items: state.items } }
  scan: { agent: t/scan, in: { item: item }, out: { log: [\"'scan ' + item\"] }, goto: { look-again: digest } }
  digest: { agent: t/digest, in: { item: item, more: \"sent == null ? 0 : sent.more\" }, out: { log: [\"'digest ' + item + ' ' + string(result.more)\"] } }
  score: { defer: true, set: { log: [\"'scored'\"] } }
edges:
  - { from: START, to: split }
  - { from: split, each: state.items, as: item, to: [digest, scan], empty: score }
  - { from: [scan, digest], to: score }
";

#[test]
fn a_send_passes_on_the_bound_names_and_its_input() {
    check(
        &format!("{LIST}{LOOK_AGAIN}"),
        "scan: send look-again {\"more\":2}; echo",
        Start { input: r#"{"items":["x","y"]}"#, ..Start::default() },
        &expect![[r#"
            step 1: split
            step 2: digest, scan, digest, scan
            step 3: digest
            step 4: score
            completed: {"log":["digest x 0","scan x","digest y 0","scan y","digest x 2","scored"]}
        "#]],
    );
}

#[test]
fn an_exit_that_the_workflow_does_not_map_is_denied() {
    check(
        &format!("{LIST}{LOOK_AGAIN}"),
        "scan: exit approve",
        Start { input: r#"{"items":["x"]}"#, ..Start::default() },
        &expect![[r#"
            step 1: split
            step 2: digest, scan
              failed for good, denied: exit on approve; to allow it, write nodes.scan.goto: { approve: <node> }
            failed: denied: node scan failed: denied: exit on approve; to allow it, write nodes.scan.goto: { approve: <node> }
        "#]],
    );
}
