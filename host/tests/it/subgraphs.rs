//! Workflows inside workflows, by the command line: files beside each other, questions inside, what
//! a person sees of it.

use std::path::PathBuf;

use crate::harness::{Cli, everywhere};

const OUTER: &str = "apiVersion: workflowforge/v1
name: outer
version: 1.0.0
state: { topic: { schema: { type: string } }, text: {} }
input: [topic]
output: [text]
nodes:
  review: { workflow: inner, in: { topic: state.topic }, out: { text: result.text } }
edges: [{ from: START, to: review }]
";

const INNER: &str = "apiVersion: workflowforge/v1
name: inner
version: 1.0.0
state: { topic: { schema: { type: string } }, title: {}, text: {} }
input: [topic]
output: [text]
nodes:
  title: { ask: { prompt: 'A title for {{ state.topic }}?' }, out: { title: result } }
  write: { set: { text: \"state.title + ': ' + state.topic\" } }
edges:
  - { from: START, to: title }
  - { from: title, to: write }
";

/// Starts the outer workflow with the inner one beside it.
fn start(cli: &Cli) -> (String, PathBuf) {
    let (outer, inner) = (cli.file("outer.yaml", OUTER), cli.file("inner.yaml", INNER));
    let args = ["run", text(&outer), "--with", text(&inner), "--input", "topic=bees"];
    let ran = cli.run(args.into_iter().chain(["--output", "json"]));
    ran.exits(3).says(&["review/title", "A title for bees?"]);
    (ran.json()["run_id"].as_str().expect("an id").to_owned(), outer)
}

fn text(path: &std::path::Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn a_question_inside_is_answered_by_its_path_its_node_or_alone() {
    everywhere(|cli| {
        for answer in ["review/title=Honey", "title=Honey", "Honey"] {
            let (run, _) = start(cli);
            let ended = cli.run(["runs", "resume", &run, "--answer", answer, "--output", "json"]);
            let ended = ended.exits(0).json();
            assert_eq!(ended["output"]["text"], "Honey: bees", "{answer}");
            let nodes = ended["tasks"].as_array().expect("tasks").iter().map(|task| &task["node"]);
            assert_eq!(nodes.collect::<Vec<_>>(), ["review/title", "review/write", "review"]);
        }
    });
}

#[test]
fn what_runs_inside_is_shown_by_its_path() {
    let cli = Cli::new();
    let (run, _) = start(&cli);
    let ended = cli.run(["runs", "resume", &run, "--answer", "review/title=Honey"]);
    ended.exits(0).says(&["review/write", "review ", "inner@1.0.0"]);
    cli.run(["runs", "show", &run]).exits(0).says(&["1.2", "review/write"]);
    let page = cli.file("page.html", "");
    cli.run(["runs", "show", &run, "--html", text(&page)]).exits(0);
    let page = fs_err::read_to_string(page).unwrap();
    for word in ["review/title", "Step 1.2 in review", "Start of review"] {
        assert!(page.contains(word), "no {word} in {page}");
    }
}

#[test]
fn an_answer_for_nobody_names_who_asks() {
    let cli = Cli::new();
    let (run, _) = start(&cli);
    let wrong = cli.run(["runs", "resume", &run, "--answer", "review/titel=Honey"]);
    wrong.exits(2).says(&["review/titel: it asks nothing; did you mean review/title?"]);
}

#[test]
fn a_workflow_that_is_nowhere_is_named_before_anything_is_started() {
    everywhere(|cli| {
        let outer = cli.file("outer.yaml", OUTER);
        let ran = cli.run(["run", text(&outer), "--input", "topic=bees"]);
        ran.exits(2).says(&["missing_workflows", "inner", "--with"]);
        let listed = cli.run(["runs", "list", "--output", "json"]).exits(0).json();
        assert_eq!(listed, serde_json::json!([]));
    });
}

#[test]
fn answers_and_mocks_of_the_start_reach_into_a_subgraph() {
    everywhere(|cli| {
        let (outer, inner) = (cli.file("outer.yaml", OUTER), cli.file("inner.yaml", INNER));
        let run = |more: &[&str]| {
            let args = ["run", text(&outer), "--input", "topic=bees", "--output", "json"];
            cli.run(args.iter().chain(more).copied())
        };
        let with = ["--with", text(&inner), "--answer", "review/title=Honey"];
        assert_eq!(run(&with).exits(0).json()["output"]["text"], "Honey: bees");
        let wrong = ["--with", text(&inner), "--answer", "review/titel=Honey"];
        run(&wrong).exits(2).says(&["review/titel", "did you mean title?"]);
        let nowhere = ["--answer", "review/title=Honey"];
        run(&nowhere).exits(2).says(&["missing_workflows", "inner", "--with"]);
        cli.run(["workflow", "register", text(&inner)]).exits(0);
        let mock = cli.file("title.json", "\"Wax\"");
        let mock = format!("review/title={}", text(&mock));
        let mocked = run(&["--mock", &mock]).exits(0).json();
        assert_eq!(mocked["output"]["text"], "Wax: bees");
        let tasks = mocked["tasks"].as_array().expect("tasks");
        let title = tasks.iter().find(|task| task["node"] == "review/title").expect("a task");
        assert_eq!(title["source"], "mock");
    });
}
