//! Rules of durable effects that the engine decides, by their numbers.

use std::sync::{Arc, Mutex};

use serde_json::json;
use wforge_engine::{AnswerGiven, AnswerTo, EngineError, EngineOptions, StartRun, WaitFor};
use wforge_model::checkpoint::Durability;
use wforge_model::effect::Operation;
use wforge_model::head::RunStatus;
use wforge_model::mock::MockMode;
use wforge_model::{Digest, RunId};
use wforge_ports::EffectRequest;
use wforge_ports::plugins::Admitted;

use crate::harness::{Answer, World, admitted, ok, request, tenant};
use crate::thread_world::{self, ASKS, story, thread, to, word};

const ASKING: &str = "
state: { out: {} }
input: []
output: [out]
nodes:
  a: { agent: t/a, in: {}, out: { out: result } }
edges: [{ from: START, to: a }]
";

fn ask() -> EffectRequest {
    EffectRequest { operation: Operation::HumanAsk, elements: vec![json!("go on?")] }
}

fn version(number: u8) -> Admitted {
    let mut plugin = admitted("t/a");
    plugin.component = Digest::from_bytes([number; 32]);
    plugin.manifest.version = semver::Version::new(u64::from(number), 0, 0);
    plugin
}

async fn settled(world: &World, wanted: StartRun) -> RunId {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

#[tokio::test]
async fn rule_8_a_new_version_serves_new_runs_and_those_that_are_open_keep_theirs() {
    let called = Arc::new(Mutex::new(Vec::new()));
    let seen = called.clone();
    let world = World::new(move |call| {
        seen.lock().unwrap().push((call.run, call.component));
        Answer::Perform(vec![ask()])
    });
    let of = |number| StartRun { plugins: Some(vec![version(number)]), ..request(ASKING) };
    let old = settled(&world, of(1)).await;
    let new = settled(&world, of(2)).await;
    for run in [old, new] {
        let answers = vec![AnswerGiven { to: AnswerTo::Only, answer: json!("yes") }];
        world.handle.resume(&tenant(), run, answers, "ada").await.unwrap();
        world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    }
    let [first, second] = [1, 2].map(|number| Digest::from_bytes([number; 32]));
    let called = called.lock().unwrap().clone();
    assert_eq!(called, [(old, first), (new, second), (old, first), (new, second)]);
}

#[tokio::test]
async fn rule_8_a_thread_with_an_open_task_is_migrated_only_where_that_begins_again() {
    let world = World::new(ok);
    thread_world::run(&world, request(ASKS)).await;
    let newer = ASKS.replace("\"'b'\"", "\"'c'\"");
    let refused = world.handle.migrate(&tenant(), thread(1), to(&newer, false, false)).await;
    assert!(
        matches!(refused, Err(EngineError::Conflict { code: "open_tasks", .. })),
        "{refused:?}"
    );
    let migrated =
        world.handle.migrate(&tenant(), thread(1), to(&newer, false, true)).await.unwrap();
    let again = migrated.continued.unwrap();
    let head = world.handle.wait(&tenant(), again, WaitFor::Settled).await.unwrap();
    assert_eq!((head.status, head.questions().count()), (RunStatus::Waiting, 1));
}

const CACHED: &str = "
state: { out: {} }
input: []
output: [out]
nodes:
  a: { agent: t/a, in: {}, cache: { ttl: 1h }, out: { out: result } }
edges: [{ from: START, to: a }]
";

fn posts() -> Vec<EffectRequest> {
    let element = json!({ "method": "POST" });
    vec![EffectRequest { operation: Operation::HttpFetch, elements: vec![element] }]
}

/// How each of two runs of a cached node got its result.
async fn sources(world: &World, wanted: [StartRun; 2]) -> String {
    let mut told = Vec::new();
    for wanted in wanted {
        let run = settled(world, wanted).await;
        // What is kept is written beside the run.
        world.idle().await;
        let view = world.handle.view(&tenant(), run).await.unwrap();
        let source = view.tasks[0].source.map_or("none", |source| source.as_str());
        told.push(format!("{source}{}", if view.head.degraded { " degraded" } else { "" }));
    }
    told.join(", ")
}

#[tokio::test]
async fn rule_9_a_hit_performs_nothing_and_another_version_is_no_hit() {
    let world = World::new(|_| Answer::Perform(posts()));
    let wanted = |number| StartRun { plugins: Some(vec![version(number)]), ..request(CACHED) };
    assert_eq!(sources(&world, [wanted(1), wanted(1)]).await, "live, cache");
    assert_eq!(world.calls().len(), 1);
    let heads = world.handle.heads(&tenant(), None, 9).await.unwrap();
    assert!(heads.iter().all(|head| head.usage.is_none()));
    assert_eq!(sources(&world, [wanted(2), wanted(2)]).await, "live, cache");
    assert_eq!(world.calls().len(), 2);
}

#[tokio::test]
async fn rule_9_what_a_mock_answered_is_never_kept() {
    let failure = || {
        let problem = wforge_model::Problem::new("busy", "later");
        Answer::Fail(wforge_model::Failure::Upstream(problem))
    };
    let world = World::with(
        EngineOptions { mock_mode: Some(MockMode::Fallback), ..EngineOptions::default() },
        move |_| failure(),
    );
    let text = CACHED.replace("cache:", "mock: { output: made-up }, cache:");
    let told = sources(&world, [request(&text), request(&text)]).await;
    assert_eq!(told, "fallback degraded, fallback degraded");
    assert_eq!(world.calls().len(), 2);
}

#[tokio::test]
async fn rule_12_durability_decides_which_borders_are_history_and_nothing_else() {
    for (durability, borders) in
        [(Durability::Sync, 3), (Durability::Async, 3), (Durability::Exit, 1)]
    {
        let world = World::new(ok);
        thread_world::run(&world, StartRun { durability, ..word("x") }).await;
        let told = story(&world, thread(1)).await;
        assert_eq!(told.len(), borders, "{durability:?}: {told:?}");
    }
    // What was acknowledged is there after a crash, whatever the mode.
    let world = World::new(|call| if call.node.as_str() == "b" { Answer::Hang } else { ok(call) });
    let wanted = StartRun { durability: Durability::Exit, thread: Some(thread(1)), ..word("x") };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.until(|world| world.calls() == ["a", "b"]).await;
    let world = world.restart(ok).await;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(world.calls(), ["b"], "a is not called again");
}
