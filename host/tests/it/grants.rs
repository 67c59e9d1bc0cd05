//! What a plugin may do: it waits until somebody decides, at one node or everywhere, and is refused
//! at its next host call once that was taken back.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, component};

/// An operator's file that grants nothing.
const NOTHING: &str = "";

fn workflow(name: &str, nodes: &str, edges: &str) -> String {
    format!(
        "apiVersion: workflowforge/v1
name: {name}
version: 1.0.0
state: {{ result: {{}} }}
input: []
output: [result]
nodes:
{nodes}
edges:
{edges}
"
    )
}

fn one_node(name: &str, agent: &str) -> String {
    let node =
        format!("  it: {{ agent: wforge/probe.{agent}, in: {{}}, out: {{ result: result }} }}");
    workflow(name, &node, "  - { from: START, to: it }")
}

/// Commands over a grants file with that text, the probe installed.
fn with_file(text: &str) -> Cli {
    let cli = Cli::new();
    let file = cli.file("grants.toml", text);
    let cli = cli
        .with("WFORGE_PLUGINS__GRANTS_FILE", file.to_str().expect("UTF-8"))
        .with("WFORGE_MOCK", "off");
    cli.run(["plugin", "install", component("wforge/probe").to_str().expect("UTF-8")]).exits(0);
    cli
}

fn run(cli: &Cli, text: &str) -> crate::harness::Ran {
    let file = cli.file("workflow.yaml", text);
    cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json"])
}

fn standings(cli: &Cli) -> Vec<(String, String)> {
    let list = ["grants", "list", "--plugin", "wforge/probe", "--output", "json"];
    let grants = cli.run(list).exits(0).json();
    let of = |grant: &Value, field: &str| grant[field].as_str().expect("a text").to_owned();
    let grants = grants.as_array().expect("a list").iter();
    let mut found: Vec<_> =
        grants.map(|grant| (of(grant, "capability"), of(grant, "standing"))).collect();
    found.sort();
    found
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(left, right)| ((*left).to_owned(), (*right).to_owned())).collect()
}

#[test]
fn a_plugin_waits_for_what_it_needs_until_it_is_approved() {
    let cli = with_file(NOTHING);
    assert_eq!(standings(&cli), pairs(&[("ask", "requested"), ("llm:fast", "requested")]));
    let echo = one_node("waits", "echo");
    run(&cli, &echo).exits(2).says(&["wforge grants approve wforge/probe ask llm:fast"]);
    cli.run(["grants", "approve", "wforge/probe", "--all", "--reason", "ours"]).exits(0);
    assert_eq!(standings(&cli), pairs(&[("ask", "granted"), ("llm:fast", "granted")]));
    run(&cli, &echo).exits(0);
    let log = cli.run(["audit", "list", "--output", "json"]).exits(0).stdout.clone();
    for action in ["grant.request", "grant.approve"] {
        assert!(log.contains(action), "no {action} in {log}");
    }
}

#[test]
fn a_grant_at_one_node_is_none_at_another() {
    let cli = with_file(NOTHING);
    let there = ["--workflow", "here", "--node", "it"];
    let approve = |capability: &str| {
        let command = ["grants", "approve", "wforge/probe", capability];
        cli.run(command.iter().chain(&there)).exits(0);
    };
    approve("ask");
    approve("llm:fast");
    run(&cli, &one_node("here", "echo")).exits(0);
    run(&cli, &one_node("elsewhere", "echo")).exits(2).says(&["waits for grants"]);
}

#[test]
fn what_is_taken_back_is_refused_at_the_next_host_call() {
    let cli = with_file("[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"llm:fast\"]");
    cli.run(["grants", "approve", "wforge/probe", "ask"]).exits(0);
    let ran = run(&cli, &one_node("revoked", "twice")).exits(3).json();
    let id = ran["run_id"].as_str().expect("an id").to_owned();
    cli.run(["grants", "revoke", "wforge/probe", "ask", "--reason", "enough"]).exits(0);
    // The answer to what was asked before is in the record; the second question is refused.
    let ended = cli.run(["runs", "resume", &id, "--answer", "it=red"]);
    ended.exits(1).says(&["denied", "was taken back or has expired", "wforge grants explain"]);
    let said = cli.run(["grants", "explain", "wforge/probe", "ask"]);
    said.exits(1).says(&["is revoked", "enough", "wforge grants approve wforge/probe ask"]);
}

