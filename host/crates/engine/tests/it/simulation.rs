//! Deterministic simulation: seeded runs on simulated time over a store that crashes before or
//! after commits. `WFORGE_SEEDS` says how many seeds (200 in the tests, 10,000 in the proof) and
//! `WFORGE_SEED` repeats one.
//!
//! Held for every seed: no task that finished is called again; what was acknowledged or published
//! is in the log; a run that has not ended waits for something; a seed leaves the same trace twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use futures::StreamExt as _;
use wforge_engine::{AnswerGiven, AnswerTo, Idempotency, RunMessage, StartRun};
use wforge_model::agent::AgentCall;
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::id::IdHasher;
use wforge_model::{RunId, Seq, TaskId, Timestamp, Value};
use wforge_ports::{Clock as _, Entropy};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::store::Backend;
use wforge_testkit::{Crash, FaultyStore, SimClock, SimEntropy};

use crate::harness::{World, ok, request, tenant, upstream};

const SEEDS: u64 = 200;
/// Rounds after which a run that has not ended is stuck.
const ROUNDS_MAX: usize = 400;

const WORKFLOWS: [&str; 6] = [
    // A chain of agents, one of which fails at first.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  flaky: { agent: t/b, in: {}, out: { log: [\"'b'\"] }, retry: [{ max_attempts: 3, initial: 1s }] }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: a }, { from: a, to: flaky }, { from: flaky, to: c }]
",
    // A fan-out and its join.
    "
state: { log: { reducer: append }, n: { reducer: sum } }
input: []
output: [log, n]
nodes:
  a: { agent: t/a, in: { n: item }, out: { log: [item], n: '1' } }
  b: { agent: t/b, in: { n: item }, out: { n: '10' } }
  c: { set: { log: [state.n] } }
edges:
  - { from: START, each: '[1,2,3,4]', as: item, to: [a, b], empty: c }
  - { from: [a, b], to: c }
",
    // A question in the middle, and a loop.
    "
state: { log: { reducer: append }, round: { reducer: sum }, answer: {} }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"], round: '1' } }
  ask: { ask: { prompt: 'Once more?', schema: { type: boolean }, deadline: 1h, on_deadline: { answer: false } }, out: { answer: result } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges:
  - { from: START, to: a }
  - { from: a, to: ask }
  - { from: ask, branch: [{ when: state.answer && state.round < 3, to: a }, { to: b }] }
",
    // Scripts that ask and sleep beside an agent.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  s: { agent: mock, mock: { script: [{ sleep: 5s }, { interrupt: \"'first'\" }, { set: { log: [\"'s'\"] } }, { interrupt: \"'second'\" }] } }
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [s, a] }, { from: [s, a], to: b }]
",
    // A pause at a node, and a handler of a failure.
    "
