//! A server that speaks what OpenAI's and Anthropic's do, and fails as it is told.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use super::speech;

/// What a connection does after its request was read; at the end it is closed.
#[derive(Clone)]
pub(crate) enum Step {
    Send(String),
    /// Goes on when it is told to.
    Wait(Arc<Notify>),
    /// Says nothing more.
    Hang,
}

/// A request that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Value,
}

#[derive(Default)]
struct State {
    seen: Vec<Seen>,
    script: VecDeque<Vec<Step>>,
}

pub(crate) struct Provider {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let served = Arc::clone(&state);
        TaskTracker::new().spawn(async move {
            let connections = TaskTracker::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&served)));
            }
        });
        Self { address, state }
    }

    /// What the next request gets, in place of a sensible answer.
    pub(crate) fn next(&self, steps: Vec<Step>) {
        self.state.lock().unwrap().script.push_back(steps);
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.lock().unwrap().seen.clone()
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let Some(seen) = read(&mut stream).await else { return };
    let steps = {
        let mut state = state.lock().unwrap();
        state.seen.push(seen.clone());
        state.script.pop_front().unwrap_or_else(|| speech::answer(&seen))
    };
    for step in steps {
        match step {
            Step::Send(text) => {
                if stream.write_all(text.as_bytes()).await.is_err() {
                    return;
                }
            }
            Step::Wait(gate) => gate.notified().await,
            Step::Hang => std::future::pending().await,
        }
    }
    // Closed without a reset, so that what was sent arrives.
    stream.shutdown().await.ok();
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_bytes = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(bytes[..head_bytes].to_vec()).ok()?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    while bytes.len() < head_bytes + length {
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    }
    let body = serde_json::from_slice(&bytes[head_bytes..]).ok()?;
    Some(Seen { path, headers, body })
}

/// A response in one piece.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Send(format!(
        "HTTP/1.1 {status} Some\r\ncontent-type: application/json\r\n{headers}\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    ))]
}

pub(crate) fn json_reply(body: &Value) -> Vec<Step> {
    reply(200, "", &body.to_string())
}

/// The beginning of a stream of events.
pub(crate) fn stream_head() -> Step {
    Step::Send(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\
         connection: close\r\n\r\n"
            .to_owned(),
    )
}

pub(crate) fn event(data: &str) -> Step {
    let text = format!("data: {data}\n\n");
    Step::Send(format!("{:x}\r\n{text}\r\n", text.len()))
}

pub(crate) fn stream_end() -> Step {
    Step::Send("0\r\n\r\n".to_owned())
}

/// A stream of events that is all there.
pub(crate) fn stream(events: &[String]) -> Vec<Step> {
    let mut steps = vec![stream_head()];
    steps.extend(events.iter().map(|data| event(data)));
    steps.push(stream_end());
    steps
}
