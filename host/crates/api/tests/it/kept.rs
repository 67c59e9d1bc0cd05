//! What is kept for a tenant beside its runs: memory, blobs; and what waits for its people.

use serde_json::{Value, json};

use crate::bench::{Bench, ask, bench};

const COUNT: &str = "/v1/kv/plugin:acme%2Fcount";

async fn put(bench: &Bench, key: &str, body: &Value) -> crate::bench::Reply {
    let call = bench.call("PUT", &format!("{COUNT}/{key}"));
    call.typed("application/json", body.to_string()).send().await
}

#[tokio::test]
async fn memory_is_a_list_of_keys_and_each_key_a_thing_at_a_version() {
    let bench = bench();
    for (key, value) in [("a%2F1", json!(null)), ("a%2F2", json!({ "n": 2 })), ("b", json!("x"))] {
        let made = put(&bench, key, &json!({ "value": value, "expected": 0 })).await;
        assert_eq!(made.json()["version"], 1, "{}", made.text);
    }
    let page = bench.get(&format!("{COUNT}?prefix=a/&limit=1")).send().await.json();
    assert_eq!((&page["items"][0]["key"], &page["next_cursor"]), (&json!("a/1"), &json!("a/1")));
    assert_eq!(page["items"][0]["value"], Value::Null);
    let rest = bench.get(&format!("{COUNT}?prefix=a/&limit=1&cursor=a/1")).send().await.json();
    assert_eq!((&rest["items"][0]["key"], &rest["next_cursor"]), (&json!("a/2"), &Value::Null));
    let href = rest["items"][0]["href"].as_str().unwrap();
    assert_eq!(bench.get(href).send().await.json()["value"], json!({ "n": 2 }));
    let stale = put(&bench, "b", &json!({ "value": 1, "expected": 7 })).await;
    assert_eq!(stale.outcome(), "409 WF0409");
    assert_eq!(stale.json()["reason"], "kv_version");
    assert_eq!(put(&bench, "b", &json!({})).await.outcome(), "422 WF0422");
    let ttl = json!({ "value": 1, "ttl": "soon" });
    assert_eq!(put(&bench, "b", &ttl).await.outcome(), "400 WF0400");
    let others = bench.get(COUNT).of("other/viewer").send().await.json();
    assert_eq!(others["items"], json!([]));
    let unknown = bench.get("/v1/kv/tenant:acme").send().await;
    assert_eq!(unknown.outcome(), "404 WF0404");
    assert!(unknown.text.contains("plugin:PUBLISHER/NAME"), "{}", unknown.text);
}

#[tokio::test]
async fn a_blob_comes_back_whole_or_in_part_as_bytes_that_no_browser_shows() {
    let bench = bench();
    let kept = bench.call("POST", "/v1/blobs").typed("application/octet-stream", "0123456789");
    let href = kept.send().await.json()["href"].as_str().unwrap().to_owned();
    let whole = bench.get(&href).send().await;
    assert_eq!((whole.outcome().as_str(), whole.text.as_str()), ("200", "0123456789"));
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert_eq!(whole.header("content-disposition"), "attachment");
    let part = bench.get(&href).header("range", "bytes=-3").send().await;
    assert_eq!((part.status.as_u16(), part.text.as_str()), (206, "789"));
    assert_eq!(part.header("content-range"), "bytes 7-9/10");
    assert_eq!(bench.get(&href).of("other/admin").send().await.outcome(), "404 WF0404");
    assert_eq!(bench.get("/v1/blobs/nothing").send().await.outcome(), "404 WF0404");
    let listed = bench.get("/v1/blobs").send().await.json();
    assert_eq!(listed["items"][0]["in_use"], false);
    assert_eq!(listed["items"][0]["href"], json!(href));
}

#[tokio::test]
async fn a_question_is_put_to_somebody_and_answered_under_its_own_id() {
    let bench = bench();
    bench.registered(&ask()).await;
    let start = json!({ "workflow": "ask", "input": { "who": "you" } });
    bench.post("/v1/runs?wait=30s", &start).send().await;
    let open = bench.get("/v1/interrupts?order=deadline").send().await.json();
    let href = open["items"][0]["href"].as_str().unwrap().to_owned();
    let assign = |body: Value| bench.post(&format!("{href}/assign"), &body).send();
    let assigned = assign(json!({ "assignee": "acme-viewer", "note": "please" })).await.json();
    assert_eq!(
        (&assigned["assignee"], &assigned["note"]),
        (&json!("acme-viewer"), &json!("please"))
    );
    let mine = bench.get("/v1/interrupts?mine=true").of("acme/viewer").send().await.json();
    assert_eq!(mine["items"][0]["href"], json!(href));
    let viewer = bench.post(&format!("{href}/assign"), &json!({})).of("acme/viewer").send().await;
    assert_eq!(viewer.outcome(), "403 WF0403");
    let wrong = assign(json!({ "assignee": "" })).await;
    assert_eq!(wrong.outcome(), "422 WF0422");
    for query in ["mine=true&unassigned=true", "run=x", "cursor=x", "older_than=1", "kind=x"] {
        let refused = bench.get(&format!("/v1/interrupts?{query}")).send().await;
        assert_eq!(refused.outcome(), "400 WF0400", "{query}");
    }
    let answer = format!("{href}/answer?wait=30s");
    let done = bench.post(&answer, &json!({ "answer": true })).send().await;
    assert_eq!(done.json()["status"], "completed", "{}", done.text);
    let again = bench.post(&answer, &json!({ "answer": true })).send().await;
    assert_eq!(again.outcome(), "404 WF0404");
}
