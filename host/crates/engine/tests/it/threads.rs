//! Runs of a thread: each goes on from the one before, one at a time.

use serde_json::{Value, json};
use wforge_engine::{CancelRun, EngineError, Multitask, StartRun, WaitFor};
use wforge_model::agent::AgentCall;
use wforge_model::head::RunStatus;
use wforge_model::{RunId, ThreadId};

use crate::harness::{Answer, World, object, ok, request, tenant};

/// Two steps that each note the word of the run.
const WORDS: &str = "
state: { log: { reducer: append }, word: {} }
input: [word]
output: []
nodes:
  a: { agent: t/a, in: {}, out: { log: ['state.word + \"1\"'] } }
  b: { agent: t/b, in: {}, out: { log: ['state.word + \"2\"'] } }
edges: [{ from: START, to: a }, { from: a, to: b }]
";

fn thread() -> ThreadId {
    ThreadId::from_bytes([1; 16])
}

fn say(word: &str, multitask: Multitask) -> StartRun {
    StartRun {
        thread: Some(thread()),
        multitask,
        input: object(&format!("{{\"word\": \"{word}\"}}")),
        ..request(WORDS)
    }
}

async fn start(world: &World, wanted: StartRun) -> RunId {
    world.handle.start(&tenant(), wanted).await.unwrap().run
}

async fn ended(world: &World, run: RunId) -> RunStatus {
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap().status
}

async fn log(world: &World, run: RunId) -> Value {
    world.handle.state(&tenant(), run).await.unwrap().get("log").unwrap().clone()
}

/// Hangs in the second step of the first run, and answers everything else.
fn hang_once(call: &AgentCall) -> Answer {
    let is_first = call.step == 2 && call.context == json!("first");
    if is_first { Answer::Hang } else { ok(call) }
}

/// The first run, at its second step.
async fn under_way(world: &World) -> RunId {
    let first = StartRun { context: json!("first"), ..say("first", Multitask::Enqueue) };
    let run = start(world, first).await;
    world.until(|world| world.calls() == ["a", "b"]).await;
    run
}

#[tokio::test]
async fn a_run_goes_on_from_the_state_of_the_one_before_also_over_a_restart() {
    let world = World::new(ok);
    let one = start(&world, say("one", Multitask::Reject)).await;
    assert_eq!(ended(&world, one).await, RunStatus::Completed);
    let two = start(&world, say("two", Multitask::Reject)).await;
    assert_eq!(ended(&world, two).await, RunStatus::Completed);
    assert_eq!(log(&world, two).await, json!(["one1", "one2", "two1", "two2"]));
    let world = world.restart(ok).await;
    let three = start(&world, say("three", Multitask::Reject)).await;
    assert_eq!(ended(&world, three).await, RunStatus::Completed);
    let all = json!(["one1", "one2", "two1", "two2", "three1", "three2"]);
    assert_eq!(log(&world, three).await, all);
    assert_eq!(log(&world, one).await, json!(["one1", "one2"]));
}

#[tokio::test]
async fn a_thread_goes_on_with_its_workflow_and_no_other() {
    let world = World::new(ok);
    let one = start(&world, say("one", Multitask::Enqueue)).await;
    ended(&world, one).await;
    let other = StartRun {
        thread: Some(thread()),
        input: object("{\"word\": \"x\"}"),
        ..request(&WORDS.replace("\"2\"", "\"3\""))
    };
    match world.handle.start(&tenant(), other).await {
        Err(EngineError::Conflict { code: "thread_version", message }) => {
            assert!(message.contains("wforge workflow migrate"), "{message}");
        }
        outcome => panic!("{outcome:?}"),
    }
}

