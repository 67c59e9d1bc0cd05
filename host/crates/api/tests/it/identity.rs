//! Who may call what, and what they see of other tenants.

use expect_test::expect_file;
use serde_json::json;
use wforge_api::{Access, IssuedKey, ROUTES, Role};
use wforge_testkit::SimEntropy;

use crate::bench::{Bench, Reply, ask, bench, greet, pepper};

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
    let unknown = IssuedKey::issue(&SimEntropy::new(99), &pepper()).text;
    let unknown = format!("Bearer {unknown}");
    let gone = format!("Bearer {}", bench.key("gone/admin"));
    let nothing = with_authorization(&bench, None).await;
    assert_eq!(nothing.header("www-authenticate"), "Bearer");
    let values = ["", "Bearer", "Bearer wf_", "Basic YTpi", &good, &wrong, &unknown, &gone];
    for value in values {
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
                Access::Open => "open".to_owned(),
                Access::Role { least, scope } => format!("{least} {scope}"),
            };
            format!("{:<27}{:<5}{}\n", access, route.method, route.path)
        })
        .collect();
    expect_file!["routes.txt"].assert_eq(&table.concat());
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
                    (Some(Access::Role { .. }), None) => "401 WF0401",
                    (Some(Access::Role { least, .. }), Some(role)) if role < least => "403 WF0403",
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

#[tokio::test]
async fn a_suspended_tenant_is_told_so_whatever_it_asks() {
    let bench = bench();
    for path in ["/v1/runs", "/v1/keys", "/v1/system"] {
        let reply = bench.get(path).of("asleep/platform").send().await;
        assert_eq!(reply.outcome(), "403 WF1008", "{path}");
    }
}
