//! Workflow files: text in, all reports out.

use expect_test::{Expect, expect};
use wforge_graph::Place;
use wforge_spec::{Parsed, Report, digest, parse};

const HEAD: &str = "apiVersion: workflowforge/v1\nname: t\nversion: 1.0.0\n";
/// A node and the edges that make a file whole; what a test adds comes before it.
const TAIL: &str = "nodes:\n  a: { set: { x: 1 } }\nedges:\n  - { from: START, to: a }\n";

fn all(reports: &[Report]) -> String {
    reports.iter().map(|report| format!("{report}\n")).collect()
}

fn read(text: &str) -> Result<Parsed, String> {
    parse("w.yaml", text).map_err(|reports| all(&reports))
}

/// All reports of a whole file.
fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&read(text).map_or_else(|reports| reports, |_| "fine\n".to_owned()));
}

/// All reports of a file with this state, these nodes and edges, and whatever else.
fn check_part(part: &str, expected: &Expect) {
    let mut text = format!("{HEAD}{part}");
    if !part.contains("nodes:") {
        text.push_str(TAIL);
    } else if !part.contains("edges:") {
        text.push_str("edges: []\n");
    }
    check(&text, expected);
}

#[test]
fn the_brief_workflow_is_read_without_a_problem() {
    let parsed = read(include_str!("../../../../../examples/brief/workflow.yaml")).expect("fine");
    let names: Vec<&str> = parsed.draft.nodes.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["approve", "deeper", "digest", "outline", "report", "scan", "score"]);
    assert_eq!(parsed.draft.edges.len(), 6);
    assert_eq!(parsed.draft.limits.wall_ms_max, Some(600_000));
}

