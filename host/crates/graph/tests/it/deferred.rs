//! Deferred nodes where a thread is written to or goes on: whose turn had come, and who waits.

use expect_test::{Expect, expect};
use wforge_model::beginning::{Origin, StateUpdate};

use crate::harness::{At, Bench, LIST, Start};

/// `first` leads to `end`, whose turn has come once `first` is done; the rest only by an update.
const NODES: &str = r#"
nodes:
  first: { set: { log: ["'first'"] } }
  a: { set: { log: ["'a'"] } }
  b: { set: { log: ["'b'"] } }
  again: { set: { log: ["'again'"] } }
  lone: { set: { log: ["'lone'"] } }
  more: { set: { log: ["'more'"] } }
  other: { set: { log: ["'other'"] } }
  both: { set: { log: ["'both'"] } }
  end: { defer: true, set: { log: ["'end'"] } }
  late: { defer: true, set: { log: ["'late'"] } }
edges:
  - { from: START, to: first }
  - { from: first, branch: [{ when: "size(state.log) == 1", to: end }, { to: [a, again, lone, other, more] }] }
  - { from: a, to: b }
  - { from: again, to: [end, b] }
  - { from: other, to: late }
  - { from: [lone, first], to: both }
  - { from: [first, more], to: end }
  - { from: more, to: b }
"#;

/// What a thread does that is written to, where `end` was about to start, in place of some nodes.
#[track_caller]
fn check(nodes: &[&str], origin: Option<Origin>, expected: &Expect) {
    let text = format!("{LIST}{NODES}");
    let first = Bench::begin(&text, "", Start::default());
    let update = |node: &&str| StateUpdate { node: node.parse().ok(), writes: Vec::new() };
    let updates = nodes.iter().map(update).collect();
    let at = (&first, At::Step(1));
    let written = Bench::after(at, &text, Start::default(), Origin::Update(updates));
    let origin = origin.unwrap_or(Origin::Continue);
    let mut bench = Bench::after((&written, At::End), &text, Start::default(), origin);
    bench.drain();
    expected.assert_eq(&bench.story());
}

#[test]
fn a_node_whose_turn_had_come_starts_beside_what_an_update_starts() {
    check(
        &["a"],
        None,
        &expect![[r#"
        step 1: b, end
        completed: {"log":["first","b","end"]}
    "#]],
    );
    check(
        &["lone"],
        None,
        &expect![[r#"
        step 1: both, end
        completed: {"log":["first","both","end"]}
    "#]],
    );
}

#[test]
fn a_node_that_an_update_triggers_once_more_waits_again() {
    check(
        &["again"],
        None,
        &expect![[r#"
        step 1: b
        step 2: end
        completed: {"log":["first","b","end"]}
    "#]],
    );
}

#[test]
fn a_node_that_starts_beside_others_waits_again_for_what_has_led_to_it_since() {
    check(
        &["more"],
        None,
        &expect![[r#"
        step 1: b, end
        step 2: end
        completed: {"log":["first","b","end","end"]}
    "#]],
    );
}

#[test]
fn an_update_that_starts_nothing_is_the_end_that_deferred_nodes_wait_for() {
    check(
        &["b"],
        None,
        &expect![[r#"
        step 1: end
        completed: {"log":["first","end"]}
    "#]],
    );
    check(
        &["other"],
        None,
        &expect![[r#"
        step 1: end, late
        completed: {"log":["first","end","late"]}
    "#]],
    );
}

#[test]
fn new_input_discards_the_nodes_whose_turn_had_come() {
    check(
        &["a"],
        Some(Origin::Input),
        &expect![[r#"
            step 1: first
            step 2: a, again, lone, more, other
            step 3: b, both
            step 4: end, late
            completed: {"log":["first","first","a","again","lone","more","other","b","both","end","late"]}
        "#]],
    );
}
