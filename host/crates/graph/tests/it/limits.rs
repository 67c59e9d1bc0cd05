//! Every limit of a run, passed.

use expect_test::expect;
use wforge_graph::next_wake;
use wforge_model::command::Fact;
use wforge_model::limits::RunLimits;

use crate::harness::{Bench, LIST, Start, check, workflow};

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
fn a_workflow_is_held_to_the_limits_that_its_run_has() {
    let checked = workflow(&format!("{LIST}{LOOP}{{ steps: 3 }}")).unwrap();
    let limits = RunLimits { steps_max: 7, ..RunLimits::default() };
    assert_eq!(checked.limits.steps_max, 3);
    assert_eq!(checked.with_limits(limits.clone()).limits, limits);
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
fn exactly_as_much_as_a_limit_allows_is_allowed() {
    let text = "
nodes:
  work: { agent: t/agent, in: {}, out: { log: [item] } }
edges: [{ from: START, each: state.items, as: item, to: work }]
limits: { tasks_per_step_max: 2, state_bytes_max: 40, wall: 1s, step: 1s, steps: 1 }
";
    let start = Start { input: r#"{"items":[1,2]}"#, ..Start::default() };
    let mut bench = Bench::begin(&format!("{LIST}{text}"), "", start);
    bench.now = bench.now.after_ms(1_000);
    bench.tell(Fact::Time);
    bench.drain();
    expect![[r#"
        step 1: work, work
        completed: {"log":[1,2]}
    "#]]
    .assert_eq(&bench.story());
    assert_eq!(bench.run.state_bytes(), 40);
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

const SLOW: &str = "
nodes:
  quick: { set: { log: [\"'quick'\"] } }
  slow: { agent: t/slow, in: {}, out: { log: [\"'slow'\"] }, on_error: mend }
  ask: { ask: { prompt: 'Well?' }, out: { log: [result] } }
  mend: { set: { log: [\"'mended ' + sent.code\"] } }
edges: [{ from: START, to: quick }, { from: quick, to: ask }, { from: ask, to: slow }]
limits: { step: 1s }
";

#[test]
fn a_super_step_ends_with_its_time_and_waiting_is_free() {
    let mut bench = Bench::begin(&format!("{LIST}{SLOW}"), "", Start::default());
    bench.now = bench.now.after_ms(3_600_000);
    bench.say_only("1");
    bench.wait();
    expect![[r#"
        step 1: quick
        step 2: ask
          asks: Well?
          answered: 1 by Person("ada")
        step 3: slow
          after 1001 ms
        failed: step_timeout: tasks of super-step 3 ran for 1001 ms, more than limits.step = 1000 ms
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_super_step_that_ends_in_time_leaves_the_next_one_all_of_it() {
    let text = SLOW.replace(
        "ask: { ask: { prompt: 'Well?' }, out: { log: [result] } }",
        "ask: { agent: t/ask, in: {}, out: { log: [\"'asked'\"] } }",
    );
    let mut bench = Bench::begin(&format!("{LIST}{text}"), "", Start::default());
    bench.now = bench.now.after_ms(900);
    bench.drain_only(1);
    bench.now = bench.now.after_ms(900);
    bench.drain();
    expect![[r#"
        step 1: quick
        step 2: ask
        step 3: slow
        completed: {"log":["quick","asked","slow"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn the_super_step_of_a_subgraph_fails_its_task_which_may_be_handled() {
    let child = format!("{LIST}{SLOW}").replace("name: test", "name: child");
    let child = child
        .replace("{ from: quick, to: ask }", "{ from: quick, to: slow }, { from: quick, to: ask }");
    let text = "
nodes:
  side: { workflow: child, out: { log: result.log }, on_error: mend }
  mend: { set: { log: [\"'mended ' + sent.code\"] } }
edges: [{ from: START, to: side }]
";
    let start = Start { parts: &[&child], ..Start::default() };
    let mut bench = Bench::begin(&format!("{LIST}{text}"), "", start);
    bench.wait();
    expect![[r#"
        step 1: side
        step 1 in side: quick
        step 2 in side: ask, slow
          asks in side: Well?
          after 1001 ms
          side failed, failed (step_timeout): child@1.0.0: tasks of super-step 2 ran for 1001 ms, more than limits.step = 1000 ms; mend handles it
        completed: {"log":["mended step_timeout"]}
    "#]].assert_eq(&bench.story());
}

#[test]
fn a_result_that_comes_before_anybody_looked_at_the_time_counts() {
    let mut bench = Bench::begin(&format!("{LIST}{SLOW}"), "", Start::default());
    bench.say_only("1");
    bench.now = bench.now.after_ms(1_001);
    bench.drain();
    expect![[r#"
        step 1: quick
        step 2: ask
          asks: Well?
          answered: 1 by Person("ada")
        step 3: slow
        completed: {"log":["quick",1,"slow"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_level_that_stands_at_a_border_is_not_woken_for_its_super_step() {
    let child = "
apiVersion: workflowforge/v1
name: child
version: 1.0.0
state: { log: { reducer: append } }
output: [log]
interrupt: { after: [x] }
nodes: { x: { set: { log: [\"'x'\"] } } }
edges: [{ from: START, to: x }]
limits: { step: 1s }
";
    let text = "
nodes:
  side: { workflow: child, out: { log: result.log } }
  call: { agent: t/call, in: {}, out: { log: [\"'call'\"] } }
edges: [{ from: START, to: [side, call] }]
limits: { wall: 1h, step: 2s }
";
    let start = Start { parts: &[child], ..Start::default() };
    let mut bench = Bench::begin(&format!("{LIST}{text}"), "", start);
    // The run's own super-step goes on, and so its time does.
    assert_eq!(next_wake(&bench.run, bench.now), Some(bench.now.after_ms(2_001)));
    bench.drain();
    assert_eq!(next_wake(&bench.run, bench.now), None);
    bench.go_on(None);
    assert_eq!(bench.run.status.as_str(), "completed", "{}", bench.story());
}
