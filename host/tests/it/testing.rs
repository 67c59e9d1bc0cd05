//! What an author asks of one component: its cases, its checks, one call, what it says of itself.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wforge_testkit::guests::{self, Fixture};

use crate::harness::{Cli, Ran, component, proof};

/// A folder with a component and a file of cases.
struct Bench {
    cli: Cli,
    component: PathBuf,
}

impl Bench {
    fn of(fixture: &Fixture) -> Self {
        let cli = Cli::new();
        let component = cli.file("plugin/it.wasm", fixture.build());
        Self { cli, component }
    }

    fn built(component: PathBuf) -> Self {
        Self { cli: Cli::new(), component }
    }

    /// Where the cases are.
    fn cases(&self) -> PathBuf {
        self.cli.data().parent().expect("a folder").join("plugin/tests")
    }

    fn test(&self, cases: &str, flags: &[&str]) -> Ran {
        self.cli.file("plugin/tests/first.yaml", cases);
        self.again(flags)
    }

    fn again(&self, flags: &[&str]) -> Ran {
        let (component, cases) = (self.component.display(), self.cases());
        let mut args = vec!["test".to_owned(), component.to_string(), "--cases".to_owned()];
        args.push(cases.display().to_string());
        args.extend(flags.iter().map(|flag| (*flag).to_owned()));
        self.cli.run(args)
    }

    fn check(&self, flags: &[&str]) -> Ran {
        let mut args = vec!["check", self.component.to_str().expect("UTF-8")];
        args.extend(flags);
        self.cli.run(args)
    }
}

#[test]
fn cases_pass_and_fail_each_with_its_reason() {
    let bench = Bench::of(&guests::asker());
    let cases = r#"
cases:
  - name: a person says yes
    input: {}
    script: { ask: [yes] }
    expect: { output: yes, effects: ["ask go on?"], denied: [], limits: { host_calls_max: 1 } }
  - name: nobody granted it
    input: {}
    grants: []
    expect: { failure: { kind: failed, code: answer }, denied: [ask] }
  - name: nobody wrote an answer
    input: {}
    expect: { failure: { kind: failed }, denied: [ask] }
  - name: says something else
    input: {}
    script: { ask: [{ n: 1 }, more] }
    expect: { output: { n: 2 }, effects: ["ask go on!"], limits: { host_calls_max: 0 } }
"#;
    bench.test(cases, &[]).exits(1).says(&[
        "ok    a person says yes",
        "ok    nobody granted it",
        "ok    nobody wrote an answer",
        "FAIL  says something else",
        "first.yaml:14",
        "output.n: expected 2, found 1",
        "effects[0]: expected \"ask go on!\", found \"ask go on?\"",
        "limits.host_calls_max: at most 0, the call took 1",
        "script.ask: 1 of its answers were not asked for",
        "3 passed, 1 failed",
    ]);
    bench.again(&["--filter", "a person"]).exits(0).says(&["1 passed, 0 failed"]);
    bench.again(&["--filter", "nonsense"]).exits(2).says(&["no case has \"nonsense\""]);
}

#[test]
fn the_report_is_json_and_junit_too() {
    let bench = Bench::of(&guests::asker().needs("kv:run"));
    let cases = "
cases:
  - { name: right, input: {}, script: { ask: [1] }, expect: { output: 1 } }
  - { name: '<wrong>', input: {}, script: { ask: [1] }, expect: { output: 2 } }
";
    let xml = bench.cli.file("report.xml", "");
    let flags = ["--output", "json", "--junit", xml.to_str().expect("UTF-8")];
    let report = bench.test(cases, &flags).exits(1).json();
    assert_eq!((&report["passed"], &report["failed"]), (&json!(1), &json!(1)));
    assert_eq!(report["component"]["name"], "test/fixture");
    assert_eq!(
        report["coverage"],
        json!([{ "capability": "ask", "used": true }, { "capability": "kv:run", "used": false }])
    );
    let cost = &report["cases"][0]["cost"];
    assert!(cost["memory_bytes"].as_u64().is_some_and(|bytes| bytes >= 65_536), "{cost}");
    assert_eq!(cost["host_calls"], 1);
    let xml = fs_err::read_to_string(&xml).unwrap();
    for part in ["tests=\"2\"", "failures=\"1\"", "&lt;wrong&gt;", "output: expected 2, found 1"] {
        assert!(xml.contains(part), "no {part} in {xml}");
    }
}

