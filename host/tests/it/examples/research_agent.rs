//! The research agent: a model that calls tools, within budgets, with a person's approval.

use serde_json::{Value, json};

use super::{expected, redacted};
use crate::effects::{Stage, text};
use crate::harness::{Cli, Ran, TestHost, component, plugins};
use crate::repo;

const WORKFLOW: &str = "examples/research-agent/workflow.yaml";
const QUESTION: &str = "question=@examples/research-agent/input/question.txt";
const FOLDER: &str = "folder=@examples/research-agent/input/notes";

/// One test, as the agent is in Python and takes seconds to compile.
#[test]
fn the_research_agent_answers_within_its_budgets_and_asks_before_what_is_dangerous() {
    let compiled = Cli::new();
    install(&compiled);
    on_the_mock_model_it_gives_what_expected_json_says(&compiled);
    a_budget_stops_it(&compiled);
    a_person_approves_or_refuses_a_tool_of_an_mcp_server(&compiled);
    the_models_words_come_as_they_are_said(&compiled);
}

fn install(cli: &Cli) {
    let agent = text(&plugins().join("research-agent"));
    cli.run(["plugin", "install", &agent]).exits(0);
    cli.run(["plugin", "install", &text(&component("wforge/search"))]).exits(0);
}

fn stage(compiled: &Cli) -> Stage {
    let stage = Stage::new();
    stage.cli.copy_compiled(compiled);
    install(&stage.cli);
    stage
}

fn research(cli: &Cli, workflow: &str, question: &str, more: &[&str]) -> Ran {
    let args = ["run", workflow, "--input", question, "--input", FOLDER, "--output", "json"];
    cli.run([&args[..], more].concat())
}

fn approve(cli: &Cli, run: &Value, answer: &str) -> Ran {
    let run = run["run_id"].as_str().expect("an id");
    cli.run(["runs", "resume", run, "--answer", answer, "--output", "json"])
}

/// The workflow with another value in its configuration.
fn with(cli: &Cli, from: &str, to: &str) -> String {
    let yaml = repo::read(WORKFLOW);
    assert!(yaml.contains(from), "no {from} in {WORKFLOW}");
    text(&cli.file("research.yaml", yaml.replace(from, to)))
}

/// Without what the mock model makes up.
fn outline(ran: Value) -> Value {
    let mut ran = redacted(ran);
    // What a sandbox took is another each time.
    let usages = ran["tasks"].as_array_mut().expect("tasks").iter_mut();
    for usage in usages.map(|task| &mut task["usage"]) {
        usage.as_object_mut().map(|usage| usage.remove("sandbox"));
    }
    ran["usage"].as_object_mut().expect("what was used").remove("sandbox");
    let output = ran["output"].as_object_mut().expect("an output");
    output.remove("answer");
    output["used"].as_object_mut().expect("what was used").remove("tokens");
    for step in output["steps"].as_array_mut().expect("steps") {
        let step = step.as_object_mut().expect("a step");
        step.retain(|field, _| ["turn", "tool", "outcome"].contains(&field.as_str()));
    }
    ran
}

fn on_the_mock_model_it_gives_what_expected_json_says(compiled: &Cli) {
    let ran = research(&stage(compiled).cli, WORKFLOW, QUESTION, &[]).exits(0).json();
    assert!(!ran["output"]["answer"].as_str().expect("an answer").is_empty());
    assert_eq!(outline(ran), expected("research-agent"));
}

fn a_budget_stops_it(compiled: &Cli) {
    let stage = stage(compiled);
    let few = with(&stage.cli, "tokens_max: 50000", "tokens_max: 1");
    let ran = research(&stage.cli, &few, QUESTION, &[]).exits(0).json();
    assert_eq!(ran["output"]["finish"], "budget", "{ran}");
    let one = with(&stage.cli, "turns_max: 8", "turns_max: 1");
    let ran = research(&stage.cli, &one, QUESTION, &[]).exits(0).json();
    assert_eq!(ran["output"]["used"]["turns"], 1, "{ran}");
    assert_eq!(ran["output"]["used"]["calls"], 0, "{ran}");
}

fn a_person_approves_or_refuses_a_tool_of_an_mcp_server(compiled: &Cli) {
    let stage = stage(compiled);
    let question = "question=Please call mcp__shelf__echo {\"text\": \"hi\"}";
    let more = ["--input", "model=fixed"];
    for (answer, outcome, calls) in [
        ("research={\"approve\": true}", "answered", 1),
        ("research={\"approve\": false, \"note\": \"not today\"}", "refused", 1),
    ] {
        let asked = research(&stage.cli, WORKFLOW, question, &more);
        asked.exits(3).says(&["mcp__shelf__echo", "Approve?"]);
        let ended = approve(&stage.cli, &asked.json(), answer).exits(0).json();
        let step = &ended["output"]["steps"][0];
        assert_eq!(
            (&step["tool"], &step["outcome"]),
            (&json!("mcp__shelf__echo"), &json!(outcome))
        );
        let arrived = stage.mcp.arrived().unwrap();
        let made = arrived.iter().filter(|it| it.body["method"] == "tools/call").count();
        assert_eq!(made, calls, "calls that arrived so far");
    }
    let asked = stage.models.arrived().unwrap();
    assert_eq!(asked.len(), 4, "each model call once, although the agent ran twice from its top");
}

fn the_models_words_come_as_they_are_said(compiled: &Cli) {
    let Stage { cli, mcp: _mcp, .. } = stage(compiled);
    let host = TestHost::on(cli);
    let more = ["--input", "careful=true"];
    let asked = research(&host.cli, WORKFLOW, QUESTION, &more).exits(3).json();
    let run = asked["run_id"].as_str().expect("an id").to_owned();
    let stream = host.events(&run, None);
    approve(&host.cli, &asked, "research={\"approve\": true}").exits(0);
    let deltas: Vec<Value> = stream
        .filter(|event| event.event == "delta")
        .map(|event| serde_json::from_str(&event.data).expect("JSON"))
        .collect();
    assert!(!deltas.is_empty());
    assert!(deltas.iter().all(|delta| delta["topic"] == "tokens"), "{deltas:?}");
    let said: String = deltas.iter().filter_map(|delta| delta["text"].as_str()).collect();
    let shown = host.get(&format!("/v1/runs/{run}")).status(200).json();
    assert!(shown["output"]["answer"].as_str().unwrap().ends_with(&said), "{said}");
}
