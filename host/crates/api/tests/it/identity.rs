//! Who may call what, and what they see of other tenants.

use expect_test::expect;
use serde_json::json;
use wforge_api::{Access, ROUTES, Role};

use crate::bench::{Bench, Reply, ask, bench, greet};

async fn with_authorization(bench: &Bench, value: Option<&str>) -> Reply {
    let call = bench.get("/v1/runs").without_key();
    match value {
        Some(value) => call.header("authorization", value).send().await,
        None => call.send().await,
    }
}

#[tokio::test]
async fn every_key_that_is_not_valid_gets_the_same_answer() {
    let bench = bench();
    let good = bench.key("acme/viewer").to_owned();
    let wrong = format!("Bearer {}x", &good[..good.len() - 1]);
    let unknown = format!("Bearer wf_00000000_{}", "0".repeat(64));
    let nothing = with_authorization(&bench, None).await;
    assert_eq!(nothing.header("www-authenticate"), "Bearer");
    for value in ["", "Bearer", "Bearer wf_", "Basic YTpi", &good, &wrong, &unknown] {
        let mut reply = with_authorization(&bench, Some(value)).await.json();
        reply["instance"] = nothing.json()["instance"].clone();
        assert_eq!(reply, nothing.json(), "{value}");
    }
    let reply = with_authorization(&bench, Some(&format!("Bearer {good}"))).await;
    assert_eq!(reply.outcome(), "200");
}

