//! The course of a run: pauses, revivals, the inbox, failure handlers, caches, idle time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use wforge_engine::{
    AnswerGiven, AnswerTo, EngineError, InboxEntry, InboxQuery, InboxWants, StartRun, WaitFor,
};
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::{RunId, TenantId};

use crate::harness::{Answer, CHAIN, World, draft, ok, request, tenant, upstream};

const ASK: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve: { ask: { prompt: 'Go on?' }, out: { x: result } }
edges: [{ from: START, to: approve }]
";

async fn settled(world: &World, run: RunId) -> RunHead {
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap()
}

async fn started(world: &World, request: StartRun) -> RunId {
    world.handle.start(&tenant(), request).await.unwrap().run
}

fn code(error: &EngineError) -> &'static str {
    match error {
        EngineError::Conflict { code, .. } | EngineError::Invalid { code, .. } => code,
        EngineError::NotFound { .. }
        | EngineError::Busy { .. }
        | EngineError::Quota { .. }
        | EngineError::Host(_) => "other",
    }
}

#[tokio::test]
async fn a_run_goes_one_step_at_a_time_and_over_a_restart() {
    let world = World::new(ok);
    let run = started(&world, StartRun { steps: Some(1), ..request(CHAIN) }).await;
    let head = settled(&world, run).await;
    assert_eq!((head.status, head.step), (RunStatus::Paused, 1));
    let world = world.restart(ok).await;
    let head = world.handle.resume_paused(&tenant(), run, Some(1), "ada").await.unwrap();
    assert!(!head.status.is_final());
    let head = settled(&world, run).await;
    assert_eq!((head.status, head.step), (RunStatus::Paused, 2));
    world.handle.resume_paused(&tenant(), run, None, "ada").await.unwrap();
    assert_eq!(settled(&world, run).await.status, RunStatus::Completed);
    let again = world.handle.resume_paused(&tenant(), run, None, "ada").await.unwrap_err();
    assert_eq!(code(&again), "run_not_paused");
}

#[tokio::test]
async fn a_paused_run_finishes_what_is_under_way_and_begins_nothing_new() {
    let held = Arc::new(AtomicBool::new(true));
    let hold = held.clone();
    let world = World::new(move |call| match call.node.as_str() {
        "a" if hold.load(Ordering::SeqCst) => Answer::Hang,
        _ => ok(call),
    });
    let run = started(&world, request(CHAIN)).await;
    world.until(|world| world.calls() == ["a"]).await;
    world.handle.pause(&tenant(), run, "ada").await.unwrap();
    held.store(false, Ordering::SeqCst);
    // The call that was under way hangs in this process; the next one finishes it.
    let world = world.restart(ok).await;
    let head = settled(&world, run).await;
    assert_eq!((head.status, world.calls()), (RunStatus::Paused, vec!["a".to_owned()]));
    world.handle.resume_paused(&tenant(), run, None, "ada").await.unwrap();
    assert_eq!(settled(&world, run).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_failed_run_is_taken_up_again_and_its_finished_tasks_are_not_called_again() {
    let wide = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [a, b] }]
";
    let world = World::new(|call| match (call.node.as_str(), call.attempt) {
        ("b", 1) => upstream(),
        _ => ok(call),
    });
    let run = started(&world, request(wide)).await;
    assert_eq!(settled(&world, run).await.status, RunStatus::Failed);
    world.handle.revive(&tenant(), run, "ada").await.unwrap();
    let head = settled(&world, run).await;
    assert_eq!(head.status, RunStatus::Completed);
    let mut calls = world.calls();
    calls.sort();
    assert!(calls == ["a", "b", "b"] || calls == ["a", "a", "b", "b"], "{calls:?}");
    let error = world.handle.revive(&tenant(), run, "ada").await.unwrap_err();
    assert_eq!(code(&error), "run_not_failed");
}

async fn inbox(world: &World, of: &TenantId, limit: usize) -> (Vec<InboxEntry>, bool) {
    let query = InboxQuery { limit, ..InboxQuery::default() };
    world.handle.inbox(of, &query).await.unwrap()
}

#[tokio::test]
async fn the_inbox_shows_what_waits_over_all_runs_and_nothing_of_another_tenant() {
    let world = World::new(ok);
    let asks = started(&world, request(ASK)).await;
    let paused = started(&world, StartRun { steps: Some(0), ..request(CHAIN) }).await;
    settled(&world, asks).await;
    settled(&world, paused).await;
    let (entries, more) = inbox(&world, &tenant(), 10).await;
    let wants: Vec<_> = entries
        .iter()
        .map(|entry| match &entry.wants {
            InboxWants::Answer { prompt, .. } => (entry.run, prompt.as_str()),
            InboxWants::Resume { .. } => (entry.run, "resume"),
        })
        .collect();
    assert_eq!((wants, more), (vec![(asks, "Go on?"), (paused, "resume")], false));
    let (page, more) = inbox(&world, &tenant(), 1).await;
    assert_eq!((page.len(), page[0].run, more), (1, asks, true));
    let other = "other".parse().unwrap();
    assert!(inbox(&world, &other, 10).await.0.is_empty());
    let answer = vec![AnswerGiven { to: AnswerTo::Only, answer: json!(true) }];
    world.handle.resume(&tenant(), asks, answer, "ada").await.unwrap();
    assert_eq!(settled(&world, asks).await.status, RunStatus::Completed);
    assert_eq!(inbox(&world, &tenant(), 10).await.0.len(), 1);
}

