//! Threads, pauses, the inbox and streams, as a client sees them.

use expect_test::expect;
use serde_json::{Value, json};

use crate::bench::{Bench, Reply, ask, bench, greet};

const THREAD: &str = "thread_0000000000000000000000000000000a";
const OTHER: &str = "thread_0000000000000000000000000000000b";

/// A workflow that collects whom it greets.
fn collect() -> Value {
    let mut draft = greet();
    draft["name"] = json!("collect");
    draft["state"]["hello"] = json!({ "reducer": "append" });
    draft["nodes"]["hello"] = json!({ "work": { "set": { "hello": "[state.who]" } } });
    draft
}

async fn start(bench: &Bench, workflow: &str, more: &Value) -> Reply {
    let mut body = json!({ "workflow": workflow, "input": { "who": "you" } });
    let fields = more.as_object().expect("fields").clone();
    body.as_object_mut().expect("an object").extend(fields);
    bench.post("/v1/runs?wait=30s", &body).send().await
}

/// A thread over two runs.
async fn two_runs(bench: &Bench) {
    bench.registered(&collect()).await;
    for who in ["Ann", "Bob"] {
        let more = json!({ "thread": THREAD, "input": { "who": who } });
        assert_eq!(start(bench, "collect", &more).await.outcome(), "200");
    }
}

async fn history(bench: &Bench, query: &str) -> Value {
    let path = format!("/v1/threads/{THREAD}/history{query}");
    bench.get(&path).of("acme/viewer").send().await.json()
}

#[tokio::test]
async fn a_thread_has_its_state_and_its_history_in_pages() {
    let bench = bench();
    two_runs(&bench).await;
    let path = format!("/v1/threads/{THREAD}");
    let shown = bench.get(&path).of("acme/viewer").send().await.json();
    assert_eq!((&shown["kind"], &shown["href"]), (&json!("thread"), &json!(path)));
    assert_eq!(shown["state"]["hello"], json!(["Ann", "Bob"]));
    let listed = bench.get("/v1/threads").of("acme/viewer").send().await.json();
    assert_eq!(listed["items"][0]["thread"], THREAD);
    assert_eq!(listed["items"][0].get("removed"), None, "what is the engine's stays there");

    let whole = history(&bench, "").await;
    let items = whole["items"].as_array().expect("items").clone();
    assert_eq!((items.len(), &whole["next_cursor"]), (4, &Value::Null));
    let (mut paged, mut query) = (Vec::new(), "?limit=3".to_owned());
    loop {
        let page = history(&bench, &query).await;
        paged.extend(page["items"].as_array().expect("items").clone());
        let Some(next) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=3&cursor={next}");
    }
    assert_eq!(paged, items);
    let wrong = bench.get(&format!("{path}/history?cursor=x")).send().await;
    assert_eq!(wrong.outcome(), "400 WF0400");
    assert_eq!(bench.get(&path).of("other/admin").send().await.outcome(), "404 WF0404");
    assert_eq!(bench.get("/v1/threads/x").send().await.outcome(), "404 WF0404");
}

#[tokio::test]
async fn a_fork_a_replay_and_an_update_name_checkpoints_of_their_own_thread() {
    let bench = bench();
    two_runs(&bench).await;
    let items = history(&bench, "").await["items"].clone();
    let at = &items[3]["checkpoint"];
    let post = |tail: &str, body: Value| {
        let path = format!("/v1/threads/{tail}");
        let bench = &bench;
        async move { bench.post(&path, &body).of("acme/operator").send().await }
    };
    let replayed = post(&format!("{THREAD}/replay?wait=30s"), json!({ "at": at })).await;
    assert_eq!(replayed.json()["output"]["hello"], json!(["Ann"]), "{}", replayed.text);
    let body = json!({ "at": at, "writes": { "hello": ["Cem"] }, "as": "hello" });
    let forked = post(&format!("{THREAD}/fork"), body.clone()).await;
    assert_eq!(forked.outcome(), "201", "{}", forked.text);
    assert_eq!(forked.header("location"), format!("/v1/threads/{THREAD}"));
    let shown = bench.get(&format!("/v1/threads/{THREAD}")).send().await.json();
    assert_eq!(shown["checkpoint"], forked.json()["checkpoint"]);

    let foreign = post(&format!("{OTHER}/fork"), body).await;
    assert_eq!(foreign.outcome(), "404 WF0404");
    let nowhere = post(&format!("{THREAD}/fork"), json!({ "writes": { "hello": [] } })).await;
    assert_eq!(nowhere.outcome(), "422 WF0422");
    let unknown = post(&format!("{THREAD}/state"), json!({ "writes": { "nokey": 1 } })).await;
    assert_eq!(unknown.outcome(), "422 WF0422");
    let fresh = json!({ "workflow": "collect", "writes": { "hello": ["Dia"] }, "as": "START" });
    assert_eq!(post(&format!("{OTHER}/state"), fresh).await.outcome(), "201");
}

