//! Recorded runs made again: each comes to the same, and a plugin that would have asked for
//! something else is found out where it would have. `WFORGE_REPLAYS` says how many runs (10 in the
//! tests, 50 in the proof).

use serde_json::{Value, json};

use crate::effects::{Stage, ask_model, run_id, text};
use crate::harness::{Ran, TestHost, changed, plugins, proof};
use crate::stand_in::Server;

const RUNS: usize = 10;
const DOCUMENTS: [&str; 5] =
    ["README.md", "docs/STYLE.md", "LICENSE", "examples/review/README.md", "docs/reliability.md"];

/// A host with all our plugins, and the servers that it reaches.
struct Recorder {
    host: TestHost,
    models: Server,
    posts: Server,
    _mcp: Server,
}

impl Recorder {
    fn start() -> Self {
        let stage = Stage::new();
        stage.cli.run(["plugin", "install", &text(&plugins())]).exits(0);
        let Stage { cli, models, posts, mcp } = stage;
        Self { host: TestHost::on(cli), models, posts, _mcp: mcp }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.host.run(&[args, &["--output", "json"]].concat())
    }

    /// A run of its own kind for each number, and to its end.
    fn record(&self, number: usize) -> String {
        match number % 5 {
            0 => self.brief(number),
            1 => self.exactly_once(),
            2 => self.steps(number, &self.varied(number), ""),
            3 => self.review(number),
            _ => self.failing(number),
        }
    }

    fn brief(&self, number: usize) -> String {
        let document = crate::repo::read(DOCUMENTS[number / 5 % DOCUMENTS.len()]);
        let cut: String = document.chars().skip(number * 7).take(4_000).collect();
        let file = self.host.cli.file("document.md", cut);
        let document = format!("document=@{}", text(&file));
        let args = ["run", "examples/brief/workflow.yaml", "--input", &document];
        let ran = self.run(&[&args[..], &["--answer", "approve=yes"]].concat());
        ran.exits(0);
        run_id(&ran)
    }

    fn review(&self, number: usize) -> String {
        let file =
            self.host.cli.file("claims.md", format!("# Of {number}\n\nSee `a{number}.txt`.\n"));
        let inside = self.host.cli.file(&format!("folder/a{}.txt", number / 2), "hello\n");
        let (document, folder) = (text(&file), text(inside.parent().expect("a folder")));
        let (document, folder) = (format!("document=@{document}"), format!("folder=@{folder}"));
        let args = ["run", "examples/review/workflow.yaml", "--input", &document, "--input"];
        let ran = self.run(&[&args[..], &[&folder, "--answer", "decide=waive"]].concat());
        ran.exits(0);
        run_id(&ran)
    }

    fn exactly_once(&self) -> String {
        let yaml = "apiVersion: workflowforge/v1
name: exactly-once
version: 1.0.0
state: { model: {}, url: {}, seen: {} }
input: [model, url]
output: [seen]
nodes:
  once:
    agent: wforge/effects-rust.exactly-once
    in: { model: state.model, url: state.url }
    out: { seen: result }
edges: [{ from: START, to: once }]
";
        let file = text(&self.host.cli.file("once.yaml", yaml));
        let url = format!("url=http://{}/posts", self.posts.address);
        let ran = self.run(&["run", &file, "--input", "model=fixed", "--input", &url]);
        ran.exits(3);
        let run = run_id(&ran);
        self.run(&["runs", "resume", &run, "--answer", "once=yes"]).exits(3);
        self.run(&["runs", "resume", &run, "--answer", "once=no"]).exits(0);
        run
    }

