//! Schedules by commands and over the API: made, checked, fired by hand and by the clock.

use serde_json::json;

use crate::harness::{Cli, TestHost, everywhere, within_a_minute};

/// A workflow without agents, which ends at once.
const QUICK: &str = "apiVersion: workflowforge/v1
name: quick
version: 1.0.0
state: { who: { schema: { type: string } }, at: { default: '' }, said: {} }
input: [who, at]
output: [said]
nodes: { a: { set: { said: \"'hello ' + state.who\" } } }
edges: [{ from: START, to: a }]
";

fn registered(cli: &Cli) {
    let file = cli.file("quick.yaml", QUICK);
    cli.run(["workflow", "register", file.to_str().expect("UTF-8")]).exits(0);
}

const ADD: [&str; 12] = [
    "schedules",
    "add",
    "nightly",
    "--workflow",
    "quick",
    "--cron",
    "30 2 * * *",
    "--zone",
    "Europe/Berlin",
    "--input",
    r#"{"who": "Ann", "at": ""}"#,
    "--paused",
];

#[test]
fn a_schedule_is_made_shown_fired_by_hand_and_removed() {
    everywhere(|cli| {
        registered(cli);
        cli.run(ADD).exits(0).says(&["nightly"]);
        let shown = cli.run(["schedules", "show", "nightly", "--output", "json"]).exits(0).json();
        assert_eq!((&shown["kind"], &shown["paused"]), (&json!("schedule"), &json!(true)));
        cli.run(["schedules", "list"]).exits(0).says(&["nightly", "quick", "30 2 * * *", "paused"]);
        cli.run(["schedules", "continue", "nightly"]).exits(0).says(&["continued nightly"]);
        cli.run(["schedules", "list"]).exits(0).says(&["T02:30:00+0"]);
        let run = cli.run(["schedules", "trigger", "nightly", "--output", "json"]).exits(0).json();
        assert_eq!(run["output"]["said"], "hello Ann");
        let shown = cli.run(["schedules", "show", "nightly", "--output", "json"]).exits(0).json();
        assert_eq!((&shown["last_run"], &shown["last_status"]), (&run["id"], &json!("completed")));
        cli.run(["schedules", "pause", "nightly"]).exits(0);
        cli.run(["schedules", "remove", "nightly"]).exits(0).says(&["removed nightly"]);
        cli.run(["schedules", "show", "nightly"]).exits(2).says(&["nightly"]);
        let log = cli.run(["audit", "list", "--output", "json"]).exits(0).stdout.clone();
        for action in ["create", "continue", "trigger", "pause", "delete"] {
            assert!(log.contains(&format!("schedule.{action}")), "{action}: {log}");
        }
    });
}

#[test]
fn a_wrong_expression_or_zone_is_named_with_its_place_and_the_fix() {
    everywhere(|cli| {
        let next =
            |cron: &str, zone: &str| cli.run(["schedules", "next", "--cron", cron, "--zone", zone]);
        next("30 25 * * *", "UTC").exits(2).says(&["field 2, the hour", "\"25\"", "0 to 23"]);
        next("0 30 2 * * *", "UTC").exits(2).says(&["5 fields", "seconds are not taken"]);
        next("@daily", "Europe/Belin").exits(2).says(&["Europe/Belin", "Europe/Berlin"]);
        next("@daily", "UTC").exits(0).says(&["T00:00:00+00:00"]);
        let args = ["schedules", "next", "--cron", "* * * * *", "--count", "7", "--output", "json"];
        let times = cli.run(args).exits(0).json();
        assert_eq!(times["times"].as_array().map(Vec::len), Some(7));
    });
}

#[test]
fn a_schedule_of_a_workflow_that_is_not_there_is_refused() {
    everywhere(|cli| {
        let ran = cli.run(ADD);
        ran.exits(2).says(&["quick"]);
    });
}

#[test]
fn a_server_starts_what_is_due_and_goes_on_after_a_restart() {
    let host = TestHost::start();
    registered(&host.cli);
    let often = json!({
        "name": "often", "workflow": "quick@1.0.0", "cron": "* * * * *",
        "input": { "who": "Ann" }, "time_key": "at", "runs_max": 1
    });
    host.post("/v1/schedules", &often).status(201);
    let again = host.post("/v1/schedules", &often).status(409).json();
    assert_eq!(again["reason"], "schedule_exists");
    let host = host.restart();
    let started = || {
        let shown = host.get("/v1/schedules/often").status(200).json();
        shown["counts"]["started"] == 1
    };
    // Its minute comes within one, and a moment for the start.
    assert!(within_a_minute(started) || within_a_minute(started), "nothing was started");
    let shown = host.get("/v1/schedules/often").json();
    assert_eq!((&shown["last"]["outcome"], &shown["next"]), (&json!("started"), &json!(null)));
    let metrics = host.get("/metrics").text;
    assert!(metrics.contains("wforge_schedule_firings_total{outcome=\"started\"} 1"), "{metrics}");
}

#[test]
fn a_put_changes_what_is_there_and_a_trigger_starts_a_run_now() {
    let host = TestHost::start();
    registered(&host.cli);
    let body = json!({
        "workflow": { "name": "quick" }, "cron": "@yearly", "input": { "who": "Ann", "at": "" }
    });
    let put = |body: &serde_json::Value| {
        let text = body.to_string();
        let path = "/v1/schedules/yearly";
        host.send_by("PUT", path, "application/json", &text, Some(host.key()))
    };
    put(&body).status(200);
    let replaced =
        json!({ "cron": "@monthly", "zone": "Asia/Tokyo", "workflow": "quick", "input": {} });
    assert_eq!(put(&replaced).status(200).json()["zone"], "Asia/Tokyo");
    put(&body).status(200);
    let renamed = json!({ "name": "other", "cron": "@daily", "workflow": "quick" });
    put(&renamed).status(422);
    let unknown = json!({ "cron": "@daily", "workflow": "quick", "tenant": "acme" });
    put(&unknown).status(422);
    let first = host.post("/v1/schedules/yearly/trigger?wait=30s", &json!({})).status(200).json();
    assert_eq!(first["output"]["said"], "hello Ann");
    let times = host.get("/v1/schedules/yearly/next?count=3").status(200).json();
    assert_eq!(times["times"].as_array().map(Vec::len), Some(3));
    host.get("/v1/schedules/yearly/next?count=101").status(400);
}
