//! Rule 4: the host dies after it posted and before it recorded the answer.

use serde_json::{Value, json};

use super::{Stage, text};
use crate::harness::Cli;

/// Retried and stood in for wherever that is possible: here it never is.
const PATIENT: &str = "retry: [{ on: [failed, trap, upstream], max_attempts: 3, initial: 1ms }]
    fallback: mock
    fallback_on: [failed]
    mock: { output: { seen: [] } }
";

/// The stage with a run that was killed between doing and recording, and the run.
fn killed(effects: &str) -> (Stage, String) {
    let mut stage = Stage::new();
    let url = format!("http://{}/posts", stage.posts.address);
    let steps = json!([{ "do": "post", "url": url, "body": { "n": 1 } }]);
    let more = format!("{PATIENT}    {effects}");
    let log = stage.cli.file("failpoints", "");
    stage = stage.with("WFORGE_FAILPOINT_LOG", &text(&log));
    stage.run(&steps, &more).exits(0);
    let passed = fs_err::read_to_string(&log).unwrap();
    let point = passed.lines().position(|line| line.ends_with("performed")).expect("it posted");
    stage = stage.with("WFORGE_FAILPOINT_KILL", &(point + 1).to_string());
    stage.run(&steps, &more).exits(-1);
    assert_eq!(stage.posts.arrived().unwrap().len(), 2, "one of each run");
    let run = newest(&stage.cli);
    (stage.with("WFORGE_FAILPOINT_KILL", "0"), run)
}

/// The run that began last.
pub(super) fn newest(cli: &Cli) -> String {
    let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
    let items = listed.as_array().or_else(|| listed["items"].as_array()).expect("a list");
    let run = items[0]["run"].as_str().or_else(|| items[0]["id"].as_str());
    run.expect("an id").to_owned()
}

fn keys(stage: &Stage) -> Vec<String> {
    stage.posts.arrived().unwrap().into_iter().map(|arrived| arrived.key).collect()
}

#[test]
fn rule_4_an_unknown_outcome_is_done_again_under_the_same_key() {
    for effects in ["", "effects: { unknown: retry }"] {
        let (stage, run) = killed(effects);
        let ended = stage.cli.run(["runs", "resume", &run, "--output", "json"]).exits(0).json();
        assert_eq!(ended["output"]["seen"][0]["status"], 200);
        let keys = keys(&stage);
        assert_eq!(keys.len(), 3);
        assert_eq!(keys[1], keys[2], "whoever got it twice can tell");
        assert_ne!(keys[0], keys[1], "another run has another key");
    }
}

#[test]
fn rule_4_or_it_fails_the_task_and_is_neither_retried_nor_mocked() {
    let (stage, run) = killed("effects: { unknown: fail }");
    let resumed = stage.cli.run(["runs", "resume", &run, "--output", "json"]);
    resumed.exits(1).says(&["effect_unknown", "nobody knows what came of it"]);
    assert_eq!(resumed.json()["degraded"], Value::Bool(false));
    assert_eq!(keys(&stage).len(), 2, "nothing was posted again");
}
