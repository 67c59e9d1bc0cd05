//! What an operator pulls when a plugin does harm, at a real server.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Cli, SPINS, TestHost, component, within_a_minute};

fn sandboxes(host: &TestHost) -> u64 {
    let system = host.get("/v1/system").status(200).json();
    system["figures"]["runtime"]["sandboxes"].as_u64().expect("a figure")
}

/// A server whose plugin spins in a sandbox, the run, and the component.
fn spinning() -> (TestHost, String, String) {
    let host = TestHost::start();
    let (run, digest) = spin(&host, &host.cli);
    (host, run, digest)
}

fn spin(host: &TestHost, cli: &Cli) -> (String, String) {
    let probe = component("wforge/probe");
    let installed = cli.run(["plugin", "install", probe.to_str().unwrap(), "--output", "json"]);
    let digest = installed.exits(0).json()[0]["component"].as_str().unwrap().to_owned();
    let file = cli.file("spins.yaml", SPINS);
    let started = cli.run(["run", file.to_str().unwrap(), "--detach", "--output", "json"]);
    let run = started.exits(0).json()["run_id"].as_str().unwrap().to_owned();
    assert!(within_a_minute(|| sandboxes(host) == 1), "it never began");
    (run, digest)
}

/// Pulls the brake; no sandbox is left a second later.
fn stops_within_a_second(host: &TestHost, brake: &[&str]) {
    host.run(brake).exits(0);
    let pulled = Instant::now();
    assert!(within_a_minute(|| sandboxes(host) == 0), "it runs on");
    let took = pulled.elapsed();
    assert!(took < Duration::from_secs(1), "it ran on for {took:?}");
}

fn run_of(host: &TestHost, run: &str) -> Value {
    host.get(&format!("/v1/runs/{run}")).status(200).json()
}

