//! What happens to a run from its start to its end.

use std::sync::Arc;

use expect_test::expect;
use futures::future::join_all;
use serde_json::json;
use wforge_engine::{
    AnswerGiven, AnswerTo, CancelRun, EngineError, EngineOptions, Idempotency, StartRun, WaitFor,
};
use wforge_model::head::RunStatus;
use wforge_model::limits::RunLimits;
use wforge_store::{SledOptions, SledStore};
use wforge_testkit::SimEntropy;

use crate::harness::{Answer, CHAIN, World, draft, now, ok, request, tenant, upstream};

const ASK: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve: { ask: { prompt: 'Go on?', schema: { type: boolean } }, out: { x: result } }
edges: [{ from: START, to: approve }]
";

/// Four super-steps, the first of which waits.
const ASK_THEN_CHAIN: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  ask: { ask: { prompt: 'Go on?' }, out: { x: result } }
  a: { set: { x: state.x } }
  b: { set: { x: state.x } }
  c: { set: { x: state.x } }
edges:
  - { from: START, to: ask }
  - { from: ask, to: a }
  - { from: a, to: b }
  - { from: b, to: c }
";

#[tokio::test]
async fn a_chain_completes_and_its_view_lists_every_task() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let view = world.handle.view(&tenant(), run).await.unwrap();
    assert_eq!(view.output.unwrap()["log"], json!(["a", "b", "c"]));
    let tasks: Vec<String> = view
        .tasks
        .iter()
        .map(|task| format!("{} {:?} {}", task.node, task.agent, task.attempt))
        .collect();
    assert_eq!(
        tasks,
        ["a Some(\"t/a@1.0.0\") 1", "b Some(\"t/b@1.0.0\") 1", "c Some(\"t/c@1.0.0\") 1"]
    );
}

#[tokio::test]
async fn a_question_is_answered_once_and_only_by_what_fits() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(ASK)).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Waiting);

    let give = |answer| vec![AnswerGiven { to: AnswerTo::Only, answer }];
    let wrong = world.handle.resume(&tenant(), run, give(json!("perhaps")), "ada").await;
    assert!(matches!(wrong, Err(EngineError::Invalid { code: "answer_schema", .. })));
    world.handle.resume(&tenant(), run, give(json!(true)), "ada").await.unwrap();
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let late = world.handle.resume(&tenant(), run, give(json!(false)), "bob").await;
    assert!(matches!(late, Err(EngineError::Conflict { code: "run_ended", .. })));
}

/// A chain under an idempotency key.
fn keyed(world: &World, fingerprint: &str) -> StartRun {
    let expires_at = now(world).after_ms(1_000);
    let (key, fingerprint) = ("k1".into(), fingerprint.into());
    StartRun { idempotency: Some(Idempotency { key, fingerprint, expires_at }), ..request(CHAIN) }
}

#[tokio::test]
async fn the_same_idempotency_key_gives_the_same_run_and_another_request_is_refused() {
    let world = World::new(ok);
    let first = world.handle.start(&tenant(), keyed(&world, "f1")).await.unwrap();
    let again = world.handle.start(&tenant(), keyed(&world, "f1")).await.unwrap();
    assert_eq!((again.run, first.replayed, again.replayed), (first.run, false, true));
    let other = world.handle.start(&tenant(), keyed(&world, "f2")).await;
    assert!(matches!(other, Err(EngineError::Invalid { code: "idempotency_mismatch", .. })));
}

/// Each looks before any has written, so only the store can keep them apart.
#[test]
fn of_the_same_request_many_times_at_once_one_starts_a_run_and_the_others_hear_of_it() {
    let open = |dir: &std::path::Path| {
        SledStore::open(dir, SledOptions::default(), Arc::new(SimEntropy::new(1))).unwrap()
    };
    wforge_testkit::store::run(open, async |bench| {
        let (world, tenant) = (World::over(bench.shared(), ok), tenant());
        let all = (0..20).map(|_| world.handle.start(&tenant, keyed(&world, "f1")));
        let all: Vec<_> = join_all(all).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(all.iter().filter(|started| !started.replayed).count(), 1);
        assert!(all.iter().all(|started| started.run == all[0].run));
        assert_eq!(world.handle.heads(&tenant, None, 99).await.unwrap().len(), 1);
    });
}

