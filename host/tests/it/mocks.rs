//! The mock policy, from outside: who may be replaced where, and that a run says so everywhere.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, TestHost};

/// Two agents, a question between them that shows whether the run is degraded.
fn workflow(first: &str, second: &str, more: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: mocks
version: 1.0.0
state: {{ a: {{ schema: {{ type: object }} }}, yes: {{}}, b: {{ schema: {{ type: object }} }} }}
input: []
output: [a, b]
nodes:
  one: {{ agent: {first}, in: {{ said: \"'hello'\" }}, out: {{ a: result }} }}
  ask: {{ ask: {{ prompt: 'Degraded? {{{{ run.degraded }}}}' }}, out: {{ yes: result }} }}
  two: {{ agent: {second}, in: {{}}, out: {{ b: result }} }}
edges:
  - {{ from: START, to: one }}
  - {{ from: one, to: ask }}
  - {{ from: ask, to: two }}
{more}"
    )
}

const ECHO: &str = "wforge/probe.echo";
const GONE: &str = "gone/one";

fn run(cli: &Cli, text: &str, more: &[&str]) -> Ran {
    let file = cli.file("mocks.yaml", text);
    let file = file.to_str().expect("UTF-8");
    let all = ["run", file, "--answer", "ask=yes", "--output", "json"];
    cli.run(all.iter().chain(more))
}

fn mode(name: &str) -> Cli {
    Cli::new().with("WFORGE_MOCK", name)
}

#[test]
fn off_names_every_agent_that_nobody_serves_and_makes_no_run() {
    for more in ["", "mock: { allow: false }\n"] {
        let cli = mode(if more.is_empty() { "off" } else { "fallback" });
        let refused = run(&cli, &workflow(GONE, "gone/two", more), &[]);
        refused.exits(2).says(&["gone/one", "gone/two", "mock mode off"]);
        cli.run(["runs", "list"]).exits(0).says(&["no runs"]);
    }
}

#[test]
fn a_node_is_not_mocked_by_name_where_mocks_are_off() {
    let refused = run(&mode("off"), &workflow(ECHO, ECHO, ""), &["--mock", "one"]);
    refused.exits(2).says(&["--mock one is refused", "mocks are off"]);
    let text = workflow(ECHO, ECHO, "mock: { allow: false }\n");
    run(&mode("always"), &text, &["--mock", "one"]).exits(2).says(&["--mock one is refused"]);
    let ran = run(&mode("node"), &workflow(ECHO, ECHO, ""), &["--mock", "one"]).exits(0).json();
    assert_eq!(ran["degraded"], true);
}

#[test]
fn an_authors_own_mock_runs_in_every_mode_and_never_degrades() {
    let text = workflow("mock", ECHO, "");
    for name in ["off", "node", "fallback"] {
        let ran = run(&mode(name), &text, &[]).exits(0).json();
        assert_eq!(ran["degraded"], false, "{name}");
        let sources = ran["tasks"].as_array().expect("tasks").iter();
        let sources: Vec<(&Value, &Value)> =
            sources.map(|task| (&task["node"], &task["source"])).collect();
        let [one, ask, two] = ["one", "ask", "two"].map(|node| json!(node));
        let [mock, live] = ["mock", "live"].map(|source| json!(source));
        assert_eq!(sources, [(&one, &mock), (&ask, &live), (&two, &live)], "{name}");
    }
}

#[test]
fn a_question_has_no_agent_and_two_mocks_of_one_input_say_the_same() {
    let cli = mode("fallback");
    let text = workflow(GONE, ECHO, "");
    let [first, second] = [(); 2].map(|()| run(&cli, &text, &[]).exits(0).json());
    assert_eq!(first["output"], second["output"]);
    assert_eq!(
        (&first["tasks"][1]["agent"], &first["tasks"][1]["source"]),
        (&Value::Null, &json!("live"))
    );
}

#[test]
fn on_degraded_fail_ends_the_run_and_says_why() {
    let text = workflow(GONE, ECHO, "mock: { on_degraded: fail }\n");
    let ran = run(&mode("fallback"), &text, &[]);
    ran.exits(1).says(&["mock.on_degraded is `fail`", "degraded"]);
}

#[test]
fn the_old_variable_is_understood_and_the_new_one_wins() {
    let text = workflow(ECHO, ECHO, "");
    let always = Cli::new().with("USE_MOCK_WORKFLOW", "true");
    assert_eq!(run(&always, &text, &[]).json()["degraded"], true);
    let wins = Cli::new().with("USE_MOCK_WORKFLOW", "true").with("WFORGE_MOCK", "node");
    assert_eq!(run(&wins, &text, &[]).exits(0).json()["degraded"], false);
    let node = Cli::new().with("USE_MOCK_WORKFLOW", "false");
    run(&node, &workflow(GONE, ECHO, ""), &[]).exits(2).says(&["gone/one"]);
}

/// Production with everything that it asks for, and these settings of mocks.
fn production(mock: &str, consent: &str) -> Cli {
    let key = Cli::new().run(["keys", "generate"]).exits(0).stdout.clone();
    let cli = Cli::new();
    let file = cli.file("bootstrap.key", key);
    fs_err::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    cli.with("WFORGE_ENV", "production")
        .with("WFORGE_PEPPER", "9f2b7c1de8a04365b1f7c09ad2e4865331d0b7fae91c2d48675fa0b3c1e2d497")
        .with("WFORGE_KEK", "4b1d8e7af0c3562991d7a8f3e06c5b42d98a17f3c4e02b6d75f81ca93e60d257")
        .with("WFORGE_BOOTSTRAP_KEY_FILE", file.to_str().expect("UTF-8"))
        .with("WFORGE_MOCK", mock)
        .with("WFORGE_MOCK__PRODUCTION", consent)
}

#[test]
fn production_runs_on_mocks_only_with_the_authors_and_the_operators_consent() {
    let allowed = workflow(GONE, GONE, "mock: { allow: true }\n");
    for name in ["fallback", "always"] {
        run(&production(name, "false"), &allowed, &[]).exits(2).says(&["mock.production = true"]);
        let silent = workflow(GONE, GONE, "");
        let refused = run(&production(name, "true"), &silent, &[]);
        refused.exits(2).says(&["refused in production", "allow: true"]);
        let ran = run(&production(name, "true"), &allowed, &[]).exits(0).json();
        assert_eq!(ran["degraded"], true, "{name}");
    }
}

#[test]
fn a_degraded_run_says_so_wherever_it_is_shown() {
    let host = TestHost::on(mode("fallback"));
    let file = host.cli.file("mocks.yaml", workflow(GONE, "gone/two", ""));
    let file = file.to_str().expect("UTF-8");
    // While it asks: to whoever answers.
    let asks = host.cli.run(["run", file, "--output", "json"]);
    asks.exits(3).says(&["Degraded? true", "degraded: mocks stood in"]);
    assert_eq!(asks.json()["degraded"], true);
    let run = asks.json()["run_id"].as_str().expect("an id").to_owned();
    host.cli.run(["inbox"]).exits(0).says(&["Degraded? true", "degraded"]);
    let inbox = host.get("/v1/interrupts").status(200).json();
    assert_eq!(inbox["items"][0]["degraded"], true);
    // At its end.
    let ended = host.cli.run(["runs", "resume", &run, "--answer", "yes"]);
    ended.exits(0).says(&["degraded: mocks stood in", "fallback", "missing"]);
    host.cli.run(["runs", "list"]).exits(0).says(&["degraded"]);
    let listed = host.cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    assert_eq!(listed[0]["degraded"], true);
    let shown = host.cli.run(["runs", "show", &run]).exits(0).stdout.clone();
    assert!(shown.lines().any(|line| line.starts_with("degraded") && line.ends_with("true")));
    let api = host.get(&format!("/v1/runs/{run}")).status(200).json();
    assert_eq!((&api["degraded"], &api["tasks"][0]["source"]), (&json!(true), &json!("fallback")));
    assert_eq!(host.get("/v1/runs").status(200).json()["items"][0]["degraded"], true);
    let finished = host.events(&run, None).find(|event| event.event == "task_finished");
    let finished = finished.expect("the end of a task").data;
    assert!(finished.contains("\"stands_in\":true"), "{finished}");
    let page = host.cli.file("run.html", "");
    host.cli.run(["runs", "show", &run, "--html", page.to_str().expect("UTF-8")]).exits(0);
    assert!(fs_err::read_to_string(page).unwrap().contains("degraded: mocks stood in"));
    let metrics = host.get("/metrics").status(200).text.clone();
    for line in
        ["wforge_runs_degraded_total 1", "wforge_tasks_finished_total{source=\"fallback\"} 2"]
    {
        assert!(metrics.lines().any(|found| found == line), "{line} in {metrics}");
    }
}
