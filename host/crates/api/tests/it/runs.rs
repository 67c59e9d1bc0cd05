//! Runs from start to end.

use std::sync::atomic::Ordering;

use expect_test::expect;
use serde_json::{Value, json};

use crate::bench::{Bench, Reply, agent, ask, bench, greet, idle};
use crate::ports::manifest;

/// Starts a run of a workflow that was registered.
async fn start(bench: &Bench, workflow: &str, query: &str) -> Reply {
    let body = json!({ "workflow": workflow, "input": { "who": "you" } });
    bench.post(&format!("/v1/runs{query}"), &body).send().await
}

/// What a reply says of a run, in a line.
fn line(reply: &Reply) -> String {
    let run = reply.json();
    let outcome = reply.outcome();
    format!("{outcome} {} output {} questions {}", run["status"], run["output"], prompts(&run))
}

fn prompts(run: &Value) -> String {
    let questions = run["questions"].as_array().cloned().unwrap_or_default();
    let prompts = questions.iter().map(|question| question["prompt"].to_string());
    format!("[{}]", prompts.collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn a_run_is_accepted_at_once_and_answered_whole_where_the_client_waits() {
    let bench = bench();
    bench.registered(&greet()).await;
    let accepted = start(&bench, "greet", "").await;
    assert_eq!(accepted.outcome(), "202");
    assert_eq!(accepted.header("location"), accepted.json()["href"].as_str().unwrap());
    assert_eq!(
        accepted.header("location"),
        format!("/v1/runs/{}", accepted.json()["id"].as_str().unwrap())
    );

    let settled = start(&bench, "greet", "?wait=30s").await;
    assert_eq!(line(&settled), r#"200 "completed" output {"hello":"hello you"} questions []"#);
    let shown = bench.get(settled.header("location")).of("acme/viewer").send().await;
    assert_eq!(shown.json(), settled.json());
}

#[tokio::test]
async fn a_run_has_one_shape() {
    let bench = bench();
    bench.registered(&greet()).await;
    let mut run = start(&bench, "greet@1.0.0", "?wait=30s").await.json();
    let id = run["id"].as_str().unwrap().to_owned();
    for (field, value) in
        [("digest", "[digest]"), ("started_at", "[time]"), ("updated_at", "[time]")]
    {
        run[field] = json!(value);
    }
    run["tasks"][0]["task"] = json!("[task]");
    expect![[r#"
        {
          "by": "acme-developer",
          "degraded": false,
          "digest": "[digest]",
          "error": null,
          "href": "/v1/runs/[run]",
          "id": "[run]",
          "kind": "run",
          "outcome": null,
          "output": {
            "hello": "hello you"
          },
          "questions": [],
          "run": "[run]",
          "seq": 5,
          "started_at": "[time]",
          "status": "completed",
          "step": 1,
          "tasks": [
            {
              "agent": null,
              "attempt": 1,
              "effects": "recorded",
              "failure": null,
              "ms": 0,
              "node": "hello",
              "source": "live",
              "step": 1,
              "task": "[task]",
              "within": null
            }
          ],
          "tasks_finished": 1,
          "tasks_open": 0,
          "tenant": "acme",
          "thread": null,
          "updated_at": "[time]",
          "version": "1.0.0",
          "waiting_for": [],
          "workflow": "greet"
        }"#]]
    .assert_eq(&format!("{run:#}").replace(&id, "[run]"));
}

#[tokio::test]
async fn a_person_answers_and_the_run_goes_on() {
    let bench = bench();
    bench.registered(&ask()).await;
    let waits = start(&bench, "ask", "?wait=30s").await;
    assert_eq!(line(&waits), r#"200 "waiting" output null questions ["Greet you?"]"#);

    let resume = format!("{}/resume?wait=30s", waits.header("location"));
    let wrong = json!({ "answers": [{ "node": "approve", "answer": "perhaps" }] });
    assert_eq!(bench.post(&resume, &wrong).send().await.outcome(), "422 WF0422");
    let nobody = json!({ "answers": [{ "node": "hello", "answer": true }] });
    assert_eq!(bench.post(&resume, &nobody).send().await.outcome(), "404 WF0404");

    let answer = json!({ "answers": [{ "answer": true }] });
    let done = bench.post(&resume, &answer).of("acme/operator").send().await;
    assert_eq!(line(&done), r#"200 "completed" output {"hello":"hello you"} questions []"#);
    let again = bench.post(&resume, &answer).send().await;
    assert_eq!(again.outcome(), "409 WF0409");
    assert_eq!(again.json()["reason"], "run_ended");
}

#[tokio::test]
async fn a_question_can_be_answered_by_its_id_or_beforehand() {
    let bench = bench();
    bench.registered(&ask()).await;
    let waits = start(&bench, "ask", "?wait=30s").await;
    let question = waits.json()["questions"][0]["id"].clone();
    let resume = format!("{}/resume?wait=30s", waits.header("location"));
    let answer = json!({ "answers": [{ "question": question, "answer": false }] });
    assert_eq!(bench.post(&resume, &answer).send().await.json()["status"], "completed");

    let body =
        json!({ "workflow": "ask", "input": { "who": "you" }, "answers": { "approve": true } });
    let done = bench.post("/v1/runs?wait=30s", &body).send().await;
    assert_eq!(line(&done), r#"200 "completed" output {"hello":"hello you"} questions []"#);
}

#[tokio::test]
async fn a_run_can_be_cancelled_once() {
    let bench = bench();
    bench.registered(&ask()).await;
    let waits = start(&bench, "ask", "?wait=30s").await;
    let cancel = format!("{}/cancel", waits.header("location"));
    let reply = bench.call("POST", &cancel).send().await;
    assert_eq!(line(&reply), r#"200 "cancelled" output null questions []"#);
    let again = bench.post(&cancel, &json!({ "reason": "enough" })).send().await;
    assert_eq!(again.outcome(), "409 WF0409");
}

#[tokio::test]
async fn a_run_that_does_not_settle_in_time_is_answered_as_it_stands() {
    let bench = bench();
    let component = manifest("acme/echo", "1.0.0");
    let call = bench.call("POST", "/v1/plugins").typed("application/wasm", component);
    assert_eq!(call.send().await.outcome(), "201");
    bench.registered(&agent()).await;
    let live = start(&bench, "agent", "?wait=30s").await;
    assert_eq!(line(&live), r#"200 "completed" output {"hello":"you"} questions []"#);
    assert_eq!(live.json()["tasks"][0]["agent"], "acme/echo@1.0.0");

    bench.hangs.store(true, Ordering::Release);
    let slow = bench.passing_time(start(&bench, "agent", "?wait=30s")).await;
    assert_eq!(line(&slow), r#"202 "running" output null questions []"#);
}

#[tokio::test]
async fn a_stop_ends_a_wait() {
    let bench = bench();
    let component = manifest("acme/echo", "1.0.0");
    let call = bench.call("POST", "/v1/plugins").typed("application/wasm", component);
    assert_eq!(call.send().await.outcome(), "201");
    bench.registered(&agent()).await;
    bench.hangs.store(true, Ordering::Release);
    let stop = async { bench.shutdown.cancel() };
    let (slow, ()) = tokio::join!(biased; start(&bench, "agent", "?wait=30s"), stop);
    assert_eq!(slow.outcome(), "202");
}

#[tokio::test]
async fn a_run_goes_on_when_its_client_leaves_before_the_answer() {
    let bench = bench();
    bench.registered(&greet()).await;
    let mut leaves = Box::pin(start(&bench, "greet", ""));
    assert!(futures::poll!(&mut leaves).is_pending());
    drop(leaves);
    idle().await;
    let runs = bench.get("/v1/runs").send().await.json();
    assert_eq!(runs["items"][0]["status"], "completed", "{runs:#}");
}

#[tokio::test]
async fn the_same_request_under_the_same_key_gives_the_same_run() {
    let bench = bench();
    bench.registered(&greet()).await;
    let send = |who: &'static str, key: &'static str, of: &'static str| {
        let body = json!({ "workflow": "greet", "input": { "who": who } });
        bench.post("/v1/runs?wait=30s", &body).of(of).header("idempotency-key", key).send()
    };
    let (me, colleague) = ("acme/operator", "acme/developer");
    let first = send("you", "order-1", me).await;
    assert_eq!((first.outcome().as_str(), first.header("idempotency-replayed")), ("200", ""));
    let again = send("you", "order-1", me).await;
    assert_eq!((again.outcome().as_str(), again.header("idempotency-replayed")), ("200", "true"));
    assert_eq!(again.json(), first.json());
    let other_body = send("me", "order-1", me).await;
    assert_eq!(other_body.outcome(), "422 WF1003");
    let other_key = send("you", "order-2", me).await;
    assert_ne!(other_key.json()["id"], first.json()["id"]);
    let other_credential = send("me", "order-1", colleague).await;
    assert_ne!(other_credential.json()["id"], first.json()["id"]);
    let all = bench.get("/v1/runs").send().await.json();
    assert_eq!(all["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_same_request_twice_at_the_same_moment_starts_one_run() {
    let bench = bench();
    bench.registered(&greet()).await;
    let body = json!({ "workflow": "greet", "input": { "who": "you" } });
    let send = || bench.post("/v1/runs", &body).header("idempotency-key", "order-1").send();
    let mut first = Box::pin(send());
    assert!(futures::poll!(&mut first).is_pending());
    let second = send().await;
    assert_eq!(second.outcome(), "409 WF0409");
    assert_eq!(second.json()["reason"], "idempotency_under_way");
    let first = first.await;
    let third = send().await;
    assert_eq!(third.header("idempotency-replayed"), "true");
    assert_eq!(third.json()["id"], first.json()["id"]);
}

#[tokio::test]
async fn a_run_of_a_file_needs_no_registration() {
    let bench = bench();
    let body = json!({ "workflow": greet().to_string(), "input": { "who": "you" } });
    let done = bench.post("/v1/runs?wait=30s", &body).send().await;
    assert_eq!(line(&done), r#"200 "completed" output {"hello":"hello you"} questions []"#);
    assert_eq!(bench.get("/v1/workflows/greet").send().await.outcome(), "404 WF0404");
}

#[tokio::test]
async fn what_a_run_cannot_start_with_is_named() {
    let bench = bench();
    bench.registered(&greet()).await;
    bench.registered(&agent()).await;
    for (body, outcome, named) in [
        (json!({ "workflow": "nowhere" }), "404 WF0404", "nowhere"),
        (json!({ "workflow": "greet@9.0.0" }), "404 WF0404", "greet@9.0.0"),
        (json!({ "workflow": "greet", "input": {} }), "422 WF0422", "who"),
        (json!({ "workflow": "greet", "input": { "who": 7 } }), "422 WF0422", "who"),
        (
            json!({ "workflow": "agent", "input": { "who": "you" }, "mock": "off" }),
            "422 WF0422",
            "acme/echo",
        ),
        (json!({ "workflow": "greet", "mock": "sometimes" }), "422 WF0422", "sometimes"),
        (json!({ "workflow": "{ }" }), "422 WF1001", "missing field"),
    ] {
        let reply = bench.post("/v1/runs", &body).send().await;
        assert_eq!(reply.outcome(), outcome, "{body}");
        assert!(reply.text.contains(named), "{body}: {}", reply.text);
    }
    assert_eq!(bench.get("/v1/runs").send().await.json()["items"], json!([]));
}

#[tokio::test]
async fn a_mock_stands_in_where_the_request_says_so() {
    let bench = bench();
    bench.registered(&agent()).await;
    let body = json!({
        "workflow": "agent", "input": { "who": "you" },
        "mocks": { "hello": { "output": { "who": "a stand-in" } } },
    });
    let done = bench.post("/v1/runs?wait=30s", &body).send().await;
    assert_eq!(line(&done), r#"200 "completed" output {"hello":"a stand-in"} questions []"#);
    assert_eq!(done.json()["tasks"][0]["source"], "mock");
}