#[tokio::test]
async fn a_thread_is_copied_to_a_new_one_and_pruned() {
    let bench = bench();
    two_runs(&bench).await;
    let copy = format!("/v1/threads/{THREAD}/copy");
    let copied = bench.post(&copy, &json!({})).send().await;
    assert_eq!(copied.outcome(), "201", "{}", copied.text);
    let shown = bench.get(copied.header("location")).send().await.json();
    assert_eq!(shown["state"]["hello"], json!(["Ann", "Bob"]));
    let taken = bench.post(&copy, &json!({ "to": shown["thread"] })).send().await;
    assert_eq!(taken.outcome(), "409 WF0409");
    let prune =
        async |body: Value| bench.post(&format!("/v1/threads/{THREAD}/prune"), &body).send().await;
    let listed = async || history(&bench, "").await["items"].as_array().map(Vec::len);
    let pruned = prune(json!({ "keep": 3 })).await;
    assert_eq!(pruned.outcome(), "200", "{}", pruned.text);
    assert_eq!((&pruned.json()["kept"], &pruned.json()["runs_needed"]), (&json!(3), &json!(0)));
    assert_eq!(listed().await, Some(3));
    let before = history(&bench, "").await["items"][1]["checkpoint"].clone();
    let pruned = prune(json!({ "before": before })).await;
    assert_eq!((&pruned.json()["checkpoint"], &pruned.json()["kept"]), (&before, &json!(2)));
    assert_eq!(pruned.json()["runs_needed"], 1, "the second run goes on from the first");
    assert_eq!(prune(json!({ "keep": 1, "before": before })).await.outcome(), "422 WF0422");
    assert_eq!(prune(json!({ "keep": 0 })).await.outcome(), "422 WF0422");
    assert_eq!(prune(json!({})).await.outcome(), "200");
    assert_eq!(listed().await, Some(1));
    assert_eq!(prune(json!({ "before": before })).await.outcome(), "404 WF0404");
}

#[tokio::test]
async fn a_fork_without_a_write_copies_its_checkpoint() {
    let bench = bench();
    two_runs(&bench).await;
    let items = history(&bench, "").await["items"].clone();
    let fork = format!("/v1/threads/{THREAD}/fork");
    let body = json!({ "at": items[3]["checkpoint"] });
    let forked = bench.post(&fork, &body).of("acme/operator").send().await;
    assert_eq!(forked.outcome(), "201", "{}", forked.text);
    let newest = history(&bench, "").await["items"][0].clone();
    assert_eq!(newest["checkpoint"], forked.json()["checkpoint"]);
    assert_eq!((&newest["next"], &newest["parent"]), (&json!(["hello"]), &Value::Null));
    let named = json!({ "at": items[3]["checkpoint"], "as": "hello" });
    assert_eq!(bench.post(&fork, &named).send().await.outcome(), "422 WF0422");
}

#[tokio::test]
async fn what_is_done_to_a_thread_under_a_key_is_done_once() {
    let bench = bench();
    two_runs(&bench).await;
    let at = history(&bench, "").await["items"][3]["checkpoint"].clone();
    let mut newer = collect();
    newer["version"] = json!("2.0.0");
    bench.registered(&newer).await;
    let send = async |thread: &str, how: &str, body: &Value| {
        let path = format!("/v1/threads/{thread}/{how}");
        bench.post(&path, body).header("idempotency-key", "once").send().await
    };
    let write = json!({ "at": at, "writes": { "hello": ["Cem"] }, "as": "hello" });
    let update = json!({ "writes": { "hello": ["Dia"] }, "as": "hello" });
    let migrate = json!({ "to": "collect@2.0.0" });
    let requests = [
        ("fork", &write, "fork", &json!({ "at": at })),
        ("state", &update, "state", &json!({ "as": "END" })),
        ("replay", &json!({ "at": at }), "replay", &json!({})),
        ("migrate", &migrate, "migrate", &json!({ "to": "collect@1.0.0" })),
    ];
    for (how, body, other_how, other) in requests {
        let first = send(THREAD, how, body).await;
        assert!(first.outcome().starts_with("20"), "{how}: {}", first.text);
        assert_eq!(first.header("idempotency-replayed"), "", "{how}");
        let count = history(&bench, "?limit=100").await["items"].as_array().map(Vec::len);
        let again = send(THREAD, how, body).await;
        assert_eq!(again.header("idempotency-replayed"), "true", "{how}: {}", again.text);
        assert_eq!(
            (again.outcome(), again.json()["id"].clone()),
            (first.outcome(), first.json()["id"].clone())
        );
        let after = history(&bench, "?limit=100").await["items"].as_array().map(Vec::len);
        assert_eq!(after, count, "{how}");
        assert_eq!(send(THREAD, other_how, other).await.outcome(), "422 WF1003", "{how}");
        assert_ne!(send(OTHER, how, body).await.header("idempotency-replayed"), "true", "{how}");
    }
}

