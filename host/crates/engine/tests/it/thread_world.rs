//! A thread with borders, and what is done with them: for the tests of what comes of it.

use std::sync::Arc;

use serde_json::Value;
use wforge_engine::{
    ContinueFrom, EngineError, ForkPoint, MigrateThread, StartRun, UpdateAs, UpdateGiven,
    UpdateState, WaitFor, WorkflowChoice,
};
use wforge_model::checkpoint::Durability;
use wforge_model::event::Write;
use wforge_model::{Checkpoint, RunId, ThreadId};

use crate::harness::{World, draft_of, object, request, tenant};

/// Two agents that note the word, one after the other.
pub(crate) const CHAIN: &str = "
state: { log: { reducer: append }, word: {} }
input: [word]
output: []
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a:' + state.word\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b:' + state.word\"] } }
edges: [{ from: START, to: a }, { from: a, to: b }]
";

/// An agent, then a question.
pub(crate) const ASKS: &str = "
state: { log: { reducer: append }, answer: {} }
input: []
output: []
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  ask: { ask: { prompt: 'Go on?' }, out: { answer: result, log: [\"'asked'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: a }, { from: a, to: ask }, { from: ask, to: b }]
";

pub(crate) fn thread(number: u8) -> ThreadId {
    ThreadId::from_bytes([number; 16])
}

pub(crate) async fn run(world: &World, wanted: StartRun) -> RunId {
    let wanted = StartRun { thread: Some(thread(1)), ..wanted };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

pub(crate) fn word(word: &str) -> StartRun {
    StartRun { input: object(&format!("{{\"word\": \"{word}\"}}")), ..request(CHAIN) }
}

/// A line for each border: source, step, the log, what is next.
pub(crate) async fn story(world: &World, of: ThreadId) -> Vec<String> {
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

pub(crate) async fn checkpoint(world: &World, place: usize) -> Checkpoint {
    let borders = world.handle.history(&tenant(), thread(1), None, 99).await.unwrap();
    borders.get(place).unwrap().checkpoint
}

pub(crate) fn write(key: &str, value: Value) -> Write {
    Write { key: key.parse().unwrap(), value, overwrite: false }
}

pub(crate) async fn update(
    world: &World,
    at: ForkPoint,
    writes: Vec<Write>,
    as_node: UpdateAs,
) -> Result<Checkpoint, EngineError> {
    let steps = vec![vec![UpdateGiven { writes, as_node }]];
    let (workflow, idempotency) = (None, None);
    let update = UpdateState { at, workflow, steps, idempotency, by: "ada".into() };
    world.handle.update_state(&tenant(), update).await.map(|made| made.checkpoint)
}

pub(crate) fn from(at: ForkPoint) -> ContinueFrom {
    ContinueFrom {
        at,
        answers: std::collections::BTreeMap::new(),
        durability: Durability::Sync,
        steps: None,
        idempotency: None,
        by: "ada".into(),
    }
}

pub(crate) async fn go_on(world: &World, at: ForkPoint) -> RunId {
    let run = world.handle.continue_from(&tenant(), from(at)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

pub(crate) fn to(text: &str, dry_run: bool, restart_tasks: bool) -> MigrateThread {
    MigrateThread {
        to: WorkflowChoice::Draft(Arc::new(draft_of("test", "2.0.0", text))),
        workflows: Vec::new(),
        plugins: request(CHAIN).plugins,
        dry_run,
        restart_tasks,
        idempotency: None,
        by: "ada".into(),
    }
}
