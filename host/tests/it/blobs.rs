//! Blobs that nothing names are removed, with the engine in the command's process and behind a
//! server.

use serde_json::{Value, json};

use crate::harness::{Cli, TestHost, within_a_minute};

fn swept(cli: &Cli, flags: &[&str]) -> Value {
    let args = ["blobs", "gc", "--output", "json"].iter().chain(flags);
    cli.run(args).exits(0).json()
}

fn counts(swept: &Value) -> [u64; 3] {
    ["kept", "waiting", "removed"].map(|field| swept[field].as_u64().expect("a number"))
}

const ECHO: &str = "apiVersion: workflowforge/v1
name: echo
version: 1.0.0
state: { document: {} }
input: [document]
output: [document]
nodes: { it: { set: { document: state.document } } }
edges: [{ from: START, to: it }]
";

fn start(host: &TestHost, digest: &str) {
    let document = json!({ "$blob": digest, "size": 5, "media_type": "text/plain" });
    host.post_text("/v1/workflows", "application/yaml", ECHO).status(201);
    let start = json!({ "workflow": { "name": "echo" }, "input": { "document": document } });
    host.post("/v1/runs?wait=30s", &start).status(200);
}

fn keep(host: &TestHost, text: &str) -> String {
    let kept = host.post_text("/v1/blobs", "application/octet-stream", text).status(201).json();
    kept["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn what_no_run_names_goes_at_the_second_look_and_what_one_names_stays() {
    let host = TestHost::on(Cli::new().with("WFORGE_BLOBS__GRACE_MS", "0"));
    let (named, lost) = (keep(&host, "named"), keep(&host, "lost"));
    start(&host, &named);
    assert_eq!(counts(&swept(&host.cli, &["--dry-run"])), [1, 1, 0]);
    assert_eq!(counts(&swept(&host.cli, &[])), [1, 1, 0]);
    let would = swept(&host.cli, &["--dry-run"]);
    assert_eq!((counts(&would), &would["blobs"][0]["digest"]), ([1, 0, 1], &json!(lost)));
    host.run(&["blobs", "gc"]).exits(0).says(&["1 blobs with", "1 are in use"]);
    assert_eq!(counts(&swept(&host.cli, &[])), [1, 0, 0]);
    // Over the API, for one who may.
    host.post("/v1/tenants/default/blobs/gc?dry_run=true", &json!(null)).status(200);
    host.post("/v1/blobs/gc?dry=true", &json!(null)).status(400);
}

#[test]
fn the_commands_own_engine_does_the_same_and_waits_as_long_as_it_is_told() {
    let cli = Cli::new();
    let file = cli.file("large.bin", "x".repeat(300_000));
    let workflow = cli.file("echo.yaml", ECHO);
    let input = format!("document=@{}", file.display());
    cli.run(["run", workflow.to_str().unwrap(), "--input", &input]).exits(0);
    let first = counts(&swept(&cli, &[]));
    assert_eq!(first, counts(&swept(&cli, &[])), "a day has not passed");
    assert_eq!((first[1], first[2]), (0, 0), "the run names it");
}

#[test]
fn blobs_are_listed_and_their_bytes_are_for_operators() {
    let host = TestHost::start();
    let (named, lost) = (keep(&host, "named"), keep(&host, "lost"));
    start(&host, &named);
    let listed = host.cli.run(["blobs", "list", "--output", "json"]).exits(0).json();
    let uses = listed.as_array().expect("a list").iter();
    let mut uses: Vec<_> = uses.map(|it| (it["digest"].clone(), it["in_use"].clone())).collect();
    uses.sort_by_key(|(_, in_use)| in_use == &json!(false));
    assert_eq!(uses, [(json!(named), json!(true)), (json!(lost), json!(false))]);
    let to = host.cli.file("copy.bin", "");
    let to = to.to_str().expect("UTF-8");
    host.run(&["blobs", "get", &named, "--to", to]).exits(0).says(&["5 bytes"]);
    assert_eq!(fs_err::read(to).expect("the copy"), b"named");
    let missing = format!("sha256:{}", "0".repeat(64));
    host.run(&["blobs", "get", &missing, "--to", "-"]).exits(2);
    let key = json!({ "name": "looks", "role": "viewer" });
    let viewer = host.post("/v1/keys", &key).status(201).json();
    let viewer = viewer["key"].as_str().expect("a key").to_owned();
    host.get_as("/v1/blobs", Some(&viewer)).status(200);
    host.get_as(&format!("/v1/blobs/{named}"), Some(&viewer)).status(403);
}

#[test]
fn a_server_looks_by_itself() {
    let cli = Cli::new().with("WFORGE_BLOBS__GRACE_MS", "1").with("WFORGE_BLOBS__SWEEP_MS", "50");
    let host = TestHost::on(cli);
    keep(&host, "lost");
    assert!(within_a_minute(|| counts(&swept(&host.cli, &["--dry-run"])) == [0, 0, 0]));
}