#[tokio::test]
async fn another_tenants_run_is_not_found_by_any_method() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(ASK)).await.unwrap().run;
    let other = "other".parse().unwrap();
    let missing = |error: Option<EngineError>| {
        matches!(error, Some(EngineError::NotFound { kind: "run", .. }))
    };
    assert!(missing(world.handle.head(&other, run).await.err()));
    assert!(missing(world.handle.view(&other, run).await.err()));
    assert!(missing(world.handle.state(&other, run).await.err()));
    assert!(missing(world.handle.cancel(&other, run, cancel("mine now")).await.err()));
    assert!(missing(world.handle.resume(&other, run, Vec::new(), "eve").await.err()));
    assert!(missing(world.handle.wait(&other, run, WaitFor::Settled).await.err()));
    assert_eq!(world.handle.heads(&other, None, 10).await.unwrap(), []);
    assert_eq!(world.handle.heads(&tenant(), None, 10).await.unwrap().len(), 1);
}

fn cancel(reason: &str) -> CancelRun {
    CancelRun { reason: reason.into(), by: "ada".into(), roll_back: false }
}

#[tokio::test]
async fn a_cancelled_run_drops_its_sandboxes_and_ends() {
    let world = World::new(|_| Answer::Hang);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.until(|world| world.handle.figures().tasks_running == 1).await;
    let head = world.handle.cancel(&tenant(), run, cancel("enough")).await.unwrap();
    assert_eq!(head.status, RunStatus::Cancelled);
    world.until(|world| world.handle.figures().tasks_running == 0).await;
    let again = world.handle.cancel(&tenant(), run, cancel("enough")).await;
    assert!(matches!(again, Err(EngineError::Conflict { code: "run_ended", .. })));
}

