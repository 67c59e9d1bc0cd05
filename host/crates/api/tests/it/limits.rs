//! Limits, each passed.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use futures::stream;
use serde_json::json;
use wforge_api::{ApiLimits, Share};

use crate::bench::{Bench, agent, bench, bench_with, greet};
use crate::ports::manifest;

#[tokio::test]
async fn a_body_over_its_limit_is_refused_whether_it_says_its_size_or_not() {
    let bench = bench_with(ApiLimits {
        run_bytes_max: 100,
        workflow_bytes_max: 100,
        plugin_bytes_max: 100,
        json_bytes_max: 100,
        ..ApiLimits::default()
    });
    let run = "/v1/runs/run_00000000000000000000000000000001";
    for (path, media_type) in [
        ("/v1/runs".to_owned(), "application/json"),
        ("/v1/workflows".to_owned(), "application/yaml"),
        ("/v1/plugins".to_owned(), "application/wasm"),
        (format!("{run}/resume"), "application/json"),
        (format!("{run}/cancel"), "application/json"),
    ] {
        let large = " ".repeat(101);
        let whole = bench.call("POST", &path).typed(media_type, large.clone()).send().await;
        assert_eq!(whole.outcome(), "413 WF0413", "{path}");
        let chunks = stream::iter([Ok::<_, std::io::Error>(large)]);
        let body = Body::from_stream(chunks);
        let chunked = bench.call("POST", &path).typed(media_type, body).send().await;
        assert_eq!(chunked.outcome(), "413 WF0413", "{path}");
        let announced = bench.call("POST", &path).header("content-length", "101");
        let announced = announced.typed(media_type, Body::empty()).send().await;
        assert_eq!(announced.outcome(), "413 WF0413", "{path}");
    }
}

#[tokio::test]
async fn json_nests_64_deep_and_no_deeper() {
    let bench = bench();
    bench.registered(&greet()).await;
    let body = |depth: usize| {
        // The body itself is one level.
        let nest = depth - 1;
        let context = format!("{}{}", "[".repeat(nest), "]".repeat(nest));
        format!(r#"{{"workflow":"greet","input":{{"who":"you"}},"context":{context}}}"#)
    };
    for (depth, outcome) in [(64, "202"), (65, "422 WF1004"), (100_000, "422 WF1004")] {
        let call = bench.call("POST", "/v1/runs").typed("application/json", body(depth));
        assert_eq!(call.send().await.outcome(), outcome, "{depth}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let bench = bench();
    let never = Body::from_stream(stream::pending::<Result<String, std::io::Error>>());
    let call = bench.call("POST", "/v1/runs").typed("application/json", never);
    assert_eq!(bench.passing_time(call.send()).await.outcome(), "408 WF0408");
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_given_up() {
    let limits = ApiLimits { request_timeout: Duration::from_secs(10), ..ApiLimits::default() };
    let bench = bench_with(limits);
    let call = hanging_run(&bench, "?wait=60s").await;
    assert_eq!(bench.passing_time(call.send()).await.outcome(), "504 WF0504");
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let bench = bench();
    for (path, media_type) in [
        ("/v1/runs", "text/plain"),
        ("/v1/runs", "application/wasm"),
        ("/v1/workflows", "multipart/form-data"),
        ("/v1/plugins", "application/octet-stream"),
    ] {
        let reply = bench.call("POST", path).typed(media_type, "x").send().await;
        assert_eq!(reply.outcome(), "415 WF0415", "{path} {media_type}");
    }
    let charset = bench.call("POST", "/v1/runs").typed("Application/JSON; charset=utf-8", "x");
    assert_eq!(charset.send().await.outcome(), "400 WF0400");
}

#[tokio::test]
async fn waits_and_pages_have_a_longest() {
    let bench = bench();
    for path in [
        "/v1/runs?limit=201",
        "/v1/runs?limit=0",
        "/v1/runs?limit=x",
        "/v1/runs?cursor=x",
        "/v1/runs?unknown=1",
        "/v1/workflows?limit=201",
    ] {
        assert_eq!(bench.get(path).send().await.outcome(), "400 WF0400", "{path}");
    }
    let body = json!({ "workflow": "greet" });
    for wait in ["61s", "30", "1h"] {
        let reply = bench.post(&format!("/v1/runs?wait={wait}"), &body).send().await;
        assert_eq!(reply.outcome(), "400 WF0400", "{wait}");
    }
}

#[tokio::test]
async fn one_tenants_requests_leave_room_for_another() {
    let share = Share { total_max: 2, tenant_max: 1 };
    let bench = bench_with(ApiLimits { requests: share, ..ApiLimits::default() });
    let waits = hanging_run(&bench, "?wait=60s").await.send();
    let others = async {
        // The waiting request was polled first and is inside.
        let busy = bench.get("/v1/runs").send().await;
        assert_eq!(busy.outcome(), "429 WF0429");
        assert_eq!(busy.header("retry-after"), "1");
        assert_eq!(bench.get("/v1/runs").of("other/viewer").send().await.outcome(), "200");
        assert_eq!(bench.get("/healthz").send().await.outcome(), "200");
    };
    let both = async { tokio::join!(biased; waits, others) };
    let (waited, ()) = bench.passing_time(both).await;
    assert_eq!(waited.outcome(), "202");
    assert_eq!(bench.get("/v1/runs").send().await.outcome(), "200");
}

/// A request for a run whose agent never answers.
async fn hanging_run<'a>(bench: &'a Bench, query: &str) -> crate::bench::Call<'a> {
    bench.hangs.store(true, Ordering::Release);
    let component = manifest("acme/echo", "1.0.0");
    let call = bench.call("POST", "/v1/plugins").typed("application/wasm", component);
    assert_eq!(call.send().await.outcome(), "201");
    bench.registered(&agent()).await;
    let body = json!({ "workflow": "agent", "input": { "who": "you" } });
    bench.post(&format!("/v1/runs{query}"), &body)
}