#[test]
fn a_snapshot_is_written_held_and_written_anew() {
    let bench = Bench::of(&guests::asker());
    let said = |word: &str| {
        format!("cases:\n  - {{ name: Asks once!, input: {{}}, script: {{ ask: [{word}] }} }}\n")
    };
    bench.test(&said("one"), &[]).exits(1).says(&["there is no snapshot", "--update"]);
    bench.again(&["--update"]).exits(0).says(&["wrote", "snapshots/asks-once.json"]);
    bench.again(&[]).exits(0).says(&["1 passed, 0 failed"]);
    let written = fs_err::read_to_string(bench.cases().join("snapshots/asks-once.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written, json!({ "output": "one", "effects": ["ask go on?"] }));
    bench
        .test(&said("two"), &[])
        .exits(1)
        .says(&["snapshot.output: expected \"one\", found \"two\""]);
    bench.again(&["--update"]).exits(0);
    bench.again(&[]).exits(0);
    bench.cli.file("plugin/tests/snapshots/asks-once.json", "<<<<<<< HEAD\n");
    bench.again(&[]).exits(1).says(&["asks-once.json is no JSON", "--update", "1 failed"]);
    bench.again(&["--update"]).exits(0);
    bench.again(&[]).exits(0);
}

#[test]
fn bad_cases_are_refused_with_their_lines_and_nothing_is_run() {
    let bench = Bench::of(&guests::echo());
    let cases = "cases:\n  - name: a\n    inputt: {}\n  - { name: b, agent: other, input: {} }\n";
    bench.test(cases, &[]).exits(2).says(&[
        "first.yaml:3:5: error[unknown_field]: a case has no field \"inputt\"",
        "did you mean \"input\"?",
        "wforge test --schema",
    ]);
    let cases = "cases:\n  - { name: b, agent: other, input: {} }\n";
    bench.test(cases, &[]).exits(1).says(&["the plugin has no agent \"other\"; it has main"]);
    bench.test("cases: []\n", &[]).exits(2).says(&["there are no cases in"]);
    let cases = "cases:\n  - { name: a-b, input: {} }\n  - { name: A b!, input: {} }\n";
    bench.test(cases, &[]).exits(2).says(&["first.yaml:3", "first.yaml:2", "another name"]);
    bench.check(&["--cases", "gone"]).exits(2).says(&["there is no folder gone"]);
    let schema = bench.cli.run(["test", "--schema"]);
    assert_eq!(schema.exits(0).json()["required"], json!(["cases"]));
    // Where the first line of a file of cases names it.
    bench.cli.file("plugin/tests/tests.schema.json", &schema.stdout);
    bench.test("cases: []\n", &[]).exits(2).says(&["there are no cases in"]);
}

#[test]
fn no_command_about_one_component_reads_the_configuration() {
    let bench = Bench::of(&guests::echo());
    let bad = bench.cli.file("bad.toml", "nonsense = [");
    let flags = ["--config", bad.to_str().expect("UTF-8")];
    let cases = "cases:\n  - { name: a, input: { n: 1 }, expect: { output: { n: 1 } } }\n";
    bench.test(cases, &flags).exits(0).says(&["1 passed, 0 failed"]);
    bench.check(&flags).exits(0);
    let file = bench.component.to_str().expect("UTF-8");
    bench.cli.run(["inspect", file, flags[0], flags[1]]).exits(0).says(&["test/fixture@1.0.0"]);
}

/// Each effect of the contract once, a denial, a refusal and a trap.
const EVERY_EFFECT: &str = r#"
cases:
  - name: every kind of effect
    input:
      steps:
        - { do: model, model: m, prompt: hi }
        - { do: post, url: "https://a.example/x", body: { n: 1 } }
        - { do: tools }
        - { do: tool, name: t, input: {} }
        - { do: ask, prompt: "go on?" }
        - { do: sleep, ms: 5 }
        - { do: put, scope: run, key: k, value: 1 }
        - { do: get, scope: run, key: k }
        - { do: get, scope: thread, key: there }
        - { do: emit, topic: progress, data: { n: 1 } }
        - { do: model, model: m, prompt: again, catch: true }
        - { do: get, scope: thread, key: there, catch: true }
    script:
      llm: [hello, { failure: { kind: upstream, code: busy, message: later } }]
      http: [{ url: "https://a.example/*", method: POST, status: 201, body: made }]
      tool: [{ name: t, answer: { done: true } }]
      ask: [yes]
      kv: { thread: { there: [1] } }
    expect:
      events: [{ topic: progress, payload: { n: 1 } }]
      effects:
        - llm m hi
        - http POST https://a.example/x {"n":1}
        - tools
        - tool t
        - ask go on?
        - sleep 5
        - kv set run k 1
        - kv get run k
        - kv get thread there
        - llm m again
        - kv get thread there
      denied: []
      output:
        seen:
          - hello
          - { status: 201, body: made }
          - [t]
          - { done: true }
          - yes
          - null
          - 1
          - 1
          - [1]
          - null
          - { failure: upstream, code: busy, message: later }
          - [1]
  - name: what is not granted is denied as by a host
    grants: ["llm:*"]
    input: { steps: [{ do: put, scope: run, key: k, value: 1, catch: true }] }
    expect:
      denied: ["kv:run"]
      output:
        seen:
          - failure: denied
            code: kv
            message: "to grant it: wforge grants approve wforge/effects-steps kv:run; the plugin's manifest must name it among its needs"
  - name: an input that does not fit is not even called with
    input: { steps: 3 }
    expect: { failure: { kind: invalid-input, code: input_schema }, effects: [] }
  - name: an abort is a trap
    input: { steps: [{ do: trap }] }
    expect: { failure: { kind: trap } }
"#;

#[test]
fn a_plugin_does_in_its_cases_what_it_does_in_a_run() {
    let bench = Bench::built(proof("wforge/effects-steps"));
    bench.test(EVERY_EFFECT, &[]).exits(0).says(&["4 passed, 0 failed"]);
}

#[test]
fn a_component_that_behaves_passes_every_check() {
    let bench = Bench::of(&guests::asker());
    bench.cli.file(
        "plugin/tests/first.yaml",
        "cases:\n  - { name: a, input: {}, script: { ask: [1] }, expect: { output: 1 } }\n",
    );
    let report = bench.check(&["--output", "json"]).exits(0).json();
    assert_eq!(report["format"], "wforge.check/1");
    assert_eq!(report["component"]["name"], "test/fixture");
    assert!(report["component"]["digest"].as_str().is_some_and(|it| it.starts_with("sha256:")));
    let results: Vec<String> = report["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|check| format!("{} {}", check["check"], check["result"]).replace('"', ""))
        .collect();
    assert_eq!(
        results,
        [
            "admission passed",
            "world passed",
            "schemas passed",
            "size passed",
            "limits passed",
            "determinism passed",
            "denial passed",
            "hostile-inputs passed",
        ]
    );
    bench.check(&[]).exits(0).says(&["8 passed, 0 failed, 0 skipped"]);
}

#[test]
fn what_breaks_a_component_is_named_by_the_check_that_found_it() {
    // It does not live through an input that is longer than a few bytes.
    let fragile = guests::fixture(
        "(if (i32.gt_u (i32.load offset=76 (local.get $call)) (i32.const 1000)) (then unreachable))
         (call $reply
           (i32.load offset=72 (local.get $call)) (i32.load offset=76 (local.get $call)))",
    )
    .needs("kv:run");
    let bench = Bench::of(&fragile);
    bench.check(&[]).exits(1).says(&[
        "FAILED   world",
        "it asks for kv:run and does not import kv",
        "FAILED   hostile-inputs",
        "trap (unreachable)",
        "skipped  denial",
    ]);
    let stranger = bench.cli.file("plugin/no.wasm", "no component");
    let path = stranger.to_str().expect("UTF-8");
    let ran = bench.cli.run(["check", path, "--output", "json"]);
    let report = ran.exits(1).json();
    assert_eq!(report["component"], Value::Null);
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(8));
    ran.says(&["not_wasm", "no host lets the component in"]);
    // Whatever a component does when it is asked what it is, there is a report.
    let report = Bench::of(&guests::fixture("unreachable")).check(&["--output", "json"]);
    let report = report.exits(1).json();
    assert_eq!(report["checks"].as_array().map(Vec::len), Some(8));
    assert_eq!(report["checks"][2]["result"], "failed");
}

#[test]
fn one_agent_is_called_with_real_effects_and_nothing_is_kept() {
    let bench = Bench::of(&guests::echo());
    let agent = bench.component.to_str().expect("UTF-8");
    let ran = bench.cli.run(["run", "--agent", agent, "--input", r#"{"n": 1}"#, "-i", "text=a b"]);
    assert_eq!(ran.exits(0).json(), json!({ "n": 1, "text": "a b" }));
    let ran = bench.cli.run(["run", "--agent", agent, "--output", "json"]);
    let told = ran.exits(0).json();
    assert_eq!(
        (&told["agent"], &told["status"]),
        (&json!("test/fixture.main"), &json!("completed"))
    );
    let listed = bench.cli.run(["runs", "list", "--output", "json"]).exits(0).stdout.clone();
    assert!(!listed.contains("one-call"), "{listed}");
    bench.cli.run(["run", "--agent", agent, "--input", "[1]"]).exits(2).says(&["is an object"]);
    let ran = bench.cli.run(["run", "--agent", agent, "--input", "words"]);
    ran.exits(2).says(&["--input words is no JSON", "KEY=VALUE"]);
    let ran = bench.cli.run(["run", "--agent", agent, "--context", "{"]);
    ran.exits(2).says(&["--context { is no JSON", "@FILE"]);
    bench.cli.run(["run", "--agent", agent, "--name", "other"]).exits(2).says(&["no agent"]);
    bench.cli.run(["run", "--agent", agent, "w.yaml"]).exits(2).says(&["cannot be used with"]);
    for ignored in [["--label", "team=search"], ["--durability", "exit"]] {
        let ran = bench.cli.run(["run", "--agent", agent, ignored[0], ignored[1]]);
        ran.exits(2).says(&["cannot be used with", ignored[0]]);
    }
    bench.cli.run(["run"]).exits(2).says(&["<FILE>"]);
}

#[test]
fn one_agent_may_do_what_flags_grant() {
    let bench = Bench::of(&guests::asker());
    let agent = bench.component.to_str().expect("UTF-8");
    bench.cli.run(["run", "--agent", agent]).exits(1).says(&["not granted: ask", "--grant ask"]);
    let granted = ["run", "--agent", agent, "--grant", "ask"];
    bench.cli.run(granted).exits(3).says(&["go on?", "--answer VALUE"]);
    let ran = bench.cli.run(granted.iter().chain(&["--answer", "yes"]));
    assert_eq!(ran.exits(0).stdout, "yes\n");
    bench
        .cli
        .run(["run", "--agent", agent, "--grant", "kv:run"])
        .exits(2)
        .says(&["--grant kv:run covers no need of test/fixture", "it needs ask"]);
}

#[test]
fn what_a_file_says_of_itself_is_shown_by_its_kind() {
    let cli = Cli::new();
    let outline = component("wforge/outline");
    let shown = cli.run([Path::new("inspect"), &outline]).exits(0).stdout.clone();
    assert!(shown.contains("wforge/outline@") && shown.contains("sha256:"), "{shown}");
    let brief = ["inspect", "examples/brief/workflow.yaml"];
    cli.run(brief).exits(0).says(&["brief@", "digest", "agent wforge/outline"]);
    let entry = json!({ "request": { "model": "m" }, "answer": { "message": { "parts": [] } } });
    let cassette = cli.file("answers.ndjson", format!("{entry}\n"));
    cli.run([Path::new("inspect"), &cassette]).exits(0).says(&["1 answer", "m"]);
    cli.run(["inspect", "wforge/nowhere"]).exits(2).says(&["wforge/nowhere"]);
    cli.run(["inspect", "gone.wasm"]).exits(2).says(&["gone.wasm"]);
}
