//! How refusals read.

use expect_test::expect;
use serde_json::json;

use crate::bench::{PANICS, Reply, bench, greet};

fn check(reply: &Reply, expected: &expect_test::Expect) {
    assert_eq!(reply.header("content-type"), "application/problem+json");
    let mut json = reply.json();
    assert_eq!(json["instance"].as_str().unwrap(), reply.header("x-request-id"));
    assert_eq!(json["status"].as_u64().unwrap(), u64::from(reply.status.as_u16()));
    json["instance"] = json!("[id]");
    let pages = "https://github.com/workflowforge/workflowforge/blob/main/docs/errors/";
    expected.assert_eq(&format!("{json:#}").replace(pages, "[pages]/"));
}

#[tokio::test]
async fn a_path_that_is_not_served_is_a_problem_too() {
    let reply = bench().get("/openapi.yaml").without_key().send().await;
    check(
        &reply,
        &expect![[r#"
            {
              "code": "WF0404",
              "detail": "nothing is served at /openapi.yaml",
              "instance": "[id]",
              "status": 404,
              "title": "there is no such thing",
              "type": "[pages]/WF0404.md"
            }"#]],
    );
}

#[tokio::test]
async fn a_method_that_is_not_served_lists_those_that_are() {
    let reply = bench().call("DELETE", "/v1/runs").send().await;
    assert_eq!(reply.outcome(), "405 WF0405");
    assert_eq!(reply.header("allow"), "GET,HEAD,POST");
}

#[tokio::test]
async fn every_problem_of_a_workflow_is_listed_with_its_place() {
    let mut draft = greet();
    draft["version"] = json!("one");
    let reply = bench().post("/v1/workflows", &draft).send().await;
    check(
        &reply,
        &expect![[r#"
            {
              "code": "WF1001",
              "detail": "unexpected character 'o' while parsing major version number",
              "errors": [
                {
                  "code": "syntax",
                  "column": 257,
                  "file": "workflow.json",
                  "help": "write a workflow",
                  "line": 1,
                  "message": "unexpected character 'o' while parsing major version number"
                }
              ],
              "instance": "[id]",
              "status": 422,
              "title": "the workflow has problems",
              "type": "[pages]/WF1001.md"
            }"#]],
    );
}

#[tokio::test]
async fn a_panic_in_a_handler_is_a_500_that_tells_nothing() {
    let bench = bench();
    let body = format!("wf_{PANICS}_{}", "0".repeat(64));
    let key = format!("Bearer {body}_{:08x}", crc32c::crc32c(body.as_bytes()));
    let call = bench.get("/v1/runs").without_key().header("authorization", &key);
    let reply = call.send().await;
    assert_eq!(reply.outcome(), "500 WF0500");
    assert!(!reply.text.contains("panic") && !reply.text.contains("secret"), "{}", reply.text);
    assert_eq!(bench.get("/v1/runs").send().await.outcome(), "200");
}

#[tokio::test]
async fn a_panic_on_another_thread_is_a_500_that_tells_nothing() {
    let bench = bench();
    let call = bench.call("POST", "/v1/workflows");
    let reply = call.typed("application/yaml", "make the reader panic").send().await;
    assert_eq!(reply.outcome(), "500 WF0500");
    assert!(!reply.text.contains("panic") && !reply.text.contains("secret"), "{}", reply.text);
}

#[tokio::test]
async fn every_response_is_hardened_and_has_an_id_of_its_own() {
    let bench = bench();
    let ids: Vec<String> = [
        bench.get("/healthz").send().await,
        bench.get("/v1/runs").header("x-request-id", "req_forged").send().await,
        bench.get("/nowhere").send().await,
        bench.get("/v1/runs").naming_host("evil.example").send().await,
    ]
    .iter()
    .map(|reply| {
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("cache-control"), "no-store");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"));
        reply.header("x-request-id").to_owned()
    })
    .collect();
    let different: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(different.len(), ids.len(), "{ids:?}");
    assert!(ids.iter().all(|id| id.starts_with("req_") && id.len() == 36), "{ids:?}");
}
