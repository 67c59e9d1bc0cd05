//! Subscribers see each durable event once and in order, wherever they begin.

use futures::StreamExt as _;
use wforge_engine::{
    AnswerGiven, AnswerTo, EngineError, EngineOptions, RunMessage, StartRun, ThreadMessage, WaitFor,
};
use wforge_model::{Checkpoint, RunId, Seq, ThreadId};

use crate::harness::{CHAIN, World, ok, request, tenant};

async fn events(world: &World, run: RunId, after: u64, most: usize) -> Vec<(u64, &'static str)> {
    let stream = world.handle.subscribe(&tenant(), run, Seq(after)).take(most);
    let messages: Vec<_> = stream.collect().await;
    messages
        .into_iter()
        .filter_map(|message| match message.unwrap() {
            RunMessage::Event(stored) => Some((stored.seq.0, stored.event.kind.name())),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_subscriber_sees_the_whole_run_live_and_again_afterwards() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    let live = events(&world, run, 0, usize::MAX).await;
    assert_eq!(live.first(), Some(&(1, "run_started")));
    assert_eq!(live.last().map(|(_, name)| *name), Some("run_completed"));
    let places: Vec<u64> = live.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(places, (1..=live.len() as u64).collect::<Vec<_>>());
    assert_eq!(events(&world, run, 0, usize::MAX).await, live);
}

#[tokio::test]
async fn a_stream_that_broke_goes_on_without_a_gap_or_a_repetition() {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    let mut seen = events(&world, run, 0, 3).await;
    seen.extend(events(&world, run, 3, 4).await);
    seen.extend(events(&world, run, 7, usize::MAX).await);
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(seen, events(&world, run, 0, usize::MAX).await);
    assert_eq!(events(&world, run, seen.len() as u64, usize::MAX).await, []);
}

/// A question, then more than a queue of two holds.
const ASKS: &str = "
state: { yes: {}, log: { reducer: append } }
input: []
output: [log]
nodes:
  ask: { ask: { prompt: 'Go on?' }, out: { yes: result } }
  a: { agent: t/a, in: {}, out: { log: [\"'a'\"] } }
  b: { agent: t/b, in: {}, out: { log: [\"'b'\"] } }
edges: [{ from: START, to: ask }, { from: ask, to: a }, { from: a, to: b }]
";

#[tokio::test]
async fn a_reader_that_lags_is_told_from_where_on_and_misses_nothing_durable() {
    let options = EngineOptions { subscriber_lag_max: 2, ..EngineOptions::default() };
    let world = World::with(options, ok);
    let run = world.handle.start(&tenant(), request(ASKS)).await.unwrap().run;
    let waits = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    let mut stream = world.handle.subscribe(&tenant(), run, Seq(0));
    let mut all = Vec::new();
    while all.len() < waits.seq.0 as usize {
        all.push(stream.next().await.unwrap().unwrap());
    }
    // The run goes on to its end while nobody reads.
    let yes = vec![AnswerGiven { to: AnswerTo::Only, answer: true.into() }];
    world.handle.resume(&tenant(), run, yes, "test").await.unwrap();
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    world.idle().await;
    while let Some(message) = stream.next().await {
        all.push(message.unwrap());
    }
    let (mut seen, mut lags) = (0, 0);
    for message in all {
        match message {
            RunMessage::Event(stored) => {
                assert_eq!(stored.seq.0, seen + 1);
                seen = stored.seq.0;
            }
            RunMessage::Lagged { after, skipped } => {
                assert_eq!(after.0, seen, "what follows is the next one");
                assert!(skipped > 0);
                lags += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(lags > 0, "a queue of two cannot hold the run");
    assert_eq!(seen, world.handle.head(&tenant(), run).await.unwrap().seq.0);
}

/// A run on the thread, once it has settled.
async fn of_thread(world: &World) -> RunId {
    let wanted = StartRun { thread: Some(thread()), ..request(CHAIN) };
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

fn thread() -> ThreadId {
    ThreadId::from_bytes([7; 16])
}

type Told = Vec<(RunId, u64)>;

/// The durable events of the thread after one, until that one has come.
async fn told(world: &World, after: Option<Checkpoint>, last: (RunId, u64)) -> Told {
    let mut stream = world.handle.subscribe_thread(&tenant(), thread(), after).await.unwrap();
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        let ThreadMessage { run, message } = stream.next().await.unwrap().unwrap();
        if let RunMessage::Event(stored) = message {
            told.push((run, stored.seq.0));
        }
    }
    told
}

#[tokio::test]
async fn a_thread_tells_of_its_runs_in_order_and_goes_on_after_any_event() {
    let world = World::new(ok);
    let runs = [of_thread(&world).await, of_thread(&world).await];
    let length = world.handle.head(&tenant(), runs[0]).await.unwrap().seq.0;
    let all: Told = runs.iter().flat_map(|run| (1..=length).map(|seq| (*run, seq))).collect();
    let last = (runs[1], length);
    assert_eq!(told(&world, None, last).await, all);
    for (place, (run, seq)) in all.iter().enumerate().take(all.len() - 1) {
        let after = Checkpoint { run: *run, seq: Seq(*seq) };
        assert_eq!(told(&world, Some(after), last).await, all[place + 1..], "after {after}");
    }
}

#[tokio::test]
async fn whoever_follows_a_thread_hears_its_next_run_from_its_first_event() {
    let world = World::new(ok);
    let first = of_thread(&world).await;
    let seq = world.handle.head(&tenant(), first).await.unwrap().seq;
    let after = Some(Checkpoint { run: first, seq });
    let mut stream = world.handle.subscribe_thread(&tenant(), thread(), after).await.unwrap();
    let next = async { stream.next().await.unwrap().unwrap() };
    let (ThreadMessage { run, message }, second) = tokio::join!(next, of_thread(&world));
    assert_eq!(run, second);
    let RunMessage::Event(stored) = message else { panic!("{message:?}") };
    assert_eq!((stored.seq, stored.event.kind.name()), (Seq(1), "run_started"));
    world.stop().await;
    while let Some(message) = stream.next().await {
        message.unwrap();
    }
}

#[tokio::test]
async fn nobody_follows_a_thread_that_there_is_not() {
    let world = World::new(ok);
    let refused = world.handle.subscribe_thread(&tenant(), thread(), None).await;
    assert!(matches!(refused, Err(EngineError::NotFound { kind: "thread", .. })));
}
