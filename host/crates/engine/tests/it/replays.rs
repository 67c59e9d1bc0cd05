//! Recorded runs that are run again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use wforge_engine::{EngineOptions, WaitFor};
use wforge_model::Failure;
use wforge_model::agent::AgentCall;

use crate::harness::{Answer, CHAIN, World, request, tenant};

/// A run of the chain, whose agents can be told to change.
async fn recorded() -> (World, wforge_model::RunId, Arc<AtomicBool>) {
    let changed = Arc::new(AtomicBool::new(false));
    let has_changed = changed.clone();
    let agents = move |call: &AgentCall| {
        if has_changed.load(Ordering::SeqCst) && call.node.as_str() == "b" {
            let problem = wforge_model::Problem::new("changed", "another version");
            return Answer::Fail(Failure::Failed(problem));
        }
        Answer::Reply(json!({}))
    };
    let world = World::with(EngineOptions::default(), agents);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    (world, run, changed)
}

#[tokio::test]
async fn a_run_that_is_replayed_comes_to_the_same_and_writes_nothing() {
    let (world, run, _) = recorded().await;
    let before = world.handle.head(&tenant(), run).await.unwrap();
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    assert_eq!((report.calls, report.skipped, report.difference), (3, 0, None));
    assert_eq!(world.handle.head(&tenant(), run).await.unwrap(), before);
}

#[tokio::test]
async fn the_first_call_that_comes_to_something_else_is_named() {
    let (world, run, changed) = recorded().await;
    changed.store(true, Ordering::SeqCst);
    let report = world.handle.replay(&tenant(), run, &[]).await.unwrap();
    let difference = report.difference.unwrap();
    assert_eq!((report.calls, difference.node.as_str()), (2, "b"));
    assert!(difference.recorded.contains("task_finished"), "{}", difference.recorded);
    assert!(difference.now.contains("another version"), "{}", difference.now);
}

#[tokio::test]
async fn another_tenants_run_is_not_there() {
    let (world, run, _) = recorded().await;
    let other = "other".parse().unwrap();
    assert!(world.handle.replay(&other, run, &[]).await.is_err());
    assert!(world.handle.cassette(&other, run).await.is_err());
}
