//! What a run survives: a missing answer, an interrupt, a kill.

use std::io::{BufRead, BufReader, Read};

use crate::harness::{Cli, TestHost};

const BRIEF: &str = "examples/brief/workflow.yaml";
const DOCUMENT: &str = "document=@docs/ARCHITECTURE.md";

fn start<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["run", BRIEF, "--input", DOCUMENT, "--output", "json"], more].concat()
}

#[test]
fn a_run_that_waits_for_a_person_exits_3_and_says_how_to_go_on() {
    let cli = Cli::new();
    let ran = cli.run(start(&[]));
    ran.exits(3);
    let run = ran.json()["run_id"].as_str().expect("a run id").to_owned();
    let command = format!("wforge runs resume {run}");
    ran.says(&[&command, "approve"]);
    assert_eq!(ran.json()["status"], "waiting");
    let resumed = cli.run(["runs", "resume", &run, "--answer", "approve=yes", "--output", "json"]);
    let resumed = resumed.exits(0).json();
    assert_eq!(resumed["status"], "completed");
    assert!(resumed["output"]["report"].is_string());
    cli.run(["runs", "resume", &run]).exits(2).says(&["completed"]);
}

#[test]
fn an_answer_that_misses_the_schema_leaves_the_question_open() {
    let cli = Cli::new();
    let run = cli.run(start(&[])).exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    cli.run(["runs", "resume", &run, "--answer", "approve=maybe"]).exits(2).says(&["approve"]);
    let shown = cli.run(["runs", "show", &run, "--output", "json"]).exits(0).stdout.clone();
    assert!(shown.contains("waiting"), "{shown}");
    cli.run(["runs", "resume", &run, "--answer", "approve=yes"]).exits(0);
}

#[test]
fn a_cancelled_run_stays_cancelled() {
    let cli = Cli::new();
    let run = cli.run(start(&[])).exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    cli.run(["runs", "cancel", &run]).exits(0);
    cli.run(["runs", "resume", &run]).exits(2).says(&["cancelled"]);
    cli.run(["runs", "resume", &run, "--answer", "approve=yes"]).exits(2).says(&["cancelled"]);
}

#[test]
fn a_killed_run_is_finished_by_resume_and_no_committed_task_is_called_again() {
    let whole = Cli::new().run(start(&["--answer", "approve=yes"])).exits(0).json();
    let cli = Cli::new();
    let log = cli.file("calls", "");
    let cli = cli.with("WFORGE_CALL_LOG", log.to_str().expect("UTF-8"));
    let mut child = cli.spawn(&start(&["--answer", "approve=yes"]));
    let mut said = BufReader::new(child.stderr.take().expect("its stderr"));
    let mut line = String::new();
    // The first node to end proves that the run is under way; the rest of it is still to come.
    while !line.contains("wforge/outline") || !line.contains("live") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the run ended before it was killed");
    }
    child.kill().unwrap();
    said.read_to_string(&mut String::new()).ok();
    child.wait().unwrap();

    let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    let items = listed.as_array().or_else(|| listed["items"].as_array()).expect("a list");
    let run = items[0]["run"].as_str().or_else(|| items[0]["id"].as_str()).expect("an id");
    let resumed = cli.run(["runs", "resume", run, "--output", "json"]).exits(0).json();
    assert_eq!(resumed["output"], whole["output"]);
    assert_eq!(called_after_committed(&fs_err::read_to_string(log).unwrap()), Vec::<String>::new());
}

#[test]
fn a_killed_server_goes_on_with_its_runs_when_it_starts_again() {
    let host = TestHost::start();
    let ran = host.run(&start(&[])).exits(3).json();
    let run = ran["run_id"].as_str().expect("an id").to_owned();
    let host = host.restart();
    let shown = host.get(&format!("/v1/runs/{run}")).status(200).json();
    assert_eq!(shown["status"], "waiting", "{shown}");
    let resumed = host.run(&["runs", "resume", &run, "--answer", "approve=yes"]);
    assert!(resumed.exits(0).stdout.contains("One super-step"));
}

#[test]
fn a_repeated_call_is_seen() {
    let log = "called task_1\nreturned task_1\ncalled task_2\ncommitted task_1\ncalled task_1\n";
    assert_eq!(called_after_committed(log), ["task_1"]);
}

fn called_after_committed(log: &str) -> Vec<String> {
    let mut committed = Vec::new();
    let mut repeated = Vec::new();
    for line in log.lines() {
        let mut words = line.split_whitespace();
        let task = words.clone().find(|word| word.starts_with("task_")).expect("a task");
        match words.find(|word| ["called", "returned", "committed"].contains(word)) {
            Some("committed") => committed.push(task),
            Some("called") if committed.contains(&task) => repeated.push(task.to_owned()),
            Some(_) => {}
            None => panic!("a torn line: {line}"),
        }
    }
    repeated
}
