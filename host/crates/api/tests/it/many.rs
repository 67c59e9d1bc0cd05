//! Runs that are found by what they are, many that are changed at once, and what is told of them.

use serde_json::{Value, json};

use crate::bench::{Bench, ask, bench, greet};

async fn start(bench: &Bench, workflow: &str, labels: Value) -> String {
    let body = json!({ "workflow": workflow, "input": { "who": "you" }, "labels": labels });
    let run = bench.post("/v1/runs?wait=30s", &body).send().await.json();
    run["id"].as_str().unwrap_or_else(|| panic!("{run}")).to_owned()
}

async fn ids(bench: &Bench, query: &str) -> Vec<String> {
    let page = bench.get(&format!("/v1/runs?{query}")).of("acme/viewer").send().await.json();
    let items = page["items"].as_array().unwrap_or_else(|| panic!("{page}"));
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

async fn two_that_wait_and_one_that_ended(bench: &Bench) -> [String; 3] {
    bench.registered(&greet()).await;
    bench.registered(&ask()).await;
    [
        start(bench, "ask", json!({ "team": "search", "stage": "nightly" })).await,
        start(bench, "ask", json!({ "team": "ads" })).await,
        start(bench, "greet", json!({ "team": "search" })).await,
    ]
}

#[tokio::test]
async fn runs_are_found_by_status_workflow_and_labels() {
    let bench = bench();
    let [first, second, third] = two_that_wait_and_one_that_ended(&bench).await;
    assert_eq!(ids(&bench, "status=waiting").await, [second.as_str(), first.as_str()]);
    assert_eq!(ids(&bench, "status=waiting,completed").await.len(), 3);
    assert_eq!(ids(&bench, "workflow=greet").await, [third.as_str()]);
    assert_eq!(ids(&bench, "label=team%3Dsearch").await, [third.as_str(), first.as_str()]);
    assert_eq!(ids(&bench, "label=team%3Dsearch,stage%3Dnightly").await, [first.as_str()]);
    assert_eq!(ids(&bench, "degraded=true").await, [""; 0]);
    assert_eq!(ids(&bench, "since=1d&limit=1&status=waiting").await, [second.as_str()]);
    let rest = format!("limit=1&status=waiting&cursor={second}");
    assert_eq!(ids(&bench, &rest).await, [first]);
    for wrong in ["status=done", "label=team", "since=yesterday", "thread=x", "team=search"] {
        let refused = bench.get(&format!("/v1/runs?{wrong}")).send().await;
        assert_eq!(refused.outcome(), "400 WF0400", "{wrong}");
    }
}

#[tokio::test]
async fn labels_have_limits() {
    let bench = bench();
    bench.registered(&greet()).await;
    let body = |labels: Value| json!({ "workflow": "greet", "labels": labels });
    for wrong in [json!({ "a b": "x" }), json!({ "a": "x,y" }), json!({ "a": "x".repeat(256) })] {
        let refused = bench.post("/v1/runs", &body(wrong)).send().await;
        assert_eq!(refused.outcome(), "422 WF0422");
        assert!(refused.json()["detail"].as_str().unwrap().starts_with("labels: "));
    }
}

#[tokio::test]
async fn many_runs_are_ended_at_once_and_each_has_an_answer() {
    let bench = bench();
    let [first, second, third] = two_that_wait_and_one_that_ended(&bench).await;
    let cancel = |body: Value| bench.post("/v1/runs/cancel", &body).of("acme/operator").send();
    let filter = json!({ "filter": { "labels": { "team": "search" } }, "dry_run": true });
    let shown = cancel(filter).await.json();
    assert_eq!((&shown["changed"], &shown["dry_run"]), (&json!(1), &json!(true)), "{shown}");
    assert_eq!(shown["items"][0]["outcome"], "would_change");
    assert_eq!(ids(&bench, "status=waiting").await.len(), 2, "a dry run changes nothing");

    let gone = "run_00000000000000000000000000000001";
    let done = cancel(json!({ "ids": [first, third, gone], "reason": "enough" })).await.json();
    let outcomes: Vec<&Value> = done["items"].as_array().unwrap().iter().collect();
    assert_eq!(outcomes[0]["status"], "cancelled");
    assert_eq!(outcomes[1]["refusal"]["reason"], "run_ended");
    assert_eq!(outcomes[2]["refusal"]["code"], "WF0404");
    assert_eq!((&done["changed"], &done["refused"]), (&json!(1), &json!(2)));

    let done = cancel(json!({ "filter": { "all": true } })).await.json();
    assert_eq!(done["items"][0]["run"], json!(second));
    for wrong in [json!({}), json!({ "filter": {} }), json!({ "ids": [] })] {
        assert_eq!(cancel(wrong).await.outcome(), "422 WF0422");
    }
    let of_another = json!({ "ids": [first] });
    let other = bench.post("/v1/runs/cancel", &of_another).of("other/operator").send().await;
    assert_eq!(other.json()["items"][0]["refusal"]["code"], "WF0404");
    let viewer = bench.post("/v1/runs/cancel", &of_another).of("acme/viewer").send().await;
    assert_eq!(viewer.outcome(), "403 WF0403");
}

#[tokio::test]
async fn who_has_a_thing_as_it_stands_gets_no_body() {
    let bench = bench();
    bench.registered(&ask()).await;
    let run = start(&bench, "ask", json!({})).await;
    for path in [format!("/v1/runs/{run}"), "/v1/workflows/ask".to_owned()] {
        let first = bench.get(&path).send().await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with("W/\""), "{path}: {tag}");
        let again = bench.get(&path).header("if-none-match", &tag).send().await;
        assert_eq!((again.outcome().as_str(), again.text.as_str()), ("304", ""), "{path}");
        assert_eq!(again.header("etag"), tag);
        let other = bench.get(&path).of("other/viewer").header("if-none-match", &tag).send().await;
        assert_eq!(other.outcome(), "404 WF0404", "{path}");
    }
    let path = format!("/v1/runs/{run}");
    let tag = bench.get(&path).send().await.header("etag").to_owned();
    bench.post(&format!("{path}/cancel"), &json!({})).send().await;
    let moved = bench.get(&path).header("if-none-match", &tag).send().await;
    assert_eq!(moved.json()["status"], "cancelled");
}

