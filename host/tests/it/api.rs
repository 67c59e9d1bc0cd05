//! The same over HTTP: a run from its start to its events, and who may not.

use serde_json::{Value, json};

use crate::harness::{Cli, Sse, TestHost, component};
use crate::repo;

const BRIEF: &str = "examples/brief/workflow.yaml";

/// A server with the brief's plugins installed and its workflow registered.
fn ready() -> TestHost {
    let host = TestHost::start();
    for name in ["outline", "digest", "scan", "report"] {
        let path = component(&format!("wforge/{name}"));
        host.run(&["plugin", "install", path.to_str().expect("UTF-8")]).exits(0);
    }
    host
}

fn start() -> Value {
    json!({
        "workflow": repo::read(BRIEF),
        "input": { "document": repo::read("docs/STYLE.md") },
        "answers": { "approve": { "approve": true } },
    })
}

#[test]
fn a_run_is_started_and_waited_for_in_one_request() {
    let host = ready();
    let run = host.post("/v1/runs?wait=30s", &start()).status(200).json();
    assert_eq!(run["status"], "completed", "{run}");
    assert_eq!(run["degraded"], false);
    let shown = host.get(run["href"].as_str().expect("an href")).status(200).json();
    assert_eq!(shown["status"], "completed");
    let listed = host.get("/v1/runs").status(200).json();
    assert_eq!(listed["items"].as_array().expect("items").len(), 1);
}

