//! The borders of a thread: what they show, and what begins at them.

use serde_json::json;
use wforge_engine::{
    EngineError, ForkPoint, ForkThread, StartRun, UpdateAs, UpdateGiven, UpdateState, WaitFor,
};
use wforge_model::checkpoint::Durability;
use wforge_model::head::RunStatus;

use crate::harness::{World, ok, request, tenant};
use crate::thread_world::{
    ASKS, CHAIN, checkpoint, go_on, run, story, thread, update, word, write,
};

#[tokio::test]
async fn a_history_has_every_border_newest_first_and_in_pages() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    run(&world, StartRun { durability: Durability::Exit, ..word("y") }).await;
    assert_eq!(
        story(&world, thread(1)).await,
        [
            "loop 2 [\"a:x\",\"b:x\",\"a:y\",\"b:y\"] -> ",
            "loop 2 [\"a:x\",\"b:x\"] -> ",
            "loop 1 [\"a:x\"] -> b",
            "input 0 [] -> a",
        ]
    );
    let all = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    let mut paged = Vec::new();
    while let Some(next) = {
        let before = paged.last().map(|b: &wforge_engine::CheckpointView| b.checkpoint);
        world.handle.history(&tenant(), thread(1), before, 1).await.unwrap().pop()
    } {
        paged.push(next);
    }
    assert_eq!(paged, all);
    assert_eq!(all[2].tasks[0].result.as_ref().unwrap()[0].value, json!(["b:x"]));
    let view = world.handle.thread(&tenant(), thread(1)).await.unwrap();
    assert_eq!((view.checkpoint, view.next), (Some(all[0].checkpoint), Vec::new()));
    assert_eq!(view.status, Some(RunStatus::Completed));
    let listed = world.handle.threads(&tenant(), None, 9).await.unwrap();
    assert_eq!(listed.len(), 1);
    let other = "other".parse().unwrap();
    assert!(world.handle.thread(&other, thread(1)).await.is_err());
}

#[tokio::test]
async fn a_replay_runs_what_came_after_a_border_and_keeps_the_branch_that_was_there() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let after_a = checkpoint(&world, 1).await;
    go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    assert_eq!(world.calls(), ["a", "b", "b"]);
    assert_eq!(
        story(&world, thread(1)).await,
        [
            "loop 1 [\"a:x\",\"b:x\"] -> ",
            "fork 0 [\"a:x\"] -> b",
            "loop 2 [\"a:x\",\"b:x\"] -> ",
            "loop 1 [\"a:x\"] -> b",
            "input 0 [] -> a",
        ]
    );
    let borders = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    assert_eq!(borders[1].parent, Some(after_a));
}

#[tokio::test]
async fn an_update_counts_as_its_node_and_what_follows_from_it_is_next() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let after_a = ForkPoint::Checkpoint(checkpoint(&world, 1).await);
    let node = UpdateAs::Node("a".parse().unwrap());
    let made = update(&world, after_a, vec![write("log", json!(["mine"]))], node).await.unwrap();
    let view = world.handle.thread(&tenant(), thread(1)).await.unwrap();
    assert_eq!((view.checkpoint, view.state["log"].clone()), (Some(made), json!(["a:x", "mine"])));
    assert_eq!(view.next, ["b".parse().unwrap()]);
    let forked = go_on(&world, ForkPoint::Thread(thread(1))).await;
    let state = world.handle.state(&tenant(), forked).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "mine", "b:x"]));
    let end = update(&world, ForkPoint::Thread(thread(1)), Vec::new(), UpdateAs::End).await;
    assert!(end.is_ok());
    let last = update(&world, after_a, vec![write("word", json!("y"))], UpdateAs::LastWriter).await;
    assert!(last.is_ok(), "{last:?}");
    let wrong = update(&world, after_a, vec![write("none", json!(1))], UpdateAs::Input).await;
    assert!(matches!(wrong, Err(EngineError::Invalid { code: "unknown_key", .. })), "{wrong:?}");
}

