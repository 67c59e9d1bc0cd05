//! Rule 7: a fork begins at a border, with new tasks and empty records.

use serde_json::{Value, json};

use super::{Stage, ask_model, run_id, text, times};

fn workflow(stage: &Stage) -> String {
    let before = json!([
        { "do": "put", "scope": "run", "key": "n", "value": 1 },
        { "do": "put", "scope": "thread", "key": "t", "value": 1 },
        ask_model("fixed", "from before"),
    ]);
    let after = json!([
        { "do": "get", "scope": "run", "key": "n" },
        { "do": "get", "scope": "thread", "key": "t" },
        { "do": "put", "scope": "run", "key": "n", "value": 2 },
        { "do": "put", "scope": "thread", "key": "t", "value": 2 },
        ask_model("fixed", "from after"),
        { "do": "ask", "prompt": "publish?" },
    ]);
    let yaml = format!(
        "apiVersion: workflowforge/v1
name: forked
version: 1.0.0
state: {{ first: {{ default: {before} }}, second: {{ default: {after} }}, seen: {{}} }}
input: []
output: [seen]
nodes:
  before: {{ agent: wforge/effects-steps.steps, in: {{ steps: state.first }}, out: {{}} }}
  after:
    agent: wforge/effects-steps.steps
    in: {{ steps: state.second }}
    out: {{ seen: result.seen }}
edges: [{{ from: START, to: before }}, {{ from: before, to: after }}]
"
    );
    text(&stage.cli.file("forked.yaml", yaml))
}

fn json_of(stage: &Stage, args: &[&str], code: i32) -> Value {
    stage.cli.run(args.iter().copied().chain(["--output", "json"])).exits(code).json()
}

fn answered(stage: &Stage, run: &str, word: &str) -> Value {
    let answer = format!("after={word}");
    json_of(stage, &["runs", "resume", run, "--answer", &answer], 0)["output"]["seen"].clone()
}

#[test]
fn rule_7_a_fork_asks_again_and_remembers_what_its_run_did_at_the_checkpoint() {
    let stage = Stage::new();
    let file = workflow(&stage);
    let first = json_of(&stage, &["run", &file, "--thread", "new"], 3);
    let (run, thread) = (first["run_id"].as_str().unwrap(), first["thread"].as_str().unwrap());
    let seen = answered(&stage, run, "yes");
    assert_eq!((&seen[0], &seen[1], &seen[5]), (&json!(1), &json!(1), &json!("yes")));

    let history = json_of(&stage, &["threads", "history", thread], 0);
    let border = history.as_array().unwrap().iter().find(|it| it["next"] == json!(["after"]));
    let at = border.expect("a border before it")["checkpoint"].as_str().unwrap();
    let forked = stage.cli.run(["threads", "fork", thread, "--at", at]);
    forked.exits(0).says(&["memory of the thread and of plugins does not go back"]);
    let again = stage.cli.run(["threads", "replay", thread, "--output", "json"]);
    let fork = run_id(again.exits(3));
    assert_ne!(fork, run);
    assert_eq!(times(&stage.models, "from before"), (1, 1), "it is before the border");
    assert_eq!(times(&stage.models, "from after"), (2, 2), "a new task has a new key");
    let seen = answered(&stage, &fork, "no");
    assert_eq!(seen[0], 1, "the run's memory is that of the checkpoint");
    assert_eq!(seen[1], 2, "the thread's is not rolled back");
    assert_eq!(seen[5], "no", "the question was asked again");
}
