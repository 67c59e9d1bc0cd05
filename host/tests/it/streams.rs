//! Streams of a real server: over its kills and stops, over the runs of a thread, and beside a
//! reader that does not read.

use serde_json::{Value, json};

use crate::harness::{Events, Sse, TestHost};

/// Asks once, and does something before and after it.
const ASKS: &str = "
apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { text: {}, said: {} }
input: [text]
output: [said]
nodes:
  before: { set: { text: \"state.text + '!'\" } }
  ask: { ask: { prompt: Go on?, schema: { type: string } }, out: { said: result } }
  after: { set: { said: \"state.said + '!'\" } }
edges:
  - { from: START, to: before }
  - { from: before, to: ask }
  - { from: ask, to: after }
";

const SAYS: &str = "
apiVersion: workflowforge/v1
name: says
version: 1.0.0
state: { text: {}, said: {} }
input: [text]
output: []
nodes: { say: { set: { said: state.text } } }
edges: [{ from: START, to: say }]
";

const THREAD: &str = "thread_0000000000000000000000000000000d";

fn ids(events: &[Sse]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_deref().expect("an id")).collect()
}

/// The durable events up to the first with that name.
fn until(events: &mut Events<'_>, name: &str) -> Vec<Sse> {
    let mut read = Vec::new();
    while read.last().is_none_or(|event: &Sse| event.event != name) {
        read.extend(events.next().filter(|event| event.id.is_some()));
    }
    read
}

fn start(host: &TestHost, workflow: &str, more: &Value) -> Value {
    let mut body = json!({ "workflow": workflow, "input": { "text": "go" } });
    let fields = more.as_object().expect("fields").clone();
    body.as_object_mut().expect("an object").extend(fields);
    host.post("/v1/runs?wait=30s", &body).status(200).json()
}

fn id(run: &Value) -> &str {
    run["id"].as_str().expect("an id")
}

#[test]
fn a_reader_that_comes_back_after_kills_and_a_stop_has_each_event_once() {
    let host = TestHost::start();
    let started = start(&host, ASKS, &json!({}));
    let run = id(&started);
    let mut seen = until(&mut host.events(run, None), "step_committed");
    let host = host.restart();
    seen.extend(until(&mut host.events(run, seen[seen.len() - 1].id.as_deref()), "task_suspended"));
    let host = host.restart();
    let answer = json!({ "answers": [{ "node": "ask", "answer": "well" }] });
    host.post(&format!("/v1/runs/{run}/resume?wait=30s"), &answer).status(200);
    let host = host.restart();
    // The run has ended by now.
    seen.extend(host.events(run, seen[seen.len() - 1].id.as_deref()));
    assert_eq!(seen.last().expect("events").event, "run_completed");
    let numbers: Vec<String> = (1..=seen.len()).map(|seq| seq.to_string()).collect();
    assert_eq!(ids(&seen), numbers);
    assert_eq!(host.events(run, None).collect::<Vec<_>>(), seen);
}

#[test]
fn a_thread_is_followed_over_its_runs_and_a_kill_to_the_next_one() {
    let host = TestHost::start();
    let path = format!("/v1/threads/{THREAD}/events");
    host.get(&path).status(404);
    let thread = json!({ "thread": THREAD });
    let first = start(&host, SAYS, &thread);
    let mut open = host.events_at(&path, None, host.key());
    let mut seen = until(&mut open, "run_completed");
    let second = start(&host, SAYS, &thread);
    seen.extend(until(&mut open, "run_completed"));
    drop(open);
    let host = host.restart();
    let after = seen[seen.len() - 1].id.clone();
    let mut open = host.events_at(&path, after.as_deref(), host.key());
    let third = start(&host, SAYS, &thread);
    seen.extend(until(&mut open, "run_completed"));
    let expected: Vec<String> = [&first, &second, &third]
        .into_iter()
        .flat_map(|run| {
            let length = run["seq"].as_u64().expect("a length");
            (1..=length).map(|seq| format!("{}@{seq}", id(run)))
        })
        .collect();
    assert_eq!(ids(&seen), expected);
    for at in [0, seen.len() / 2, seen.len() - 2] {
        let mut rest = host.events_at(&path, seen[at].id.as_deref(), host.key());
        assert_eq!(rest.next().as_ref(), Some(&seen[at + 1]));
    }
}

#[test]
fn a_server_that_stops_asks_its_readers_to_come_back() {
    let mut host = TestHost::start();
    let run = start(&host, ASKS, &json!({}));
    let told = {
        let mut open = host.events(id(&run), None);
        until(&mut open, "task_suspended");
        host.ask_to_stop();
        open.collect::<Vec<_>>()
    };
    let last = told.last().expect("a word before the end");
    assert_eq!((last.event.as_str(), last.id.as_deref()), ("reconnect", None));
    let data: Value = serde_json::from_str(&last.data).expect("JSON");
    assert_eq!(data["reason"], "stopping");
    host.stop();
    assert_eq!(host.pid(), None);
}

#[test]
fn a_reader_that_does_not_read_holds_up_no_run_and_misses_nothing() {
    const RUNS: usize = 24;
    let host = TestHost::start();
    // More than fits between two sockets.
    let large = json!({ "thread": THREAD, "input": { "text": "x".repeat(400_000) } });
    let mut runs = vec![start(&host, SAYS, &large)];
    let path = format!("/v1/threads/{THREAD}/events");
    let stuck = host.events_at(&path, None, host.key());
    for _ in 1..RUNS {
        let run = start(&host, SAYS, &large);
        assert_eq!(run["status"], "completed", "{run}");
        runs.push(run);
    }
    let expected: Vec<String> = runs
        .iter()
        .flat_map(|run| {
            (1..=run["seq"].as_u64().expect("a length")).map(|seq| format!("{}@{seq}", id(run)))
        })
        .collect();
    let durable = stuck.filter(|event| event.id.is_some()).take(expected.len());
    assert_eq!(ids(&durable.collect::<Vec<_>>()), expected);
}

#[test]
fn commands_that_follow_say_what_happened_and_end_with_the_run() {
    let host = TestHost::start();
    let run = start(&host, SAYS, &json!({ "thread": THREAD }));
    let logs = host.run(&["logs", id(&run), "-f", "--level", "debug"]);
    logs.exits(0).says(&["says@1.0.0 begun by cli", "step 1: say", "say: finished", "completed"]);
    let lines = host.run(&["logs", "--thread", THREAD, "--output", "json"]).exits(0).stdout.clone();
    let lines: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert!(lines.iter().all(|line| line["run"] == run["id"]), "{lines:?}");
    assert_eq!(lines.last().expect("lines")["message"], "completed");
    assert!(lines.iter().all(|line| line["level"] != "debug"), "{lines:?}");
    host.run(&["logs", id(&run), "--since", "0s"]).exits(0);
    host.run(&["logs"]).exits(2).says(&["--thread"]);
    host.run(&["runs", "watch", id(&run), "--output", "json"]).exits(0).says(&["completed"]);
    let top = host.run(&["top", "--output", "json"]).exits(0).json();
    assert_eq!((&top["runs_live"], &top["ready"]), (&json!(0.0), &json!(true)), "{top}");
    assert!(top["runs_started"].as_f64().is_some_and(|runs| runs >= 1.0), "{top}");
    let page = host.run(&["top", "--once"]);
    page.exits(0).says(&["runs", "sandboxes", "ready"]);
    assert!(!page.stdout.contains('\u{1b}'), "a pipe gets no colours: {}", page.stdout);
}
