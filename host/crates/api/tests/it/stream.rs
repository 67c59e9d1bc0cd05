//! A run's events as a stream, and how it goes on after a break.

use axum::body::BodyDataStream;
use futures::StreamExt as _;
use serde_json::{Value, json};
use wforge_api::{ApiLimits, Share};

use crate::bench::{Bench, ask, bench, bench_with, greet};

/// One frame: its name, its id and its data.
#[derive(Debug, Clone, PartialEq)]
struct Frame {
    event: String,
    id: Option<u64>,
    data: Value,
}

fn frames(text: &str) -> Vec<Frame> {
    let field = |frame: &str, name: &str| {
        let lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.map(str::to_owned).next()
    };
    text.split("\n\n")
        .filter(|frame| frame.contains("event: "))
        .map(|frame| Frame {
            event: field(frame, "event").unwrap(),
            id: field(frame, "id").map(|id| id.parse().unwrap()),
            data: serde_json::from_str(&field(frame, "data").unwrap()).unwrap(),
        })
        .collect()
}

/// Starts a run and waits until it settles; its address.
async fn settled(bench: &Bench, draft: &Value) -> String {
    bench.registered(draft).await;
    let body = json!({ "workflow": draft["name"], "input": { "who": "you" } });
    let reply = bench.post("/v1/runs?wait=30s", &body).send().await;
    assert_eq!(reply.outcome(), "200", "{}", reply.text);
    reply.header("location").to_owned()
}

#[tokio::test]
async fn a_run_that_has_ended_is_replayed_and_the_stream_ends() {
    let bench = bench();
    let href = settled(&bench, &greet()).await;
    let reply = bench.get(&format!("{href}/events")).of("acme/viewer").send().await;
    assert_eq!(reply.header("content-type"), "text/event-stream");
    let frames = frames(&reply.text);
    let names: Vec<&str> = frames.iter().map(|frame| frame.event.as_str()).collect();
    assert_eq!(names.first(), Some(&"run_started"));
    assert_eq!(names.last(), Some(&"run_completed"));
    let ids: Vec<u64> = frames.iter().filter_map(|frame| frame.id).collect();
    assert_eq!(ids, (1..=frames.len() as u64).collect::<Vec<_>>());
    for frame in &frames {
        assert_eq!(frame.data["seq"], json!(frame.id));
        assert_eq!(frame.data["kind"], json!(frame.event));
    }
    assert_eq!(frames.last().unwrap().data["data"]["output"], json!({ "hello": "hello you" }));
}

#[tokio::test]
async fn whatever_event_was_last_seen_the_rest_comes_exactly_once() {
    let bench = bench();
    let href = settled(&bench, &greet()).await;
    let path = format!("{href}/events");
    let all = frames(&bench.get(&path).send().await.text);
    for seen in 0..all.len() {
        let header = seen.to_string();
        let by_header = bench.get(&path).header("last-event-id", &header).send().await;
        let by_query = bench.get(&format!("{path}?after={seen}")).send().await;
        assert_eq!(frames(&by_header.text), all[seen..], "after {seen}");
        assert_eq!(frames(&by_query.text), all[seen..], "after {seen}");
    }
    let end = all.len().to_string();
    let nothing = bench.get(&path).header("last-event-id", &end).send().await;
    assert_eq!((nothing.outcome().as_str(), nothing.text.as_str()), ("204", ""));
    for wrong in ["-1", "x", ""] {
        let reply = bench.get(&path).header("last-event-id", wrong).send().await;
        assert_eq!(reply.outcome(), "400 WF0400", "{wrong}");
    }
}

#[tokio::test]
async fn a_live_run_is_followed_to_its_end_and_kept_alive_while_it_waits() {
    let bench = bench();
    let href = settled(&bench, &ask()).await;
    let response = bench.get(&format!("{href}/events")).response().await;
    let mut body = response.into_body().into_data_stream();
    let mut text = read_until(&mut body, "task_suspended").await;
    assert!(!text.contains("still here"), "{text}");
    text += &bench.passing_time(read_until(&mut body, "still here")).await;

    let answer = json!({ "answers": [{ "answer": true }] });
    let resume = format!("{href}/resume?wait=30s");
    assert_eq!(bench.post(&resume, &answer).send().await.outcome(), "200");
    text += &read_until(&mut body, "run_completed").await;
    assert!(body.next().await.is_none(), "the stream ends with the run");
    let followed = frames(&text);
    assert_eq!(followed, frames(&bench.get(&format!("{href}/events")).send().await.text));
}

