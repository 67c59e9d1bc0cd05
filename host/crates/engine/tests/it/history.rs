//! The borders of a thread: what they show, and what begins at them.

use std::sync::Arc;

use serde_json::{Value, json};
use wforge_engine::{
    ContinueFrom, EngineError, ForkPoint, MigrateThread, StartRun, UpdateAs, UpdateGiven,
    UpdateState, WaitFor, WorkflowChoice,
};
use wforge_model::checkpoint::Durability;
use wforge_model::event::Write;
use wforge_model::head::RunStatus;
use wforge_model::{Checkpoint, RunId, ThreadId};

use crate::harness::{World, draft_of, object, ok, request, tenant};

/// Two agents that note the word, one after the other.
const CHAIN: &str = "
state: { log: { reducer: append }, word: {} }
input: [word]
output: []
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a:' + state.word\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b:' + state.word\"] } }
edges: [{ from: START, to: a }, { from: a, to: b }]
";

/// An agent, then a question.
const ASKS: &str = "
state: { log: { reducer: append }, answer: {} }
input: []
output: []
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  ask: { ask: { prompt: 'Go on?' }, out: { answer: result, log: [\"'asked'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: a }, { from: a, to: ask }, { from: ask, to: b }]
";

fn thread(number: u8) -> ThreadId {
    ThreadId::from_bytes([number; 16])
}

async fn run(world: &World, wanted: StartRun) -> RunId {
    let wanted = StartRun { thread: Some(thread(1)), ..wanted };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

fn word(word: &str) -> StartRun {
    StartRun { input: object(&format!("{{\"word\": \"{word}\"}}")), ..request(CHAIN) }
}

/// A line for each border: source, step, the log, what is next.
async fn story(world: &World, of: ThreadId) -> Vec<String> {
    let borders = world.handle.history(&tenant(), of, None, 99).await.unwrap();
    let (_, newer) = borders.split_last().unwrap();
    assert!(newer.iter().all(|border| border.parent.is_some()), "{newer:?}");
    borders
        .iter()
        .map(|border| {
            let source = serde_json::to_value(border.source).unwrap();
            let next: Vec<&str> = border.next.iter().map(|node| node.as_str()).collect();
            let log = border.state.get("log").unwrap();
            format!("{} {} {log} -> {}", source.as_str().unwrap(), border.step, next.join(","))
        })
        .collect()
}

async fn checkpoint(world: &World, place: usize) -> Checkpoint {
    let borders = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    borders.get(place).unwrap().checkpoint
}

fn write(key: &str, value: Value) -> Write {
    Write { key: key.parse().unwrap(), value, overwrite: false }
}

async fn update(
    world: &World,
    at: ForkPoint,
    writes: Vec<Write>,
    as_node: UpdateAs,
) -> Result<Checkpoint, EngineError> {
    let steps = vec![vec![UpdateGiven { writes, as_node }]];
    let update = UpdateState { at, workflow: None, steps, by: "ada".into() };
    world.handle.update_state(&tenant(), update).await
}

async fn go_on(world: &World, at: ForkPoint) -> RunId {
    let wanted = ContinueFrom {
        at,
        answers: std::collections::BTreeMap::new(),
        durability: Durability::Sync,
        steps: None,
        by: "ada".into(),
    };
    let run = world.handle.continue_from(&tenant(), wanted).await.unwrap();
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

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
    let update = UpdateState { at, workflow, steps, by: "ada".into() };
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
async fn a_pruned_thread_shows_its_newest_border_and_goes_on() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let after_a = checkpoint(&world, 1).await;
    let branch = go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    let first = checkpoint(&world, 4).await;
    run(&world, word("y")).await;
    go_on(&world, ForkPoint::Checkpoint(first)).await;
    world.handle.prune_thread(&tenant(), thread(1), "ada").await.unwrap();
    assert_eq!(story(&world, thread(1)).await, ["fork 0 [\"a:x\",\"b:x\"] -> "]);
    assert!(world.handle.head(&tenant(), branch).await.is_err(), "nothing goes on from it");
    let world = world.restart(ok).await;
    let last = run(&world, word("z")).await;
    let state = world.handle.state(&tenant(), last).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:z", "b:z"]));
}

fn to(text: &str, dry_run: bool, restart_tasks: bool) -> MigrateThread {
    MigrateThread {
        to: WorkflowChoice::Draft(Arc::new(draft_of("test", "2.0.0", text))),
        workflows: Vec::new(),
        plugins: request(CHAIN).plugins,
        dry_run,
        restart_tasks,
        by: "ada".into(),
    }
}

#[tokio::test]
async fn a_thread_goes_on_with_another_version_after_its_migration() {
    let world = World::new(ok);
    run(&world, word("x")).await;
    let newer = CHAIN.replace("word: {}", "word: {}, more: { default: 1 }").replace("b:'", "c:'");
    let dry = world.handle.migrate(&tenant(), thread(1), to(&newer, true, false)).await.unwrap();
    let names = |keys: &[wforge_model::Key]| {
        keys.iter().map(|key| key.as_str().to_owned()).collect::<Vec<_>>().join(",")
    };
    assert_eq!(
        (names(&dry.difference.added), names(&dry.difference.kept), dry.checkpoint),
        ("more".into(), "log,word".into(), None)
    );
    world.handle.migrate(&tenant(), thread(1), to(&newer, false, false)).await.unwrap();
    let wanted = StartRun {
        workflow: WorkflowChoice::Draft(Arc::new(draft_of("test", "2.0.0", &newer))),
        ..word("y")
    };
    let last = run(&world, wanted).await;
    let state = world.handle.state(&tenant(), last).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:y", "c:y"]));
    assert!(story(&world, thread(1)).await.contains(&"migrate 0 [\"a:x\",\"b:x\"] -> ".to_owned()));
}

#[tokio::test]
async fn a_migration_is_refused_where_values_misfit_or_tasks_are_open() {
    let world = World::new(ok);
    run(&world, request(ASKS)).await;
    let newer = ASKS.replace("\"'b'\"", "\"'c'\"");
    let open = world.handle.migrate(&tenant(), thread(1), to(&newer, false, false)).await;
    assert!(matches!(open, Err(EngineError::Conflict { code: "open_tasks", .. })), "{open:?}");
    let wrong =
        newer.replace("log: { reducer: append }", "log: { schema: { type: array, maxItems: 0 } }");
    let misfit = world.handle.migrate(&tenant(), thread(1), to(&wrong, false, true)).await;
    let Err(EngineError::Invalid { code: "migration_misfit", details, .. }) = misfit else {
        panic!("{misfit:?}");
    };
    assert!(details[0].starts_with("state.log: "), "{details:?}");
    let done = world.handle.migrate(&tenant(), thread(1), to(&newer, false, true)).await.unwrap();
    let again = done.continued.unwrap();
    let head = world.handle.wait(&tenant(), again, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Waiting);
}