#[tokio::test]
async fn every_agent_that_nobody_serves_is_named_and_no_run_is_made() {
    let world = World::new(ok);
    let mut wanted = request(&CHAIN.replace("t/a", "gone/a").replace("t/c", "gone/c"));
    wanted.by = "ada".into();
    let refused = world.handle.start(&tenant(), wanted).await.unwrap_err();
    let EngineError::Invalid { code: "missing_agents", details, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!(details.len(), 2, "{details:?}");
    assert!(details[0].starts_with("nodes.a.agent: gone/a is not installed"));
    assert_eq!(world.handle.heads(&tenant(), None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_retry_waits_for_its_moment() {
    let retry = "t/b, retry: [{ on: [upstream], max_attempts: 2, initial: 10s, jitter: false }]";
    let world = World::new(|call| {
        if call.node.as_str() == "b" && call.attempt == 1 { upstream() } else { ok(call) }
    });
    let wanted = request(&CHAIN.replace("t/b", retry));
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.until(|world| world.handle.figures().tasks_retried == 1).await;
    world.advance(9_999);
    world.idle().await;
    assert_eq!(world.calls(), ["a", "b"]);
    world.advance(1);
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    assert_eq!(world.calls(), ["a", "b", "b", "c"]);
}

#[tokio::test]
async fn no_more_tasks_of_a_run_are_called_at_once_than_it_allows() {
    let world = World::new(ok);
    let wide = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [item] } }
edges: [{ from: START, each: '[1,2,3,4,5,6,7,8,9,10,11,12]', as: item, to: a }]
limits: { parallel: 3 }
";
    let run = world.handle.start(&tenant(), request(wide)).await.unwrap().run;
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!((head.status, head.tasks_finished), (RunStatus::Completed, 12));
    assert_eq!(world.agents.running_most.load(std::sync::atomic::Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_registered_workflow_keeps_its_version_to_itself() {
    let world = World::new(ok);
    let first = world.handle.register_workflow(&tenant(), draft(CHAIN), "ada").await.unwrap();
    let again = world.handle.register_workflow(&tenant(), draft(CHAIN), "ada").await.unwrap();
    assert_eq!(first, again);
    let other = world.handle.register_workflow(&tenant(), draft(ASK), "ada").await;
    assert!(matches!(other, Err(EngineError::Conflict { code: "version_taken", .. })));
}

#[tokio::test]
async fn a_workflow_that_asks_for_more_than_the_host_allows_is_told_each_of_both_numbers() {
    let run_limits = RunLimits { steps_max: 10, parallel_max: 2, ..RunLimits::default() };
    let world = World::with(EngineOptions { run_limits, ..EngineOptions::default() }, ok);
    let with = |limits: &str| request(&format!("{CHAIN}limits: {limits}\n"));
    let all =
        "{ steps: 11, wall: 0s, parallel: 3, state_bytes_max: 9000000, tasks_per_step_max: 5000 }";
    let Err(EngineError::Invalid { code, message, details }) =
        world.handle.start(&tenant(), with(all)).await
    else {
        panic!("it was started");
    };
    expect![[r#"
        limit_not_allowed: test@1.0.0 asks for more than this host allows
        limits.steps: 11 is more than 10, which this host allows; lower it, or raise limits.run.steps_max in the host's configuration
        limits.wall: 0, no limit, is more than 3600000, which this host allows; lower it, or raise limits.run.wall_ms_max in the host's configuration
        limits.parallel: 3 is more than 2, which this host allows; lower it, or raise limits.run.parallel_max in the host's configuration
        limits.state_bytes_max: 9000000 is more than 8388608, which this host allows; lower it, or raise limits.run.state_bytes_max in the host's configuration
        limits.tasks_per_step_max: 5000 is more than 4096, which this host allows; lower it, or raise limits.run.tasks_per_step_max in the host's configuration
    "#]].assert_eq(&format!("{code}: {message}\n{}\n", details.join("\n")));
    assert_eq!(world.handle.heads(&tenant(), None, 9).await.unwrap(), []);
    world.handle.start(&tenant(), with("{ steps: 10, wall: 1s, parallel: 1 }")).await.unwrap();
}

#[tokio::test]
async fn a_run_keeps_the_limits_that_it_was_started_with() {
    let started = |run_limits| EngineOptions { run_limits, ..EngineOptions::default() };
    let few = RunLimits { steps_max: 3, ..RunLimits::default() };
    for (then, later, ends) in [
        (RunLimits::default(), few.clone(), RunStatus::Completed),
        (few, RunLimits::default(), RunStatus::Failed),
    ] {
        let world = World::with(started(then), ok);
        let run = world.handle.start(&tenant(), request(ASK_THEN_CHAIN)).await.unwrap().run;
        world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
        let world = world.restart_with(started(later), ok).await;
        let answer = vec![AnswerGiven { to: AnswerTo::Only, answer: json!(true) }];
        world.handle.resume(&tenant(), run, answer, "ada").await.unwrap();
        let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
        assert_eq!((head.status, head.step), (ends, if ends == RunStatus::Failed { 3 } else { 4 }));
    }
}

#[tokio::test]
async fn a_changed_workflow_of_the_same_version_is_told_from_the_one_before() {
    let world = World::new(ok);
    let mut said = Vec::new();
    for text in ["'old'", "'new'", "'new'", "'old'"] {
        let set = format!("nodes: {{ a: {{ set: {{ x: \"{text}\" }} }} }}");
        let workflow = format!(
            "state: {{ x: {{}} }}\ninput: []\noutput: [x]\n{set}\nedges: [{{ from: START, to: a }}]\n"
        );
        let run = world.handle.start(&tenant(), request(&workflow)).await.unwrap().run;
        world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
        let view = world.handle.view(&tenant(), run).await.unwrap();
        said.push((view.output.unwrap()["x"].clone(), view.head.digest));
    }
    assert_eq!(said.iter().map(|(x, _)| x).collect::<Vec<_>>(), ["old", "new", "new", "old"]);
    assert_eq!((said[0].1, said[1].1), (said[3].1, said[2].1));
    assert_ne!(said[0].1, said[1].1);
}
