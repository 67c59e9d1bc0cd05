//! Every limit of a run, passed.

use expect_test::expect;
use wforge_model::command::Fact;

use crate::harness::{Bench, LIST, Start, check};

const LOOP: &str = "
nodes:
  a: { set: { log: [\"'xxxxxxxxxxxxxxxx'\"] } }
edges: [{ from: START, to: a }, { from: a, to: a }]
limits: ";

#[test]
fn a_loop_without_end_stops_at_the_step_limit() {
    check(
        &format!("{LIST}{LOOP}{{ steps: 3 }}"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a
            step 2: a
            step 3: a
            failed: step_limit: the run took 3 super-steps, the most that limits.steps allows; raise it, or end the loop
        "#]],
    );
}

#[test]
fn a_state_that_grows_past_its_limit_fails_the_run() {
    check(
        &format!("{LIST}{LOOP}{{ state_bytes_max: 50 }}"),
        "",
        Start::default(),
        &expect![[r#"
            step 1: a
            step 2: a
            step 3: a
            failed: state_too_large: the state would have 61 bytes after super-step 3, more than limits.state_bytes_max = 50
        "#]],
    );
}

#[test]
fn a_step_with_too_many_tasks_fails_the_run() {
    let text = "
nodes:
  work: { agent: t/agent, in: { item: item }, out: { log: [result.item] } }
edges: [{ from: START, each: state.items, as: item, to: work }]
limits: { tasks_per_step_max: 2 }
";
    check(
        &format!("{LIST}{text}"),
        "",
        Start { input: r#"{"items":[1,2,3]}"#, ..Start::default() },
        &expect![[r#"
            failed: task_limit: super-step 1 would have 3 tasks, more than limits.tasks_per_step_max = 2
        "#]],
    );
}

#[test]
fn the_wall_limit_counts_only_while_a_task_runs() {
    let text = "
nodes:
  ask: { ask: { prompt: 'go on?' }, out: { log: [result] } }
  work: { agent: t/agent, in: {}, out: { log: [\"'worked'\"] } }
edges: [{ from: START, to: ask }, { from: ask, to: work }]
limits: { wall: 1s }
";
    let mut bench = Bench::begin(&format!("{LIST}{text}"), "", Start::default());
    bench.drain();
    bench.now = bench.now.after_ms(3_600_000);
    let question = bench.log.iter().find_map(|event| match &event.kind {
        wforge_model::event::EventKind::TaskSuspended {
            waiting: wforge_model::effect::Waiting::Question(question),
            ..
        } => Some(question.id),
        _ => None,
    });
    let answer = serde_json::json!("yes");
    bench.tell(Fact::Answer { question: question.unwrap(), answer, by: "ada".into() });
    bench.now = bench.now.after_ms(1_001);
    bench.tell(Fact::Time);
    expect![[r#"
        step 1: ask
          asks: go on?
          answered: "yes" by Person("ada")
        step 2: work
        failed: wall_limit: tasks ran for 1001 ms, more than limits.wall = 1000 ms
    "#]]
    .assert_eq(&bench.story());
}
