//! Runs `wforge serve` on a free port and speaks HTTP with it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::stream::{BoxStream, StreamExt};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{Cli, Ran};

/// Only a test that would hang waits so long.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A server of its own data directory, killed when it is dropped.
#[derive(Debug)]
#[must_use = "a server that nobody asks proves nothing"]
pub(crate) struct TestHost {
    pub(crate) cli: Cli,
    child: Child,
    address: String,
    key: String,
    log: Arc<Mutex<Vec<u8>>>,
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

/// An open stream of events. Ends where the server ends it.
pub(crate) struct Events<'a> {
    runtime: &'a Runtime,
    chunks: BoxStream<'static, Vec<u8>>,
    received: Vec<u8>,
}

impl Iterator for Events<'_> {
    type Item = Sse;

    fn next(&mut self) -> Option<Sse> {
        loop {
            if let Some(event) = take_event(&mut self.received) {
                return Some(event);
            }
            let next = async { tokio::time::timeout(SILENCE_MAX, self.chunks.next()).await };
            self.received.extend(self.runtime.block_on(next).expect("an event within a minute")?);
        }
    }
}

impl TestHost {
    /// Starts a server on a new data directory.
    pub(crate) fn start() -> Self {
        Self::on(Cli::new())
    }

    /// Starts a server on this one's data directory.
    pub(crate) fn on(cli: Cli) -> Self {
        let command = cli.command(["serve"]);
        Self::of(cli, command)
    }

    /// Starts a server on this one's data directory in a shell that does something before.
    pub(crate) fn after(cli: Cli, shell: &str) -> Self {
        let command = cli.after(shell, &["serve"]);
        Self::of(cli, command)
    }

    fn of(cli: Cli, mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("wforge starts");
        let log = Arc::default();
        let (address, key) = await_server(&cli, &mut child, &log);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { cli, child, address, key, log, runtime }
    }

    /// The server's process; none once it has ended.
    pub(crate) fn pid(&mut self) -> Option<u32> {
        let has_ended = self.child.try_wait().expect("its state").is_some();
        (!has_ended).then(|| self.child.id())
    }

    /// Installs these bytes.
    pub(crate) fn install(&self, component: &[u8]) -> Reply {
        self.post_bytes_as("/v1/plugins", "application/wasm", component, &self.key)
    }

    /// Installs these bytes with a signature.
    pub(crate) fn install_signed(&self, component: &[u8], signature: &str) -> Reply {
        let header = STANDARD.encode(signature);
        let request = self.request(reqwest::Method::POST, "/v1/plugins");
        let request = request.header("wforge-signature", header);
        self.send(request.header("content-type", "application/wasm").body(component.to_vec()))
    }

    /// Kills it, as a crash would, and starts another on the same data.
    pub(crate) fn restart(mut self) -> Self {
        self.kill();
        let cli = std::mem::replace(&mut self.cli, Cli::new());
        Self::on(cli)
    }

    /// Stops it; its data directory is left.
    pub(crate) fn into_cli(mut self) -> Cli {
        self.stop();
        std::mem::replace(&mut self.cli, Cli::new())
    }

    /// Asks it to stop, as an operator does, and waits until it has.
    pub(crate) fn stop(&mut self) {
        self.ask_to_stop();
        self.child.wait().expect("it ends");
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it runs");
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send(self.request(reqwest::Method::GET, path))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(self.request(reqwest::Method::POST, path).json(body))
    }