#[test]
fn a_server_holds_to_what_was_decided_before_and_after_it_is_killed() {
    let host = TestHost::on(with_file(NOTHING));
    host.run(&["grants", "approve", "wforge/probe", "ask"]).exits(0);
    host.run(&["grants", "deny", "wforge/probe", "llm:fast", "--reason", "no models"]).exits(0);
    let decided = pairs(&[("ask", "granted"), ("llm:fast", "denied")]);
    assert_eq!(standings(&host.cli), decided);
    let host = host.restart();
    assert_eq!(standings(&host.cli), decided);
    let said = host.run(&["grants", "explain", "wforge/probe", "llm:fast", "--output", "json"]);
    assert_eq!(said.exits(1).json()["may"], json!(false));
}

#[test]
fn a_ceiling_stands_over_every_grant() {
    let cli = with_file(
        "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:*\"]\n\
         [[ceiling]]\ncapabilities = [\"ask\"]\nreason = \"no models here\"",
    );
    run(&cli, &one_node("under", "echo")).exits(2).says(&["llm:fast"]);
    let refused = cli.run(["grants", "approve", "wforge/probe", "llm:fast"]);
    refused.exits(2).says(&["over_ceiling", "[[ceiling]]"]);
}

#[test]
fn inspecting_a_plugin_shows_what_it_was_granted_and_used() {
    let cli =
        with_file("[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:*\"]");
    let shown = cli.run(["plugin", "inspect", "wforge/probe"]);
    shown.exits(0).says(&["needs ask", "granted, never used"]);
    run(&cli, &one_node("used", "ask")).exits(3);
    let shown = cli.run(["plugin", "inspect", "wforge/probe", "--output", "json"]).exits(0).json();
    assert!(shown["grants"]["ask"]["used_on"].is_string(), "{}", shown["grants"]);
    assert!(shown["grants"]["llm:fast"]["used_on"].is_null(), "{}", shown["grants"]);
}

#[test]
fn what_a_manifest_does_not_ask_for_cannot_be_given() {
    let cli = with_file(NOTHING);
    let check = |args: &[&str], code: &str| {
        let command = ["grants"].iter().chain(args);
        cli.run(command).exits(2).says(&[code]);
    };
    check(&["approve", "wforge/probe", "kv:run"], "not_needed");
    check(&["approve", "wforge/probe", "root"], "capability");
    check(&["approve", "wforge/probe"], "bad_flags");
    check(&["request", "wforge/nobody", "ask"], "wforge/nobody");
    check(&["revoke", "wforge/probe", "ask"], "not_granted");
}

fn knows(label: &str, between: &str) -> String {
    let asked = "  ask: { ask: { prompt: 'send?' } }\n";
    let node = |name: &str, more: &str| {
        format!(
            "  {name}: {{ agent: wforge/probe.echo, in: {{}}, out: {{ result: result }}{more} }}"
        )
    };
    let (asking, edges) = match between {
        "" => ("", "  - { from: START, to: knows }\n  - { from: knows, to: sends }"),
        _ => (
            asked,
            "  - { from: START, to: knows }\n  - { from: knows, to: ask }\n  - { from: ask, to: sends }",
        ),
    };
    let nodes = format!(
        "{asking}{}\n{}",
        node("knows", &format!(", allow: [ask], labels: [{label}]")),
        node("sends", "")
    );
    workflow("flow", &nodes, edges)
}

#[test]
fn what_a_secret_node_knows_gets_out_only_past_a_person_or_by_the_operators_word() {
    const GRANTS: &str =
        "[[grant]]\nplugin = \"wforge/probe\"\ncapabilities = [\"ask\", \"llm:*\"]\n";
    let cli = with_file(GRANTS);
    let refused = run(&cli, &knows("secret", ""));
    refused.exits(2).says(&["data_flow", "nodes.knows", "nodes.sends", "llm:fast", "[[exempt]]"]);
    run(&cli, &knows("untrusted", "")).exits(0);
    run(&cli, &knows("secret", "ask")).exits(3);
    let exempt =
        "[[exempt]]\nworkflow = \"flow\"\nfrom = \"knows\"\nto = \"sends\"\nreason = \"ours\"";
    run(&with_file(&format!("{GRANTS}{exempt}")), &knows("secret", "")).exits(0);
}