#[tokio::test]
async fn an_update_in_nobodys_name_after_two_writers_is_ambiguous() {
    let both = "
state: { log: { reducer: append } }
input: []
output: []
nodes:
  a: { set: { log: [\"'a'\"] } }
  b: { set: { log: [\"'b'\"] } }
edges: [{ from: START, to: [a, b] }]
";
    let world = World::new(ok);
    run(&world, request(both)).await;
    let at = ForkPoint::Thread(thread(1));
    let refused = update(&world, at, vec![write("log", json!([1]))], UpdateAs::LastWriter).await;
    let Err(EngineError::Invalid { code: "ambiguous_update", message, details }) = refused else {
        panic!("{refused:?}");
    };
    assert!(message.contains("specify as_node") && details == ["a", "b"], "{message} {details:?}");
}

#[tokio::test]
async fn an_update_supersedes_a_run_that_waits_for_a_person() {
    let world = World::new(ok);
    let waits = run(&world, request(ASKS)).await;
    let view = world.handle.thread(&tenant(), thread(1)).await.unwrap();
    assert_eq!((view.status, view.next), (Some(RunStatus::Waiting), vec!["ask".parse().unwrap()]));
    assert_eq!(view.tasks[0].interrupts[0].prompt, "Go on?");
    let node = UpdateAs::Node("ask".parse().unwrap());
    let at = ForkPoint::Thread(thread(1));
    update(&world, at, vec![write("log", json!(["mine"]))], node).await.unwrap();
    let head = world.handle.head(&tenant(), waits).await.unwrap();
    assert_eq!(head.status, RunStatus::Cancelled);
    let after = go_on(&world, at).await;
    let state = world.handle.state(&tenant(), after).await.unwrap();
    assert_eq!(state["log"], json!(["a", "mine", "b"]));
}

#[tokio::test]
async fn several_super_steps_can_be_written_at_once_also_on_a_thread_without_runs() {
    let world = World::new(ok);
    let as_input =
        UpdateGiven { writes: vec![write("word", json!("x"))], as_node: UpdateAs::Input };
    let as_a = UpdateGiven {
        writes: vec![write("log", json!(["given"]))],
        as_node: UpdateAs::Node("a".parse().unwrap()),
    };
    let workflow = Some(request(CHAIN).workflow);
    let steps = vec![vec![as_input], vec![as_a]];
    let at = ForkPoint::Thread(thread(1));
    let mocked = CHAIN.replace("t/a", "mock").replace("t/b", "mock");
    let workflow = workflow.map(|_| request(&mocked).workflow);
    let update = UpdateState { at, workflow, steps, idempotency: None, by: "ada".into() };
    world.handle.update_state(&tenant(), update).await.unwrap();
    assert_eq!(story(&world, thread(1)).await, ["update 0 [\"given\"] -> b", "update 0 [] -> a"]);
}

#[tokio::test]
async fn a_copy_goes_its_own_way() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    world.handle.copy_thread(&tenant(), thread(1), thread(2), "ada").await.unwrap();
    let again = world.handle.copy_thread(&tenant(), thread(1), thread(2), "ada").await;
    assert!(matches!(again, Err(EngineError::Conflict { code: "thread_exists", .. })));
    let wanted = StartRun { thread: Some(thread(2)), ..word("y") };
    let copied = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), copied, WaitFor::Settled).await.unwrap();
    let state = world.handle.state(&tenant(), copied).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:y", "b:y"]));
    let first = world.handle.thread(&tenant(), thread(1)).await.unwrap();
    assert_eq!(first.state["log"], json!(["a:x", "b:x"]));
}

#[tokio::test]
async fn a_fork_without_a_write_stands_beside_the_border_that_it_copies() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let (after_a, first) = (checkpoint(&world, 1).await, checkpoint(&world, 2).await);
    let fork = |at| ForkThread { at, idempotency: None, by: "ada".into() };
    let at = ForkPoint::Checkpoint(after_a);
    let made = world.handle.fork_thread(&tenant(), fork(at)).await.unwrap().checkpoint;
    let borders = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    assert_eq!((borders[0].checkpoint, borders[0].parent), (made, Some(first)));
    assert_eq!(world.calls(), ["a", "b"], "a fork runs nothing by itself");
    let at = ForkPoint::Checkpoint(made);
    let again = world.handle.fork_thread(&tenant(), fork(at)).await.unwrap().checkpoint;
    let borders = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    assert_eq!((borders[0].checkpoint, borders[0].parent), (again, Some(first)));
    let forked = go_on(&world, ForkPoint::Thread(thread(1))).await;
    let state = world.handle.state(&tenant(), forked).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x"]));
    assert_eq!(world.calls(), ["a", "b", "b"], "what was to be done at the border is done again");
    let nowhere = fork(ForkPoint::Thread(thread(9)));
    let nowhere = world.handle.fork_thread(&tenant(), nowhere).await;
    assert!(matches!(nowhere, Err(EngineError::NotFound { kind: "thread", .. })), "{nowhere:?}");
}
