//! What agents in JavaScript and TypeScript have in a sandbox: the functions that their language
//! has everywhere, chance that is the same when they run again, and their own files and lines.

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, plugins, saying};

/// Runs one agent of a probe with that input.
fn run(cli: &Cli, agent: &str, input: &str) -> Ran {
    let workflow = format!(
        "apiVersion: workflowforge/v1
name: script
version: 1.0.0
state: {{ url: {{ default: '' }}, result: {{}} }}
input: [url]
output: [result]
nodes: {{ it: {{ agent: wforge/{agent}, in: {input}, out: {{ result: result }} }} }}
edges: [{{ from: START, to: it }}]
"
    );
    let file = cli.file("script.yaml", workflow);
    let (file, probes) = (file.to_str().expect("UTF-8"), plugins().join("probes"));
    let probes = probes.to_str().expect("UTF-8");
    cli.run(["run", file, "--plugins", probes, "--output", "json", "--verbose"])
}

/// Commands that grant everything that the probes need, at servers of this machine.
fn cli() -> Cli {
    let cli = Cli::new().with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32");
    let grants = "[[grant]]\nplugin = \"wforge/probe-js\"\ncapabilities = [\"http:*\", \"ask\"]\n";
    let grants = cli.file("grants.toml", grants);
    cli.with("WFORGE_PLUGINS__GRANTS_FILE", grants.to_str().expect("UTF-8"))
}

fn result(ran: &Ran) -> Value {
    ran.exits(0).json()["output"]["result"].clone()
}

#[test]
fn a_script_has_what_its_language_has_everywhere() {
    let url = json!({ "url": format!("'http://{}/ping'", saying("pong")) });
    let ran = run(&cli(), "probe-js.globals", &url.to_string());
    let works = result(&ran)["works"].as_object().expect("an object").clone();
    let broken: Vec<_> = works.iter().filter(|(_, seen)| **seen != json!(true)).collect();
    assert!(broken.is_empty() && works.len() == 16, "{broken:?} of {works:?}");
    ran.says(&[r#"from the console {"n":1}"#]);
}

#[test]
fn a_script_draws_the_same_when_it_runs_again_and_other_numbers_in_another_task() {
    let cli = cli();
    let draw = || {
        let ran = run(&cli, "probe-js.chance", "{}");
        let id = ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned();
        result(&cli.run(["runs", "resume", &id, "--answer", "yes", "--output", "json"]))
    };
    let (one, other) = (draw(), draw());
    assert_eq!(one["atTop"], json!("function function 2"));
    assert_ne!(one["uuid"], other["uuid"]);
    assert_ne!(one["number"], other["number"]);
}

#[test]
fn a_response_that_is_too_large_for_a_message_is_read_from_its_blob() {
    let text: &str = Box::leak("x".repeat(700_000).into_boxed_str());
    let url = json!({ "url": format!("'http://{}/large'", saying(text)) });
    let ran = run(&cli(), "probe-js.large", &url.to_string());
    assert_eq!(result(&ran), json!({ "characters": 700_000 }));
}

#[test]
fn a_failure_in_typescript_names_the_authors_file_and_line() {
    let cli = cli();
    let counted = run(&cli, "probe-ts", "{ text: \"'one two  three'\" }");
    assert_eq!(result(&counted), json!({ "words": 3 }));
    let tripped = run(&cli, "probe-ts", "{ text: \"''\", trip: 'true' }");
    assert_ne!(tripped.code, 0);
    tripped.says(&["TypeError: tripped", "src/words.ts:9"]);
}