    /// Steps in another order for each number, with failures that are seen or retried.
    fn varied(&self, number: usize) -> Value {
        let url = format!("http://{}/posts", self.posts.address);
        let caught =
            |model: &str| json!({ "do": "model", "model": model, "prompt": "hm", "catch": true });
        let mut steps = vec![
            ask_model("fixed", "pick {chance}"),
            json!({ "do": "post", "url": url, "body": { "n": number } }),
            json!({ "do": "put", "scope": "run", "key": "k", "value": number }),
            json!({ "do": "get", "scope": "run", "key": "k" }),
            json!({ "do": "tools" }),
            json!({ "do": "tool", "name": "mcp__shelf__echo", "input": { "text": "hi" } }),
            json!({ "do": "sleep", "ms": 1 }),
            json!({ "do": "emit", "topic": "t", "data": number }),
            caught(["broken", "garbage", "cut", "busy"][number % 4]),
            ask_model("broken-once", &format!("again {number}")),
        ];
        let by = number % steps.len();
        steps.rotate_left(by);
        json!(steps)
    }

    fn steps(&self, number: usize, steps: &Value, more: &str) -> String {
        let retry = "retry: [{ on: [upstream], max_attempts: 3, initial: 1ms }]";
        let file = Stage::workflow_in(&self.host.cli, steps, &format!("{retry}\n    {more}"));
        let ran = self.run(&["run", &file]);
        assert!([0, 1].contains(&ran.code), "run {number}: {ran:?}");
        run_id(&ran)
    }

    fn failing(&self, number: usize) -> String {
        let last = [
            json!({ "do": "fail", "kind": "failed", "message": "enough" }),
            json!({ "do": "trap" }),
            json!({ "do": "say", "output": { "wrong": 1 } }),
        ][number / 5 % 3]
            .clone();
        self.steps(number, &json!([ask_model("fixed", "before"), last]), "")
    }

    fn arrived(&self) -> usize {
        self.models.arrived().unwrap().len() + self.posts.arrived().unwrap().len()
    }
}

#[test]
fn recorded_runs_come_to_the_same_when_they_are_made_again() {
    let recorder = Recorder::start();
    let count = number_of("WFORGE_REPLAYS").unwrap_or(RUNS);
    let runs: Vec<String> = (0..count).map(|number| recorder.record(number)).collect();
    let before = recorder.arrived();
    let (mut calls, mut wrong) = (0, Vec::new());
    for (number, run) in runs.iter().enumerate() {
        let replayed = recorder.run(&["replay", run]);
        let report = replayed.json();
        if replayed.code != 0 || report["calls"] == 0 {
            wrong.push(format!("run {number}: {report}"));
        }
        calls += report["calls"].as_u64().expect("a number");
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(recorder.arrived(), before, "no replay reached a server");
    println!("{count} runs recorded and made again: {calls} calls, all came to the same");
    println!("{count} passed, 0 failed");
}

#[test]
fn a_plugin_that_asks_for_something_else_is_found_out_at_the_call_where_it_does() {
    let recorder = Recorder::start();
    let run = recorder.exactly_once();
    let before = recorder.arrived();
    let component = proof("wforge/effects-rust");
    // Its own code under another version is no difference.
    let same = recorder.host.cli.file("same.wasm", changed(&component, &[]));
    recorder.run(&["replay", &run, "--with", &text(&same)]).exits(0);
    let other = changed(&component, &[("second?", "really?")]);
    let other = text(&recorder.host.cli.file("other.wasm", other));
    let found = recorder.run(&["replay", &run, "--with", &other]);
    let difference = found.exits(1).json()["difference"].clone();
    assert_eq!((&difference["node"], &difference["attempt"]), (&json!("once"), &json!(1)));
    // Four rounds of three effects, a question and a sleep come before it.
    assert_eq!(difference["position"], 14);
    assert_eq!(difference["recorded"], "human.ask \"second?\"");
    assert_eq!(difference["now"], "human.ask \"really?\"");
    recorder.host.run(&["plugin", "install", &other]).exits(0);
    let named = ["replay", &run, "--with", "wforge/effects-rust@0.2.0"];
    recorder.host.run(&named).exits(1).says(&["at its effect 14", "second?", "really?"]);
    assert_eq!(recorder.arrived(), before, "no replay reached a server");
}

#[expect(clippy::disallowed_methods, reason = "a proof takes its count from whoever runs it")]
fn number_of(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}
