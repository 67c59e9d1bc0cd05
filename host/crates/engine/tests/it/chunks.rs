//! The stream modes: what a run says as it goes, and says again to whoever comes later.

use expect_test::{Expect, expect};
use futures::StreamExt as _;
use wforge_engine::{StreamRequest, Streamed, WaitFor};
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
        let Streamed::Chunk(seq, chunk) = chunk.unwrap() else { panic!("nobody lags here") };
        let seq = seq.map_or("-".to_owned(), |seq| seq.to_string());
        text.push_str(&format!("{seq} {} {}\n", chunk.mode.as_str(), chunk.data));
    }
    redacted(&text)
}

/// Ids of tasks and runs as `…`.
fn redacted(text: &str) -> String {
    let mut redacted = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("task_").into_iter().chain(rest.find("run_")).min() {
        let digits = at + rest[at..].find('_').unwrap() + 1;
        let is_id = rest[digits..].chars().take_while(char::is_ascii_hexdigit).count() >= 32;
        redacted.push_str(&rest[..if is_id { at } else { digits }]);
        redacted.push_str(if is_id { "…" } else { "" });
        rest = &rest[if is_id { digits + 32 } else { digits }..];
    }
    redacted + rest
}

async fn check(modes: &[StreamMode], expected: &Expect) {
    expected.assert_eq(&streamed(modes, 0).await);
}

#[tokio::test]
async fn values_and_updates_say_what_the_state_became() {
    check(
        &[StreamMode::Values, StreamMode::Updates],
        &expect![[r#"
        1 values {"log":[],"talk":[]}
        3 updates {"a":{"log":["a"],"talk":{"content":"hello","id":"m1","role":"ai"}}}
        4 values {"log":["a"],"talk":[{"content":"hello","id":"m1","role":"ai"}]}
        6 updates {"b":{"log":{"$writes":[["b1"],["b2"]]}}}
        7 updates {"quiet":null}
        8 values {"log":["a","b1","b2"],"talk":[{"content":"hello","id":"m1","role":"ai"}]}
    "#]],
    )
    .await;
}

#[tokio::test]
async fn messages_and_custom_events_come_with_their_task() {
    check(
        &[StreamMode::Messages, StreamMode::Custom],
        &expect![[r#"
        3 messages [{"content":"hello","id":"m1","role":"ai"},{"node":"a","step":1,"task":"…"}]
        3 custom {"payload":"x","topic":"seen"}
    "#]],
    )
    .await;
}

#[tokio::test]
async fn checkpoints_and_tasks_say_what_comes_next() {
    check(&[StreamMode::Checkpoints, StreamMode::Tasks], &expect![[r#"
        1 checkpoints {"base":null,"checkpoint":"…@1","metadata":{"source":"input","step":0},"next":["a"],"values":{"log":[],"talk":[]}}
        2 tasks {"id":"…","name":"a","sent":false}
        3 tasks {"error":null,"id":"…","interrupts":[],"name":"a","result":{"log":["a"],"talk":{"content":"hello","id":"m1","role":"ai"}}}
        4 checkpoints {"base":null,"checkpoint":"…@4","metadata":{"source":"loop","step":1},"next":["b","quiet"],"values":{"log":["a"],"talk":[{"content":"hello","id":"m1","role":"ai"}]}}
        5 tasks {"id":"…","name":"b","sent":false}
        5 tasks {"id":"…","name":"quiet","sent":false}
        6 tasks {"error":null,"id":"…","interrupts":[],"name":"b","result":{"log":{"$writes":[["b1"],["b2"]]}}}
        7 tasks {"error":null,"id":"…","interrupts":[],"name":"quiet","result":null}
        8 checkpoints {"base":null,"checkpoint":"…@8","metadata":{"source":"loop","step":2},"next":[],"values":{"log":["a","b1","b2"],"talk":[{"content":"hello","id":"m1","role":"ai"}]}}
    "#]]).await;
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
