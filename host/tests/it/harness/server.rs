//! Runs `wforge serve` on a free port and speaks HTTP with it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use futures::StreamExt;
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Cli, Ran, program};

/// A server of its own data directory, killed when it is dropped.
#[derive(Debug)]
#[must_use = "a server that nobody asks proves nothing"]
pub(crate) struct TestHost {
    pub(crate) cli: Cli,
    child: Child,
    address: String,
    key: String,
    runtime: Runtime,
}

/// What the server answered.
#[derive(Debug)]
#[must_use = "an answer that nobody looks at proves nothing"]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) text: String,
}

/// One server-sent event.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sse {
    pub(crate) id: Option<String>,
    pub(crate) event: String,
    pub(crate) data: String,
}

impl TestHost {
    /// Starts a server on a new data directory.
    pub(crate) fn start() -> Self {
        Self::on(Cli::new())
    }

    /// Starts a server on this one's data directory.
    pub(crate) fn on(cli: Cli) -> Self {
        let mut command = program(&cli.data());
        command.arg("serve").stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("wforge starts");
        let (address, key) = await_server(&cli, &mut child);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { cli, child, address, key, runtime }
    }

    /// Kills it, as a crash would, and starts another on the same data.
    pub(crate) fn restart(mut self) -> Self {
        self.kill();
        let cli = std::mem::replace(&mut self.cli, Cli::new());
        Self::on(cli)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(self.request(reqwest::Method::GET, path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(reqwest::Method::POST, path).json(body))
    }

    /// A body that is no JSON.
    pub(crate) fn post_text(&self, path: &str, media_type: &str, body: &str) -> Reply {
        let request = self.request(reqwest::Method::POST, path);
        self.send(request.header("content-type", media_type).body(body.to_owned()))
    }

    /// A request with this in place of the key.
    pub(crate) fn get_as(&self, path: &str, key: Option<&str>) -> Reply {
        let client = client();
        let request = client.get(format!("http://{}{path}", self.address));
        self.send(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    /// The events of a run after that id, until the server ends the stream.
    pub(crate) fn events(&self, run: &str, after: Option<&str>) -> Vec<Sse> {
        let path = format!("/v1/runs/{run}/events");
        let mut request = self.request(reqwest::Method::GET, &path);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap().error_for_status().unwrap();
            let mut chunks = answer.bytes_stream();
            let mut text = Vec::new();
            while let Some(chunk) = chunks.next().await {
                text.extend_from_slice(&chunk.expect("the stream goes on"));
            }
            parse_events(&String::from_utf8(text).expect("events are UTF-8"))
        })
    }

    /// A command of this server's data directory.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.cli.run(args)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let url = format!("http://{}{path}", self.address);
        client().request(method, url).bearer_auth(&self.key)
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Reply {
        self.runtime.block_on(async {
            let answer = request.send().await.expect("the server answers");
            let status = answer.status().as_u16();
            Reply { status, text: answer.text().await.expect("a text") }
        })
    }

    fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Drop for TestHost {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Reply {
    /// Checks the status; the body is in the message.
    pub(crate) fn status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// Reads the server's log until it has written `server.json`; a killed one leaves its own behind.
/// The rest of the log is read on beside.
fn await_server(cli: &Cli, child: &mut Child) -> (String, String) {
    let mut log = BufReader::new(child.stderr.take().expect("its stderr"));
    let mut said = String::new();
    let json = loop {
        match server_file(cli) {
            Some(json) if json["pid"] == child.id() => break json,
            Some(_) | None => {}
        }
        let read = log.read_line(&mut said).expect("its log is UTF-8");
        assert!(read > 0, "serve ended:\n{said}");
    };
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    let field = |name: &str| json[name].as_str().expect("a text").to_owned();
    (field("address"), field("token"))
}

fn server_file(cli: &Cli) -> Option<Value> {
    let text = fs_err::read_to_string(cli.data().join("server.json")).ok()?;
    Some(serde_json::from_str(&text).expect("server.json is JSON"))
}

fn parse_events(text: &str) -> Vec<Sse> {
    let blocks = text.split("\n\n").map(parse_event);
    blocks.filter(|event| !event.event.is_empty() || event.id.is_some()).collect()
}

fn parse_event(block: &str) -> Sse {
    let mut event = Sse::default();
    for line in block.lines() {
        match line.split_once(':') {
            Some(("id", id)) => event.id = Some(id.trim().to_owned()),
            Some(("event", name)) => event.event = name.trim().to_owned(),
            Some(("data", data)) => event.data.push_str(data.trim_start()),
            _ => {}
        }
    }
    event
}

#[test]
fn events_are_read_with_their_ids() {
    let text = ": hello\n\nid: 1\nevent: run_started\ndata: {}\n\nevent: line\ndata: x\n\n";
    let names: Vec<_> = parse_events(text).into_iter().map(|e| (e.id, e.event)).collect();
    assert_eq!(names, [(Some("1".into()), "run_started".into()), (None, "line".into())]);
}
