//! Servers that agents reach in proofs: models, an MCP server and one that takes posts. Each is a
//! process of its own, and every request that arrives is a line of its log before it is answered.
//!
//! Faults are chosen by the request: by the model, the tool or the path that it names. The tests
//! and the examples that prove durable effects share this folder.

mod log;
mod mcp;
mod models;
mod posts;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

pub(crate) use log::Arrived;
use log::Log;

/// Says to a program that is started again which server it is, and where its log is.
const VARIABLE: &str = "WFORGE_STAND_IN";
/// What the tests' program is started with, so that it does nothing but serve.
const AS_TEST: [&str; 3] =
    ["stand_ins::a_stand_in_is_a_process_of_its_own", "--exact", "--nocapture"];

/// A server in a process of its own, which ends with this value.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    log: PathBuf,
}

impl Server {
    /// Starts this very program again as that server: `models`, `mcp` or `posts`.
    pub(crate) fn start(what: &str, log: PathBuf) -> Result<Self> {
        let told = format!("{what} {}", log.display());
        let mut command = Command::new(std::env::current_exe()?);
        command.args(AS_TEST).env(VARIABLE, told);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let mut stderr = BufReader::new(child.stderr.take().context("no stderr")?);
        let mut line = String::new();
        stderr.read_line(&mut line)?;
        let address: Result<SocketAddr, _> = line.trim().parse();
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        let server = Self { child, address: line.trim().to_owned(), log };
        address.map(|_| server).with_context(|| format!("the server {what} did not start"))
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// What has arrived, in order.
    pub(crate) fn arrived(&self) -> Result<Vec<Arrived>> {
        match fs_err::read_to_string(&self.log) {
            Ok(text) => text.lines().map(Arrived::read).collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Which server this program is to be; none: it is itself.
#[expect(clippy::disallowed_methods, reason = "how the starter tells it")]
pub(crate) fn told() -> Option<(String, String)> {
    let told = std::env::var(VARIABLE).ok()?;
    let (what, log) = told.split_once(' ')?;
    Some((what.to_owned(), log.to_owned()))
}

/// Serves until its starter is gone; says its address on stderr.
pub(crate) async fn serve((what, log): (String, String)) -> Result<()> {
    let log = Log::open(&log)?;
    let routes = match what.as_str() {
        "models" => models::routes(log),
        "mcp" => mcp::routes(log),
        "posts" => posts::routes(log),
        _ => bail!("no server is called {what}"),
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    writeln!(std::io::stderr(), "{}", listener.local_addr()?)?;
    let (gone, is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = gone.send(());
    });
    tokio::select! {
        served = axum::serve(listener, routes) => served.with_context(|| format!("serving {what}")),
        _ = is_gone => Ok(()),
    }
}