#[test]
fn events_come_once_in_order_and_resume_where_they_broke_off() {
    let host = ready();
    let run = host.post("/v1/runs?wait=30s", &start()).status(200).json();
    let run = run["id"].as_str().expect("an id");
    let all: Vec<_> = host.events(run, None).filter(|e| e.id.is_some()).collect();
    let ids: Vec<u64> = all.iter().map(|e| e.id.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    assert_eq!(all[0].event, "run_started");
    assert_eq!(all.last().expect("events").event, "run_completed");
    let half = ids.len() / 2;
    let rest: Vec<_> = host.events(run, Some(&ids[half - 1].to_string())).collect();
    assert_eq!(rest, all[half..]);
}

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
  ask: { ask: { prompt: \"{{ state.text }}\", schema: { type: string } }, out: { said: result } }
  after: { set: { said: \"state.said + '!'\" } }
edges:
  - { from: START, to: before }
  - { from: before, to: ask }
  - { from: ask, to: after }
";

#[test]
fn an_open_stream_shows_what_an_answer_sets_going_and_resumes_in_its_middle() {
    let host = TestHost::start();
    let start = json!({ "workflow": ASKS, "input": { "text": "go" } });
    let run = host.post("/v1/runs", &start).status(202).json();
    let run = run["id"].as_str().expect("an id");
    let mut open = host.events(run, None);
    let mut all = Vec::new();
    while all.last().is_none_or(|event: &Sse| event.event != "task_suspended") {
        all.push(open.next().expect("the run waits, so its stream is open"));
    }
    assert_eq!(all[0].event, "run_started");
    let mut reconnected = host.events(run, all[0].id.as_deref());
    assert_eq!(reconnected.next().as_ref(), Some(&all[1]));

    let answer = json!({ "answers": [{ "node": "ask", "answer": "well" }] });
    host.post(&format!("/v1/runs/{run}/resume"), &answer).status(202);
    let suspended = all.len();
    all.extend(open);
    assert_eq!(all[suspended].event, "question_answered");
    assert_eq!(all.last().expect("events").event, "run_completed");
    assert!(all.last().expect("events").data.contains("well!"));
    let ids: Vec<_> = all.iter().map(|event| event.id.clone().expect("an id")).collect();
    assert_eq!(ids, (1..=all.len()).map(|seq| seq.to_string()).collect::<Vec<_>>());
    assert_eq!(reconnected.collect::<Vec<_>>(), all[2..]);
    for seen in [suspended, all.len() - 1, all.len()] {
        let rest: Vec<_> = host.events(run, Some(&ids[seen - 1])).collect();
        assert_eq!(rest, all[seen..], "after {seen}");
    }
}

/// Calls an agent of our probe.
const PROBE: &str = "
apiVersion: workflowforge/v1
name: probe
version: 1.0.0
state: { result: {} }
input: []
output: [result]
nodes:
  it: { agent: wforge/probe.denied, in: {}, out: { result: result } }
edges:
  - { from: START, to: it }
";

#[test]
fn a_run_through_a_server_takes_agents_from_the_folder_of_the_client() {
    // Outside development no folder of the server's own counts.
    let host = TestHost::on(Cli::new().with("WFORGE_ENV", "testing"));
    let cli = host.stranger();
    let probe = component("wforge/probe");
    let (url, given) = (host.url(), cli.file("given/probe.wasm", fs_err::read(probe).unwrap()));
    let (given, empty) = (given.parent().expect("a folder"), cli.file("empty/.keep", ""));
    let workflow = cli.file("workflow.yaml", PROBE);
    let run = |plugins: &std::path::Path| {
        let plugins = plugins.to_str().expect("UTF-8");
        let file = workflow.to_str().expect("UTF-8");
        cli.run(["run", file, "--plugins", plugins, "--server", &url, "--output", "json"])
    };
    let ran = run(given).exits(1).json();
    assert_eq!(ran["tasks"][0]["agent"], "wforge/probe@0.1.0", "{ran}");
    // It was really called: no model is called as it asks.
    run(given).says(&["unknown_model"]);
    run(empty.parent().expect("a folder")).exits(2).says(&["wforge/probe", "--plugins"]);

    let runs = host.get("/v1/runs").status(200).json();
    assert_eq!(runs["items"].as_array().expect("items").len(), 2, "{runs}");
    assert_eq!(runs["items"][1]["id"], ran["run_id"]);
    let installed = host.get("/v1/plugins").status(200).json();
    assert_eq!(installed["items"], json!([]), "a folder of the client installs nothing");
    assert!(!cli.data().join("store").exists(), "the client opened a store of its own");
}

#[test]
fn embedded_and_over_the_server_a_command_says_the_same() {
    let args = [
        "run",
        BRIEF,
        "--input",
        "document=@docs/STYLE.md",
        "--answer",
        "approve=yes",
        "--output",
        "json",
    ];
    let embedded = Cli::new().run(args).exits(0).json();
    let served = TestHost::start().run(&args).exits(0).json();
    assert_eq!(comparable(embedded), comparable(served));
    let invalid = ["run", BRIEF, "--input", "document="];
    let embedded = Cli::new().run(invalid);
    let served = TestHost::start().run(&invalid);
    assert_eq!((embedded.code, served.code), (2, 2));
    let folder = std::path::Path::new("/nowhere");
    assert_eq!(embedded.redacted_stderr(folder), served.redacted_stderr(folder));
}

/// Without ids and times, and with tasks in an order of their own.
fn comparable(mut ran: Value) -> Value {
    let object = ran.as_object_mut().expect("an object");
    object.remove("run_id");
    let tasks = object["tasks"].as_array_mut().expect("tasks");
    for task in &mut *tasks {
        let task = task.as_object_mut().expect("a task");
        task.remove("ms");
        task.remove("task");
    }
    tasks.sort_by_key(ToString::to_string);
    ran
}

#[test]
fn without_a_key_nothing_of_a_tenant_is_shown() {
    let host = TestHost::start();
    for path in ["/v1/runs", "/v1/plugins", "/v1/workflows", "/v1/system"] {
        for key in [None, Some("nonsense")] {
            let problem = host.get_as(path, key).status(401).json();
            assert_eq!(problem["code"], "WF0401", "{path}");
        }
    }
}

#[test]
fn anybody_who_reaches_the_server_sees_its_health_and_figures() {
    let host = TestHost::start();
    host.get_as("/healthz", None).status(200);
    host.get_as("/readyz", None).status(200);
    let metrics = host.get_as("/metrics", None);
    assert!(metrics.text.contains("wforge_"), "{}", metrics.text);
    host.run(&["health"]).exits(0);
    Cli::new().run(["health"]).exits(1);
}

#[test]
fn a_bad_workflow_is_a_problem_with_every_line() {
    let host = TestHost::start();
    let text = "apiVersion: workflowforge/v1\nname: bad\nversion: 1.0.0\nnodes: {}\nedges: 1\n\
                input: [text]\n";
    let reply = host.post_text("/v1/workflows", "application/yaml", text);
    let problem = reply.status(422).json();
    assert_eq!(problem["code"], "WF1001", "{problem}");
    let errors = problem["errors"].as_array().expect("errors");
    let told: Vec<_> =
        errors.iter().map(|error| (error["line"].as_u64(), error["code"].as_str())).collect();
    let expected = [(4, "no_nodes"), (5, "wrong_type"), (6, "unknown_key")];
    assert_eq!(told, expected.map(|(line, code)| (Some(line), Some(code))), "{problem}");
}

#[test]
fn an_unknown_run_is_not_found() {
    let host = TestHost::start();
    let path = "/v1/runs/run_0123456789abcdef0123456789abcdef";
    assert_eq!(host.get(path).status(404).json()["code"], "WF0404");
    assert_eq!(host.get("/v1/nothing").status(404).json()["code"], "WF0404");
}
