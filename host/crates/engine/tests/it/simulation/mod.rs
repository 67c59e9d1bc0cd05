//! Deterministic simulation: seeded lives on simulated time over a store that crashes before or
//! after commits. `WFORGE_SEEDS` says how many seeds (200 in the tests, 10,000 in the proof) and
//! `WFORGE_SEED` repeats one.
//!
//! In a life people start runs of written and random workflows, with parts, in threads and out of
//! them, answer and let them go on, write the state of threads, and go on from old borders.
//!
//! Held for every seed: no task that finished is called again; what was acknowledged or published
//! is in the log; a run that has not ended waits for something; a seed leaves the same trace twice.

mod deeds;
mod draw;
// The pure engine's own tests draw the same workflows, without a store and crashes.
#[path = "../../../../graph/tests/it/random/generate.rs"]
mod generate;
mod life;
mod workflows;

use std::collections::{BTreeMap, VecDeque};

use futures::StreamExt as _;
use futures::stream::BoxStream;
use wforge_engine::{AnswerGiven, AnswerTo, EngineError, RunMessage};
use wforge_model::effect::Question;
use wforge_model::event::StoredEvent;
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::id::IdHasher;
use wforge_model::{RunId, Seq, Value};
use wforge_ports::Clock as _;
use wforge_testkit::{Crash, FaultyStore};

use self::deeds::{Deed, Done, Figures};
use self::draw::Draw;
use self::life::Life;
use crate::harness::{World, tenant};

const SEEDS: u64 = 200;
/// Rounds after which a life that has not ended is stuck.
const ROUNDS_MAX: usize = 3_000;

type Streams = BTreeMap<RunId, BoxStream<'static, Result<RunMessage, EngineError>>>;

/// What one seed left: the logs of its runs, and how often tasks were called.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    hash: [u8; 16],
    commits: u64,
    crashes: u64,
    figures: Figures,
}

async fn simulate(seed: u64) -> Trace {
    let mut draw = Draw(seed);
    let mut life = Life::new();
    let mut deeds = deeds::plan(&mut draw);
    let mut crashes_left = draw.below(4);
    let (mut commits, mut crashes) = (0, 0);
    loop {
        let crash = (crashes_left > 0)
            .then(|| Crash { commit: 1 + draw.below(12), durable: draw.below(2) == 0 });
        let (world, store) = life.wake(crash);
        let ended = live(&mut life, &world, &store, &mut deeds, seed).await;
        commits += store.commits();
        world.stop().await;
        life.note_finished().await;
        life.check_kept(seed).await;
        if ended {
            break;
        }
        crashes += 1;
        crashes_left -= 1;
    }
    life.check_calls(seed);
    life.count().await;
    Trace { hash: hash(&life).await, commits, crashes, figures: life.figures }
}

async fn hash(life: &Life) -> [u8; 16] {
    let mut hasher = IdHasher::new("simulation");
    for run in life.runs().await {
        for stored in life.log(run).await {
            hasher = hasher.field(serde_json::to_string(&stored).unwrap().as_bytes());
        }
    }
    for (task, calls) in life.calls.lock().unwrap().iter() {
        hasher = hasher.field(task.as_bytes()).number(u64::from(*calls));
    }
    hasher.finish()
}

/// Lives until everything is done and every run has ended, or the store crashes: then false.
async fn live(
    life: &mut Life,
    world: &World,
    store: &FaultyStore,
    deeds: &mut VecDeque<Deed>,
    seed: u64,
) -> bool {
    let mut streams = Streams::new();
    let mut all_ended = false;
    for _ in 0..ROUNDS_MAX {
        while deeds.front().is_some_and(|deed| deed.at_once || all_ended) {
            all_ended = false;
            if !perform(life, world, store, deeds).await {
                return false;
            }
        }
        world.idle().await;
        hear_all(life, world, &mut streams).await;
        if store.is_down() {
            return false;
        }
        all_ended = round(life, world, store, seed).await;
        if all_ended && deeds.is_empty() {
            return true;
        }
    }
    let mut stuck = Vec::new();
    for run in life.runs().await {
        let head = world.handle.head(&tenant(), run).await.unwrap();
        if !head.status.is_final() {
            stuck.push((run, head.status.as_str(), head.waiting_for));
        }
    }
    panic!("seed {seed}: these never end, and {deeds:?} is still to be done: {stuck:?}");
}

