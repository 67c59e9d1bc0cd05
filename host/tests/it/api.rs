//! The same over HTTP: a run from its start to its events, and who may not.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost};
use crate::repo;

const BRIEF: &str = "examples/brief/workflow.yaml";

/// A server with the brief's plugins installed and its workflow registered.
fn ready() -> TestHost {
    let host = TestHost::start();
    for name in ["outline", "digest", "scan", "report"] {
        let path = crate::harness::component(&format!("wforge/{name}"));
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
    let all: Vec<_> = host.events(run, None).into_iter().filter(|e| e.id.is_some()).collect();
    let ids: Vec<u64> = all.iter().map(|e| e.id.as_ref().unwrap().parse().unwrap()).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    assert_eq!(all[0].event, "run_started");
    assert_eq!(all.last().expect("events").event, "run_completed");
    let half = ids.len() / 2;
    assert_eq!(host.events(run, Some(&ids[half - 1].to_string())), all[half..]);
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
