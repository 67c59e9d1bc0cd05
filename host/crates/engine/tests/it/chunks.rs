//! The stream modes: what a run says as it goes, and says again to whoever comes later.

use expect_test::{Expect, expect};
use futures::StreamExt as _;
use wforge_engine::{StreamRequest, WaitFor};
use wforge_graph::StreamMode;
use wforge_model::Seq;

use crate::harness::{World, ok, request, tenant};

const TALK: &str = "
state: { log: { reducer: append }, talk: { reducer: messages }, note: {} }
input: []
output: [log]
nodes:
  a: { agent: mock, mock: { script: [{ emit: { topic: seen, value: \"'x'\" } }, { set: { log: [\"'a'\"], talk: { id: \"'m1'\", role: \"'ai'\", content: \"'hello'\" } } }] } }
  b: { agent: mock, mock: { script: [{ set: { log: [\"'b1'\"] } }, { set: { log: [\"'b2'\"] } }] } }
  quiet: { agent: mock, mock: { script: [return_none] } }
edges: [{ from: START, to: a }, { from: a, to: [b, quiet] }]
";

async fn streamed(modes: &[StreamMode], after: u64) -> String {
    let world = World::new(ok);
    let run = world.handle.start(&tenant(), request(TALK)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    let wanted = StreamRequest { modes: modes.to_vec(), subgraphs: true, after: Seq(after) };
    let mut stream = world.handle.stream(&tenant(), run, wanted).await.unwrap();
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        let (seq, chunk) = chunk.unwrap();
        let seq = seq.map_or("-".to_owned(), |seq| seq.to_string());
        text.push_str(&format!("{seq} {} {}\n", chunk.mode.as_str(), chunk.data));
    }
    redacted(&text)
}

/// Ids of tasks and runs as `…`.
fn redacted(text: &str) -> String {
    let mut text = text.to_owned();
    for prefix in ["task_", "run_"] {
        while let Some(at) = text.find(prefix) {
            text.replace_range(at..at + prefix.len() + 32, "…");
        }
    }
    text
}

async fn check(modes: &[StreamMode], expected: &Expect) {
    expected.assert_eq(&streamed(modes, 0).await);
}

#[tokio::test]
async fn values_and_updates_say_what_the_state_became() {
    check(&[StreamMode::Values, StreamMode::Updates], &expect![[""]]).await;
}

#[tokio::test]
async fn messages_and_custom_events_come_with_their_task() {
    check(&[StreamMode::Messages, StreamMode::Custom], &expect![[""]]).await;
}

#[tokio::test]
async fn checkpoints_and_tasks_say_what_comes_next() {
    check(&[StreamMode::Checkpoints, StreamMode::Tasks], &expect![[""]]).await;
}

#[tokio::test]
async fn a_stream_that_is_begun_again_says_the_rest() {
    let all = streamed(&StreamMode::ALL, 0).await;
    for after in 1..12 {
        let is_later = |line: &&str| {
            let seq = line.split(' ').next().and_then(|seq| seq.parse::<u64>().ok());
            seq.is_some_and(|seq| seq > after)
        };
        let rest: Vec<&str> = all.lines().filter(is_later).collect();
        let again = streamed(&StreamMode::ALL, after).await;
        assert_eq!(again.lines().collect::<Vec<_>>(), rest, "after {after}");
    }
}
