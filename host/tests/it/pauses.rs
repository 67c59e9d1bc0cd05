//! Runs that stop at a border and go on: by steps, by their workflow's word, by somebody's.

use serde_json::Value;

use crate::harness::{Cli, Ran, everywhere};

const STEPS: &str = "apiVersion: workflowforge/v1
name: steps
version: 1.0.0
state: { said: { reducer: append } }
input: []
output: [said]
nodes:
  a: { set: { said: \"['a']\" } }
  b: { set: { said: \"['b']\" } }
  c: { set: { said: \"['c']\" } }
edges:
  - { from: START, to: a }
  - { from: a, to: b }
  - { from: b, to: c }
";

fn json(cli: &Cli, args: &[&str]) -> Ran {
    cli.run(args.iter().copied().chain(["--output", "json"]))
}

fn run_of(ran: &Value) -> String {
    ran["run_id"].as_str().expect("an id").to_owned()
}

#[test]
fn a_run_goes_step_by_step() {
    everywhere(|cli| {
        let file = cli.file("steps.yaml", STEPS);
        let file = file.to_str().expect("UTF-8");
        let ran = json(cli, &["run", file, "--steps", "1"]);
        ran.exits(3).says(&["paused", "wforge runs continue"]);
        let run = run_of(&ran.json());
        let once = json(cli, &["runs", "continue", &run, "--steps", "1"]).exits(3).json();
        assert_eq!(once["status"], "paused");
        assert_eq!(once["tasks"].as_array().expect("tasks").len(), 2);
        let ended = json(cli, &["runs", "continue", &run]).exits(0).json();
        assert_eq!(ended["output"]["said"], serde_json::json!(["a", "b", "c"]));
        cli.run(["runs", "continue", &run]).exits(2).says(&["completed"]);
    });
}

#[test]
fn a_workflow_pauses_where_it_says_and_tells_how_to_go_on() {
    everywhere(|cli| {
        let file = cli.file("steps.yaml", format!("{STEPS}interrupt: {{ before: [b] }}\n"));
        let ran = json(cli, &["run", file.to_str().expect("UTF-8")]);
        ran.exits(3).says(&["it stands before b", "wforge runs continue"]);
        let run = run_of(&ran.json());
        json(cli, &["runs", "continue", &run]).exits(0);
    });
}

#[test]
fn a_run_of_a_server_pauses_at_its_next_border_and_goes_on() {
    let host = crate::harness::TestHost::start();
    let slow = STEPS.replace(
        "a: { set: { said: \"['a']\" } }",
        "a: { agent: mock, mock: { script: [{ sleep: 2s }, { set: { said: \"['a']\" } }] } }",
    );
    let file = host.cli.file("slow.yaml", slow);
    let run = json(&host.cli, &["run", file.to_str().expect("UTF-8"), "--detach"]);
    let run = run_of(&run.exits(0).json());
    let paused = json(&host.cli, &["runs", "pause", &run]).exits(0).json();
    assert_eq!(paused["run_id"], run.as_str());
    let settled = host.post(&format!("/v1/runs/{run}/resume?wait=30s"), &serde_json::json!({}));
    assert_eq!(settled.status(200).json()["status"], "paused");
    let ended = json(&host.cli, &["runs", "continue", &run]).exits(0).json();
    assert_eq!(ended["output"]["said"], serde_json::json!(["a", "b", "c"]));
}

const FAILS: &str = "apiVersion: workflowforge/v1
name: fails
version: 1.0.0
state: { said: { reducer: append }, calls: { reducer: append } }
input: []
output: [said, calls]
nodes:
  good:
    agent: mock
    mock: { script: [{ count: n }] }
    out: { calls: '[result.n]', said: \"['good']\" }
  bad:
    agent: mock
    mock:
      script:
        - { fail: { kind: failed, code: full, message: the disk is full, times: 1 } }
        - { set: { text: \"'bad'\" } }
    out: { said: '[result.text]' }
edges:
  - { from: START, to: [good, bad] }
";

#[test]
fn a_failed_run_is_taken_up_and_keeps_what_had_finished() {
    everywhere(|cli| {
        let file = cli.file("fails.yaml", FAILS);
        let ran = json(cli, &["run", file.to_str().expect("UTF-8")]);
        ran.exits(1).says(&["the disk is full"]);
        let run = run_of(&ran.json());
        let ended = json(cli, &["runs", "retry", &run]).exits(0).json();
        assert_eq!(ended["output"]["said"], serde_json::json!(["bad", "good"]));
        assert_eq!(ended["output"]["calls"], serde_json::json!([1]), "good ran once");
        cli.run(["runs", "retry", &run]).exits(2).says(&["completed"]);
    });
}

#[test]
fn the_workflow_that_handles_a_failure_is_run_to_its_end() {
    everywhere(|cli| {
        let fails = cli.file("fails.yaml", format!("{FAILS}on_failure: mend\n"));
        let mend = "apiVersion: workflowforge/v1
name: mend
version: 1.0.0
state: { failure: {}, told: {} }
input: [failure]
output: [told]
nodes: { tell: { set: { told: state.failure } } }
edges: [{ from: START, to: tell }]
";
        let mend = cli.file("mend.yaml", mend);
        let [fails, mend] = [&fails, &mend].map(|path| path.to_str().expect("UTF-8"));
        let ran = cli.run(["run", fails, "--with", mend]);
        ran.exits(1).says(&["its failure is handled by run_"]);
        let (_, after) = ran.stderr.split_once("handled by ").expect("a run");
        let handler = after.split_whitespace().next().expect("its id");
        let shown = json(cli, &["runs", "show", handler]).exits(0).json();
        let told = shown["output"]["told"].to_string();
        assert!(told.contains("the disk is full"), "{shown}");
    });
}

#[test]
fn a_run_is_streamed_from_its_beginning_to_its_end() {
    everywhere(|cli| {
        let file = cli.file("steps.yaml", STEPS);
        let run = run_of(&json(cli, &["run", file.to_str().expect("UTF-8")]).exits(0).json());
        let stream = cli.run(["runs", "stream", &run, "--mode", "values,updates"]);
        let lines = stream.exits(0).stdout.lines();
        let chunks: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
        let values: Vec<&Value> = chunks
            .iter()
            .filter(|chunk| chunk["mode"] == "values")
            .map(|chunk| &chunk["data"])
            .collect();
        assert_eq!(values.last().expect("values")["said"], serde_json::json!(["a", "b", "c"]));
        let updates = chunks.iter().filter(|chunk| chunk["mode"] == "updates").count();
        assert_eq!(updates, 3);
    });
}