const BREAKS: &str = "
state: { log: { reducer: append } }
input: []
output: [log]
on_failure: cleanup
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
edges: [{ from: START, to: a }]
";

pub(crate) fn breaks() -> StartRun {
    let mut cleanup = draft(
        "
state: { failure: {}, said: {} }
input: [failure]
output: [said]
nodes:
  say: { set: { said: state.failure.code + ' at ' + state.failure.node } }
edges: [{ from: START, to: say }]
",
    );
    cleanup.name = "cleanup".into();
    StartRun { workflows: vec![cleanup], ..request(BREAKS) }
}

#[tokio::test]
async fn a_failure_is_handled_by_a_run_of_its_own_once() {
    let world = World::new(|_| upstream());
    let run = started(&world, breaks()).await;
    assert_eq!(settled(&world, run).await.status, RunStatus::Failed);
    for _ in 0..1_000 {
        if world.handle.heads(&tenant(), None, 10).await.unwrap().len() == 2 {
            break;
        }
        tokio::task::yield_now().await;
    }
    // A restart finds it handled, and starts no second run.
    let world = world.restart(|_| upstream()).await;
    world.idle().await;
    let heads = world.handle.heads(&tenant(), None, 10).await.unwrap();
    assert_eq!(heads.len(), 2);
    let handler = heads.iter().find(|head| head.run != run).unwrap();
    let handler = settled(&world, handler.run).await;
    let view = world.handle.view(&tenant(), handler.run).await.unwrap();
    assert_eq!(view.output.map(|output| output["said"].clone()), Some(json!("busy at a")));
    let failed = world.handle.head(&tenant(), run).await.unwrap();
    assert!(failed.waiting_for.is_empty(), "{:?}", failed.waiting_for);
}

const CACHED: &str = "
state: { n: {}, got: {} }
input: [n]
output: [got]
nodes:
  a: { agent: t/a, in: { n: state.n }, out: { got: result.n }, cache: { ttl: 1h } }
edges: [{ from: START, to: a }]
";

async fn source_of(world: &World, n: i64) -> (String, wforge_model::Value) {
    let input = wforge_model::Object::from_iter([("n".to_owned(), json!(n))]);
    let run = started(world, StartRun { input, ..request(CACHED) }).await;
    settled(world, run).await;
    // What is kept is kept behind the run's back.
    world.idle().await;
    let view = world.handle.view(&tenant(), run).await.unwrap();
    let source = view.tasks.first().unwrap().source.unwrap().as_str().to_owned();
    (source, view.output.unwrap().get("got").unwrap().clone())
}

#[tokio::test]
async fn a_cached_result_serves_the_same_input_until_it_expires() {
    let world = World::new(|call| Answer::Reply(json!({ "n": call.input["n"] })));
    assert_eq!(source_of(&world, 1).await, ("live".into(), json!(1)));
    assert_eq!(source_of(&world, 1).await, ("cache".into(), json!(1)));
    assert_eq!(source_of(&world, 2).await, ("live".into(), json!(2)));
    assert_eq!(world.calls().len(), 2);
    world.advance(3_600_001);
    assert_eq!(source_of(&world, 1).await, ("live".into(), json!(1)));
    assert_eq!(world.handle.clear_cache(&tenant()).await.unwrap(), 2);
    assert_eq!(source_of(&world, 1).await, ("live".into(), json!(1)));
}

#[tokio::test]
async fn an_agent_that_does_nothing_for_its_idle_time_is_stopped() {
    let idle = "
state: { x: { default: 0 } }
input: []
output: [x]
nodes:
  a: { agent: t/a, in: {}, out: { x: '1' }, timeout: { idle: 5s } }
edges: [{ from: START, to: a }]
";
    let world = World::new(|_| Answer::Hang);
    let run = started(&world, request(idle)).await;
    world.until(|world| world.calls() == ["a"]).await;
    world.advance(4_999);
    world.idle().await;
    assert_eq!(world.handle.head(&tenant(), run).await.unwrap().status, RunStatus::Running);
    world.advance(2);
    let head = settled(&world, run).await;
    assert_eq!(head.error.map(|error| error.code), Some("idle_timeout".into()));
}