#[tokio::test]
async fn a_receipt_counts_by_node_and_a_report_is_one_page() {
    let bench = bench();
    bench.registered(&greet()).await;
    let run = start(&bench, "greet", json!({ "who": "<b>" })).await;
    let receipt = bench.get(&format!("/v1/runs/{run}/receipt")).of("acme/viewer").send().await;
    let receipt = receipt.json();
    assert_eq!((&receipt["kind"], &receipt["id"]), (&json!("receipt"), &json!(run)));
    assert_eq!(receipt["total"]["sources"], json!({ "live": 1 }));
    assert_eq!(receipt["nodes"][0]["node"], "hello");
    assert_eq!(receipt["nodes"][0]["attempts"], 1);

    let page = bench.get(&format!("/v1/runs/{run}/report")).of("acme/viewer").send().await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    assert!(page.header("content-security-policy").contains("sandbox"));
    assert!(page.text.contains("who=&lt;b&gt;") && !page.text.contains("<script"));
    for what in ["receipt", "report", "logs"] {
        let path = format!("/v1/runs/{run}/{what}");
        let other = bench.get(&path).of("other/viewer").send().await;
        assert_eq!(other.outcome(), "404 WF0404", "{what}");
    }
    let lines = bench.get(&format!("/v1/runs/{run}/logs?level=warn")).send().await.json();
    assert_eq!(lines, json!({ "items": [], "next_cursor": null }));
}

#[tokio::test]
async fn a_paused_run_makes_one_step_and_a_run_goes_back_to_before_a_task() {
    let bench = bench();
    bench.registered(&ask()).await;
    let thread = "thread_00000000000000000000000000000abc";
    let body = json!({
        "workflow": "ask", "input": { "who": "you" }, "thread": thread, "steps": 1,
        "answers": { "approve": true },
    });
    let run = bench.post("/v1/runs?wait=30s", &body).send().await.json();
    assert_eq!(run["status"], "paused", "{run}");
    let path = format!("/v1/runs/{}", run["id"].as_str().unwrap());
    let step = bench.post(&format!("{path}/step?wait=30s"), &json!({})).send().await.json();
    assert_eq!(step["step"], 2, "{step}");
    bench.post(&format!("{path}/continue?wait=30s"), &json!({})).send().await;
    let ended = bench.get(&path).send().await.json();
    assert_eq!(ended["status"], "completed", "{ended}");
    let hello = ended["tasks"].as_array().unwrap().iter().find(|task| task["node"] == "hello");
    let body = json!({ "task": hello.unwrap()["task"] });
    let again = bench.post(&format!("{path}/retry?wait=30s"), &body).send().await.json();
    assert_ne!(again["id"], ended["id"]);
    assert_eq!(again["status"], "completed", "{again}");
    let nodes: Vec<&Value> =
        again["tasks"].as_array().unwrap().iter().map(|t| &t["node"]).collect();
    assert_eq!(nodes, [&json!("hello")]);
}

