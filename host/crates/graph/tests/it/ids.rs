//! Rule 1: a task's id is a hash of what makes it that task, and nothing else.

use std::collections::BTreeSet;

use wforge_model::TaskId;
use wforge_model::agent::Execution;
use wforge_model::beginning::Origin;
use wforge_model::command::Fact;
use wforge_model::effect::Waiting;
use wforge_model::event::EventKind;

use crate::harness::{At, Bench, Start};

const SENDS: &str = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: \"['a']\" } }
  b: { agent: t/b, in: {}, out: { log: '[item]' } }
  c: { agent: t/c, in: {}, out: { log: '[item]' } }
edges:
  - { from: START, to: a }
  - { from: a, each: '[1, 1]', as: item, to: [b, c] }
";

/// The tasks that were planned, by node in their order.
fn planned(bench: &Bench) -> Vec<(String, Option<u32>, TaskId)> {
    let tasks = bench.log.iter().filter_map(|event| match &event.kind {
        EventKind::StepPlanned { tasks, .. } => Some(tasks),
        _ => None,
    });
    tasks.flatten().map(|task| (task.node.to_string(), task.send, task.id)).collect()
}

fn ran(start: Start<'_>) -> Bench {
    let mut bench = Bench::begin(SENDS, "", start);
    bench.drain();
    bench
}

#[test]
fn rule_1_items_come_one_by_one_and_for_each_the_targets_in_order() {
    let told: Vec<String> = planned(&ran(Start::default()))
        .iter()
        .map(|(node, send, _)| send.map_or(node.clone(), |send| format!("{node}{send}")))
        .collect();
    assert_eq!(told, ["a", "b0", "c1", "b2", "c3"]);
}

#[test]
fn rule_1_the_same_run_has_the_same_ids_and_another_run_has_others() {
    let (first, again) = (planned(&ran(Start::default())), planned(&ran(Start::default())));
    assert_eq!(first, again);
    let other = planned(&ran(Start { seed: Some(9), ..Start::default() }));
    let ids: BTreeSet<TaskId> = first.iter().chain(&other).map(|(_, _, id)| *id).collect();
    assert_eq!(ids.len(), 10, "equal items are different tasks too");
}

#[test]
fn rule_1_a_run_from_another_base_has_other_ids() {
    let before = ran(Start::default());
    let seed = Some(before.run.id.as_bytes()[0]);
    let at = |step| {
        let start = Start { seed, ..Start::default() };
        let mut bench = Bench::after((&before, At::Step(step)), SENDS, start, Origin::Continue);
        bench.drain();
        planned(&bench)
    };
    let (from_start, from_first) = (at(0), at(1));
    let of = |tasks: &[(String, Option<u32>, TaskId)]| {
        tasks.iter().map(|(_, _, id)| *id).collect::<BTreeSet<_>>()
    };
    assert!(!from_first.is_empty());
    assert_eq!(of(&from_start).intersection(&of(&from_first)).count(), 0);
    assert_eq!(of(&planned(&before)).intersection(&of(&from_start)).count(), 0);
}

#[test]
fn rule_1_only_the_retry_policy_begins_another_attempt() {
    let text = SENDS.replace(
        "a: { agent: t/a,",
        "a: { agent: t/a, retry: [{ on: [upstream], max_attempts: 2, initial: 1s }],",
    );
    let mut bench = Bench::begin(&text, "", Start::default());
    let (task, attempt) = bench.next_call();
    let until = bench.now.after_ms(5);
    let sleeps = Execution::Suspended(Waiting::Timer { until });
    bench.tell(Fact::executed(task, attempt, sleeps, 1));
    bench.wait_only();
    let (same, again) = bench.next_call();
    assert_eq!((same, again), (task, 1), "a sleep is another execution of the same attempt");
    bench.restart();
    let (same, again) = bench.next_call();
    assert_eq!((same, again), (task, 1), "and so is a restart");
    let failure = wforge_model::Failure::Upstream(wforge_model::Problem::new("busy", "later"));
    bench.tell(Fact::failed(task, 1, failure, 1));
    bench.wait_only();
    assert_eq!(bench.next_call(), (task, 2));
}
