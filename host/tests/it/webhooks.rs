//! Webhooks of the real server: what a receiver gets, also after a crash, and what a signed URL
//! does for whoever has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Cli, Post, Receiver, TestHost, within_a_minute};

const SAYS: &str = "apiVersion: workflowforge/v1
name: says
version: 1.0.0
state: { body: {}, said: {} }
input: [body]
output: [said]
nodes: { it: { set: { said: state.body } } }
edges: [{ from: START, to: it }]
";

const ASKS: &str = "apiVersion: workflowforge/v1
name: asks
version: 1.0.0
state: { yes: {} }
input: []
output: [yes]
nodes: { approve: { ask: { prompt: 'May it?', schema: { type: boolean } }, out: { yes: result } } }
edges: [{ from: START, to: approve }]
";

fn cli() -> Cli {
    Cli::new()
        .with("WFORGE_OUTBOUND__ALLOW", "127.0.0.1/32")
        .with("WFORGE_LIMITS__WEBHOOKS__RETRY_FIRST_MS", "200")
}

fn host(cli: Cli) -> TestHost {
    let host = TestHost::on(cli);
    for workflow in [SAYS, ASKS] {
        host.post_text("/v1/workflows", "application/yaml", workflow).status(201);
    }
    host
}

fn webhook(host: &TestHost, receiver: &Receiver, events: &[&str]) -> String {
    let url = format!("http://{}/hooks", receiver.address);
    let body = json!({ "name": "ci", "url": url, "events": events, "include_output": true });
    let made = host.post("/v1/webhooks", &body).status(201).json();
    made["secret"].as_str().expect("a secret").to_owned()
}

fn run(host: &TestHost, workflow: &str, input: &Value) -> String {
    let body = json!({ "workflow": { "name": workflow }, "input": input });
    let run = host.post("/v1/runs?wait=30s", &body).status(200).json();
    run["id"].as_str().expect("an id").to_owned()
}

/// HMAC-SHA256 by its definition, so that nothing of ours checks itself.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    assert!(key.len() <= 64);
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn standard(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").expect("its prefix")).expect("base64");
    let signed = format!("{id}.{timestamp}.{body}");
    format!("v1,{}", STANDARD.encode(hmac(&key, signed.as_bytes())))
}

fn is_signed(post: &Post, secret: &str) -> bool {
    let header = |name: &str| post.headers[name].as_str();
    let ours = standard(secret, header("webhook-id"), header("webhook-timestamp"), &post.body);
    header("webhook-signature").split(' ').any(|signature| signature == ours)
}

fn json_of(post: &Post) -> Value {
    serde_json::from_str(&post.body).expect("JSON")
}