fn actions(host: &TestHost, tenant: &[&str]) -> Vec<String> {
    let list = [&["audit", "list", "--output", "json"], tenant].concat();
    let entries = host.run(&list).exits(0).json();
    let entries = entries.as_array().expect("a list");
    entries.iter().map(|entry| entry["entry"]["action"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn rule_8_a_digest_that_is_put_away_blocks_its_runs_until_it_is_released() {
    let (host, run, digest) = spinning();
    let put_away = ["plugin", "quarantine", &digest, "--reason", "spins"];
    stops_within_a_second(&host, &put_away);
    assert!(within_a_minute(|| run_of(&host, &run)["status"] == "blocked"));
    let waits = run_of(&host, &run)["waiting_for"][0]["waiting"]["quarantine"].clone();
    assert_eq!(waits["reason"], "spins", "{waits}");
    host.run(&["plugin", "list"]).exits(0).says(&["in quarantine", "spins"]);
    host.run(&["plugin", "inspect", "wforge/probe"]).exits(0).says(&["in quarantine", "spins"]);
    let file = host.cli.file("spins.yaml", SPINS);
    let again = host.run(&["run", file.to_str().unwrap(), "--detach"]);
    again.says(&["plugin_quarantined", "spins"]);
    assert_ne!(again.code, 0);
    host.run(&["plugin", "release", &digest]).exits(0);
    assert!(within_a_minute(|| sandboxes(&host) == 1), "it does not go on");
    let done = actions(&host, &[]);
    assert!(done.ends_with(&["plugin.quarantine".into(), "plugin.release".into()]), "{done:?}");
}

#[test]
fn the_platform_puts_a_plugin_away_for_all() {
    let (host, run, digest) = spinning();
    let put_away = ["plugin", "quarantine", &digest, "--reason", "spins", "--platform"];
    stops_within_a_second(&host, &put_away);
    assert!(within_a_minute(|| run_of(&host, &run)["status"] == "blocked"));
    host.run(&["plugin", "release", &digest]).exits(2);
    host.run(&["plugin", "release", &digest, "--platform"]).exits(0);
    assert!(within_a_minute(|| sandboxes(&host) == 1), "it does not go on");
}

#[test]
fn every_plugin_can_be_compiled_before_it_is_called() {
    let host = TestHost::start();
    let probe = component("wforge/probe");
    host.run(&["plugin", "install", probe.to_str().unwrap()]).exits(0);
    let compiled = host.run(&["plugin", "precompile", "--all"]);
    compiled.exits(0).says(&["1/", "wforge/probe"]);
    host.run(&["plugin", "precompile", "wforge/probe"]).exits(0);
    host.run(&["plugin", "precompile", "wforge/nothing"]).exits(2);
    host.run(&["plugin", "quarantine", "sha256:12", "--reason", "x"]).exits(2).says(&["digest"]);
}

#[test]
fn a_tenant_that_is_suspended_stops_in_the_middle_of_a_call_and_goes_on_when_it_is_resumed() {
    let host = TestHost::start();
    host.run(&["tenants", "create", "acme"]).exits(0);
    let key = host.run(&["keys", "add", "ci", "--tenant", "acme", "--role", "developer"]);
    let key = key.exits(0).stdout.trim().to_owned();
    let acme = Cli::new().with("WFORGE_API_KEY", &key).with("WFORGE_SERVER", &host.url());
    let (run, _) = spin(&host, &acme);
    stops_within_a_second(&host, &["tenants", "suspend", "acme"]);
    assert_eq!(host.get_as(&format!("/v1/runs/{run}"), Some(&key)).status, 403);
    host.run(&["tenants", "resume", "acme"]).exits(0);
    assert!(within_a_minute(|| sandboxes(&host) == 1), "it does not go on");
}

const OUTLINES: &str = "apiVersion: workflowforge/v1
name: outlines
version: 1.0.0
state: { document: {}, result: {} }
input: [document]
output: [result]
nodes: { it: { agent: wforge/outline, in: { text: state.document }, out: { result: result } } }
edges: [{ from: START, to: it }]
";

/// The version that serves a new run.
fn serves(host: &TestHost) -> String {
    let file = host.cli.file("outlines.yaml", OUTLINES);
    let run = ["run", file.to_str().unwrap(), "--input", "document=# x", "--output", "json"];
    let run = host.cli.run(run).exits(0).json()["run_id"].as_str().unwrap().to_owned();
    let started = host.events(&run, None).next().expect("its first event");
    let started: Value = serde_json::from_str(&started.data).unwrap();
    let version = started.pointer("/data/pins/it/version").and_then(Value::as_str);
    version.unwrap_or_else(|| panic!("no version in {started}")).to_owned()
}

#[test]
fn new_runs_get_what_was_installed_last_and_at_once_the_one_before_where_somebody_says_so() {
    let host = TestHost::start();
    let before = component("wforge/outline");
    host.run(&["plugin", "install", before.to_str().unwrap()]).exits(0);
    assert_eq!(serves(&host), "0.1.0");
    let after = crate::harness::changed(&before, &[]);
    host.install(&after).status(201);
    assert_eq!(serves(&host), "0.2.0");

    let back = ["plugin", "use", "wforge/outline@0.1.0", "--reason", "0.2.0 forgets headings"];
    host.run(&back).exits(0).says(&["new runs get wforge/outline 0.1.0"]);
    assert_eq!(serves(&host), "0.1.0");
    host.run(&["plugin", "inspect", "wforge/outline"]).exits(0).says(&["0.2.0 forgets headings"]);
    assert_eq!(actions(&host, &[]).last().map(String::as_str), Some("plugin.choose"));

    host.run(&["plugin", "use", "wforge/outline", "--newest"]).exits(0);
    assert_eq!(serves(&host), "0.2.0");
    host.run(&["plugin", "use", "wforge/outline@0.3.0", "--reason", "x"]).exits(2);
    host.run(&["plugin", "use", "wforge/outline"]).exits(2);
}
