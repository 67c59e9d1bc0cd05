//! The review: does a document tell the truth about a folder?

use serde_json::{Value, json};

use super::{expected, redacted};
use crate::effects::{Stage, text};
use crate::harness::{Cli, Ran, plugins};

const OWN: [&str; 2] =
    ["document=@examples/review/input/handbook.md", "folder=@examples/review/input/tally"];

fn review(cli: &Cli, [document, folder]: [&str; 2], more: &[&str]) -> Ran {
    let args = ["run", "examples/review/workflow.yaml", "--input", document, "--input", folder];
    cli.run([&args[..], &["--output", "json"], more].concat())
}

fn counts(ran: &Value) -> Value {
    ran["output"]["counts"].clone()
}

#[test]
fn the_review_gives_what_expected_json_says() {
    let ran = review(&Cli::new(), OWN, &["--answer", "decide=reject"]).exits(0).json();
    assert_eq!(redacted(ran), expected("review"));
}

#[test]
fn a_person_is_asked_about_each_claim_that_is_not_proven() {
    let cli = Cli::new();
    let ran = review(&cli, OWN, &[]).exits(3).json();
    let run = ran["run_id"].as_str().expect("an id");
    let shown = cli.run(["runs", "show", run, "--output", "json"]).exits(0).json();
    let questions = shown["questions"].as_array().expect("questions");
    assert_eq!(questions.len(), 9);
    for question in questions {
        let prompt = question["prompt"].as_str().expect("a prompt");
        assert!(prompt.starts_with("Line ") && prompt.contains("Waive or reject?"), "{prompt}");
    }
}

#[test]
fn without_plugins_every_claim_is_unknown_and_the_run_degraded() {
    let cli = Cli::new();
    let empty = cli.file("empty/.keep", "");
    let empty = text(empty.parent().expect("a folder"));
    let more = ["--answer", "decide=waive", "--plugins", &empty];
    let ran = review(&cli, OWN, &more).exits(0).json();
    assert_eq!(ran["degraded"], true);
    assert_eq!(counts(&ran), json!({ "claims": 1, "proven": 0, "contradicted": 0, "unknown": 1 }));
    let sources = ran["tasks"].as_array().expect("tasks").iter();
    let sources: Vec<&Value> =
        sources.filter(|task| !task["agent"].is_null()).map(|task| &task["source"]).collect();
    assert!(sources.iter().all(|source| **source == "fallback"), "{sources:?}");
    review(&cli, OWN, &[&more[..], &["--fail-on-degraded"]].concat()).exits(4);
}

#[test]
fn two_variables_and_a_name_let_a_model_judge_what_rules_do_not_prove() {
    let stage = Stage::new();
    let url = format!("http://{}/v1", stage.models.address);
    let stage = stage.with("WFORGE_LLM_URL", &url).with("WFORGE_LLM_MODEL", "reviewer");
    stage.cli.run(["plugin", "install", &text(&plugins())]).exits(0);
    let more = ["--input", "model=default", "--answer", "decide=reject"];
    let ran = review(&stage.cli, OWN, &more).exits(0).json();
    assert_eq!(ran["degraded"], false);
    let (with, without) = (counts(&ran), expected("review")["output"]["counts"].clone());
    assert_eq!(with["claims"], without["claims"]);
    let asked = stage.models.arrived().unwrap();
    let about: std::collections::BTreeSet<String> =
        asked.iter().map(|arrived| arrived.body["messages"][1].to_string()).collect();
    let doubts = without["contradicted"].as_u64().unwrap() + without["unknown"].as_u64().unwrap();
    assert_eq!(about.len() as u64, doubts, "the model was asked about each that rules left open");
    assert!(asked.iter().all(|arrived| arrived.body["tools"][0]["function"]["name"] == "search"));
    assert!(ran["output"]["report"].as_str().unwrap().contains("a stand-in found"), "{ran}");
}

#[test]
fn any_document_and_any_folder_will_do() {
    let cli = Cli::new();
    let document = cli.file(
        "notes.md",
        "# Notes\n\nRun `make brew` first. The settings are in `config/tea.toml`; see\n\
         [the list](docs/list.md). Version 3.2.1 is the newest.\n",
    );
    cli.file("tea/Makefile", "brew:\n\t@echo tea\n");
    cli.file("tea/docs/list.md", "# List\n");
    let settings = cli.file("tea/config/tea.toml", "version = \"3.2.1\"\n");
    let folder = text(settings.parent().and_then(std::path::Path::parent).expect("a folder"));
    let (document, folder) =
        (format!("document=@{}", text(&document)), format!("folder=@{folder}"));
    let ran = review(&cli, [&document, &folder], &["--answer", "decide=reject"]).exits(0).json();
    let counts = counts(&ran);
    assert_eq!(ran["degraded"], false);
    assert!(counts["claims"].as_u64().unwrap() >= 3, "{counts}");
    assert_eq!((&counts["contradicted"], &counts["unknown"]), (&json!(0), &json!(0)), "{ran}");

    // Without the Makefile's target the same document says something that is not so.
    cli.file("tea/Makefile", "boil:\n\t@echo water\n");
    let ran = review(&cli, [&document, &folder], &["--answer", "decide=reject"]).exits(0).json();
    assert_eq!(ran["output"]["counts"]["contradicted"], 1, "{ran}");
    let report = ran["output"]["report"].as_str().expect("a report");
    assert!(report.contains("brew"), "{report}");
}