#[test]
fn a_receiver_is_told_of_the_end_of_a_run_until_it_takes_it() {
    let receiver = Receiver::start(&[500, 0]);
    let host = host(cli());
    let secret = webhook(&host, &receiver, &["run.completed"]);
    let run = run(&host, "says", &json!({ "body": "hello" }));
    assert!(within_a_minute(|| receiver.posts().len() == 3), "{:?}", receiver.posts());
    let posts = receiver.posts();
    for post in &posts {
        assert!(is_signed(post, &secret), "{post:?}");
        assert_eq!(post.headers["webhook-id"], posts[0].headers["webhook-id"]);
        assert_eq!(post.body, posts[0].body, "the same each time");
    }
    let told = json_of(&posts[2]);
    assert_eq!((&told["type"], &told["data"]["id"]), (&json!("run.completed"), &json!(run)));
    assert_eq!(told["data"]["output"], json!({ "said": "hello" }));
    let delivered = || {
        let listed = host.get("/v1/webhooks/ci/deliveries?status=delivered").status(200).json();
        listed["items"].as_array().expect("a list").clone()
    };
    assert!(within_a_minute(|| delivered().len() == 1));
    let delivery = &delivered()[0];
    assert_eq!(delivery["attempts"].as_array().expect("attempts").len(), 3, "{delivery}");
    let again = format!("{}/redeliver", delivery["href"].as_str().expect("its place"));
    host.post(&again, &json!({})).status(202).json();
    assert!(within_a_minute(|| receiver.posts().len() == 4));
    let metrics = host.get("/metrics").status(200).text.clone();
    assert!(metrics.contains(r#"wforge_webhook_deliveries_total{outcome="delivered"} 2"#));
}

/// The process dies right after the commit: what was to be told then is told by the next one.
#[test]
fn what_a_killed_server_had_committed_is_told_by_the_next() {
    let receiver = Receiver::start(&[]);
    let cli = cli();
    let log = cli.data().with_extension("failpoints");
    let cli = cli.with("WFORGE_FAILPOINT_LOG", log.to_str().expect("UTF-8"));
    let mut host = host(cli.with("WFORGE_FAILPOINT_KILL", "1"));
    webhook(&host, &receiver, &["run.completed", "interrupt.opened"]);
    let run = run(&host, "asks", &json!({}));
    assert!(within_a_minute(|| receiver.posts().len() == 1));
    assert_eq!(json_of(&receiver.posts()[0])["data"]["prompt"], "May it?");
    // The client hears nothing, so it is a command that asks.
    let _ = host.run(&["runs", "resume", &run, "--answer", "approve=true"]);
    assert!(within_a_minute(|| host.pid().is_none()), "the server lives on");
    let cli = std::mem::replace(&mut host.cli, Cli::new());
    drop(host);
    let host = TestHost::on(cli.with("WFORGE_FAILPOINT_KILL", "0"));
    assert_eq!(host.get(&format!("/v1/runs/{run}")).json()["status"], "completed");
    assert!(within_a_minute(|| receiver.posts().len() >= 2), "{:?}", receiver.posts());
    let told: Vec<_> = receiver.posts().iter().skip(1).map(json_of).collect();
    assert!(told.iter().all(|told| told["type"] == "run.completed"), "{told:?}");
}

/// A delivery waits for its next attempt when the process dies.
#[test]
fn what_waited_in_a_killed_server_is_sent_again_under_its_id() {
    let receiver = Receiver::start(&[503, 503]);
    let slow = cli().with("WFORGE_LIMITS__WEBHOOKS__RETRY_FIRST_MS", "3_000");
    let host = host(slow);
    webhook(&host, &receiver, &["run.completed"]);
    run(&host, "says", &json!({ "body": 1 }));
    assert!(within_a_minute(|| receiver.posts().len() == 1));
    let host = host.restart();
    assert!(within_a_minute(|| receiver.posts().len() == 3), "{:?}", receiver.posts());
    let ids: Vec<_> = receiver.posts().iter().map(|it| it.headers["webhook-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let pending = host.get("/v1/webhooks/ci/deliveries?status=pending").json();
    assert!(
        within_a_minute(|| {
            let listed = host.get("/v1/webhooks/ci/deliveries?status=delivered").json();
            listed["items"].as_array().is_some_and(|items| items.len() == 1)
        }),
        "{pending}"
    );
}

#[test]
fn nothing_is_told_to_an_address_that_is_not_public() {
    let receiver = Receiver::start(&[]);
    let quick = Cli::new().with("WFORGE_LIMITS__WEBHOOKS__RETRY_FIRST_MS", "200");
    let host = host(quick);
    webhook(&host, &receiver, &["run.completed"]);
    run(&host, "says", &json!({ "body": 1 }));
    assert!(within_a_minute(|| {
        let text = host.get("/v1/webhooks/ci/deliveries").text;
        text.contains("which is not a public address")
    }));
    assert!(receiver.posts().is_empty());
}

#[test]
fn a_secret_is_shown_once_and_stands_in_no_file_and_no_log() {
    let receiver = Receiver::start(&[]);
    let host = host(cli());
    let secret = webhook(&host, &receiver, &["run.completed"]);
    let rotated = host.post("/v1/webhooks/ci/rotate", &json!({})).status(200).json();
    let rotated = rotated["secret"].as_str().expect("a secret").to_owned();
    host.post("/v1/webhooks/ci/test", &json!({})).status(202).json();
    assert!(within_a_minute(|| receiver.posts().len() == 1));
    let post = &receiver.posts()[0];
    assert!(is_signed(post, &secret) && is_signed(post, &rotated), "{post:?}");
    let export = host.get("/v1/export").text;
    for secret in [&secret, &rotated] {
        for path in ["/v1/webhooks", "/v1/webhooks/ci", "/v1/audit", "/v1/webhooks/ci/deliveries"] {
            assert!(!host.get(path).text.contains(secret.as_str()), "{path}");
        }
        assert!(!host.log().contains(secret.as_str()) && !export.contains(secret.as_str()));
        assert!(crate::harness::files_holding(&host.cli.data(), secret.as_bytes()).is_empty());
    }
}

#[test]
fn commands_make_try_and_remove_a_webhook() {
    let receiver = Receiver::start(&[]);
    let host = host(cli());
    let url = format!("http://{}/hooks", receiver.address);
    let add = ["webhooks", "add", "ci", &url, "--event", "run.failed", "--label", "env=prod"];
    host.run(&add).exits(0).says(&["whsec_", "shown only now"]);
    host.run(&add).exits(2).says(&["there is a webhook ci"]);
    host.run(&["webhooks", "list"]).exits(0).says(&["ci", "active", "run.failed", "env=prod"]);
    let mut wrong = add;
    wrong[7] = "env";
    host.run(&wrong).exits(2).says(&["--label", "write key=value"]);
    host.run(&["webhooks", "test", "ci"]).exits(0).says(&["dlv_"]);
    assert!(within_a_minute(|| receiver.posts().len() == 1));
    host.run(&["webhooks", "off", "ci"]).exits(0).says(&["asked"]);
    host.run(&["webhooks", "test", "ci"]).exits(2).says(&["switch it on first"]);
    host.run(&["webhooks", "on", "ci"]).exits(0).says(&["active", "labels   env=prod"]);
    host.run(&["webhooks", "deliveries", "ci"]).exits(0).says(&["ping", "delivered", "204"]);
    host.run(&["webhooks", "remove", "ci"]).exits(0);
    host.run(&["webhooks", "show", "ci"]).exits(2).says(&["no webhook"]);
}

fn hook(host: &TestHost, body: &Value) -> (String, Option<String>) {
    let made = host.post("/v1/hooks", body).status(201).json();
    let name = body["name"].as_str().expect("a name");
    let url = host.post(&format!("/v1/hooks/{name}/url"), &json!({})).status(200).json();
    let path = url["path"].as_str().expect("a path").to_owned();
    (path, made["secret"].as_str().map(str::to_owned))
}

/// Without a credential, with these headers.
fn post(host: &TestHost, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    host.post_open(path, headers, body)
}

#[test]
fn whoever_has_a_signed_url_starts_a_run_once_for_each_thing_they_send() {
    let host = host(cli());
    let (path, _) = hook(
        &host,
        &json!({
            "name": "in", "action": { "start": { "workflow": "says", "input": { "body": "/a/b" } } },
        }),
    );
    let sent = [("x-github-delivery", "72d3162e")];
    let (status, first) = post(&host, &path, &sent, r#"{"a":{"b":7}}"#);
    assert_eq!((status, &first["accepted"]), (202, &json!(true)), "{first}");
    let again = post(&host, &path, &sent, r#"{"a":{"b":7}}"#);
    assert_eq!(again.1["run"], first["run"]);
    let run = first["run"].as_str().expect("a run");
    let ended = || host.get(&format!("/v1/runs/{run}")).json();
    assert!(within_a_minute(|| ended()["status"] == "completed"));
    assert_eq!((&ended()["output"]["said"], &ended()["by"]), (&json!(7), &json!("hook in")));
    assert_eq!(post(&host, &path, &[], r#"{"a":1}"#).0, 422);
    assert_eq!(post(&host, &path, &[], "{").0, 422);
    let mut wrong = path.clone();
    wrong.pop();
    assert_eq!(post(&host, &wrong, &[], "{}").0, 404);
    assert_eq!(post(&host, &path.replace("/0/", "/9999999999/"), &[], "{}").0, 404);
    host.post("/v1/hooks/in/rotate", &json!({})).status(200).json();
    let (status, refused) = post(&host, &path, &[], r#"{"a":{"b":7}}"#);
    assert_eq!(status, 404, "a URL of before the rotation");
    assert!(!refused.to_string().contains("says"), "{refused}");
    let audit = host.get("/v1/audit").text;
    assert!(audit.contains("hook.refuse") && audit.contains("no_such_field"), "{audit}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the server looks at the real clock")]
fn a_body_that_must_be_signed_is_taken_only_so() {
    let host = host(cli());
    let action = json!({ "start": { "workflow": "says" } });
    let body = json!({ "name": "in", "action": action, "verify": "standard" });
    let (path, secret) = hook(&host, &body);
    let secret = secret.expect("a secret");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let timestamp = now.as_secs().to_string();
    let good = standard(&secret, "msg_1", &timestamp, "[1]");
    let headers =
        |signature| [("webhook-id", "msg_1"), ("webhook-timestamp", timestamp.as_str()), signature];
    let signed = headers(("webhook-signature", good.as_str()));
    assert_eq!(post(&host, &path, &signed, "[1]").0, 202);
    assert_eq!(post(&host, &path, &signed, "[2]").0, 404);
    assert_eq!(post(&host, &path, &headers(("webhook-signature", "v1,AAAA")), "[1]").0, 404);
    assert_eq!(post(&host, &path, &[], "[1]").0, 404);
}

#[test]
fn a_question_is_answered_once_by_a_signed_url() {
    let host = host(cli());
    let run = run(&host, "asks", &json!({}));
    let inbox = host.get("/v1/interrupts").status(200).json();
    let question = &inbox["items"][0]["id"];
    let action = json!({ "resume": { "run": run, "interrupt": question, "answer": "/ok" } });
    let (path, _) = hook(&host, &json!({ "name": "desk", "action": action }));
    assert_eq!(post(&host, &path, &[], r#"{"ok":"perhaps"}"#).0, 422);
    assert_eq!(post(&host, &path, &[], r#"{"ok":true}"#).0, 202);
    let ended = || host.get(&format!("/v1/runs/{run}")).json();
    assert!(within_a_minute(|| ended()["status"] == "completed"));
    assert_eq!(ended()["output"]["yes"], json!(true));
    assert_eq!(post(&host, &path, &[], r#"{"ok":false}"#).0, 404);
}
