//! Health, metrics, and what the server says of itself.

use expect_test::expect;
use serde_json::{Value, json};
use wforge_api::Phase;

use crate::bench::{Call, bench, greet, joined};

#[tokio::test]
async fn a_server_is_alive_before_and_after_it_is_ready() {
    let bench = bench();
    for (phase, outcome) in
        [(Phase::Starting, "503 WF0503"), (Phase::Ready, "200"), (Phase::Draining, "503 WF0503")]
    {
        bench.readiness.set(phase);
        let ready = bench.get("/readyz").without_key().send().await;
        assert_eq!(ready.outcome(), outcome, "{phase:?}");
        assert_eq!(bench.get("/healthz").without_key().send().await.outcome(), "200");
    }
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_hold_no_tenant_and_no_id() {
    let bench = bench();
    bench.registered(&greet()).await;
    let body = json!({ "workflow": "greet", "input": { "who": "you" } });
    let run = bench.post("/v1/runs?wait=30s", &body).send().await;
    bench.get(run.header("location")).send().await;
    bench.call("GET", "/nowhere/../at?all=1").send().await;
    bench.call("BREW", "/v1/runs").send().await;

    let reply = bench.get("/metrics").without_key().send().await;
    assert_eq!(reply.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let requests: Vec<&str> =
        reply.text.lines().filter(|line| line.starts_with("wforge_http_requests")).collect();
    expect![[r#"
        wforge_http_requests_total{route="/v1/runs",method="POST",status="200"} 1
        wforge_http_requests_total{route="/v1/runs",method="other",status="405"} 1
        wforge_http_requests_total{route="/v1/runs/{run}",method="GET",status="200"} 1
        wforge_http_requests_total{route="/v1/workflows",method="POST",status="201"} 1
        wforge_http_requests_total{route="unmatched",method="GET",status="404"} 1"#]]
    .assert_eq(&requests.join("\n"));
    for line in [
        "wforge_ready 1",
        "wforge_runs_started_total 1",
        r#"wforge_runs_ended_total{status="completed"} 1"#,
        r#"wforge_tasks_finished_total{source="live"} 1"#,
        r#"wforge_kept_entries{what="workflows"} 1"#,
        r#"wforge_build_info{version="0.1.0",environment="testing"} 1"#,
    ] {
        assert!(reply.text.lines().any(|found| found == line), "{line} in {}", reply.text);
    }
    let id = run.header("location").rsplit('/').next().unwrap();
    assert!(id.starts_with("run_"), "{id}");
    for secret in ["acme", "greet", id] {
        assert!(!reply.text.contains(secret), "{secret} in {}", reply.text);
    }
}

/// A stranger would say what is sampled, and under which ids.
#[tokio::test]
async fn only_a_client_with_a_valid_credential_names_the_trace_of_its_request() {
    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let bench = bench();
    let check = async |call: Call<'_>, outcome: &str, is_told: bool| {
        assert_eq!(call.header("traceparent", PARENT).send().await.outcome(), outcome);
        let expected: &[&str] = if is_told { &[PARENT] } else { &[] };
        assert_eq!(joined(), expected, "{outcome}");
    };
    check(bench.get("/v1/runs"), "200", true).await;
    check(bench.get("/v1/tenants"), "403 WF0403", true).await;
    check(bench.get("/v1/runs").without_key(), "401 WF0401", false).await;
    let made_up = format!("Bearer wf_{}", "0".repeat(56));
    let wrong = bench.get("/v1/runs").without_key().header("authorization", &made_up);
    check(wrong, "401 WF0401", false).await;
    // Nobody is asked there who they are.
    check(bench.get("/healthz"), "200", false).await;
    check(bench.get("/nowhere"), "404 WF0404", false).await;
    bench.get("/v1/runs").header("traceparent", &"0".repeat(129)).send().await;
    assert_eq!(joined(), [""; 0], "too long");
}

#[tokio::test]
async fn every_family_is_described_once_and_before_its_samples() {
    let reply = bench().get("/metrics").send().await;
    let (mut described, mut current) = (std::collections::BTreeSet::new(), String::new());
    for line in reply.text.lines() {
        if let Some(of) = line.strip_prefix("# TYPE ") {
            current = of.split(' ').next().unwrap().to_owned();
            assert!(described.insert(current.clone()), "{current} twice");
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&current), "{line} under {current}");
        }
    }
    assert!(described.len() > 10);
}

#[tokio::test]
async fn only_the_platform_sees_figures_over_all_tenants() {
    let bench = bench();
    for (role, sees) in [("viewer", false), ("admin", false), ("platform", true)] {
        let system = bench.get("/v1/system").of(&format!("acme/{role}")).send().await.json();
        assert_eq!(
            system["you"],
            json!({ "tenant": "acme", "role": role, "name": format!("acme-{role}") })
        );
        assert_eq!(system["api"], json!(["v1"]));
        assert_eq!(system["limits"]["wait_ms_max"], 60_000);
        assert_eq!(system["uptime_ms"], 0, "the clock stands");
        for part in ["figures", "machine", "pool", "queue", "store"] {
            assert_eq!(system[part] != Value::Null, sees, "{role} {part}");
        }
        let memory = if sees { json!(640 << 10) } else { Value::Null };
        assert_eq!(system["machine"]["memory"]["resident_bytes"], memory, "{role}");
        let used = if sees { json!(7) } else { Value::Null };
        assert_eq!(system["machine"]["disk"]["used_bytes"], used, "{role}");
        assert_eq!(system["machine"]["cpu_ms"], Value::Null, "it is for /metrics alone");
    }
}
