//! Workflows and plugins, and how lists are paged.

use serde_json::{Value, json};

use crate::bench::{Bench, agent, bench, greet};
use crate::ports::manifest;

async fn install(bench: &Bench, name: &str, version: &str) -> crate::bench::Reply {
    let call = bench.call("POST", "/v1/plugins");
    call.typed("application/wasm", manifest(name, version)).send().await
}

/// The ids of a list, page by page.
async fn pages(bench: &Bench, path: &str, limit: usize) -> Vec<String> {
    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.get(&format!("{path}?limit={limit}{cursor}")).send().await.json();
        let items = page["items"].as_array().unwrap();
        let ids: Vec<&str> = items.iter().map(|item| item["id"].as_str().unwrap()).collect();
        pages.push(ids.join(" "));
        let Value::String(next) = &page["next_cursor"] else {
            return pages;
        };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test]
async fn an_installed_plugin_is_listed_and_shown_by_name_and_version() {
    let bench = bench();
    for version in ["1.0.0", "1.2.0"] {
        let reply = install(&bench, "acme/echo", version).await;
        assert_eq!(reply.outcome(), "201");
        assert_eq!(reply.header("location"), format!("/v1/plugins/acme/echo@{version}"));
    }
    let newest = bench.get("/v1/plugins/acme/echo").send().await.json();
    assert_eq!((&newest["kind"], &newest["id"]), (&json!("plugin"), &json!("acme/echo@1.2.0")));
    assert!(newest["by"].as_str().unwrap().starts_with("acme-developer ("), "{newest}");
    assert_eq!(newest["manifest"]["agents"][0]["name"], "main");
    let older = bench.get("/v1/plugins/acme/echo@1.0.0").send().await.json();
    assert_eq!(older["id"], "acme/echo@1.0.0");
    assert_eq!(bench.get("/v1/plugins/acme/echo@2").send().await.outcome(), "404 WF0404");
}

#[tokio::test]
async fn a_run_can_name_components_that_are_not_installed() {
    let bench = bench();
    bench.registered(&agent()).await;
    let component = manifest("acme/echo", "1.0.0");
    let call = bench.call("POST", "/v1/components").typed("application/wasm", component);
    let admitted = call.send().await;
    assert_eq!(admitted.outcome(), "201");
    let id = admitted.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(admitted.header("location"), format!("/v1/components/{id}"));
    assert_eq!(pages(&bench, "/v1/plugins", 10).await, [""]);

    let body = |plugins: Value| json!({ "workflow": "agent", "input": { "who": "you" }, "plugins": plugins });
    let run = |plugins: Value| bench.post("/v1/runs?wait=30s", &body(plugins)).send();
    assert_eq!(run(json!([id])).await.json()["status"], "completed");
    assert_eq!(run(json!([])).await.json()["reason"], "missing_agents");
    let unknown = format!("sha256:{}", "0".repeat(64));
    assert_eq!(run(json!([unknown])).await.outcome(), "404 WF0404");
    let path = format!("/v1/components/{id}");
    assert_eq!(bench.get(&path).send().await.outcome(), "200");
    assert_eq!(bench.get(&path).of("other/developer").send().await.outcome(), "404 WF0404");
}

#[tokio::test]
async fn a_component_that_is_not_let_in_says_why() {
    let bench = bench();
    let call = bench.call("POST", "/v1/plugins").typed("application/wasm", "MZ");
    let reply = call.send().await;
    assert_eq!(reply.outcome(), "422 WF1002");
    assert_eq!(reply.json()["reason"], "not_wasm");
    assert_eq!(pages(&bench, "/v1/plugins", 10).await, [""]);
}

#[tokio::test]
async fn a_version_of_a_workflow_stays_what_it_is() {
    let bench = bench();
    bench.registered(&greet()).await;
    bench.registered(&greet()).await;
    let mut changed = greet();
    changed["nodes"]["hello"]["work"]["set"]["hello"] = json!("'bye ' + state.who");
    let reply = bench.post("/v1/workflows", &changed).send().await;
    assert_eq!(reply.outcome(), "409 WF0409");
    assert_eq!(reply.json()["reason"], "version_taken");
    changed["version"] = json!("1.1.0");
    let reply = bench.post("/v1/workflows", &changed).send().await;
    assert_eq!(reply.outcome(), "201");
    assert_eq!(reply.header("location"), "/v1/workflows/greet?version=1.1.0");
    assert_eq!(reply.json()["warnings"], json!([]));

    let newest = bench.get("/v1/workflows/greet").send().await.json();
    assert_eq!(newest["id"], "greet@1.1.0");
    assert_eq!(newest["workflow"]["nodes"], changed["nodes"]);
    let older = bench.get("/v1/workflows/greet?version=1.0.0").send().await.json();
    assert_eq!(older["id"], "greet@1.0.0");
    assert_eq!(bench.get("/v1/workflows/greet?version=x").send().await.outcome(), "400 WF0400");
}

#[tokio::test]
async fn a_workflow_that_cannot_run_is_refused_with_every_problem() {
    let mut draft = greet();
    draft["nodes"]["lost"] = json!({ "work": { "set": { "hello": "nosuch(1)" } } });
    let reply = bench().post("/v1/workflows", &draft).send().await;
    assert_eq!(reply.outcome(), "422 WF1001");
    let errors = reply.json()["errors"].as_array().cloned().unwrap_or_default();
    assert!(errors.len() >= 2, "{}", reply.text);
}

#[tokio::test]
async fn lists_are_paged_without_a_gap() {
    let bench = bench();
    for name in ["acme/c", "acme/a", "acme/b"] {
        assert_eq!(install(&bench, name, "1.0.0").await.outcome(), "201");
    }
    assert_eq!(
        pages(&bench, "/v1/plugins", 2).await,
        ["acme/a@1.0.0 acme/b@1.0.0", "acme/c@1.0.0"]
    );

    for version in ["1.0.0", "1.0.1"] {
        let mut draft = greet();
        draft["version"] = json!(version);
        bench.registered(&draft).await;
    }
    assert_eq!(pages(&bench, "/v1/workflows", 1).await, ["greet@1.0.0", "greet@1.0.1"]);
}

#[tokio::test]
async fn runs_are_paged_from_the_newest() {
    let bench = bench();
    bench.registered(&greet()).await;
    let mut started = Vec::new();
    for _ in 0..5 {
        bench.clock.advance(std::time::Duration::from_millis(1));
        let body = json!({ "workflow": "greet", "input": { "who": "you" } });
        let run = bench.post("/v1/runs?wait=30s", &body).send().await.json();
        started.insert(0, run["id"].as_str().unwrap().to_owned());
    }
    let pages = pages(&bench, "/v1/runs", 2).await;
    let expected: Vec<String> = started.chunks(2).map(|chunk| chunk.join(" ")).collect();
    assert_eq!(pages, expected);
}
