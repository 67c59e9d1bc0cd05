//! A model's server and one that takes posts, each a process of its own. Every request that arrives
//! is a line of a log, before it is answered.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};

/// A server in a process of its own, which ends with this value.
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    log: PathBuf,
}

impl Server {
    /// Starts this very program again as that server.
    pub(crate) fn start(what: &str, log: PathBuf) -> Result<Self> {
        let program = std::env::current_exe()?;
        let mut child = Command::new(program).arg(what).arg(&log).stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("no stdout")?;
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        ensure!(!line.is_empty(), "the server {what} did not start");
        Ok(Self { child, address: line.trim().to_owned(), log })
    }

    /// What has arrived: idempotency key and request, in order.
    pub(crate) fn arrived(&self) -> Result<Vec<(String, String)>> {
        let text = match fs_err::read_to_string(&self.log) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error.into()),
        };
        let line = |line: &str| {
            let (key, request) = line.split_once(' ').context("a line without a key")?;
            Ok((key.to_owned(), request.to_owned()))
        };
        text.lines().map(line).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

type Log = Arc<fs_err::File>;

/// Serves until it is killed; says its address on stdout.
pub(crate) async fn serve(what: &str, log: &str) -> Result<()> {
    let file = fs_err::OpenOptions::new().append(true).create(true).open(log)?;
    let routes = axum::Router::new()
        .route("/v1/chat/completions", post(complete))
        .route("/posts", post(take))
        .with_state(Arc::new(file));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    #[expect(clippy::print_stdout, reason = "how its starter learns the address")]
    {
        println!("{}", listener.local_addr()?);
    }
    axum::serve(listener, routes).await.with_context(|| format!("serving {what}"))
}

fn note(log: &Log, headers: &HeaderMap, body: &Value) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("none");
    let line = format!("{key} {body}\n");
    // Whole lines, also from several threads.
    let _ = (&**log).write_all(line.as_bytes());
}

/// The same answer to the same question, as no model would.
async fn complete(
    State(log): State<Log>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    note(&log, &headers, &body);
    let asked = body.pointer("/messages").map(ToString::to_string).unwrap_or_default();
    let text = format!("answer {:08x}", crc32c::crc32c(asked.as_bytes()));
    Json(json!({
        "id": "c-1", "object": "chat.completion", "model": "fixed",
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": text },
        }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 },
    }))
}

async fn take(State(log): State<Log>, headers: HeaderMap, Json(body): Json<Value>) -> Json<Value> {
    note(&log, &headers, &body);
    Json(json!({ "taken": body.get("n") }))
}