    /// The same with further headers.
    pub(crate) fn post_with(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Reply {
        let request = self.request(reqwest::Method::POST, path).json(body);
        self.send(
            headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)),
        )
    }

    /// A body that is no JSON.
    pub(crate) fn post_text(&self, path: &str, media_type: &str, body: &str) -> Reply {
        let request = self.request(reqwest::Method::POST, path);
        self.send(request.header("content-type", media_type).body(body.to_owned()))
    }

    /// A request with this in place of the key.
    pub(crate) fn get_as(&self, path: &str, key: Option<&str>) -> Reply {
        let client = client();
        let request = client.get(format!("{}{path}", self.url()));
        self.send(match key {
            Some(key) => request.bearer_auth(key),
            None => request,
        })
    }

    /// A request with these values of the header `authorization`.
    pub(crate) fn get_with(&self, path: &str, authorization: &[String]) -> Reply {
        let request = client().get(format!("{}{path}", self.url()));
        let request = authorization
            .iter()
            .fold(request, |request, value| request.header("authorization", value));
        self.send(request)
    }

    /// The status alone; the body is left unread.
    pub(crate) fn head(&self, path: &str, key: &str) -> u16 {
        let request = client().get(format!("{}{path}", self.url())).bearer_auth(key);
        self.runtime.block_on(async { request.send().await.expect("an answer").status().as_u16() })
    }

    /// A header of the answer to a request that names no key.
    pub(crate) fn header(&self, path: &str, name: &str) -> String {
        let request = client().get(format!("{}{path}", self.url()));
        let answer = self.runtime.block_on(request.send()).expect("the server answers");
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    }

    /// JSON, with that key.
    pub(crate) fn post_as(&self, path: &str, body: &Value, key: &str) -> Reply {
        self.send(client().post(format!("{}{path}", self.url())).bearer_auth(key).json(body))
    }

    /// Text, with that key.
    pub(crate) fn post_text_as(
        &self,
        path: &str,
        media_type: &str,
        body: &str,
        key: &str,
    ) -> Reply {
        self.send_text(path, media_type, body, Some(key))
    }

    /// Bytes, with that key.
    pub(crate) fn post_bytes_as(
        &self,
        path: &str,
        media_type: &str,
        body: &[u8],
        key: &str,
    ) -> Reply {
        let request = client().post(format!("{}{path}", self.url())).bearer_auth(key);
        self.send(request.header("content-type", media_type).body(body.to_vec()))
    }

    /// Text, with a key or without one.
    pub(crate) fn send_text(
        &self,
        path: &str,
        media_type: &str,
        body: &str,
        key: Option<&str>,
    ) -> Reply {
        let request = client().post(format!("{}{path}", self.url()));
        let request = key.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        self.send(request.header("content-type", media_type).body(body.to_owned()))
    }

    /// The same by another method; without a key with the server's own.
    pub(crate) fn send_by(
        &self,
        method: &str,
        path: &str,
        media_type: &str,
        body: &str,
        key: Option<&str>,
    ) -> Reply {
        let method = method.parse().expect("a method");
        let request = client().request(method, format!("{}{path}", self.url()));
        let request = request.bearer_auth(key.unwrap_or(&self.key));
        self.send(request.header("content-type", media_type).body(body.to_owned()))
    }

    /// A post of whoever has no credential, with these headers; its status and its JSON.
    pub(crate) fn post_open(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, Value) {
        let request = client().post(format!("{}{path}", self.url()));
        let request = headers.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let reply = self.send(request.body(body.to_owned()));
        (reply.status, reply.json())
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().expect("nobody panicked with it")).into_owned()
    }

    /// Where others reach it.
    pub(crate) fn public(&self) -> String {
        let file = server_file(&self.cli).expect("server.json");
        file["public"].as_str().expect("an address").to_owned()
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The events of a run after that id, as the server sends them.
    pub(crate) fn events(&self, run: &str, after: Option<&str>) -> Events<'_> {
        self.events_at(&format!("/v1/runs/{run}/events"), after, &self.key)
    }

    /// The events at that path after that id, with that key.
    pub(crate) fn events_at(&self, path: &str, after: Option<&str>, key: &str) -> Events<'_> {
        let mut request = client().get(format!("{}{path}", self.url())).bearer_auth(key);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let answer = self.runtime.block_on(request.send()).expect("the server answers");
        let chunks = answer.error_for_status().unwrap().bytes_stream();
        let chunks = chunks.map(|chunk| chunk.expect("the stream goes on").to_vec()).boxed();
        Events { runtime: &self.runtime, chunks, received: Vec::new() }
    }

    /// The key of commands on this machine.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Commands of a data directory of their own, with a key of this server.
    pub(crate) fn stranger(&self) -> Cli {
        Cli::new().with("WFORGE_API_KEY", &self.key)
    }

    /// A command of this server's data directory.
    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.cli.run(args)
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        client().request(method, format!("{}{path}", self.url())).bearer_auth(&self.key)
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
fn await_server(cli: &Cli, child: &mut Child, kept: &Arc<Mutex<Vec<u8>>>) -> (String, String) {
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
    kept.lock().expect("nobody panicked with it").extend_from_slice(said.as_bytes());
    let kept = Arc::clone(kept);
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            kept.lock().expect("nobody panicked with it").append(&mut line);
        }
    });
    let field = |name: &str| json[name].as_str().expect("a text").to_owned();
    (field("address"), field("token"))
}

fn server_file(cli: &Cli) -> Option<Value> {
    let text = fs_err::read_to_string(cli.data().join("server.json")).ok()?;
    Some(serde_json::from_str(&text).expect("server.json is JSON"))
}

/// The first whole event of what was received; comments and blank blocks are none.
fn take_event(received: &mut Vec<u8>) -> Option<Sse> {
    loop {
        let end = received.windows(2).position(|pair| pair == b"\n\n")?;
        let block: Vec<u8> = received.drain(..end + 2).collect();
        let event = parse_event(std::str::from_utf8(&block).expect("events are UTF-8"));
        if !event.event.is_empty() || event.id.is_some() {
            return Some(event);
        }
    }
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
    let text = ": hello\n\nid: 1\nevent: run_started\ndata: {}\n\nevent: line\ndata: x\n\nid: 2\n";
    let mut received = text.as_bytes().to_vec();
    let mut next = || take_event(&mut received).map(|event| (event.id, event.event));
    assert_eq!(next(), Some((Some("1".into()), "run_started".into())));
    assert_eq!(next(), Some((None, "line".into())));
    assert_eq!(next(), None, "the last one is not whole yet");
}
