//! What an agent sends by the HTTP client of its own language: granted, declared, unrecorded.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::harness::{Cli, Ran, plugins};

/// A server on this machine that answers by the path, and what was asked of it. Its thread ends
/// with the tests.
struct Server {
    authority: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let all = Arc::<Mutex<Vec<String>>>::default();
        let server = Self { authority, seen: Arc::clone(&all) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let all = Arc::clone(&all);
                std::thread::spawn(move || serve(stream.unwrap(), &all));
            }
        });
        server
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn serve(stream: impl std::io::Read + std::io::Write, seen: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap() == 0 || line == "\r\n" {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length: ") {
            length = text.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    let first = head.lines().next().unwrap_or_default().to_owned();
    seen.lock().unwrap().push(format!("{first} {body}"));
    let stream = stream.get_mut();
    if first.contains("/slow") {
        // Until the other side gives up.
        let _ = stream.read(&mut [0]);
        return;
    }
    let answer = if first.contains("/large") { "x".repeat(9 << 20) } else { format!("got {body}") };
    let length = answer.len();
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    // Who has enough closes the connection.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(answer.as_bytes()));
}

/// A data directory with the plugin, whose grants and exceptions are these.
fn cli(granted: &[&str], allowed: &str) -> Cli {
    let cli = Cli::new();
    let capabilities = json!(granted);
    let grants =
        format!("[[grant]]\nplugin = \"wforge/raw-rust\"\ncapabilities = {capabilities}\n");
    let grants = cli.file("grants.toml", grants);
    let cli = cli
        .with("WFORGE_PLUGINS__GRANTS_FILE", grants.to_str().expect("UTF-8"))
        .with("WFORGE_OUTBOUND__ALLOW", allowed);
    let component = plugins().join("proofs/wforge-raw-rust.wasm");
    let component = component.to_str().expect("UTF-8");
    cli.run(["plugin", "install", component]).exits(0).says(&["http.raw:*"]);
    cli
}

fn run(cli: &Cli, agent: &str, input: &Value, node: &str) -> Ran {
    let workflow = format!(
        "apiVersion: workflowforge/v1
name: raw
version: 1.0.0
state: {{ result: {{}}, wanted: {{ default: {{}} }} }}
input: []
output: [result]
nodes:
  it: {{ agent: wforge/raw-rust.{agent}, in: {}, out: {{ result: result.came }}{node} }}
edges: [{{ from: START, to: it }}]
",
        quoted(input)
    );
    let file = cli.file("workflow.yaml", workflow);
    cli.run(["run", file.to_str().expect("UTF-8"), "--output", "json", "--verbose"])
}

/// The input as expressions: texts are quoted once more.
fn quoted(input: &Value) -> Value {
    let quote = |value: &Value| match value {
        Value::String(text) => json!(format!("'{text}'")),
        other => json!(other.to_string()),
    };
    let fields = input.as_object().expect("an object");
    fields.iter().map(|(name, value)| (name.clone(), quote(value))).collect()
}

const DECLARED: &str = ", effects: { idempotent: true }";
const ALL: &[&str] = &["http.raw:*", "ask"];

/// What came of the requests of a run that completed.
fn came(ran: &Ran) -> Value {
    ran.exits(0).json()["output"]["result"].clone()
}

#[test]
fn a_request_is_sent_where_it_is_granted_and_its_node_may_run_twice() {
    let (server, cli) = (Server::start(), cli(ALL, "127.0.0.1/32"));
    let input = json!({ "authority": server.authority, "path": "/x?y=z", "body": "hello" });
    let ran = run(&cli, "send", &input, DECLARED);
    assert_eq!(came(&ran), json!(["200 got hello"]));
    assert_eq!(server.seen(), ["POST /x?y=z HTTP/1.1 hello"]);
    assert_eq!(ran.json()["tasks"][0]["effects"], json!("partial"));

    let id = ran.json()["run_id"].as_str().expect("an id").to_owned();
    cli.run(["runs", "show", &id]).exits(0).says(&["effects: partial"]);
    let page = cli.file("page.html", "");
    cli.run(["runs", "show", &id, "--html", page.to_str().expect("UTF-8")]).exits(0);
    assert!(fs_err::read_to_string(page).unwrap().contains("effects: partial at it"));
    // What it was answered is on no record, so a replay can say nothing of it, and sends nothing.
    cli.run(["replay", &id]).exits(0);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn without_a_grant_the_run_says_which_line_is_missing() {
    let server = Server::start();
    let ran = run(
        &cli(&["ask"], "127.0.0.1/32"),
        "send",
        &json!({ "authority": server.authority }),
        DECLARED,
    );
    assert_ne!(ran.code, 0);
    ran.says(&["waits for grants", "wforge grants approve wforge/raw-rust http.raw:*"]);
    assert_eq!(server.seen(), Vec::<String>::new());
}

#[test]
fn a_request_that_a_node_may_not_send_is_denied_and_the_log_says_why() {
    let (server, cli) = (Server::start(), cli(ALL, "127.0.0.1/32"));
    let input = json!({ "authority": server.authority, "path": "/?token=hush" });
    let check = |node: &str, line: &str| {
        let ran = run(&cli, "send", &input, node);
        assert_eq!(came(&ran), json!(["ErrorCode::HttpRequestDenied"]));
        assert_eq!(ran.json()["tasks"][0]["effects"], json!("recorded"));
        let log = &ran.stderr;
        assert!(log.contains(line) && !log.contains("hush"), "{log}");
    };
    check(", effects: { idempotent: true }, allow: [ask]", "wforge grants approve wforge/raw-rust");
    check("", "declare effects: {idempotent: true} on the node");
    assert_eq!(server.seen(), Vec::<String>::new());
}

#[test]
fn a_private_address_needs_an_exception_whatever_is_granted() {
    let (server, cli) = (Server::start(), cli(ALL, ""));
    let ran = run(&cli, "send", &json!({ "authority": server.authority }), DECLARED);
    assert_eq!(came(&ran), json!(["ErrorCode::DestinationIpProhibited"]));
    assert!(ran.stderr.contains("outbound.allow"), "{}", ran.stderr);
    assert_eq!(server.seen(), Vec::<String>::new());
}

#[test]
fn sizes_times_and_open_exchanges_have_limits() {
    let (server, cli) = (Server::start(), cli(ALL, "127.0.0.1/32"));
    let cli = cli
        .with("WFORGE_LIMITS__SANDBOX__HTTP_AT_ONCE_MAX", "2")
        .with("WFORGE_LIMITS__SANDBOX__HOST_CALL_BYTES_MAX", "65536");
    let check = |more: Value, expected: Value| {
        let mut input = json!({ "authority": server.authority });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(came(&run(&cli, "send", &input, DECLARED)), expected);
    };
    let cap = 8 << 20;
    check(
        json!({ "path": "/large" }),
        json!([format!("ErrorCode::HttpResponseBodySize(Some({cap}))")]),
    );
    check(
        json!({ "body": "x".repeat(700), "repeat": 100 }),
        json!(["ErrorCode::HttpRequestBodySize(Some(65536))"]),
    );
    check(json!({ "path": "/slow", "timeout_ms": 50 }), json!(["ErrorCode::HttpResponseTimeout"]));
    check(
        json!({ "times": 3 }),
        json!(["200 got ", "200 got ", "ErrorCode::ConnectionLimitReached"]),
    );
}

#[test]
fn a_task_that_runs_again_sends_again() {
    let (server, cli) = (Server::start(), cli(ALL, "127.0.0.1/32"));
    let ran = run(&cli, "twice", &json!({ "authority": server.authority }), DECLARED);
    let id = ran.exits(3).json()["run_id"].as_str().expect("an id").to_owned();
    let ended = cli.run(["runs", "resume", &id, "--answer", "it=yes", "--output", "json"]);
    assert_eq!(came(&ended), json!(["200 got "]));
    assert_eq!(server.seen(), ["GET / HTTP/1.1 ", "GET / HTTP/1.1 "]);
}

#[test]
fn a_plugin_that_can_do_it_is_told_apart_before_it_is_installed() {
    let component = plugins().join("proofs/wforge-raw-rust.wasm");
    let component = component.to_str().expect("UTF-8");
    let cli = Cli::new();
    cli.run(["plugin", "inspect", component]).exits(0).says(&[
        "partial: what wasi:http does is not recorded",
        "wasi:http/outgoing-handler",
        "needs http.raw:*",
    ]);
    let told = cli.run(["plugin", "inspect", component, "--output", "json"]).exits(0).json();
    assert_eq!(told["effects"], json!("partial"));
    let probe = plugins().join("wforge-probe.wasm");
    let probe = probe.to_str().expect("UTF-8");
    let told = cli.run(["plugin", "inspect", probe, "--output", "json"]);
    assert_eq!(told.exits(0).json()["effects"], json!("recorded"));
}
