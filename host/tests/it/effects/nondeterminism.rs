//! Rule 5: a task that asks for something else than it did before. Plugins cannot, as long as the
//! host keeps its keys: here the one is lost from which it derives what guests draw by chance.

use serde_json::json;

use super::{Stage, prompts, run_id};

/// Everything that could paper over it.
const COVERED: &str = "retry: [{ on: [failed, trap, upstream, bad_output], max_attempts: 5 }]
    fallback: mock
    fallback_on: [failed, trap, upstream, bad_output, timeout]
    mock: { output: { seen: [] } }
";

/// A run that waits for a person, and whose host lost its key since.
fn forgetful() -> (Stage, String) {
    let stage = Stage::new();
    let steps = json!([
        { "do": "model", "model": "fixed", "prompt": "pick {chance}" },
        { "do": "ask", "prompt": "go on?" },
    ]);
    let run = run_id(stage.run(&steps, COVERED).exits(3));
    let key = stage.cli.data().join("keys/effects");
    assert_eq!(fs_err::read_to_string(&key).unwrap().trim().len(), 64);
    fs_err::write(&key, "7".repeat(64)).unwrap();
    (stage, run)
}

#[test]
fn rule_5_another_request_at_a_recorded_place_blocks_the_run_and_shows_both() {
    let (stage, run) = forgetful();
    let resumed = stage.cli.run(["runs", "resume", &run, "--answer", "it=yes"]);
    resumed.exits(1).says(&["blocked", "is recorded, and", "nondeterministic"]);
    let picked = prompts(&stage.models);
    assert_eq!(picked.len(), 1, "the other question was not asked: {picked:?}");
    let shown = stage.cli.run(["runs", "show", &run, "--output", "json"]).exits(0).json();
    assert_eq!(shown["status"], "blocked");
    let said = shown.to_string();
    let both: std::collections::BTreeSet<&str> = said
        .match_indices("pick ")
        .map(|(at, _)| said[at..].split(['"', '\\']).next().unwrap_or_default())
        .collect();
    assert_eq!(both.len(), 2, "what is recorded and what was asked: {shown}");
    assert!(both.contains(picked[0].0.as_str()), "{both:?}");
    stage.cli.run(["runs", "resume", &run, "--answer", "it=yes"]).exits(2);
}

#[test]
fn rule_5_an_operator_lets_it_begin_again_with_an_empty_record() {
    let (stage, run) = forgetful();
    stage.cli.run(["runs", "resume", &run, "--answer", "it=yes"]).exits(1);
    let ended = stage.cli.run(["runs", "resume", &run, "--discard-effects", "--output", "json"]);
    let ended = ended.exits(0).json();
    assert_eq!(ended["output"]["seen"][1], "yes", "people's answers are kept");
    let picked = prompts(&stage.models);
    assert_eq!(picked.len(), 2);
    assert_ne!(picked[0].0, picked[1].0);
}
