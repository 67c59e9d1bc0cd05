//! Every example gives what it says it gives.

mod research_agent;
mod review;

use serde_json::Value;

use crate::harness::Cli;
use crate::repo;

/// What an example's `expected.json` says.
fn expected(example: &str) -> Value {
    let text = repo::read(&format!("examples/{example}/expected.json"));
    redacted(serde_json::from_str(&text).expect("it is JSON"))
}

/// What `--output json` gave, without ids and times, and with the tasks in order.
fn redacted(mut ran: Value) -> Value {
    let fields = ran.as_object_mut().expect("an object");
    fields.remove("run_id");
    let tasks = fields["tasks"].as_array_mut().expect("tasks");
    for task in tasks.iter_mut() {
        task.as_object_mut().expect("a task").remove("ms");
    }
    tasks.sort_by_key(|task| {
        ["node", "agent", "source", "attempt"].map(|field| task[field].to_string())
    });
    ran
}

#[test]
fn the_brief_gives_what_expected_json_says() {
    let ran = Cli::new()
        .run([
            "run",
            "examples/brief/workflow.yaml",
            "--input",
            "document=@examples/brief/input/handover.md",
            "--answer",
            "approve=yes",
            "--output",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(redacted(ran), expected("brief"));
}
