//! Subscribers see each durable event once and in order, wherever they begin.

use futures::StreamExt as _;
use wforge_engine::{RunMessage, WaitFor};
use wforge_model::{RunId, Seq};

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
