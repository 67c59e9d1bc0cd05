//! Threads that are tidied up: what their history lists, what is gone, and what stays since others
//! go on from it.

use std::num::NonZeroU32;

use serde_json::json;
use wforge_engine::{EngineError, ForkPoint, KeepBorders, Pruned};
use wforge_model::head::RunStatus;

use crate::harness::{World, ok, request, tenant};
use crate::thread_world::{ASKS, checkpoint, go_on, run, story, thread, word};

async fn prune(world: &World, keep: KeepBorders) -> Result<Pruned, EngineError> {
    world.handle.prune_thread(&tenant(), thread(1), keep, "ada").await
}

fn newest(count: u32) -> KeepBorders {
    KeepBorders::Newest(NonZeroU32::new(count).unwrap())
}

/// What pruning says: kept, removed, needed.
fn told(pruned: &Pruned) -> (u64, u64, u64) {
    (pruned.kept, pruned.runs_removed, pruned.runs_needed)
}

#[tokio::test]
async fn a_pruned_thread_shows_its_newest_border_and_goes_on() {
    let world = World::new(ok);
    let first_run = run(&world, word("x")).await;
    let after_a = checkpoint(&world, 1).await;
    let branch = go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    let first = checkpoint(&world, 4).await;
    run(&world, word("y")).await;
    let last = go_on(&world, ForkPoint::Checkpoint(first)).await;
    let pruned = prune(&world, newest(1)).await.unwrap();
    assert_eq!(told(&pruned), (1, 2, 1), "the branch and the run from it go");
    assert_eq!(pruned.checkpoint.run, last);
    assert_eq!(story(&world, thread(1)).await, ["loop 2 [\"a:x\",\"b:x\"] -> "]);
    assert!(world.handle.head(&tenant(), branch).await.is_err(), "nothing goes on from it");
    assert!(world.handle.head(&tenant(), first_run).await.is_ok(), "the last one goes on from it");
    let world = world.restart(ok).await;
    let last = run(&world, word("z")).await;
    let state = world.handle.state(&tenant(), last).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:z", "b:z"]));
}

#[tokio::test]
async fn so_many_of_the_newest_borders_are_kept_also_within_a_run() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    run(&world, word("y")).await;
    let whole = story(&world, thread(1)).await;
    for kept in [9, 5, 5, 2] {
        let pruned = prune(&world, newest(kept)).await.unwrap();
        let shown = story(&world, thread(1)).await;
        assert_eq!(shown, whole[..whole.len().min(kept as usize)], "of {kept}");
        assert_eq!(pruned.kept, shown.len() as u64);
        assert_eq!(pruned.runs_removed, 0, "the second goes on from the first");
    }
    let world = world.restart(ok).await;
    assert_eq!(story(&world, thread(1)).await, whole[..2]);
    let page = world.handle.history(&tenant(), thread(1), None, 1).await.unwrap();
    let before = page.last().map(|border| border.checkpoint);
    let rest = world.handle.history(&tenant(), thread(1), before, 9).await.unwrap();
    assert_eq!(rest.len(), 1, "pages end where the history does");
}

#[tokio::test]
async fn what_came_before_a_border_goes_and_one_that_is_not_listed_is_refused() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let (after_a, first) = (checkpoint(&world, 1).await, checkpoint(&world, 2).await);
    let pruned = prune(&world, KeepBorders::From(after_a)).await.unwrap();
    assert_eq!((pruned.checkpoint, pruned.kept), (after_a, 2));
    assert_eq!(story(&world, thread(1)).await.len(), 2);
    let gone = prune(&world, KeepBorders::From(first)).await;
    assert!(matches!(gone, Err(EngineError::NotFound { kind: "checkpoint", .. })), "{gone:?}");
    let nobody = world.handle.prune_thread(&tenant(), thread(9), newest(1), "ada").await;
    assert!(matches!(nobody, Err(EngineError::NotFound { kind: "thread", .. })), "{nobody:?}");
}

#[tokio::test]
async fn a_run_that_waits_for_a_person_goes_on_waiting() {
    let world = World::new(ok);
    let waits = run(&world, request(ASKS)).await;
    let pruned = prune(&world, newest(1)).await.unwrap();
    assert_eq!((pruned.checkpoint.run, pruned.kept), (waits, 1));
    let head = world.handle.head(&tenant(), waits).await.unwrap();
    assert_eq!((head.status, head.questions().count()), (RunStatus::Waiting, 1));
    let all = wforge_engine::InboxQuery { limit: 9, ..wforge_engine::InboxQuery::default() };
    let (inbox, _) = world.handle.inbox(&tenant(), &all).await.unwrap();
    assert_eq!(inbox.len(), 1);
    let answers = vec![wforge_engine::AnswerGiven {
        to: wforge_engine::AnswerTo::Only,
        answer: json!("yes"),
    }];
    world.handle.resume(&tenant(), waits, answers, "ada").await.unwrap();
    let head = world.handle.wait(&tenant(), waits, wforge_engine::WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let audit = world.store().audit(&tenant(), 0, 9).await.unwrap();
    assert!(audit.iter().any(|entry| entry.entry.action == "thread.prune"), "{audit:?}");
}
