//! Rule 8: records name the plugin's digest, and a new version serves new runs.

use serde_json::{Value, json};

use super::unknown::newest;
use super::{Stage, ask_model, run_id, text, times};
use crate::harness::{changed, proof};

fn steps() -> Value {
    json!([
        ask_model("fixed", "one"),
        { "do": "ask", "prompt": "first?" },
        { "do": "ask", "prompt": "second?" },
    ])
}

fn json_of(stage: &Stage, args: &[&str], code: i32) -> Value {
    stage.cli.run(args.iter().copied().chain(["--output", "json"])).exits(code).json()
}

#[test]
fn rule_8_a_thread_with_an_open_task_is_not_migrated_unless_the_task_begins_again() {
    let stage = Stage::new();
    let file = stage.workflow(&steps(), "");
    let first = json_of(&stage, &["run", &file, "--thread", "new"], 3);
    let (run, thread) = (first["run_id"].as_str().unwrap(), first["thread"].as_str().unwrap());
    json_of(&stage, &["runs", "resume", run, "--answer", "it=red"], 3);
    let yaml = fs_err::read_to_string(&file).unwrap();
    let newer = yaml.replace("version: 1.0.0", "version: 2.0.0");
    let newer = text(&stage.cli.file("newer.yaml", newer));

    let migrate = ["workflow", "migrate", thread, "--to", &newer];
    stage.cli.run(migrate).exits(2).says(&["open_tasks", "--restart-tasks"]);
    assert_eq!(times(&stage.models, "one"), (1, 1));

    let restarted = stage.cli.run(migrate.into_iter().chain(["--restart-tasks"]));
    assert!([0, 3].contains(&restarted.code), "{restarted:?}");
    let newest = newest(&stage.cli);
    assert_ne!(newest, run);
    // It comes to the second question by itself: the first was answered before.
    json_of(&stage, &["runs", "resume", &newest], 3);
    let ended = json_of(&stage, &["runs", "resume", &newest, "--answer", "it=blue"], 0);
    let seen = &ended["output"]["seen"];
    assert_eq!((&seen[1], &seen[2]), (&json!("red"), &json!("blue")), "the answer was kept");
    assert_eq!(times(&stage.models, "one"), (2, 2), "and nothing else was");
}

#[test]
fn rule_8_a_new_version_serves_new_runs_and_open_ones_keep_theirs() {
    let stage = Stage::new();
    let run = run_id(stage.run(&steps(), "").exits(3));
    let newer = changed(&proof("wforge/effects-steps"), &[]);
    let newer = stage.cli.file("newer.wasm", newer);
    stage.cli.run(["plugin", "install", &text(&newer)]).exits(0);
    json_of(&stage, &["runs", "resume", &run, "--answer", "it=red"], 3);
    let ended = json_of(&stage, &["runs", "resume", &run, "--answer", "it=blue"], 0);
    assert_eq!(ended["tasks"][0]["agent"], "wforge/effects-steps@0.1.0");
    assert_eq!(times(&stage.models, "one"), (1, 1));
    let other = stage.run(&json!([]), "").exits(0).json();
    assert_eq!(other["tasks"][0]["agent"], "wforge/effects-steps@0.2.0");
}