/// Does the first deed; false where nobody knows what became of it, since the store went down.
async fn perform(
    life: &mut Life,
    world: &World,
    store: &FaultyStore,
    deeds: &mut VecDeque<Deed>,
) -> bool {
    let Some(deed) = deeds.front() else { return true };
    let (done, figures) = deed.perform(world, store).await;
    life.figures.add(figures);
    match done {
        Done::Acknowledged(made) => life.acknowledged.push(made),
        Done::Refused => {}
        Done::Unknown => return false,
    }
    deeds.pop_front();
    true
}

/// Takes what the streams of all runs have at hand.
async fn hear_all(life: &mut Life, world: &World, streams: &mut Streams) {
    for run in life.runs().await {
        let subscribe = || world.handle.subscribe(&tenant(), run, Seq(0));
        let stream = streams.entry(run).or_insert_with(subscribe);
        hear(life.heard.entry(run).or_default(), stream).await;
    }
}

async fn hear(
    heard: &mut Vec<StoredEvent>,
    stream: &mut BoxStream<'static, Result<RunMessage, EngineError>>,
) {
    while let Some(Some(message)) = futures::FutureExt::now_or_never(stream.next()) {
        if let Ok(RunMessage::Event(event)) = message {
            heard.push(event);
        }
    }
    tokio::task::yield_now().await;
}

/// Does for each run what it waits for; true where all have ended.
async fn round(life: &mut Life, world: &World, store: &FaultyStore, seed: u64) -> bool {
    let (mut ended, mut acted) = (true, false);
    for run in life.runs().await {
        let Ok(head) = world.handle.head(&tenant(), run).await else {
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
        acted |= act(life, world, store, &head).await;
    }
    if !ended && !acted && !store.is_down() && life.clock.advance_to_next_sleeper().is_none() {
        let at = life.clock.now().after_ms(1);
        life.clock.set(at);
    }
    ended && !store.is_down()
}

fn may_be_revived(life: &Life, head: &RunHead) -> bool {
    head.status == RunStatus::Failed && !life.revived.contains(&head.run)
}

/// Answers, lets go on, or takes up a run, where that is what it waits for.
async fn act(life: &mut Life, world: &World, store: &FaultyStore, head: &RunHead) -> bool {
    if head.status == RunStatus::Failed {
        let revived = world.handle.revive(&tenant(), head.run, "ada").await;
        // A crash in between may have lost the answer, not the deed; else it may be refused.
        if revived.is_ok() || !store.is_down() {
            life.revived.insert(head.run);
        }
        return true;
    }
    let question = head.questions().next().map(|(_, question)| question);
    if let Some(question) = question {
        let given = AnswerGiven { to: AnswerTo::Question(question.id), answer: answer(question) };
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

fn answer(question: &Question) -> Value {
    let byte = question.id.as_bytes()[0];
    let wants = |kind: &str| question.schema.as_ref().is_some_and(|schema| schema["type"] == kind);
    if wants("integer") { Value::from(byte % 5) } else { Value::Bool(byte.is_multiple_of(2)) }
}

#[test]
fn runs_survive_crashes_before_and_after_commits() {
    let (first, count) = match number_of("WFORGE_SEED") {
        Some(seed) => (seed, 1),
        None => (0, number_of("WFORGE_SEEDS").unwrap_or(SEEDS)),
    };
    let (mut commits, mut crashes, mut figures) = (0, 0, Figures::default());
    for seed in first..first + count {
        let trace = alone(seed);
        assert_eq!(alone(seed), trace, "seed {seed} leaves two traces");
        commits += trace.commits;
        crashes += trace.crashes;
        figures.add(trace.figures);
    }
    assert!(count < 50 || crashes > count / 2, "only {crashes} crashes in {count} seeds");
    let Figures { steps, inner_steps, completed, starts, updates, forks, copies } = figures;
    let fewest = updates.min(forks).min(copies).min(inner_steps / 10);
    assert!(count < 50 || fewest > count / 10, "too little came about: {figures:?}");
    println!("{count} seeds from {first}, each twice: {commits} commits, {crashes} crashes");
    println!("{starts} runs started, {updates} updates, {forks} forks, {copies} copies of threads");
    println!("{completed} runs completed; {steps} super-steps, {inner_steps} of them of subgraphs");
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
