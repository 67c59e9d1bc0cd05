//! What an agent in a sandbox may do: ask, sleep, fail, be refused.

use serde_json::{Value, json};

use crate::harness::Cli;

/// A workflow of one node that calls an agent of our probe.
fn workflow(agent: &str, input: &str, more: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: probe
version: 1.0.0
state: {{ result: {{}} }}
input: []
output: [result]
nodes:
  it: {{ agent: wforge/probe.{agent}, in: {input}, out: {{ result: result }}{more} }}
edges: [{{ from: START, to: it }}]
"
    )
}

fn run(cli: &Cli, workflow: &str) -> crate::harness::Ran {
    let file = cli.file("workflow.yaml", workflow);
    cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"])
}

#[test]
fn an_agent_that_asks_and_sleeps_runs_again_from_its_top_and_repeats_nothing() {
    let cli = Cli::new();
    let log = cli.file("calls", "");
    let cli = cli.with("WFORGE_CALL_LOG", log.to_str().expect("UTF-8"));
    let ran = run(&cli, &workflow("twice", "{ ms: \"30\" }", "")).exits(3).json();
    let id = ran["run_id"].as_str().expect("an id").to_owned();
    let answer =
        |text: &str| cli.run(["runs", "resume", &id, "--answer", text, "--output", "json"]);
    answer("it=red").exits(3);
    let ended = answer("it=blue").exits(0).json();
    assert_eq!(ended["output"]["result"], json!({ "first": "red", "second": "blue" }));

    let log = fs_err::read_to_string(log).unwrap();
    let count = |word: &str| log.lines().filter(|line| line.starts_with(word)).count();
    // Once to the first question, to the sleep, to the second question, to its end.
    assert_eq!((count("called"), count("returned"), count("committed")), (4, 4, 1), "{log}");
}

#[test]
fn a_model_that_nobody_configured_is_named_with_those_that_there_are() {
    let ran = run(&Cli::new(), &workflow("denied", "{}", ""));
    ran.exits(1).says(&["no model is called \"fast\"; there are: mock"]);
}

#[test]
fn a_workflow_that_narrows_the_grants_is_obeyed() {
    let ran = run(&Cli::new(), &workflow("denied", "{}", ", allow: [ask]")).exits(0).json();
    let result = &ran["output"]["result"];
    assert_eq!((&result["capability"], &result["resource"]), (&json!("llm"), &json!("fast")));
    assert!(
        result["hint"]
            .as_str()
            .expect("a hint")
            .contains("wforge grants approve wforge/probe llm:fast"),
        "{result}"
    );
}

#[test]
fn a_panic_names_its_file_and_line() {
    let ran = run(&Cli::new(), &workflow("panic", "{ message: \"'oh no'\" }", ""));
    ran.exits(1).says(&["exception", "src/lib.rs:", "oh no"]);
}

#[test]
fn an_agent_that_never_ends_is_stopped_at_the_nodes_timeout() {
    let ran = run(&Cli::new(), &workflow("spin", "{}", ", timeout: { run: 200ms }"));
    ran.exits(1).says(&["timeout", "200 ms"]);
}

#[test]
fn a_failure_that_retries_is_tried_again_and_then_stood_in_for() {
    let policy = ", retry: [{ on: [exception], max_attempts: 2, initial: 1ms }], \
                   fallback: mock, fallback_on: [failed], mock: { output: { said: nothing } }";
    let cli = Cli::new();
    let ran = run(&cli, &workflow("panic", "{ message: \"'oh no'\" }", policy)).exits(0).json();
    let task = &ran["tasks"][0];
    assert_eq!((&task["source"], &task["attempt"]), (&json!("fallback"), &json!(2)));
    assert_eq!(ran["degraded"], Value::Bool(true));
}
