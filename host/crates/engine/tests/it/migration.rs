//! A thread that goes on with another version of its workflow.

use std::sync::Arc;

use serde_json::json;
use wforge_engine::{
    AnswerGiven, AnswerTo, EngineError, ForkPoint, MigrateThread, StartRun, WaitFor, WorkflowChoice,
};
use wforge_model::RunId;
use wforge_model::head::RunStatus;

use crate::harness::{World, draft_of, ok, request, tenant};
use crate::thread_world::{ASKS, CHAIN, go_on, run, story, thread, to, word};

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

/// Two questions at once.
const BOTH: &str = "
state: { log: { reducer: append } }
input: []
output: []
nodes:
  first: { ask: { prompt: 'First?' }, out: { log: [result] } }
  second: { ask: { prompt: 'Second?' }, out: { log: [result] } }
edges: [{ from: START, to: [first, second] }]
";

async fn answer(world: &World, run: RunId, node: &str, answer: &str) {
    let to = AnswerTo::Node(node.parse().unwrap());
    let answers = vec![AnswerGiven { to, answer: json!(answer) }];
    world.handle.resume(&tenant(), run, answers, "ada").await.unwrap();
}

/// The prompts that are open.
async fn open(world: &World, run: RunId) -> Vec<String> {
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    head.questions().map(|(_, question)| question.prompt.clone()).collect()
}

#[tokio::test]
async fn tasks_that_begin_again_ask_only_what_nobody_has_answered() {
    let world = World::new(ok);
    let asks = run(&world, request(BOTH)).await;
    answer(&world, asks, "first", "one").await;
    let newer = BOTH.replace("log: { reducer: append }", "log: { reducer: append }, more: {}");
    let dry = world.handle.migrate(&tenant(), thread(1), to(&newer, true, true)).await.unwrap();
    let told = |migrated: &wforge_engine::Migrated| {
        let fate = |fate: &wforge_graph::AnswerFate| format!("{} {}", fate.node, fate.kept);
        migrated.answers.iter().map(fate).collect::<Vec<_>>()
    };
    assert_eq!(told(&dry), ["first true"]);
    let done = world.handle.migrate(&tenant(), thread(1), to(&newer, false, true)).await.unwrap();
    assert_eq!(told(&done), ["first true"]);
    let again = done.continued.unwrap();
    assert_eq!(open(&world, again).await, ["Second?"]);
    let world = world.restart(ok).await;
    assert_eq!(open(&world, again).await, ["Second?"], "the answer is in the run's own log");
    // And once more, from a run that was handed the answer.
    let third = newer.replace("more: {}", "more: {}, most: {}");
    let third = MigrateThread {
        to: WorkflowChoice::Draft(Arc::new(draft_of("test", "3.0.0", &third))),
        ..to(&newer, false, true)
    };
    let done = world.handle.migrate(&tenant(), thread(1), third).await.unwrap();
    let last = done.continued.unwrap();
    assert_eq!(open(&world, last).await, ["Second?"]);
    answer(&world, last, "second", "two").await;
    world.handle.wait(&tenant(), last, WaitFor::Settled).await.unwrap();
    let state = world.handle.state(&tenant(), last).await.unwrap();
    assert_eq!(state["log"], json!(["one", "two"]));
    // A replay is a fork: it asks everything.
    let view = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    let begun = view.iter().find(|border| border.checkpoint.run == last).unwrap();
    let at = view.iter().rfind(|border| border.checkpoint.run == last).unwrap().checkpoint;
    assert_ne!(begun.checkpoint, at);
    let replayed = go_on(&world, ForkPoint::Checkpoint(at)).await;
    assert_eq!(open(&world, replayed).await, ["First?", "Second?"]);
}

#[tokio::test]
async fn a_question_that_is_another_is_asked_and_the_dry_run_says_so() {
    let world = World::new(ok);
    let asks = run(&world, request(BOTH)).await;
    answer(&world, asks, "first", "one").await;
    let newer = BOTH.replace("First?", "Really first?");
    let dry = world.handle.migrate(&tenant(), thread(1), to(&newer, true, true)).await.unwrap();
    let why = dry.answers[0].why.clone().unwrap();
    assert_eq!((dry.answers[0].kept, why.as_str()), (false, "its question is another there"));
    let done = world.handle.migrate(&tenant(), thread(1), to(&newer, false, true)).await.unwrap();
    assert_eq!(open(&world, done.continued.unwrap()).await, ["Really first?", "Second?"]);
}
