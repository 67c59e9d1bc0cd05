//! What plugins remember, looked at and put right, with the engine in the command's process and
//! behind a server.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, everywhere};

const SPACE: &str = "plugin:acme/count";

fn keys(cli: &Cli, flags: &[&str]) -> Vec<String> {
    let args = ["kv", "list", SPACE, "--output", "json"].iter().chain(flags);
    let listed = cli.run(args).exits(0).json();
    let keys = listed.as_array().expect("a list").iter();
    keys.map(|it| it["key"].as_str().expect("a key").to_owned()).collect()
}

#[test]
fn a_key_is_listed_read_written_at_its_version_and_deleted() {
    everywhere(|cli| {
        cli.run(["kv", "list", SPACE]).exits(0).says(&["holds nothing"]);
        let put = ["kv", "put", SPACE, "seen/a b", "[1, 2]", "--expected", "0"];
        cli.run(put).exits(0).says(&["version 1"]);
        cli.run(put).exits(2).says(&["version 1", "not 0"]);
        cli.run(["kv", "put", SPACE, "total", "-7"]).exits(0);
        assert_eq!(keys(cli, &[]), ["seen/a b", "total"]);
        assert_eq!(keys(cli, &["--prefix", "seen/"]), ["seen/a b"]);
        assert_eq!(keys(cli, &["--limit", "1"]), ["seen/a b"]);
        cli.run(["kv", "get", SPACE, "seen/a b"]).exits(0).says(&["[1,2]"]);
        let entry = cli.run(["kv", "get", SPACE, "total", "--output", "json"]).exits(0).json();
        assert_eq!((&entry["value"], &entry["version"]), (&json!(-7), &json!(1)));
        cli.run(["kv", "delete", SPACE, "total", "--expected", "9"]).exits(2);
        cli.run(["kv", "delete", SPACE, "total", "--expected", "1"]).exits(0).says(&["-7"]);
        cli.run(["kv", "get", SPACE, "total"]).exits(2);
        cli.run(["kv", "list", "acme"]).exits(2).says(&["plugin:PUBLISHER/NAME"]);
        let audit = cli.run(["audit", "list", "--output", "json"]).exits(0).json().to_string();
        assert!(audit.contains("kv.put") && audit.contains("kv.delete"), "{audit}");
        assert!(!audit.contains("[1,2]"), "values are in no audit log");
    });
}

#[test]
fn what_a_key_holds_is_for_operators_and_a_viewer_sees_that_it_is_there() {
    let host = TestHost::start();
    let key = json!({ "name": "looks", "role": "viewer" });
    let viewer = host.post("/v1/keys", &key).status(201).json();
    let viewer = viewer["key"].as_str().expect("a key").to_owned();
    host.run(&["kv", "put", SPACE, "total", "7"]).exits(0);
    let space = "/v1/kv/plugin:acme%2Fcount";
    let listed = host.get_as(space, Some(&viewer)).status(200).json();
    assert_eq!(listed["items"][0]["bytes"], 6);
    assert_eq!(listed["items"][0]["value"], Value::Null);
    let href = listed["items"][0]["href"].as_str().expect("an address").to_owned();
    host.get_as(&href, Some(&viewer)).status(403);
    assert_eq!(host.get(&href).status(200).json()["value"], 7);
}