#[test]
fn a_workflow_is_not_called_what_the_api_serves_beside_it() {
    let state = "state:\n  x: {}\n";
    let text = format!("{HEAD}{state}{TAIL}").replace("name: t\n", "name: validate\n");
    check(
        &text,
        &expect![[r#"
            w.yaml:2:7: error[name]: "validate" is no workflow name: letters, digits, _ and -, beginning with a letter, at most 64; not validate
        "#]],
    );
    check(&text.replace("validate", "validated"), &expect!["fine\n"]);
}

#[test]
fn every_problem_is_reported_at_once() {
    check(
        "apiVersion: workflowforge/v2\n\
         nmae: brief\n\
         version: 1.0\n\
         state:\n  a-b: {}\n  c: { reducer: appendd }\n\
         nodes:\n  START: { set: { x: 1 } }\n  b: { agnet: x/y }\n  c: { set: {x: 1}, ask: {} }\n\
         edges:\n  - { to: b }\n  - { from: START }\n  - { from: b, to: START }\n\
         limits: { wall: 10, steps: -1 }\n",
        &expect![[r#"
            w.yaml:1:1: error[missing_field]: a workflow needs "name"
            w.yaml:1:13: error[api_version]: apiVersion "workflowforge/v2" is not known here; help: write workflowforge/v1
            w.yaml:2:1: error[unknown_field]: a workflow has no field "nmae"; help: did you mean "name"?
            w.yaml:3:10: error[wrong_type]: version is text, here is a number; help: put it in quotes: "1.0"
            w.yaml:5:3: error[name]: "a-b" is no state key: letters, digits and _, beginning with a letter or _, at most 64
            w.yaml:6:17: error[unknown_choice]: reducer is one of last, append, merge, union, sum, min, max, messages, any, not "appendd"; help: did you mean "append"?
            w.yaml:8:3: error[name]: "START" is no node name: letters, digits, _ and -, beginning with a letter, at most 64; not START or END
            w.yaml:9:6: error[missing_field]: a node needs one of agent, set, ask and workflow
            w.yaml:9:8: error[unknown_field]: a node has no field "agnet"; help: did you mean "agent"?
            w.yaml:10:6: error[node_work]: a node has one of agent, set, ask and workflow, not set and ask
            w.yaml:12:5: error[missing_field]: an edge needs "from"
            w.yaml:13:5: error[missing_field]: an edge needs to, branch, or each with to
            w.yaml:14:20: error[name]: "START" is no node name: letters, digits, _ and -, beginning with a letter, at most 64; not START or END
            w.yaml:15:17: error[duration]: wall is a time, here is 10; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
            w.yaml:15:28: error[wrong_type]: steps is a whole number of at least 0, here is -1
        "#]],
    );
}

#[test]
fn what_is_not_supported_yet_says_so_and_is_never_ignored() {
    check_part(
        r"
state:
  a: { labels: [secret] }
nodes:
  one: { agent: x/y, labels: [secret], limits: {} }
  two: { ask: { prompt: Go?, deadline: 1h, on_deadline: { goto: one } } }
  three: { ask: { prompt: Go?, deadline: 1h, on_deadline: { fail: late } } }
",
        &expect![[r#"
            w.yaml:6:8: error[not_supported_yet]: `labels` of a state key is not supported yet
            w.yaml:8:40: error[not_supported_yet]: `limits` of a node is not supported yet
            w.yaml:9:57: error[missing_field]: on_deadline needs "answer"
            w.yaml:9:59: error[not_supported_yet]: `goto` of on_deadline is not supported yet
            w.yaml:10:59: error[missing_field]: on_deadline needs "answer"
            w.yaml:10:61: error[not_supported_yet]: `fail` of on_deadline is not supported yet
        "#]],
    );
}

#[test]
fn yaml_traps_get_the_help_to_quote() {
    for (part, expected) in [
        (
            "nodes:\n  a: { set: { x: 1 } }\nedges:\n  - from: a\n    branch:\n      - { when: max(a, 3) > 1, to: a }\n",
            expect![[r#"
                w.yaml:9:17: error[unquoted_expression]: the comma ends "max(a" here; help: quote the expression: when: "max(a, 3) > 1"
            "#]],
        ),
        (
            "nodes:\n  a: { set: { x: max(1, 2) } }\n",
            expect![[r#"
            w.yaml:5:18: error[unquoted_expression]: the comma ends "max(1" here; help: quote the expression: x: "max(1, 2)"
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: [max(1, 2)] } }\n",
            expect![[r#"
            w.yaml:5:19: error[unquoted_expression]: the comma ends "max(1" here; help: quote the expression: "max(1, 2)"
        "#]],
        ),
        (
            "nodes:\n  a:\n    set:\n      x: state.a ? 1 : 2\n",
            expect![[r#"
            w.yaml:7:22: error[yaml]: mapping values are not allowed in this context; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: state.a ? 1 : 2 } }\n",
            expect![[r#"
            w.yaml:5:30: error[yaml]: while parsing a flow mapping, did not find expected ',' or '}'; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: 1 } }\nedges:\n  - from: a\n    branch: [{ when: {a: b}, to: a }]\n",
            expect![[r#"
                w.yaml:8:22: error[wrong_type]: when is an expression, here is a map; help: quote the expression
            "#]],
        ),
        (
            "nodes:\n  a: { ask: { prompt: {{ state.a }} } }\n",
            expect![[r#"
            w.yaml:5:24: error[key]: the key of a map is text, here is a map; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: { [state.a]: 1 } } }\n",
            expect![[r#"
            w.yaml:5:20: error[key]: the key of a map is text, here is a list; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: !state.a } }\n",
            expect![[r#"
            w.yaml:5:18: error[tag]: tags such as !x are not read; an expression that begins with ! is quoted; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: *a } }\n",
            expect![[r#"
            w.yaml:5:18: error[yaml]: while parsing node, found unknown anchor; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: item.list[0] } }\n",
            expect![[r#"
            w.yaml:5:27: error[yaml]: while parsing a flow mapping, did not find expected ',' or '}'; help: quote the expression
        "#]],
        ),
        (
            "nodes:\n  a: { set: { x: \"a\" + \"b\" } }\n",
            expect![[r#"
            w.yaml:5:22: error[yaml]: invalid trailing content after double-quoted scalar; help: quote the expression
        "#]],
        ),
    ] {
        check_part(part, &expected);
    }
}

#[test]
fn the_text_itself_is_bounded_and_strict() {
    check(
        "",
        &expect![[r#"
        w.yaml:1:1: error[empty_file]: the file is empty
    "#]],
    );
    check(
        "- a\n",
        &expect![[r#"
        w.yaml:1:1: error[wrong_type]: a workflow is a map, here is a list
    "#]],
    );
    check(
        "a: 1\n---\nb: 2\n",
        &expect![[r#"
        w.yaml:2:1: error[several_documents]: a file holds one workflow, here begins another document
    "#]],
    );
    check(
        "a: 1\na: 2\n",
        &expect![[r#"
            w.yaml:1:1: error[unknown_field]: a workflow has no field "a"; help: its fields are apiVersion, name, version, state, input, output, nodes, edges, limits, mock, interrupt, on_failure
            w.yaml:1:1: error[missing_field]: a workflow needs "apiVersion"
            w.yaml:1:1: error[missing_field]: a workflow needs "name"
            w.yaml:1:1: error[missing_field]: a workflow needs "version"
            w.yaml:1:1: error[missing_field]: a workflow needs "nodes"
            w.yaml:1:1: error[missing_field]: a workflow needs "edges"
            w.yaml:2:1: error[duplicate_key]: "a" is written twice, first in line 1; help: remove one of them
            w.yaml:2:1: error[unknown_field]: a workflow has no field "a"; help: its fields are apiVersion, name, version, state, input, output, nodes, edges, limits, mock, interrupt, on_failure
        "#]],
    );
    check(
        "a:\n\t- b\n",
        &expect![[r#"
        w.yaml:2:2: error[yaml]: tabs disallowed within this context (block indentation)
    "#]],
    );
    check(
        "a: 'open\n",
        &expect![[r#"
        w.yaml:1:4: error[yaml]: while scanning a quoted scalar, found unexpected end of stream
    "#]],
    );
    check(
        "a: .inf\n",
        &expect![[r#"
            w.yaml:1:1: error[unknown_field]: a workflow has no field "a"; help: its fields are apiVersion, name, version, state, input, output, nodes, edges, limits, mock, interrupt, on_failure
            w.yaml:1:1: error[missing_field]: a workflow needs "apiVersion"
            w.yaml:1:1: error[missing_field]: a workflow needs "name"
            w.yaml:1:1: error[missing_field]: a workflow needs "version"
            w.yaml:1:1: error[missing_field]: a workflow needs "nodes"
            w.yaml:1:1: error[missing_field]: a workflow needs "edges"
            w.yaml:1:4: error[number]: .inf is a number that JSON cannot hold
        "#]],
    );
    check(
        &"x".repeat((1 << 20) + 1),
        &expect![[r#"
        w.yaml:1:1: error[file_too_large]: a workflow has at most 1048576 bytes, not 1048577
    "#]],
    );
    check(
        &format!("a: {}1{}\n", "[".repeat(70), "]".repeat(70)),
        &expect![[r#"
        w.yaml:1:67: error[too_deep]: values nest at most 64 deep
    "#]],
    );
}

#[test]
fn aliases_repeat_values_but_no_bombs() {
    check_part("state:\n  a: &text { schema: { type: string } }\n  b: *text\n", &expect!["fine\n"]);
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        let items = vec![before; 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    check(
        &bomb,
        &expect![[r#"
        w.yaml:4:45: error[alias]: aliases repeat at most 10000 values in all
    "#]],
    );
    check(
        "a: &a [*a]\n",
        &expect![[r#"
        w.yaml:1:8: error[alias]: an alias cannot stand inside its own anchor
    "#]],
    );
}

#[test]
fn a_million_keys_end_quickly() {
    let mut many = String::from("state: {");
    (0..200_000).for_each(|at| many.push_str(&format!("{at:x}:,")));
    many.truncate(1 << 20);
    let reports = parse("w.yaml", &many).expect_err("too many");
    assert_eq!(reports.len(), 1, "{}", all(&reports[..reports.len().min(3)]));
    assert_eq!(reports[0].code, "file_too_large");
}

#[test]
fn json_is_read_like_yaml() {
    let json = r#"{
	"apiVersion": "workflowforge/v1", "name": "t", "version": "1.0.0",
	"state": { "a": { "default": "é \"x\" \/ \ud83d\ude00" } },
	"nodes": { "n": { "set": { "a": "1 + 1" } } },
	"edges": [{ "from": "START", "to": "n" }],
	"limits": { "stepz": 1 }
}"#;
    check(
        json,
        &expect![[r#"
            w.yaml:6:14: error[unknown_field]: limits has no field "stepz"; help: did you mean "step"?
        "#]],
    );
    let parsed = read(&json.replace("stepz", "steps")).expect("fine");
    let default = parsed.draft.state.values().next().and_then(|spec| spec.default.clone());
    assert_eq!(default, Some("é \"x\" / 😀".into()));
}

#[test]
fn fields_hold_their_types() {
    check_part(
        r"
state: { a: , b: [1] }
nodes:
  a: { agent: nope, defer: 1, retry: { max_attempts: 2 }, timeout: 10s, config: [1] }
  b: { agent: x/y, retry: [{ max_attempts: two, initial: 5, factor: fast }], allow: [fly] }
  c: { agent: x/y@bad, fallback: moc, fallback_on: [deneid], mock: { seed: -1 } }
  d: { ask: { deadline: soon, on_deadline: { answer: 1 } } }
  e: { ask: { prompt: x, on_deadline: { answer: 1 } } }
  f: {}
edges: nothing
input: a
mock: { allow: maybe, on_degraded: stop }
",
        &expect![[r#"
            w.yaml:5:11: error[wrong_type]: a state key is a map, here is nothing
            w.yaml:5:18: error[wrong_type]: a state key is a map, here is a list
            w.yaml:7:15: error[name]: "nope" is no agent: write publisher/name, publisher/name.agent or publisher/name@^1.2
            w.yaml:7:28: error[wrong_type]: defer is true or false, here is a number
            w.yaml:7:38: error[wrong_type]: retry is a list, here is a map
            w.yaml:7:68: error[wrong_type]: a timeout is a map, here is text; help: write timeout: { run: 10s }
            w.yaml:8:44: error[wrong_type]: max_attempts is a whole number of at least 0, here is two
            w.yaml:8:58: error[duration]: initial is a time, here is 5; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
            w.yaml:8:69: error[wrong_type]: factor is a number, here is text
            w.yaml:8:86: error[name]: "fly" is no capability: write one of ask, kv:<scope>[:ro], llm:<model>, http:<rule>, http.raw:<rule>, tool:<name>, secret:<name>:hold, secret:<name>:reveal
            w.yaml:9:15: error[name]: "x/y@bad" is no agent: write publisher/name, publisher/name.agent or publisher/name@^1.2
            w.yaml:9:34: error[unknown_choice]: fallback is one of none, mock, not "moc"; help: did you mean "mock"?
            w.yaml:9:53: error[unknown_choice]: a failure kind is one of invalid-input, denied, limit, upstream, cancelled, failed, trap, timeout, bad_output, missing, after_write, not "deneid"; help: did you mean "denied"?
            w.yaml:9:76: error[wrong_type]: seed is a whole number of at least 0, here is -1
            w.yaml:10:13: error[missing_field]: an ask needs "prompt"
            w.yaml:10:25: error[duration]: deadline is a time, here is soon; help: write a number with a unit: 500ms, 1.5s, 10m, 24h or 7d
            w.yaml:11:26: error[missing_field]: on_deadline needs a deadline
            w.yaml:12:6: error[missing_field]: a node needs one of agent, set, ask and workflow
            w.yaml:13:8: error[wrong_type]: edges is a list, here is text
            w.yaml:14:8: error[wrong_type]: input is a list, here is text
            w.yaml:15:16: error[wrong_type]: allow is true or false, here is text
            w.yaml:15:36: error[unknown_choice]: on_degraded is one of continue, fail, not "stop"
        "#]],
    );
}

#[test]
fn an_escalation_says_when_and_to_whom() {
    let of = |escalate: &str| {
        let nodes = format!("nodes:\n  a: {{ ask: {{ prompt: Go?, escalate: {escalate} }} }}\n");
        read(&format!("{HEAD}{nodes}edges: []\n")).err().unwrap_or_default()
    };
    assert_eq!(of("{ after: 4h, to: '{{ state.owner }}' }"), "");
    assert!(of("{ after: 4h }").contains("escalate needs \"to\""), "{}", of("{ after: 4h }"));
    assert!(of("{ to: bob }").contains("escalate needs \"after\""), "{}", of("{ to: bob }"));
    assert!(of("{ to: bob, after: 4 }").contains("error[duration]"));
}

#[test]
fn edges_have_one_rule() {
    check_part(
        r"
nodes: { a: { set: { x: 1 } } }
edges:
  - { from: START, to: a, branch: [{ to: a }] }
  - { from: a, each: state.x }
  - { from: a, each: state.x, to: a }
  - { from: a, each: state.x, as: x, to: [END] }
  - { from: a, branch: { to: a } }
  - { from: a, branch: [{ when: 1 }], as: x }
  - { from: [], to: a }
  - { from: a, to: END, empty: a }
  - { from: a, branch: [{ when: true, to: END, outcome: no }] }
",
        &expect![[r#"
            w.yaml:7:27: error[edge_rule]: an edge with branch has its targets in the branch, not in to or each
            w.yaml:8:16: error[missing_field]: an edge with each needs "to"
            w.yaml:9:5: error[missing_field]: an edge needs "as"
            w.yaml:10:43: error[name]: "END" is no node name: letters, digits, _ and -, beginning with a letter, at most 64; not START or END
            w.yaml:11:24: error[wrong_type]: branch is a list, here is a map
            w.yaml:12:25: error[missing_field]: an arm of a branch needs "to"
            w.yaml:12:39: error[edge_rule]: "as" means nothing beside "branch"
            w.yaml:13:13: error[missing_field]: an edge begins at a node or at START
            w.yaml:14:25: error[edge_rule]: "empty" means nothing beside "to"
        "#]],
    );
}

#[test]
fn places_are_found_in_the_file() {
    let parsed = read(include_str!("../../../../../examples/brief/workflow.yaml")).expect("fine");
    let text = include_str!("../../../../../examples/brief/workflow.yaml");
    let places = [
        "nodes.digest.in.section",
        "nodes.approve.ask.prompt",
        "nodes.approve.goto.nowhere",
        "nodes.score",
        "edges.3.branch.0.when",
        "edges.1.each",
        "state.outline.schema",
        "input.0",
        "nothing.at.all",
    ];
    let mut found = String::new();
    for place in places {
        let path = place.split('.').fold(Place::root(), |path, segment| path.at(segment));
        let position = parsed.sources.locate(&path);
        let line = text.lines().nth(position.line as usize - 1).expect("a line");
        let rest: String = line.chars().skip(position.column as usize - 1).take(24).collect();
        found.push_str(&format!("{place}: {rest}\n"));
    }
    expect![[r#"
        nodes.digest.in.section: section, sentences: "sen
        nodes.approve.ask.prompt: "Publish? Score {{ round
        nodes.approve.goto.nowhere: approve:
        nodes.score: score:
        edges.3.branch.0.when: "state.score < 0.6 && st
        edges.1.each: state.outline.sections, 
        state.outline.schema: schema:
        input.0: document]
        nothing.at.all: apiVersion: workflowforg
    "#]]
    .assert_eq(&found);
}

#[test]
fn a_report_is_json_for_machines() {
    let reports = parse("w.yaml", "a: 1\n").expect_err("no workflow");
    let first = serde_json::to_string(&reports[0]).expect("json");
    expect![[r#"{"file":"w.yaml","line":1,"column":1,"severity":"error","code":"unknown_field","message":"a workflow has no field \"a\"","help":"its fields are apiVersion, name, version, state, input, output, nodes, edges, limits, mock, interrupt, on_failure"}"#]].assert_eq(&first);
}

#[test]
fn the_digest_knows_what_a_file_says_and_not_how() {
    let digest_of = |text: &str| digest(&read(text).expect("fine").draft).expect("a digest");
    let yaml = format!("{HEAD}{TAIL}");
    let json = r#"{"edges": [{"to": "a", "from": "START"}], "version": "1.0.0", "name": "t",
        "apiVersion": "workflowforge/v1", "nodes": {"a": {"set": {"x": 1}}}}"#;
    assert_eq!(digest_of(&yaml), digest_of(json));
    assert_eq!(digest_of(&yaml), digest_of(&format!("# a comment\n{yaml}")));
    assert_ne!(digest_of(&yaml), digest_of(&yaml.replace("x: 1", "x: 2")));
    expect!["sha256:e6aa379697594f963c585be436521c5d2ffb170b3153d04bd9b93229eaa13d55"]
        .assert_eq(&digest_of(&yaml).to_string());
}
