//! Files of test cases: what they say, what is wrong with them, and that the editors' schema and
//! the reader know the same.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::{Value, json};
use wforge_model::{Failure, FailureKind};
use wforge_spec::suite::{Expect, SUITE_SCHEMA, read};
use wforge_spec::{Schemas, parse};

use crate::language::yaml;

const EVERYTHING: &str = r#"
cases:
  - name: everything
    agent: count
    input: { text: hi }
    config: { top: 3 }
    context: { who: me }
    grants: [ask, "kv:run", "http:api.example.com"]
    cassette: answers.ndjson
    script:
      clock_ms: 1000
      llm:
        - hello
        - { text: hm, tool_calls: [{ name: t, arguments: { a: 1 } }] }
        - { failure: { kind: upstream, code: busy, message: later, retryable: true, retry_after_ms: 5, details: { n: 1 } } }
      http:
        - { url: "https://api.example.com/*", method: GET, status: 404, headers: { x: y }, body: { no: 1 } }
        - { url: "https://api.example.com/down", failure: { kind: denied, capability: http, resource: r, hint: h } }
      tool:
        - { name: t, description: d, input_schema: { type: object }, answer: 3 }
        - { name: u, failure: { kind: failed } }
      ask: [yes, { approve: true }]
      kv: { run: { k: 1 }, plugin: { p: [2] } }
      secrets: { token: a long secret }
    expect:
      output: { words: 1 }
      exits: [again]
      events: [{ topic: progress, payload: 1 }, { topic: done }]
      logs: ["info: begins"]
      effects: ["ask go on?"]
      denied: [llm]
      limits: { cpu_ms_max: 100, memory_mib_max: 16, host_calls_max: 3 }
  - name: fails
    input: null
    expect: { failure: { kind: invalid-input, code: input_schema, message: words } }
  - name: as before
    input: {}
    expect: snapshot
"#;

#[test]
fn everything_that_a_case_can_say_is_read() {
    let suite = read("tests/all.yaml", EVERYTHING).expect("a file of cases");
    let [all, fails, before] = suite.cases.as_slice() else { panic!("three cases") };
    assert_eq!(
        (all.name.as_str(), all.line, all.agent.as_deref()),
        ("everything", 3, Some("count"))
    );
    assert_eq!(all.grants.as_ref().map(Vec::len), Some(3));
    assert_eq!(all.script.llm.len(), 3);
    let Err(Failure::Upstream(problem)) = &all.script.llm[2] else { panic!("a failure") };
    assert_eq!((problem.code.as_str(), problem.retry_after_ms), ("busy", Some(5)));
    assert!(matches!(all.script.http[1].failure, Some(Failure::Denied(_))));
    assert_eq!(all.script.ask, [Ok(json!("yes")), Ok(json!({ "approve": true }))]);
    assert_eq!(all.script.kv["plugin"]["p"], json!([2]));
    let Expect::Given(expected) = &all.expect else { panic!("it expects something") };
    assert_eq!(expected.limits.host_calls_max, Some(3));
    let Expect::Given(expected) = &fails.expect else { panic!("it expects something") };
    let failure = expected.failure.as_ref().expect("a failure");
    assert_eq!(failure.kind, FailureKind::InvalidInput);
    assert_eq!(before.expect, Expect::Snapshot);
}

#[test]
fn each_mistake_has_its_line_and_a_suggestion() {
    let text = "cases:
  - name: a
    inputt: {}
  - name: a
    input: {}
    script:
      kv: { session: {} }
      llm: hello
    expect: { output: 1, failure: { kind: failled } }
  - name: a
    input: {}
    grants: [root]
    expect: snapshoot
  - name: b
    input: {}
    script: { http: [{ url: x, status: 700 }] }
";
    let reports = read("tests/bad.yaml", text).expect_err("it is wrong");
    let told: String = reports.iter().map(|report| format!("{report}\n")).collect();
    expect![[r#"
        tests/bad.yaml:2:5: error[missing_field]: a case needs "input"
        tests/bad.yaml:3:5: error[unknown_field]: a case has no field "inputt"; help: did you mean "input"?
        tests/bad.yaml:7:13: error[unknown_choice]: "session" is no scope of memory; help: write run, thread or plugin
        tests/bad.yaml:8:12: error[wrong_type]: llm is a list, here is text
        tests/bad.yaml:9:43: error[unknown_choice]: kind is one of invalid-input, denied, limit, upstream, cancelled, failed, trap, timeout, bad_output, missing, not "failled"; help: did you mean "failed"?
        tests/bad.yaml:10:1: error[duplicate_case]: the case "a" is written twice; help: the first is in line 4
        tests/bad.yaml:12:14: error[name]: "root" is no capability: write one of ask, kv:<scope>[:ro], llm:<model>, http:<rule>, http.raw:<rule>, tool:<name>, secret:<name>:hold, secret:<name>:reveal
        tests/bad.yaml:13:13: error[unknown_choice]: expect without fields is one of snapshot, not "snapshoot"; help: did you mean "snapshot"?
        tests/bad.yaml:16:32: error[status]: no server answers with the status 700; help: write one of 100 to 599
    "#]]
    .assert_eq(&told);
}

#[test]
fn each_field_of_the_reader_is_in_the_schema_and_the_other_way_round() {
    let schema: Value = serde_json::from_str(SUITE_SCHEMA).expect("JSON");
    for (name, fields) in parse::suite::fields() {
        let form = if name == "file" { &schema } else { &schema["$defs"][name] };
        let properties = form["properties"].as_object().expect(name);
        let written: BTreeSet<&str> = properties.keys().map(String::as_str).collect();
        assert_eq!(written, fields.into_iter().collect(), "{name}");
        assert_eq!(form["additionalProperties"], json!(false), "{name}");
    }
}

#[test]
fn what_the_reader_takes_fits_the_schema() {
    let schema: Value = serde_json::from_str(SUITE_SCHEMA).expect("JSON");
    Schemas::new().check(&schema, &yaml(EVERYTHING)).expect("the schema takes it");
    let wrong = json!({ "cases": [{ "name": "a", "input": 1, "inputt": 1 }] });
    Schemas::new().check(&schema, &wrong).expect_err("an unknown field");
}