#[tokio::test]
async fn a_busy_thread_refuses_whoever_wants_to_be_refused() {
    let world = World::new(hang_once);
    under_way(&world).await;
    let refused = world.handle.start(&tenant(), say("two", Multitask::Reject)).await;
    assert!(matches!(refused, Err(EngineError::Conflict { code: "thread_busy", .. })));
    assert_eq!(world.handle.heads(&tenant(), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn runs_wait_for_their_turn_and_begin_in_their_order() {
    let world = World::new(hang_once);
    let first = under_way(&world).await;
    let second = start(&world, say("second", Multitask::Enqueue)).await;
    let third = start(&world, say("third", Multitask::Enqueue)).await;
    let head = world.handle.head(&tenant(), third).await.unwrap();
    assert_eq!((head.status, head.thread), (RunStatus::Queued, Some(thread())));
    let cancel = CancelRun { reason: "enough".into(), ..CancelRun::default() };
    world.handle.cancel(&tenant(), first, cancel).await.unwrap();
    assert_eq!(ended(&world, third).await, RunStatus::Completed);
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    let all = json!(["first1", "second1", "second2", "third1", "third2"]);
    assert_eq!(log(&world, third).await, all);
}

#[tokio::test]
async fn the_queue_goes_on_after_a_restart() {
    let world = World::new(hang_once);
    under_way(&world).await;
    let second = start(&world, say("second", Multitask::Enqueue)).await;
    let third = start(&world, say("third", Multitask::Enqueue)).await;
    let world = world.restart(ok).await;
    assert_eq!(ended(&world, third).await, RunStatus::Completed);
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    let all = json!(["first1", "first2", "second1", "second2", "third1", "third2"]);
    assert_eq!(log(&world, third).await, all);
}

#[tokio::test]
async fn a_run_that_waits_can_be_cancelled_and_one_that_cannot_begin_fails() {
    let world = World::new(hang_once);
    let first = under_way(&world).await;
    let second = start(&world, say("second", Multitask::Enqueue)).await;
    let mut wrong = say("third", Multitask::Enqueue);
    wrong.input = object("{\"other\": 1}");
    let wrong = start(&world, wrong).await;
    let last = start(&world, say("last", Multitask::Enqueue)).await;
    let cancel = |reason: &str| CancelRun { reason: reason.into(), ..CancelRun::default() };
    world.handle.cancel(&tenant(), second, cancel("no")).await.unwrap();
    let row = world.store().thread(&tenant(), thread()).await.unwrap().unwrap().row;
    assert_eq!((row.head, row.queue), (Some(first), vec![wrong, last]));
    world.handle.cancel(&tenant(), first, cancel("enough")).await.unwrap();
    assert_eq!(ended(&world, last).await, RunStatus::Completed);
    assert_eq!(ended(&world, wrong).await, RunStatus::Failed);
    assert_eq!(ended(&world, second).await, RunStatus::Cancelled);
    assert_eq!(log(&world, last).await, json!(["first1", "last1", "last2"]));
}

#[tokio::test]
async fn an_interrupted_run_keeps_its_steps_and_the_new_one_goes_on_from_them() {
    let world = World::new(hang_once);
    let first = under_way(&world).await;
    let second = start(&world, say("second", Multitask::Interrupt)).await;
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    assert_eq!(ended(&world, first).await, RunStatus::Cancelled);
    assert_eq!(log(&world, second).await, json!(["first1", "second1", "second2"]));
}

#[tokio::test]
async fn a_run_that_is_taken_back_leaves_no_trace_in_the_state_and_stays_on_the_disk() {
    let world = World::new(hang_once);
    let zero = start(&world, say("zero", Multitask::Enqueue)).await;
    ended(&world, zero).await;
    world.agents.calls.lock().unwrap().clear();
    let first = under_way(&world).await;
    let second = start(&world, say("second", Multitask::Rollback)).await;
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    assert_eq!(ended(&world, first).await, RunStatus::RolledBack);
    let all = json!(["zero1", "zero2", "second1", "second2"]);
    assert_eq!(log(&world, second).await, all);
    let row = world.store().thread(&tenant(), thread()).await.unwrap().unwrap().row;
    assert_eq!((row.head, row.removed), (Some(second), vec![first]));
    assert_eq!(log(&world, first).await, json!(["zero1", "zero2", "first1"]));
}

#[tokio::test]
async fn a_thread_whose_only_run_was_taken_back_begins_anew() {
    let world = World::new(hang_once);
    let first = under_way(&world).await;
    let cancel = CancelRun { reason: "no".into(), roll_back: true, by: "ada".into() };
    world.handle.cancel(&tenant(), first, cancel).await.unwrap();
    let second = start(&world, say("second", Multitask::Reject)).await;
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    assert_eq!(log(&world, second).await, json!(["second1", "second2"]));
}

#[tokio::test]
async fn only_the_newest_run_of_a_thread_is_taken_up_again() {
    let fails = |call: &AgentCall| {
        let fails = call.context == json!("fails") && call.step == 2 && call.attempt == 1;
        if fails { crate::harness::upstream() } else { ok(call) }
    };
    let world = World::new(fails);
    let failing = |word: &str| StartRun { context: json!("fails"), ..say(word, Multitask::Reject) };
    let first = start(&world, failing("first")).await;
    assert_eq!(ended(&world, first).await, RunStatus::Failed);
    let second = start(&world, failing("second")).await;
    assert_eq!(ended(&world, second).await, RunStatus::Failed);
    let refused = world.handle.revive(&tenant(), first, "ada").await;
    assert!(matches!(refused, Err(EngineError::Conflict { code: "not_thread_head", .. })));
    world.handle.revive(&tenant(), second, "ada").await.unwrap();
    assert_eq!(ended(&world, second).await, RunStatus::Completed);
    let third = start(&world, say("third", Multitask::Reject)).await;
    assert_eq!(ended(&world, third).await, RunStatus::Completed);
    let all = json!(["first1", "second1", "second2", "third1", "third2"]);
    assert_eq!(log(&world, third).await, all);
}

/// The bytes that the log and the snapshots of a thread take after so many turns of one kilobyte.
async fn stored_bytes(turns: usize) -> usize {
    let chat = "
state: { messages: { reducer: append }, said: {} }
input: [said]
output: []
nodes:
  a: { set: { messages: ['state.said'] } }
edges: [{ from: START, to: a }]
";
    let world = World::new(ok);
    let said = "x".repeat(1_000);
    let mut last = None;
    for _ in 0..turns {
        let wanted = StartRun {
            thread: Some(thread()),
            input: object(&format!("{{\"said\": \"{said}\"}}")),
            ..request(chat)
        };
        last = Some(start(&world, wanted).await);
    }
    let world = world.restart(ok).await;
    let messages = world.handle.state(&tenant(), last.unwrap()).await.unwrap();
    assert_eq!(messages.get("messages").unwrap().as_array().unwrap().len(), turns);
    let (store, mut bytes) = (world.store(), 0);
    for head in store.heads(&tenant(), None, usize::MAX).await.unwrap() {
        let events = store.events(&tenant(), head.run, wforge_model::Seq(0), 99).await.unwrap();
        bytes += serde_json::to_vec(&events).unwrap().len();
        let snapshot = store.snapshot(&tenant(), head.run).await.unwrap();
        bytes += snapshot.map_or(0, |snapshot| snapshot.state.len());
    }
    bytes
}

#[tokio::test]
async fn what_a_thread_takes_on_the_disk_grows_as_its_turns_do() {
    let (some, many) = (stored_bytes(100).await, stored_bytes(500).await);
    assert!(many < some * 6, "100 turns take {some} bytes, 500 take {many}");
}

/// Fails for good after a second.
const FAILS: &str = "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: mock, retry: [{ on: [failed], max_attempts: 2, initial: 1s, jitter: false }], mock: { script: [{ fail: {} }] } }
edges: [{ from: START, to: a }]
";

#[tokio::test]
async fn a_run_whose_turn_comes_as_the_engine_starts_goes_on() {
    let world = World::new(ok);
    let fails = || StartRun { thread: Some(thread()), ..request(FAILS) };
    start(&world, fails()).await;
    let second = start(&world, fails()).await;
    // Both are looked at when the engine starts: the first fails then, while the second is still
    // held as one of the queue.
    world.idle().await;
    world.advance(1_000);
    let world = world.restart(ok).await;
    for _ in 0..9 {
        world.idle().await;
        world.advance(1_000);
    }
    let head = world.handle.head(&tenant(), second).await.unwrap();
    assert_eq!(head.status, RunStatus::Failed, "{:?}", head.waiting_for);
}