state: { log: { reducer: append } }
input: []
output: [log]
interrupt: { before: [b] }
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  broken: { agent: t/c, in: {}, out: { log: [\"'c'\"] }, on_error: h }
  h: { set: { log: [\"'h:' + sent.code\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: [a, broken] }, { from: a, to: b }]
",
    // A run that fails, and is taken up again once.
    "
state: { log: { reducer: append } }
input: []
output: [log]
nodes:
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  once: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
  c: { agent: t/c, in: {}, out: { log: [\"'c'\"] } }
edges: [{ from: START, to: [a, once] }, { from: [a, once], to: c }]
",
];

/// Draws numbers from a seed (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What outlives the crashes of one seed.
struct Life {
    behind: Arc<dyn Backend>,
    clock: SimClock,
    /// Every call so far; agents that fail at first count by it.
    calls: Arc<Mutex<BTreeMap<TaskId, u32>>>,
    /// Tasks that the store knew to be finished at a restart.
    finished: Arc<Mutex<BTreeSet<TaskId>>>,
    repeated: Arc<Mutex<Vec<TaskId>>>,
    /// What subscribers heard, by run.
    heard: BTreeMap<RunId, Vec<StoredEvent>>,
    restarts: u64,
    revived: BTreeSet<RunId>,
}

impl Life {
    fn new() -> Self {
        let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
        Self {
            behind: Arc::new(MemoryStore::new(StoreParts { entropy })),
            clock: SimClock::at(Timestamp(1_800_000_000_000)),
            calls: Arc::default(),
            finished: Arc::default(),
            repeated: Arc::default(),
            heard: BTreeMap::new(),
            restarts: 0,
            revived: BTreeSet::new(),
        }
    }

    /// An engine on the store that is left, which will crash once more or never.
    fn wake(&mut self, crash: Option<Crash>) -> (World, Arc<FaultyStore>) {
        let store = Arc::new(FaultyStore::new(self.behind.clone(), crash));
        self.restarts += 1;
        let (calls, finished, repeated) =
            (self.calls.clone(), self.finished.clone(), self.repeated.clone());
        let script = move |call: &AgentCall| {
            let mut calls = calls.lock().unwrap();
            let count = calls.entry(call.task).or_default();
            *count += 1;
            if finished.lock().unwrap().contains(&call.task) {
                repeated.lock().unwrap().push(call.task);
            }
            match call.node.as_str() {
                "flaky" if call.attempt < 3 => upstream(),
                "broken" => upstream(),
                "once" if call.attempt < 2 => upstream(),
                _ => ok(call),
            }
        };
        let world = World::simulated(store.clone(), self.clock.clone(), 1 + self.restarts, script);
        (world, store)
    }

    async fn note_finished(&self, runs: &[RunId]) {
        for run in runs {
            let events = self.log(*run).await;
            let done = events.iter().filter_map(|stored| match &stored.event.kind {
                EventKind::TaskFinished(finished) => Some(finished.task),
                _ => None,
            });
            self.finished.lock().unwrap().extend(done);
        }
    }

    async fn log(&self, run: RunId) -> Vec<StoredEvent> {
        self.behind.events(&tenant(), run, Seq(0), usize::MAX).await.unwrap()
    }

    /// Everything that was heard is in the log, as it was heard.
    async fn check_heard(&self, seed: u64) {
        for (run, heard) in &self.heard {
            let log = self.log(*run).await;
            for event in heard {
                let place = usize::try_from(event.seq.0 - 1).unwrap();
                assert_eq!(log.get(place), Some(event), "seed {seed}: {run} lost what was heard");
            }
        }
    }
}

/// What one seed left: the logs of its runs, and how often tasks were called.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    hash: [u8; 16],
    commits: u64,
    crashes: u64,
}

async fn simulate(seed: u64) -> Trace {
    let mut draw = Draw(seed);
    let mut life = Life::new();
    let requests: Vec<StartRun> = (0..1 + draw.below(3)).map(|n| asked(&mut draw, n)).collect();
    let mut crashes_left = draw.below(4);
    let (mut commits, mut crashes) = (0, 0);
    let mut runs: Vec<RunId> = Vec::new();
    loop {
        let crash = (crashes_left > 0)
            .then(|| Crash { commit: 1 + draw.below(14), durable: draw.below(2) == 0 });
        let (world, store) = life.wake(crash);
        let ended = live(&mut life, &world, &store, &requests, &mut runs, seed).await;
        commits += store.commits();
        world.stop().await;
        life.note_finished(&runs).await;
        life.check_heard(seed).await;
        if ended {
            break;
        }
        crashes += 1;
        crashes_left -= 1;
    }
    let repeated = life.repeated.lock().unwrap().clone();
    assert!(repeated.is_empty(), "seed {seed}: finished tasks ran again: {repeated:?}");
    let mut hasher = IdHasher::new("simulation");
    for run in &runs {
        for stored in life.log(*run).await {
            hasher = hasher.field(serde_json::to_string(&stored).unwrap().as_bytes());
        }
    }
    for (task, calls) in life.calls.lock().unwrap().iter() {
        hasher = hasher.field(task.as_bytes()).number(u64::from(*calls));
    }
    Trace { hash: hasher.finish(), commits, crashes }
}

fn asked(draw: &mut Draw, number: u64) -> StartRun {
    let place = usize::try_from(draw.below(WORKFLOWS.len() as u64)).unwrap();
    let key = format!("start-{number}");
    StartRun {
        idempotency: Some(Idempotency {
            key: key.clone(),
            fingerprint: key,
            expires_at: Timestamp(u64::MAX),
        }),
        ..request(WORKFLOWS.get(place).unwrap())
    }
}

/// Lives until every run has ended, or the store crashes: then false.
async fn live(
    life: &mut Life,
    world: &World,
    store: &FaultyStore,
    requests: &[StartRun],
    runs: &mut Vec<RunId>,
    seed: u64,
) -> bool {
    for request in requests.iter().skip(runs.len()) {
        match world.handle.start(&tenant(), request.clone()).await {
            Ok(started) => runs.push(started.run),
            Err(error) => {
                assert!(store.is_down(), "seed {seed}: {error}");
                return false;
            }
        }
    }
    let mut streams: Vec<_> =
        runs.iter().map(|run| (*run, world.handle.subscribe(&tenant(), *run, Seq(0)))).collect();
    for _ in 0..ROUNDS_MAX {
        world.idle().await;
        for (run, stream) in &mut streams {
            hear(life.heard.entry(*run).or_default(), stream).await;
        }
        if store.is_down() {
            return false;
        }
        if round(life, world, store, runs, seed).await {
            return true;
        }
    }
    panic!("seed {seed}: the runs never end");
}

/// Takes what a stream has at hand.
async fn hear(
    heard: &mut Vec<StoredEvent>,
    stream: &mut futures::stream::BoxStream<
        'static,
        Result<RunMessage, wforge_engine::EngineError>,
    >,
) {
    while let Some(Some(message)) = futures::FutureExt::now_or_never(stream.next()) {
        if let Ok(RunMessage::Event(event)) = message {
            heard.push(event);
        }
    }
    tokio::task::yield_now().await;
}

/// Does for each run what it waits for; true where all have ended.
async fn round(
    life: &mut Life,
    world: &World,
    store: &FaultyStore,
    runs: &[RunId],
    seed: u64,
) -> bool {
    let (mut ended, mut acted) = (true, false);
    for run in runs {
        let Ok(head) = world.handle.head(&tenant(), *run).await else {
            assert!(store.is_down(), "seed {seed}: {run} cannot be read");
            return false;
        };
        let is_over = head.status.is_final() && !may_be_revived(life, &head);
        ended &= is_over;
        if is_over {
            continue;
        }
        let waits = !head.waiting_for.is_empty() || head.status.is_final();
        assert!(waits, "seed {seed}: {run} is {} and waits for nothing", head.status.as_str());
        acted |= act(life, world, &head).await;
    }
    if !ended && !acted && !store.is_down() && life.clock.advance_to_next_sleeper().is_none() {
        let at = life.clock.now().after_ms(1);
        life.clock.set(at);
    }
    ended
}

fn may_be_revived(life: &Life, head: &RunHead) -> bool {
    head.status == RunStatus::Failed && !life.revived.contains(&head.run)
}

/// Answers, lets go on, or takes up a run, where that is what it waits for.
async fn act(life: &mut Life, world: &World, head: &RunHead) -> bool {
    if head.status == RunStatus::Failed {
        let revived = world.handle.revive(&tenant(), head.run, "ada").await;
        // A crash in between may have lost the answer, not the deed.
        if revived.is_ok() || head.status != RunStatus::Failed {
            life.revived.insert(head.run);
        }
        return true;
    }
    let question = head.questions().next().map(|(_, question)| question.id);
    if let Some(question) = question {
        let answer = Value::Bool(question.as_bytes()[0].is_multiple_of(2));
        let given = AnswerGiven { to: AnswerTo::Question(question), answer };
        // Lost with the store, it is given again to the next engine.
        let _ = world.handle.resume(&tenant(), head.run, vec![given], "ada").await;
        return true;
    }
    let held = head.waiting_for.iter().any(|w| matches!(w.waiting, WaitReason::Resume { .. }));
    if held {
        let _ = world.handle.resume_paused(&tenant(), head.run, None, "ada").await;
    }
    held
}

#[test]
fn runs_survive_crashes_before_and_after_commits() {
    let (first, count) = match number_of("WFORGE_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number_of("WFORGE_SEEDS").unwrap_or(SEEDS)),
    };
    let (mut commits, mut crashes) = (0, 0);
    for seed in first..first + count {
        let trace = alone(seed);
        assert_eq!(alone(seed), trace, "seed {seed} leaves two traces");
        commits += trace.commits;
        crashes += trace.crashes;
    }
    assert!(count < 50 || crashes > count / 2, "only {crashes} crashes in {count} seeds");
    println!("{count} seeds from {first}, each twice: {commits} commits, {crashes} crashes");
    println!("{count} passed, 0 failed");
}

#[expect(clippy::disallowed_methods, reason = "a proof takes its seeds from whoever runs it")]
fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn alone(seed: u64) -> Trace {
    let threads = tokio::runtime::Builder::new_current_thread().build().unwrap();
    threads.block_on(simulate(seed))
}
