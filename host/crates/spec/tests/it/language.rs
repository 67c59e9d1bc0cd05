//! The language as a whole: what each field becomes, and that the editors' schema, which no parser
//! uses, takes and refuses the same.

use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wforge_spec::{Schemas, parse, schema_for_editors};

const EVERYTHING: &str = include_str!("everything.yaml");

/// YAML as JSON, by the parser's own tree: as the default of a state key it is taken as it is.
pub(crate) fn yaml(text: &str) -> Value {
    let indented: String = text.lines().map(|line| format!("      {line}\n")).collect();
    let wrapped = format!(
        "apiVersion: workflowforge/v1\nname: t\nversion: 1.0.0\nstate:\n  x:\n    default:\n\
         {indented}\nnodes: {{}}\nedges: []\n"
    );
    let parsed = parse("w.yaml", &wrapped).expect("fine");
    parsed.draft.state["x"].default.clone().expect("a default")
}

/// The parts of a draft that a field of the file becomes, as JSON.
fn check(pointer: &str, expected: &Expect) {
    let draft = parse("everything.yaml", EVERYTHING).expect("fine").draft;
    let draft = serde_json::to_value(draft).expect("json");
    let part = draft.pointer(pointer).unwrap_or(&Value::Null);
    expected.assert_eq(&part.to_string());
}

