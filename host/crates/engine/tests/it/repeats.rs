//! Requests about threads under an idempotency key: the same request again does nothing, and gives
//! what the first one gave.

use serde_json::json;
use wforge_engine::{
    EngineError, ForkPoint, ForkThread, Idempotency, MigrateThread, UpdateAs, UpdateGiven,
    UpdateState, WaitFor,
};
use wforge_model::Timestamp;
use wforge_model::head::RunStatus;

use crate::harness::{World, ok, request, tenant};
use crate::thread_world::{ASKS, checkpoint, from, run, story, thread, to, word, write};

fn key(key: &str, fingerprint: &str) -> Option<Idempotency> {
    let (key, fingerprint) = (key.to_owned(), fingerprint.to_owned());
    Some(Idempotency { key, fingerprint, expires_at: Timestamp(u64::MAX) })
}

fn as_a(value: &str) -> Vec<UpdateGiven> {
    let as_node = UpdateAs::Node("a".parse().unwrap());
    vec![UpdateGiven { writes: vec![write("log", json!([value]))], as_node }]
}

fn update(steps: Vec<Vec<UpdateGiven>>, idempotency: Option<Idempotency>) -> UpdateState {
    let at = ForkPoint::Thread(thread(1));
    UpdateState { at, workflow: None, steps, idempotency, by: "ada".into() }
}

#[tokio::test]
async fn an_update_is_made_once_under_a_key_also_over_a_restart() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let steps = || vec![as_a("1"), as_a("2")];
    let ask = update(steps(), key("k", "f"));
    let first = world.handle.update_state(&tenant(), ask.clone()).await.unwrap();
    assert!(!first.replayed);
    let made = story(&world, thread(1)).await;
    let world = world.restart(ok).await;
    let again = world.handle.update_state(&tenant(), ask).await.unwrap();
    assert_eq!((again.checkpoint, again.replayed), (first.checkpoint, true));
    assert_eq!(story(&world, thread(1)).await, made);
    let other = world.handle.update_state(&tenant(), update(steps(), key("k", "g"))).await;
    let Err(EngineError::Invalid { code: "idempotency_mismatch", .. }) = other else {
        panic!("{other:?}");
    };
}

/// Whoever was interrupted between two steps of an update makes those that are missing.
#[tokio::test]
async fn what_an_earlier_request_left_undone_of_an_update_is_done() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    world.handle.update_state(&tenant(), update(vec![as_a("1")], key("k", "f"))).await.unwrap();
    let both = update(vec![as_a("1"), as_a("2")], key("k", "f"));
    let whole = world.handle.update_state(&tenant(), both).await.unwrap();
    assert!(!whole.replayed);
    let view = world.handle.thread(&tenant(), thread(1)).await.unwrap();
    assert_eq!(view.state["log"], json!(["a:x", "b:x", "1", "2"]));
}

#[tokio::test]
async fn a_fork_and_a_replay_are_made_once_under_a_key() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let at = ForkPoint::Checkpoint(checkpoint(&world, 1).await);
    let fork = ForkThread { at, idempotency: key("fork", "f"), by: "ada".into() };
    let first = world.handle.fork_thread(&tenant(), fork.clone()).await.unwrap();
    let again = world.handle.fork_thread(&tenant(), fork).await.unwrap();
    assert_eq!((again.checkpoint, again.replayed), (first.checkpoint, true));
    let replay = || wforge_engine::ContinueFrom { idempotency: key("go", "f"), ..from(at) };
    let first = world.handle.continue_from(&tenant(), replay()).await.unwrap();
    world.handle.wait(&tenant(), first.run, WaitFor::Settled).await.unwrap();
    let again = world.handle.continue_from(&tenant(), replay()).await.unwrap();
    assert_eq!((again.run, again.replayed), (first.run, true));
    assert_eq!(world.calls(), ["a", "b", "b"]);
}

#[tokio::test]
async fn a_migration_is_made_once_under_a_key_and_says_the_same_again() {
    let world = World::new(ok);
    run(&world, request(ASKS)).await;
    let newer = ASKS.replace("answer: {}", "answer: {}, more: { default: 1 }");
    let ask = || MigrateThread { idempotency: key("m", "f"), ..to(&newer, false, true) };
    let first = world.handle.migrate(&tenant(), thread(1), ask()).await.unwrap();
    let runs = world.handle.heads(&tenant(), None, 99).await.unwrap().len();
    let again = world.handle.migrate(&tenant(), thread(1), ask()).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(wforge_engine::Migrated { replayed: false, ..again }, first);
    assert_eq!(world.handle.heads(&tenant(), None, 99).await.unwrap().len(), runs);
    let head = world.handle.head(&tenant(), first.continued.unwrap()).await.unwrap();
    assert_eq!(head.status, RunStatus::Waiting);
}