#[tokio::test]
async fn a_workflow_shows_its_versions_its_drawing_and_its_schemas() {
    let bench = bench();
    for version in ["1.9.0", "1.10.0"] {
        let mut draft = greet();
        draft["version"] = json!(version);
        bench.registered(&draft).await;
    }
    let get = |path: &str| bench.get(path).of("acme/viewer").send();
    let newest = get("/v1/workflows/greet/versions?limit=1").await.json();
    assert_eq!(newest["items"][0]["version"], "1.10.0");
    let cursor = newest["next_cursor"].as_str().unwrap();
    let older = get(&format!("/v1/workflows/greet/versions?cursor={cursor}")).await.json();
    assert_eq!(older["items"][0]["version"], "1.9.0");
    assert_eq!(older["next_cursor"], json!(null));
    assert_eq!(get("/v1/workflows/nothing/versions").await.outcome(), "404 WF0404");

    let drawn = get("/v1/workflows/greet/graph").await.json();
    assert_eq!(drawn["title"], "greet@1.10.0");
    let mermaid = get("/v1/workflows/greet/graph?format=mermaid&version=1.9.0").await;
    assert!(mermaid.text.starts_with("flowchart TD\n"), "{}", mermaid.text);
    let dot = get("/v1/workflows/greet/graph?format=dot").await;
    assert!(dot.text.starts_with("digraph \"greet@1.10.0\""), "{}", dot.text);
    let svg = get("/v1/workflows/greet/graph?format=svg").await;
    assert_eq!(svg.header("content-type"), "image/svg+xml");
    assert_eq!(get("/v1/workflows/greet/graph?format=png").await.outcome(), "400 WF0400");

    let schemas = get("/v1/workflows/greet/schemas").await.json();
    assert_eq!(schemas["input"]["required"], json!(["who"]));
    assert_eq!(schemas["output"]["properties"], json!({ "hello": true }));
}

#[tokio::test]
async fn a_file_is_validated_and_nothing_is_kept() {
    let bench = bench();
    let validate = |text: String| {
        bench.call("POST", "/v1/workflows/validate").typed("application/json", text).send()
    };
    let good = validate(greet().to_string()).await.json();
    assert_eq!(good["valid"], true, "{good}");
    let wrong = validate("no workflow".to_owned()).await.json();
    assert_eq!(wrong["valid"], false);
    assert!(wrong["reports"][0]["line"].is_u64(), "{wrong}");
    let listed = bench.get("/v1/workflows").send().await.json();
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn a_plugin_shows_its_versions_and_what_it_may() {
    let bench = bench();
    for version in ["1.9.0", "1.10.0"] {
        let call = bench.call("POST", "/v1/plugins");
        let component = crate::ports::manifest("acme/echo", version);
        call.typed("application/wasm", component).send().await;
    }
    let found = bench.get("/v1/plugins/acme/echo/versions").of("acme/viewer").send().await.json();
    let versions = found["items"].as_array().unwrap().iter().map(|item| item["id"].clone());
    let expected = [json!("acme/echo@1.10.0"), json!("acme/echo@1.9.0")];
    assert_eq!(versions.collect::<Vec<_>>(), expected);
    let shown = bench.get("/v1/plugins/acme/echo").send().await.json();
    assert_eq!((&shown["effects"], &shown["used"]), (&json!("recorded"), &json!({})));
    let nothing = bench.get("/v1/plugins/acme/nothing/versions").send().await;
    assert_eq!(nothing.outcome(), "404 WF0404");
}
