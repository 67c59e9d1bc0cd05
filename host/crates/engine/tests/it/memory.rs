//! What a run remembers, and with what memory another begins that goes on from it.

use std::sync::Arc;

use futures::FutureExt as _;
use serde_json::{Value, json};
use wforge_engine::{ContinueFrom, ForkPoint, StartRun};
use wforge_model::agent::AgentCall;
use wforge_model::effect::{RecordKey, RequestHash};
use wforge_model::{Epoch, RunId, Timestamp};
use wforge_ports::store::{EffectRecord, KvQuery, KvSpace, KvWrite, Phase, Record};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::SimEntropy;
use wforge_testkit::store::Backend;

use crate::harness::{Answer, World, object, request, tenant};
use crate::thread_world::{checkpoint, from, go_on, run, thread};

/// Three agents, the second of which fails and is handled by a fourth.
const REMEMBERS: &str = "
state: { word: {} }
input: [word]
output: []
nodes:
  a: { agent: t/a, in: {} }
  b: { agent: t/b, in: {}, on_error: h }
  h: { agent: t/c, in: {} }
  c: { agent: t/c, in: {} }
edges: [{ from: START, to: a }, { from: a, to: b }, { from: b, to: c }, { from: h, to: c }]
";

/// Writes to the memory of a call's run, as its effects do.
fn remember(store: &dyn Backend, call: &AgentCall, position: u32, key: &str, value: Option<Value>) {
    let space = KvSpace::Run(call.run);
    let standing = store.memory(&call.tenant, &space, key).now_or_never().unwrap().unwrap();
    let mut write = KvWrite::of(space, key.to_owned(), value);
    write.expected = Some(standing.expected());
    let (request, summary) = (RequestHash([0; 16]), String::new());
    let answer = EffectRecord {
        request,
        summary,
        at: Timestamp(1),
        answer: Ok(json!(null)),
        list: None,
        model: None,
        wrote: false,
        emits: 0,
    };
    let record = Record {
        tenant: call.tenant.clone(),
        run: call.run,
        lease: Epoch(1),
        key: RecordKey { task: call.task, attempt: call.attempt, position },
        phase: Phase::Answer(answer),
        kv: vec![write],
    };
    store.record(record).now_or_never().unwrap().unwrap();
}

/// Each node appends itself to what was there, and the handler deletes what the first wrote.
fn world() -> World {
    let store: Arc<dyn Backend> =
        Arc::new(MemoryStore::new(StoreParts { entropy: Arc::new(SimEntropy::new(1)) }));
    let kept = Arc::clone(&store);
    World::over(store, move |call| {
        let before = memory(kept.as_ref(), call.run, "path");
        let path = before.as_str().unwrap_or_default().to_owned() + call.node.as_str();
        remember(kept.as_ref(), call, 0, "path", Some(json!(path)));
        match call.node.as_str() {
            "a" => remember(kept.as_ref(), call, 1, "first", Some(json!(1))),
            "b" => {
                return Answer::Fail(wforge_model::Failure::Failed(wforge_model::Problem::new(
                    "no", "no",
                )));
            }
            "h" => remember(kept.as_ref(), call, 1, "first", None),
            _ => {}
        }
        Answer::Reply(json!({}))
    })
}

fn memory(store: &dyn Backend, run: RunId, key: &str) -> Value {
    let standing = store.memory(&tenant(), &KvSpace::Run(run), key).now_or_never().unwrap();
    standing.unwrap().entry.map(|entry| entry.value).unwrap_or_default()
}

/// All keys of a run with their values and versions.
fn all(world: &World, run: RunId) -> Vec<String> {
    let space = KvSpace::Run(run);
    let (prefix, after, limit, bytes_max) = ("", None, 99, u64::MAX);
    let query = KvQuery { space: &space, prefix, after, limit, bytes_max, now: Timestamp(0) };
    let page = world.store().memories(&tenant(), query).now_or_never().unwrap().unwrap();
    let told = |entry: &wforge_ports::store::KvEntry| {
        format!("{} {} at {}", entry.key, entry.value, entry.version)
    };
    page.entries.iter().map(told).collect()
}

fn word() -> StartRun {
    StartRun { input: object("{\"word\": \"x\"}"), ..request(REMEMBERS) }
}

#[tokio::test]
async fn rule_7_a_fork_remembers_what_its_run_did_at_the_checkpoint() {
    let world = world();
    let first = run(&world, word()).await;
    assert_eq!(all(&world, first), ["path \"abhc\" at 4"]);
    // From before `c`: what the failed task and its handler did counts.
    let before_c = ForkPoint::Checkpoint(checkpoint(&world, 1).await);
    let fork = go_on(&world, before_c).await;
    assert_eq!(all(&world, fork), ["path \"abhc\" at 4"], "it did c once more");
    let gone = world.store().memory(&tenant(), &KvSpace::Run(fork), "first").await.unwrap();
    assert_eq!(gone.next.0, 3, "no version of what was deleted comes again");
    // From before `b`: nothing had been deleted.
    let before_b = ForkPoint::Checkpoint(checkpoint(&world, 4).await);
    let fork = go_on(&world, before_b).await;
    assert_eq!(all(&world, fork), ["path \"abhc\" at 4"]);
    assert_eq!(all(&world, first), ["path \"abhc\" at 4"], "the run itself is as it was");
}

#[tokio::test]
async fn rule_7_a_fork_of_a_fork_remembers_what_both_did() {
    let world = world();
    run(&world, word()).await;
    let after_a = checkpoint(&world, 2).await;
    let paused = ContinueFrom { steps: Some(1), ..from(ForkPoint::Checkpoint(after_a)) };
    let fork = world.handle.continue_from(&tenant(), paused).await.unwrap().run;
    world.handle.wait(&tenant(), fork, wforge_engine::WaitFor::Settled).await.unwrap();
    assert_eq!(all(&world, fork), ["path \"abh\" at 3"]);
    let second = go_on(&world, ForkPoint::Thread(thread(1))).await;
    assert_eq!(all(&world, second), ["path \"abhc\" at 4"]);
}

#[tokio::test]
async fn rule_7_a_run_that_is_begun_with_input_remembers_nothing_of_the_one_before() {
    let world = world();
    run(&world, word()).await;
    let second = run(&world, word()).await;
    assert_eq!(all(&world, second), ["path \"abhc\" at 4"], "it began with nothing");
}