#[test]
fn the_table_of_routes_is_as_reviewed() {
    let table: Vec<String> = ROUTES
        .iter()
        .map(|route| {
            let access = match route.access {
                Access::Open => "open",
                Access::Role(role) => role.as_str(),
            };
            format!("{:<10}{:<5}{}\n", access, route.method, route.path)
        })
        .collect();
    expect![[r#"
        open      GET  /healthz
        open      GET  /readyz
        open      GET  /metrics
        viewer    GET  /v1/system
        viewer    GET  /v1/plugins
        developer POST /v1/plugins
        viewer    GET  /v1/plugins/{publisher}/{name}
        developer POST /v1/components
        viewer    GET  /v1/components/{digest}
        viewer    GET  /v1/workflows
        developer POST /v1/workflows
        viewer    GET  /v1/workflows/{name}
        viewer    GET  /v1/runs
        operator  POST /v1/runs
        viewer    GET  /v1/runs/{run}
        viewer    GET  /v1/runs/{run}/workflow
        viewer    GET  /v1/runs/{run}/events
        viewer    GET  /v1/runs/{run}/stream
        operator  POST /v1/runs/{run}/resume
        operator  POST /v1/runs/{run}/cancel
        operator  POST /v1/runs/{run}/pause
        operator  POST /v1/runs/{run}/continue
        operator  POST /v1/runs/{run}/retry
        viewer    GET  /v1/interrupts
        viewer    GET  /v1/threads
        viewer    GET  /v1/threads/{thread}
        viewer    GET  /v1/threads/{thread}/history
        operator  POST /v1/threads/{thread}/state
        operator  POST /v1/threads/{thread}/fork
        operator  POST /v1/threads/{thread}/replay
        operator  POST /v1/threads/{thread}/copy
        operator  POST /v1/threads/{thread}/prune
        operator  POST /v1/threads/{thread}/migrate
    "#]]
    .assert_eq(&table.concat());
}

/// Every method of every path with every role, and with none: refused exactly where the table says
/// so, and a method that has no row is served to nobody.
#[tokio::test]
async fn each_role_may_call_what_the_table_says_and_nothing_else() {
    let bench = bench();
    for route in ROUTES {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let row = ROUTES.iter().find(|row| row.path == route.path && row.method == method);
            for role in std::iter::once(None).chain(Role::ALL.map(Some)) {
                let outcome = outcome(&bench, method, route.path, role).await;
                let expected = match (row.map(|row| row.access), role) {
                    (None, _) => "405 WF0405",
                    (Some(Access::Role(_)), None) => "401 WF0401",
                    (Some(Access::Role(least)), Some(role)) if role < least => "403 WF0403",
                    (Some(_), _) => "admitted",
                };
                assert_eq!(outcome, expected, "{method} {} as {role:?}", route.path);
            }
        }
    }
}

async fn outcome(bench: &Bench, method: &str, path: &str, role: Option<Role>) -> String {
    let path = path.replace(['{', '}'], "");
    let call = match role {
        Some(role) => bench.call(method, &path).of(&format!("acme/{role}")),
        None => bench.call(method, &path).without_key(),
    };
    let outcome = call.send().await.outcome();
    let refused = ["401 WF0401", "403 WF0403", "405 WF0405"];
    if refused.contains(&outcome.as_str()) { outcome } else { "admitted".into() }
}

#[tokio::test]
async fn what_another_tenant_has_looks_as_if_it_were_not_there() {
    let bench = bench();
    bench.registered(&ask()).await;
    let body = json!({ "workflow": "ask", "input": { "who": "you" } });
    let run = bench.post("/v1/runs?wait=30s", &body).send().await;
    assert_eq!(run.outcome(), "200", "{}", run.text);
    let href = run.header("location").to_owned();
    let nothing = "/v1/runs/run_00000000000000000000000000000001";

    for (method, tail) in [
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/stream"),
        ("POST", "/resume"),
        ("POST", "/cancel"),
        ("POST", "/pause"),
        ("POST", "/continue"),
        ("POST", "/retry"),
    ] {
        let ours = bench.call(method, &format!("{href}{tail}")).of("other/admin").send().await;
        let none = bench.call(method, &format!("{nothing}{tail}")).of("other/admin").send().await;
        assert_eq!(ours.outcome(), "404 WF0404", "{method} {tail}");
        let detail = ours.json()["detail"].to_string().replace(&href[9..], &nothing[9..]);
        assert_eq!(detail, none.json()["detail"].to_string());
    }
    for path in ["/v1/workflows/ask", "/v1/plugins/acme/echo"] {
        assert_eq!(bench.get(path).of("other/admin").send().await.outcome(), "404 WF0404");
    }
    for path in ["/v1/runs", "/v1/workflows", "/v1/plugins", "/v1/interrupts", "/v1/threads"] {
        let page = bench.get(path).of("other/admin").send().await.json();
        assert_eq!(page, json!({ "items": [], "next_cursor": null }), "{path}");
    }
    assert_eq!(bench.get(&href).send().await.outcome(), "200");
}

#[tokio::test]
async fn no_header_and_no_field_can_name_a_tenant() {
    let bench = bench();
    bench.registered(&greet()).await;
    let body = json!({ "workflow": "greet", "input": { "who": "you" }, "tenant": "acme" });
    let reply = bench.post("/v1/runs", &body).of("other/operator").send().await;
    assert_eq!(reply.outcome(), "422 WF0422");
    let spoofed = bench.get("/v1/workflows/greet").of("other/admin");
    let reply = spoofed.header("x-tenant", "acme").header("x-wforge-tenant", "acme").send().await;
    assert_eq!(reply.outcome(), "404 WF0404");
}

#[tokio::test]
async fn an_operator_runs_what_is_registered_and_no_file_of_its_own() {
    let bench = bench();
    bench.registered(&greet()).await;
    let named = json!({ "workflow": "greet", "input": { "who": "you" } });
    let file = json!({ "workflow": greet().to_string(), "input": { "who": "you" } });
    let of = "acme/operator";
    assert_eq!(bench.post("/v1/runs", &named).of(of).send().await.outcome(), "202");
    assert_eq!(bench.post("/v1/runs", &file).of(of).send().await.outcome(), "403 WF0403");
    assert_eq!(bench.post("/v1/runs", &file).send().await.outcome(), "202");
}
