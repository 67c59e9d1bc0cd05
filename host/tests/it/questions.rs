//! What agents ask people: checked answers, deadlines, several questions at once, and for whom.

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, TestHost, everywhere, within_a_minute};

/// A workflow of one node whose agent asks these at once.
fn workflow(questions: &Value) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: {{ questions: {{ default: {questions} }}, told: {{}} }}
input: []
output: [told]
nodes:
  it: {{ agent: wforge/probe.asks, in: {{ questions: state.questions }}, out: {{ told: result }} }}
edges: [{{ from: START, to: it }}]
"
    )
}

fn start(cli: &Cli, questions: &Value) -> (String, Ran) {
    let file = cli.file("asks.yaml", workflow(questions));
    let ran = cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"]);
    let run = ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    (run, ran)
}

fn answer(cli: &Cli, run: &str, answer: &str) -> Ran {
    cli.run(["runs", "resume", run, "--answer", answer, "--output", "json"])
}

/// The ids of a run's open questions, by what they ask.
fn open(cli: &Cli, run: &str) -> Vec<(String, String)> {
    let shown = cli.run(["runs", "show", run, "--output", "json"]).exits(0).json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let questions = shown["questions"].as_array().expect("questions").iter();
    questions.map(|it| (text(&it["prompt"]), text(&it["id"]))).collect()
}

const AGE: &str =
    r#"{"type":"object","required":["age"],"properties":{"age":{"type":"integer","minimum":18}}}"#;

#[test]
fn an_answer_that_misfits_is_refused_with_its_place_and_the_question_stays_open() {
    let schema: Value = serde_json::from_str(AGE).expect("JSON");
    let questions = json!([{ "prompt": "How old?", "schema": schema }]);
    everywhere(|cli| {
        let (run, _) = start(cli, &questions);
        answer(cli, &run, r#"it={"age":7}"#).exits(2).says(&["age", "18"]);
        answer(cli, &run, "it=old").exits(2).says(&["age"]);
        assert_eq!(open(cli, &run).len(), 1);
        let ended = answer(cli, &run, "it=20").exits(0).json();
        assert_eq!(ended["output"]["told"], json!([{ "answer": { "age": 20 } }]));
    });
}

#[test]
fn the_api_says_where_an_answer_misfits() {
    let host = TestHost::start();
    let schema: Value = serde_json::from_str(AGE).expect("JSON");
    let (run, _) = start(&host.cli, &json!([{ "prompt": "How old?", "schema": schema }]));
    let body = json!({ "answers": [{ "node": "it", "answer": { "age": 7 } }] });
    let refused = host.post(&format!("/v1/runs/{run}/resume"), &body);
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("/age"), "{}", refused.text);
    assert_eq!(open(&host.cli, &run).len(), 1);
}

#[test]
fn a_deadline_that_passes_is_the_contracts_failure_also_while_the_host_was_down() {
    let questions = json!([{ "prompt": "Quick?", "deadline_ms": 1_500 }, { "prompt": "Slow?" }]);
    let host = TestHost::start();
    let (run, ran) = start(&host.cli, &questions);
    ran.says(&["until 2"]);
    let host = host.restart();
    let passed = within_a_minute(|| open(&host.cli, &run).len() == 1);
    assert!(passed, "the deadline passes by itself");
    let ended = answer(&host.cli, &run, "it=yes").exits(0).json();
    assert_eq!(ended["output"]["told"], json!([{ "upstream": "deadline" }, { "answer": "yes" }]));
}

#[test]
fn several_questions_are_answered_by_their_ids_in_any_order_also_after_a_restart() {
    let questions = json!([{ "prompt": "One?" }, { "prompt": "Two?" }, { "prompt": "Three?" }]);
    let host = TestHost::start();
    let (run, _) = start(&host.cli, &questions);
    answer(&host.cli, &run, "it=1").exits(2).says(&["it asks 3 questions"]);
    let asked = open(&host.cli, &run);
    let id = |prompt: &str| &asked.iter().find(|(text, _)| text == prompt).expect(prompt).1;
    answer(&host.cli, &run, &format!("{}=three", id("Three?"))).exits(3);
    let host = host.restart();
    assert_eq!(open(&host.cli, &run).len(), 2);
    answer(&host.cli, &run, &format!("{}=again", id("Three?"))).exits(2);
    answer(&host.cli, &run, &format!("{}=one", id("One?"))).exits(3);
    let ended = answer(&host.cli, &run, &format!("{}=two", id("Two?"))).exits(0).json();
    let told: Vec<&Value> = ended["output"]["told"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["answer"])
        .collect();
    assert_eq!(told, ["one", "two", "three"]);
}

#[test]
fn the_inbox_says_for_whom_a_question_is_and_shows_those_of_one_person() {
    let of_node = "apiVersion: workflowforge/v1
name: nodes
version: 1.0.0
state: { owner: { default: bob }, yes: {} }
input: []
output: [yes]
nodes:
  ask: { ask: { prompt: 'May I?', assignee: '{{ state.owner }}' }, out: { yes: result } }
edges: [{ from: START, to: ask }]
";
    everywhere(|cli| {
        let questions = json!([{ "prompt": "One?", "assignee": "ann" }, { "prompt": "Two?" }]);
        let (_, ran) = start(cli, &questions);
        ran.says(&["for ann"]);
        let file = cli.file("nodes.yaml", of_node);
        cli.run(["run", file.to_str().expect("UTF-8")]).exits(3).says(&["for bob"]);
        cli.run(["inbox"]).exits(0).says(&["One?", "for ann", "Two?", "May I?", "for bob"]);
        let of = |name: &str| {
            let args = ["inbox", "--assignee", name, "--output", "json"];
            let listed = cli.run(args).exits(0).json();
            let entries = listed.as_array().expect("a list").clone();
            entries.iter().map(|it| it["wants"]["answer"]["prompt"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(of("ann"), ["One?"]);
        assert_eq!(of("bob"), ["May I?"]);
        cli.run(["inbox", "--assignee", "a&b"]).exits(0).says(&["nothing waits for a&b"]);
    });
}