async fn read_until(body: &mut BodyDataStream, last: &str) -> String {
    let mut text = String::new();
    while !(text.contains(last) && text.ends_with("\n\n")) {
        let chunk = body.next().await.expect("more frames").unwrap();
        text += std::str::from_utf8(&chunk).unwrap();
    }
    text
}

#[tokio::test]
async fn a_stop_ends_a_stream_and_asks_its_reader_to_come_back() {
    let bench = bench();
    let href = settled(&bench, &ask()).await;
    let response = bench.get(&format!("{href}/events")).response().await;
    let mut body = response.into_body().into_data_stream();
    read_until(&mut body, "task_suspended").await;
    bench.shutdown.cancel();
    let text = read_until(&mut body, "reconnect").await;
    assert_eq!(frames(&text)[0].data, json!({ "reason": "stopping", "retry_ms": 2_000 }));
    assert!(body.next().await.is_none());
}

/// The frames of a thread's stream up to the first with that name and id.
async fn of_thread(bench: &Bench, thread: &str, after: &str, last: &str) -> Vec<String> {
    let path = format!("/v1/threads/{thread}/events{after}");
    let response = bench.get(&path).of("acme/viewer").response().await;
    assert_eq!(response.status(), 200);
    let mut body = response.into_body().into_data_stream();
    let text = read_until(&mut body, last).await;
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_threads_stream_goes_on_over_its_runs_after_whatever_event_was_seen() {
    let (bench, thread) = (bench(), "thread_0000000000000000000000000000000c");
    bench.registered(&greet()).await;
    let mut runs = Vec::new();
    for who in ["Ann", "Bob"] {
        let body = json!({ "workflow": "greet", "thread": thread, "input": { "who": who } });
        let reply = bench.post("/v1/runs?wait=30s", &body).send().await;
        assert_eq!(reply.outcome(), "200", "{}", reply.text);
        runs.push((reply.json()["id"].clone(), reply.json()["seq"].as_u64().unwrap()));
    }
    let all: Vec<String> = runs
        .iter()
        .flat_map(|(run, seq)| {
            let run = run.as_str().unwrap();
            (1..=*seq).map(move |seq| format!("{run}@{seq}"))
        })
        .collect();
    let last = format!("id: {}", all.last().unwrap());
    assert_eq!(of_thread(&bench, thread, "", &last).await, all);
    for (place, seen) in all.iter().enumerate().take(all.len() - 1) {
        let rest = of_thread(&bench, thread, &format!("?after={seen}"), &last).await;
        assert_eq!(rest, all[place + 1..], "after {seen}");
    }
    let path = format!("/v1/threads/{thread}/events");
    assert_eq!(bench.get(&path).of("other/viewer").send().await.outcome(), "404 WF0404");
    let stray = settled(&bench, &ask()).await.replace("/v1/runs/", "");
    for wrong in ["12", "x@1", &format!("{stray}@1")] {
        let reply = bench.get(&format!("{path}?after={wrong}")).send().await;
        assert_eq!(reply.outcome(), "400 WF0400", "{wrong}: {}", reply.text);
    }
}

#[tokio::test]
async fn a_tenant_has_so_many_streams_until_it_closes_one() {
    let share = Share { total_max: 9, tenant_max: 1 };
    let bench = bench_with(ApiLimits { streams: share, ..ApiLimits::default() });
    let href = settled(&bench, &ask()).await;
    let path = format!("{href}/events");
    let first = bench.get(&path).response().await;
    assert_eq!(first.status(), 200);
    assert_eq!(bench.get(&path).send().await.outcome(), "429 WF0429");
    drop(first);
    assert_eq!(bench.get(&path).response().await.status(), 200);
}
