//! Runs that are found, ended and told of; workflows that are drawn: from the command line with the
//! engine in its own process and behind a server, with the same output.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, component, everywhere, plugins};
use crate::repo;

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { said: {} }
input: []
output: [said]
nodes:
  ask: { ask: { prompt: \"Go on?\", schema: { type: string } }, out: { said: result } }
edges: [{ from: START, to: ask }]
";

fn json_of(cli: &Cli, args: &[&str]) -> Value {
    cli.run(args.iter().copied().chain(["--output", "json"])).exits(0).json()
}

/// Starts a run that waits for an answer.
fn waiting(cli: &Cli, label: &str) -> String {
    let file = cli.file("asks.yaml", ASKS);
    let file = file.to_str().expect("UTF-8");
    let ran = cli.run(["run", file, "--label", label, "--output", "json"]);
    ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|run| run["run"].as_str().unwrap()).collect()
}

#[test]
fn runs_are_found_by_label_and_many_are_ended_once_somebody_has_confirmed() {
    everywhere(|cli| {
        let (first, second) = (waiting(cli, "team=search"), waiting(cli, "team=ads"));
        let all = json_of(cli, &["runs", "list", "--status", "waiting"]);
        assert_eq!(ids(&all), [second.as_str(), &first]);
        let search = json_of(cli, &["runs", "list", "--label", "team=search", "--since", "1h"]);
        assert_eq!(ids(&search), [&first]);
        assert_eq!(search[0]["labels"], json!({ "team": "search" }));

        let cancel = ["runs", "cancel", "--all", "--label", "team=search"];
        let dry = json_of(cli, &[cancel.as_slice(), &["--dry-run"]].concat());
        assert_eq!(ids(&dry), [&first]);
        cli.run(cancel).exits(2).says(&["nobody has confirmed", "--yes"]);
        let done = json_of(cli, &[cancel.as_slice(), &["--yes"]].concat());
        assert_eq!(
            (&done["changed"], &done["items"][0]["status"]),
            (&json!(1), &json!("cancelled"))
        );
        let left = json_of(cli, &["runs", "list", "--status", "waiting"]);
        assert_eq!(ids(&left), [&second]);
        cli.run(["runs", "cancel", &second, "--status", "waiting"])
            .exits(2)
            .says(&["one is named"]);
        cli.run(["runs", "retry", "--all", "--fail-on-degraded"]).exits(2).says(&["is waited for"]);
        cli.run(["runs", "list", "--status", "done"]).exits(2).says(&["rolled_back"]);
    });
}

#[test]
fn a_workflow_has_versions_and_is_drawn_as_svg() {
    everywhere(|cli| {
        for version in ["1.9.0", "1.10.0"] {
            let file = cli.file("asks.yaml", ASKS.replace("1.0.0", version));
            cli.run(["workflow", "register", file.to_str().expect("UTF-8")]).exits(0);
        }
        let found = json_of(cli, &["workflow", "versions", "asks"]);
        let versions: Vec<&Value> =
            found.as_array().expect("a list").iter().map(|info| &info["version"]).collect();
        assert_eq!(versions, [&json!("1.10.0"), &json!("1.9.0")]);
        let file = cli.file("asks.yaml", ASKS);
        let drawn = cli.run(["graph", file.to_str().expect("UTF-8"), "--format", "svg"]);
        assert!(drawn.exits(0).stdout.starts_with("<svg xmlns="), "{}", drawn.stdout);
    });
}

#[test]
fn a_receipt_says_what_each_node_took_of_the_sandbox() {
    let host = TestHost::start();
    for name in ["outline", "digest", "scan", "report"] {
        let path = component(&format!("wforge/{name}"));
        host.run(&["plugin", "install", path.to_str().expect("UTF-8")]).exits(0);
    }
    let start = json!({
        "workflow": repo::read("examples/brief/workflow.yaml"),
        "input": { "document": repo::read("docs/STYLE.md") },
        "answers": { "approve": { "approve": true } },
    });
    let run = host.post("/v1/runs?wait=30s", &start).status(200).json();
    let id = run["id"].as_str().expect("an id");
    let receipt = host.get(&format!("/v1/runs/{id}/receipt")).status(200).json();
    let nodes = receipt["nodes"].as_array().expect("nodes");
    let digest = nodes.iter().find(|node| node["node"] == "digest").expect("digest ran");
    assert!(digest["cpu_us"].as_u64() > Some(0), "{digest}");
    assert!(digest["memory_bytes_peak"].as_u64() > Some(65_535), "{digest}");
    let tasks: u64 = nodes.iter().filter_map(|node| node["tasks"].as_u64()).sum();
    assert_eq!(receipt["total"]["tasks"], json!(tasks));
    assert_eq!(json_of_host(&host, &["runs", "receipt", id]), receipt);
    host.run(&["runs", "receipt", id]).exits(0).says(&["digest", "total", "KiB"]);
    let page = host.run(&["runs", "report", id]);
    assert!(page.exits(0).stdout.starts_with("<!doctype html>"));
}

fn json_of_host(host: &TestHost, args: &[&str]) -> Value {
    host.run(&[args, &["--output", "json"]].concat()).exits(0).json()
}

#[test]
fn what_plugins_wrote_is_read_later_and_by_level() {
    let host = TestHost::start();
    let workflow = "apiVersion: workflowforge/v1
name: counts
version: 1.0.0
state: { result: {} }
input: []
output: [result]
nodes: { it: { agent: wforge/probe-ts, in: { text: \"'one two'\" }, out: { result: result } } }
edges: [{ from: START, to: it }]
";
    let file = host.cli.file("counts.yaml", workflow);
    let probes = plugins().join("probes");
    let (file, probes) = (file.to_str().expect("UTF-8"), probes.to_str().expect("UTF-8"));
    let ran = host.run(&["run", file, "--plugins", probes, "--output", "json"]);
    let run = ran.exits(0).json()["run_id"].as_str().expect("an id").to_owned();
    let lines = |query: &str| {
        let page = host.get(&format!("/v1/runs/{run}/logs{query}")).status(200).json();
        page["items"].as_array().expect("items").clone()
    };
    let counting = lines("?level=info&node=it");
    assert_eq!((counting.len(), &counting[0]["level"]), (1, &json!("info")), "{counting:?}");
    assert!(counting[0]["message"].as_str().expect("a text").starts_with("counting"));
    let after = format!("?cursor={}", counting[0]["id"].as_str().expect("an id"));
    assert_eq!(lines(&after), Vec::<Value>::new());
    assert_eq!(lines("?level=error"), Vec::<Value>::new());
}