#[tokio::test]
async fn a_busy_thread_and_another_version_have_codes_of_their_own() {
    let bench = bench();
    bench.registered(&ask()).await;
    let thread = json!({ "thread": THREAD });
    assert_eq!(start(&bench, "ask", &thread).await.json()["status"], "waiting");
    let again = json!({ "thread": THREAD, "multitask": "reject" });
    assert_eq!(start(&bench, "ask", &again).await.outcome(), "409 WF1006");
    let body = json!({ "workflow": "ask", "input": { "who": "you" }, "thread": THREAD });
    let queued = bench.post("/v1/runs", &body).send().await;
    assert_eq!(queued.json()["status"], "queued");
    bench.registered(&greet()).await;
    let other = json!({ "thread": THREAD, "multitask": "interrupt" });
    assert_eq!(start(&bench, "greet", &other).await.outcome(), "409 WF1007");
    let unknown = json!({ "thread": THREAD, "multitask": "hurry" });
    assert_eq!(start(&bench, "ask", &unknown).await.outcome(), "422 WF0422");
    for wrong in [json!({ "steps": 0 }), json!({ "durability": "never" }), json!({ "pace": 1 })] {
        assert_eq!(start(&bench, "ask", &wrong).await.outcome(), "422 WF0422", "{wrong}");
    }
}

#[tokio::test]
async fn a_run_goes_step_by_step_and_the_inbox_shows_where_it_stands() {
    let bench = bench();
    bench.registered(&ask()).await;
    let paused = start(&bench, "ask", &json!({ "steps": 1 })).await;
    assert_eq!(paused.json()["status"], "waiting", "it asks within its first super-step");
    let run = paused.header("location").to_owned();
    let inbox = bench.get("/v1/interrupts").of("acme/viewer").send().await.json();
    assert_eq!(inbox["items"][0]["wants"]["answer"]["prompt"], "Greet you?");
    assert_eq!(inbox["items"][0]["run"], run.trim_start_matches("/v1/runs/"));
    let href = inbox["items"][0]["href"].as_str().unwrap();
    assert!(href.starts_with("/v1/interrupts/ask_"), "{href}");
    let answer = json!({ "answers": [{ "answer": true }] });
    let answered = bench.post(&format!("{run}/resume?wait=30s"), &answer).send().await;
    assert_eq!(answered.json()["status"], "paused");
    let inbox = bench.get("/v1/interrupts").of("acme/viewer").send().await.json();
    assert_eq!(inbox["items"][0]["wants"], json!({ "resume": {} }));
    let retry = bench.post(&format!("{run}/retry"), &json!({})).send().await;
    assert_eq!(retry.outcome(), "409 WF0409");
    let go_on = format!("{run}/continue?wait=30s");
    let wrong = bench.post(&go_on, &json!({ "step": 1 })).send().await;
    assert_eq!(wrong.outcome(), "422 WF0422");
    let ended = bench.post(&go_on, &json!({ "steps": 1 })).of("acme/operator").send().await;
    assert_eq!(ended.json()["status"], "completed", "{}", ended.text);
    assert_eq!(bench.post(&go_on, &json!({})).send().await.outcome(), "409 WF0409");
    let pause = bench.post(&format!("{run}/pause"), &json!({})).send().await;
    assert_eq!(pause.outcome(), "409 WF0409");
}

#[tokio::test]
async fn a_stream_resumes_within_an_event() {
    let bench = bench();
    bench.registered(&greet()).await;
    let run = start(&bench, "greet", &json!({})).await.header("location").to_owned();
    let path = format!("{run}/stream?mode=values,updates,tasks");
    let whole = bench.get(&path).of("acme/viewer").send().await.text;
    let ids: Vec<&str> = whole.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let (retry, frames) = whole.split_once("\n\n").unwrap();
    let frames: Vec<&str> = frames.split_terminator("\n\n").collect();
    assert_eq!(ids.len(), frames.len());
    for (seen, id) in ids.iter().enumerate() {
        let rest = bench.get(&path).header("last-event-id", id).send().await;
        let expected = frames[seen + 1..].iter().map(|frame| format!("{frame}\n\n"));
        let expected: String = expected.collect();
        // After the last one there is no stream.
        let begin = if expected.is_empty() { String::new() } else { format!("{retry}\n\n") };
        let expected = begin + &expected;
        assert_eq!(rest.text, expected, "after {id}");
    }
    let told: Vec<String> = whole
        .lines()
        .filter(|line| line.starts_with("event: ") || line.starts_with("id: "))
        .map(str::to_owned)
        .collect();
    expect![[r#"
        event: values
        id: 1.1
        event: tasks
        id: 2.1
        event: updates
        id: 3.1
        event: tasks
        id: 3.2
        event: values
        id: 4.1
        event: end
        id: 5"#]]
    .assert_eq(&told.join("\n"));
    let ended = bench.get(&path).header("last-event-id", "5").send().await;
    assert_eq!(ended.outcome(), "204");
    let wrong = bench.get(&format!("{run}/stream?mode=everything")).send().await;
    assert_eq!(wrong.outcome(), "400 WF0400");
}
