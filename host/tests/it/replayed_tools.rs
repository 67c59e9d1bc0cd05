//! Recorded runs used again: agents that were called as tools are part of them.

use serde_json::Value;

use crate::harness::Cli;

/// A review, whose agent `verify` calls the agent `search` for every claim.
fn reviewed(cli: &Cli) -> Value {
    let review = "examples/review/workflow.yaml";
    let document = "document=@examples/review/input/handbook.md";
    let folder = "folder=@examples/review/input/tally";
    let inputs = ["--input", document, "--input", folder, "--answer", "decide=reject"];
    let args = ["run", review, "--output", "json"];
    cli.run(args.iter().chain(&inputs)).exits(0).json()
}

#[test]
fn a_run_is_replayed_and_exported_with_the_agents_that_were_called_as_tools() {
    let cli = Cli::new();
    let ran = reviewed(&cli);
    let run = ran["run_id"].as_str().expect("an id");
    let tasks = ran["tasks"].as_array().expect("tasks").iter();
    let agents = tasks.filter(|task| task["agent"].is_string() && task["source"] == "live").count();

    let exported = cli.run(["runs", "export", run]).exits(0).stdout.clone();
    let entries = exported.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let entries: Vec<Value> = entries.collect();
    let called =
        |it: &&Value| it["summary"].as_str().is_some_and(|text| text.contains("wforge__search"));
    let searches = entries.iter().filter(called).count();
    assert!(searches > 0, "{exported}");

    let report = cli.run(["replay", run, "--output", "json"]).exits(0).json();
    assert_eq!(report["difference"], Value::Null);
    assert_eq!(report["calls"], agents + searches, "each search is made again as well");
}