#[test]
fn a_draft_is_what_its_file_says() {
    check("/state/secret", &expect![[r#"{"reducer":"last","volatile":true}"#]]);
    check("/state/once", &expect![[r#"{"ephemeral":true,"reducer":"last"}"#]]);
    check("/state/talk", &expect![[r#"{"reducer":"messages"}"#]]);
    check("/nodes/read/goto", &expect![[r#"{"again":"look","out":"parent:publish"}"#]]);
    check(
        "/nodes/read/retry",
        &expect![[
            r#"[{"effects":"keep","factor":1.5,"initial_ms":100,"jitter":false,"max_attempts":4,"max_ms":2000,"on":["upstream","busy"]},{"effects":"discard","factor":2.0,"initial_ms":500,"jitter":true,"max_attempts":3,"max_ms":128000,"on":["timeout"]}]"#
        ]],
    );
    check("/nodes/read/idle_ms", &expect!["1500"]);
    check("/nodes/read/timeout_ms", &expect!["10000"]);
    check("/nodes/read/cache_ms", &expect!["3600000"]);
    check("/nodes/read/on_error", &expect![[r#""mend""#]]);
    check("/nodes/read/fallback", &expect![[r#"{"agent":"acme/slow@^1"}"#]]);
    check(
        "/nodes/inner/work",
        &expect![[r#"{"workflow":{"persist":"run","workflow":"part@^1.0"}}"#]],
    );
    check(
        "/nodes/thread/work",
        &expect![[r#"{"workflow":{"persist":"thread","workflow":"part"}}"#]],
    );
    check("/nodes/play/goto", &expect![[r#"{"*":"look"}"#]]);
    check(
        "/nodes/play/mock/script",
        &expect![[
            r#"[{"set":{"a":"input.list[0]","b":{"c":["answers"]}}},{"append":{"d":"1 + 1"}},{"concat":{"e":"{{ input.list }} items"}},{"overwrite":{"f":"'x'"}},"identity","return_none",{"goto":"away"},{"send":{"exit":"back","input":{"n":"1"}}},{"interrupt":"'Which?'"},{"interrupt_each":"input.list"},{"fail":{"code":"busy","kind":"upstream","message":"Come back later","retryable":true,"times":2}},{"fail":{"code":"mock","kind":"failed","message":"the script fails here"}},{"sleep":250},{"emit":{"topic":"progress","value":"0.5"}},{"count":"calls"}]"#
        ]],
    );
    check(
        "/edges/2",
        &expect![[r#"{"from":{"all":["read","play"]},"rule":{"to":{"to":[{"node":"inner"}]}}}"#]],
    );
    check("/edges/3/join", &expect![[r#"{"count":1}"#]]);
    check("/edges/4/join", &expect![[r#"{"count":2}"#]]);
    check(
        "/interrupt",
        &expect![[
            r#"{"after":["ask","done","inner","look","mend","play","read","thread"],"before":["ask","done"]}"#
        ]],
    );
    check("/on_failure", &expect![[r#""report@>=2""#]]);
    check(
        "/limits",
        &expect![[
            r#"{"parallel_max":4,"state_bytes_max":1000000,"step_ms_max":30000,"steps_max":50,"tasks_per_step_max":100,"wall_ms_max":600000}"#
        ]],
    );
}

#[test]
fn a_draft_reads_back_from_its_own_json() {
    let draft = parse("everything.yaml", EVERYTHING).expect("fine").draft;
    let text = serde_json::to_string(&draft).expect("json");
    assert_eq!(
        serde_json::from_str::<wforge_model::workflow::WorkflowDraft>(&text).expect("read"),
        draft
    );
}

#[test]
fn every_field_of_the_forms_is_in_the_whole_file() {
    // So that a field that is added is tested by the tests here as well.
    let text = yaml(EVERYTHING).to_string();
    for (form, fields, _) in wforge_spec::parse::fields() {
        for field in fields {
            assert!(text.contains(&format!("\"{field}\":")), "{form}.{field}");
        }
    }
}

/// Changes of the whole file: what is written instead of what.
fn changed(from: &str, to: &str) -> String {
    assert!(EVERYTHING.contains(from), "{from}");
    EVERYTHING.replacen(from, to, 1)
}

#[test]
fn the_schema_and_the_parser_take_the_same() {
    for (from, to) in [
        ("", ""),
        ("join: 2", "join: 3"),
        ("after: \"*\"", "after: [ask]"),
        ("before: [ask, done], after: \"*\"", "after: []"),
        ("fallback: acme/slow@1", "fallback: none"),
        ("persist: run,", "persist: none,"),
        ("fail: {}", "fail: { times: 0 }"),
        ("goto: { \"*\": look }", "goto: { a: parent:b-c }"),
        ("sleep: 250ms", "sleep: 1.5h"),
        ("interrupt: \"'Which?'\"", "interrupt: { q: [\"1\"] }"),
        ("ephemeral: true, persist: true", "ephemeral: false, persist: false"),
        ("effects: discard", "jitter: true"),
    ] {
        let text = changed(from, to);
        parse("w.yaml", &text).unwrap_or_else(|reports| panic!("{to}: {reports:?}"));
        let misses = Schemas::new().check(&schema_for_editors().expect("a schema"), &yaml(&text));
        assert_eq!(misses, Ok(()), "{to}");
    }
}

#[test]
fn the_schema_and_the_parser_refuse_the_same() {
    let schema = schema_for_editors().expect("a schema");
    let mut told = String::new();
    for (from, to) in [
        ("reducer: union", "reducer: unoin"),
        ("persist: false", "persist: never"),
        ("ephemeral: true", "ephemeral: 1"),
        ("join: any", "join: some"),
        ("join: any", "join: -1"),
        ("join: any", "join: 1.5"),
        ("after: \"*\"", "after: done"),
        ("after: \"*\"", "around: []"),
        ("on_failure: report@>=2", "on_failure: acme/report"),
        ("workflow: part, persist: thread", "workflow: part, persist: ever"),
        ("workflow: part, persist: thread", "set: { x: 1 }, persist: run"),
        ("agent: acme/look,", "agent: acme/look, workflow: part,"),
        ("timeout: { run: 10s, idle: 1.5s }", "timeout: 10s"),
        ("timeout: { run: 10s, idle: 1.5s }", "timeout: { run: 10 }"),
        ("cache: { ttl: 1h }", "cache: {}"),
        ("cache: { ttl: 1h }", "cache: 1h"),
        ("on_error: mend", "on_error: [mend]"),
        ("fallback: acme/slow@1", "fallback: live"),
        ("out: parent:publish", "out: 'parent:'"),
        ("effects: keep", "effects: all"),
        ("- identity", "- identities"),
        ("- identity", "- set"),
        ("- identity", "- {}"),
        ("- identity", "- { identity: true }"),
        ("- identity", "- { set: { a: '1' }, count: a }"),
        ("- goto: away", "- goto: [away]"),
        ("- send: { exit: back, input: { n: \"1\" } }", "- send: { exit: back }"),
        ("- emit: { topic: progress, value: \"0.5\" }", "- emit: { topic: progress }"),
        ("kind: upstream", "kind: downstream"),
        ("times: 2", "times: twice"),
        ("times: 2", "times: 4294967296"),
        ("retryable: true", "retryable: maybe"),
        ("- sleep: 250ms", "- sleep: 250"),
        ("- concat: { e: \"{{ input.list }} items\" }", "- concat: { e: 1 }"),
        ("step: 30s", "step: 30"),
    ] {
        let text = changed(from, to);
        Schemas::new().check(&schema, &yaml(&text)).expect_err(to);
        let reports = parse("w.yaml", &text).expect_err(to);
        for report in reports {
            told.push_str(&format!("{to}\n    {report}\n"));
        }
    }
    expect![[r#"
        reducer: unoin
            w.yaml:8:20: error[unknown_choice]: reducer is one of last, append, merge, union, sum, min, max, messages, any, not "unoin"; help: did you mean "union"?
        persist: never
            w.yaml:16:22: error[wrong_type]: persist is true or false, here is text
        ephemeral: 1
            w.yaml:17:22: error[wrong_type]: ephemeral is true or false, here is a number
        join: some
            w.yaml:73:51: error[unknown_choice]: join is one of all, any, not "some"
        join: -1
            w.yaml:73:51: error[wrong_type]: join is a whole number of at least 0, here is -1
        join: 1.5
            w.yaml:73:51: error[wrong_type]: join is a whole number of at least 0, here is 1.5
        after: done
            w.yaml:77:42: error[wrong_type]: after is a list, here is text
        around: []
            w.yaml:77:35: error[unknown_field]: interrupt has no field "around"; help: its fields are before, after
        on_failure: acme/report
            w.yaml:78:13: error[name]: "acme/report" is no workflow: write name or name@^1.2
        workflow: part, persist: ever
            w.yaml:41:38: error[unknown_choice]: persist is one of none, run, thread, not "ever"
        set: { x: 1 }, persist: run
            w.yaml:41:28: error[node_work]: `persist` of a node says how long the state of its workflow lasts; help: write it beside `workflow`, or take it out
        agent: acme/look, workflow: part,
            w.yaml:38:9: error[node_work]: a node has one of agent, set, ask and workflow, not agent and workflow
        timeout: 10s
            w.yaml:30:14: error[wrong_type]: a timeout is a map, here is text; help: write timeout: { run: 10s }
        timeout: { run: 10 }
            w.yaml:30:21: error[duration]: run is a time, here is 10; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
        cache: {}
            w.yaml:31:12: error[missing_field]: a cache needs "ttl"
        cache: 1h
            w.yaml:31:12: error[wrong_type]: a cache is a map, here is text; help: write cache: { ttl: 10m }
        on_error: [mend]
            w.yaml:32:15: error[wrong_type]: on_error is text, here is a list
        fallback: live
            w.yaml:33:15: error[unknown_choice]: fallback is one of none, mock, not "live"
        out: 'parent:'
            w.yaml:26:31: error[name]: "" is no node name: letters, digits, _ and -, beginning with a letter, at most 64; not START or END
        effects: all
            w.yaml:28:112: error[unknown_choice]: effects is one of keep, discard, not "all"
        - identities
            w.yaml:57:11: error[unknown_choice]: a step of a script without a value is one of identity, return_none, not "identities"; help: did you mean "identity"?
        - set
            w.yaml:57:11: error[script]: the step `set` of a script needs a value; help: write { set: … }
        - {}
            w.yaml:57:11: error[script]: a step of a script does something; help: its fields are set, append, concat, overwrite, goto, send, interrupt, interrupt_each, fail, sleep, emit, count
        - { identity: true }
            w.yaml:57:13: error[unknown_field]: a step of a script has no field "identity"; help: its fields are set, append, concat, overwrite, goto, send, interrupt, interrupt_each, fail, sleep, emit, count
        - { set: { a: '1' }, count: a }
            w.yaml:57:11: error[script]: a step of a script does one thing, not set and count; help: make each an item of the list
        - goto: [away]
            w.yaml:59:17: error[wrong_type]: goto is text, here is a list
        - send: { exit: back }
            w.yaml:60:17: error[missing_field]: a send needs "input"
        - emit: { topic: progress }
            w.yaml:66:17: error[missing_field]: an emit needs "value"
        kind: downstream
            w.yaml:63:25: error[unknown_choice]: kind is one of invalid-input, denied, limit, upstream, cancelled, failed, trap, timeout, bad_output, missing, not "downstream"; help: did you mean "upstream"?
        times: twice
            w.yaml:63:97: error[wrong_type]: times is a whole number of at least 0, here is twice
        times: 4294967296
            w.yaml:63:97: error[wrong_type]: times is a whole number below 2^32, here is 4294967296
        retryable: maybe
            w.yaml:63:84: error[wrong_type]: retryable is true or false, here is text
        - sleep: 250
            w.yaml:65:18: error[duration]: sleep is a time, here is 250; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
        - concat: { e: 1 }
            w.yaml:55:24: error[wrong_type]: a field of concat is text, here is a number; help: put it in quotes: "1"
        step: 30
            w.yaml:79:39: error[duration]: step is a time, here is 30; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
    "#]].assert_eq(&told);
}

#[test]
fn what_stands_at_the_top_is_not_looked_for_in_a_node() {
    let text = changed("cache: { ttl: 1h }", "interrupt: { before: [ask] }");
    let reports = parse("w.yaml", &text).expect_err("refused");
    expect![[r#"w.yaml:31:5: error[unknown_field]: a node has no field "interrupt"; help: `interrupt` stands at the top of the file"#]].assert_eq(&reports[0].to_string());
}

#[test]
fn a_star_names_every_node_that_the_file_has() {
    let draft = parse("w.yaml", EVERYTHING).expect("fine").draft;
    let names: Vec<Value> = draft.interrupt.after.iter().map(|node| json!(node.as_str())).collect();
    let all: Vec<Value> = draft.nodes.keys().map(|node| json!(node.as_str())).collect();
    assert_eq!(names, all);
}

#[test]
fn rule_1_a_workflows_digest_is_over_what_it_means_and_is_shown_as_sha256() {
    let yaml = "
apiVersion: workflowforge/v1
name: test
version: 1.0.0
state: { b: {}, a: { default: 1.0 } }
input: []
output: []
nodes: { n: { set: { b: '1' } } }
edges: [{ from: START, to: n }]
";
    let json = r#"{ "version": "1.0.0", "name": "test", "apiVersion": "workflowforge/v1",
        "edges": [{ "to": "n", "from": "START" }], "nodes": { "n": { "set": { "b": "1" } } },
        "output": [], "input": [], "state": { "a": { "default": 1.0 }, "b": {} } }"#;
    let digest = |name: &str, text: &str| {
        let parsed = wforge_spec::parse(name, text).unwrap();
        wforge_spec::digest(&parsed.draft).unwrap().to_string()
    };
    let (of_yaml, of_json) = (digest("w.yaml", yaml), digest("w.json", json));
    assert_eq!(of_yaml, of_json);
    assert!(of_yaml.starts_with("sha256:") && of_yaml.len() == 7 + 64, "{of_yaml}");
    assert_ne!(of_yaml, digest("w.yaml", &yaml.replace("'1'", "'2'")));
}
