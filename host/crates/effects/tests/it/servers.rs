//! Servers on this machine that answer what a test says, and what was asked of them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use wforge_effects::outbound::{
    Egress, EgressOptions, Exception, Names, Outbound, OutboundError, OutboundRequest,
};

/// What a server does with one request.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Sends these bytes and takes the next request.
    Keep(Vec<u8>),
    /// Sends these bytes and closes the connection.
    Close(Vec<u8>),
    /// Sends these bytes and then nothing, the connection open.
    Stall(Vec<u8>),
}

/// What was asked of a server.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    requests: Mutex<Vec<String>>,
    connections: AtomicUsize,
}

impl Seen {
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// A server; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers everything with this.
    pub(crate) async fn start(reply: Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        let (mut tasks, all) = (JoinSet::new(), Arc::clone(&seen));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                all.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, reply) = (Arc::clone(&all), reply.clone());
                connections.spawn(async move { serve(stream, &seen, &reply).await });
            }
        });
        Self { address, seen, _tasks: tasks }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

/// Serves one connection until one side closes it.
pub(crate) async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Seen,
    reply: &Reply,
) {
    while let Some(request) = read(&mut stream).await {
        seen.requests.lock().unwrap().push(request);
        let (Reply::Keep(bytes) | Reply::Close(bytes) | Reply::Stall(bytes)) = reply;
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match reply {
            Reply::Keep(_) => {}
            Reply::Close(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            Reply::Stall(_) => std::future::pending().await,
        }
    }
}

/// One request with its body, whose length its head says.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        text.push(char::from(stream.read_u8().await.ok()?));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    text.push_str(&String::from_utf8_lossy(&body));
    Some(text)
}

/// A whole response with that body.
pub(crate) fn ok(body: &str) -> Vec<u8> {
    response("200 OK", "", body)
}

pub(crate) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes()
}

/// Names that have these addresses: each lookup of a name takes the next of its answers, and the
/// last one again and again.
#[derive(Debug, Default)]
pub(crate) struct FakeNames {
    answers: Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>,
    lookups: AtomicUsize,
}

impl FakeNames {
    pub(crate) fn of(names: &[(&str, &[&str])]) -> Arc<Self> {
        let addresses = |text: &&str| text.split(' ').map(|one| one.parse().unwrap()).collect();
        let entry = |(name, answers): &(&str, &[&str])| {
            ((*name).to_owned(), answers.iter().map(addresses).collect())
        };
        let answers = names.iter().map(entry).collect();
        Arc::new(Self { answers: Mutex::new(answers), lookups: AtomicUsize::new(0) })
    }

    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

impl Names for FakeNames {
    fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.lock().unwrap();
        let answers = answers.get_mut(name).ok_or_else(|| io::Error::other("no such name"))?;
        if answers.len() > 1 {
            return Ok(answers.pop_front().unwrap());
        }
        Ok(answers.front().cloned().unwrap_or_default())
    }
}

/// Options with these exceptions.
pub(crate) fn options(allow: &[&str]) -> EgressOptions {
    let allow = allow.iter().map(|text| text.parse::<Exception>().unwrap()).collect();
    EgressOptions { allow, ..EgressOptions::default() }
}

/// An outbound path for servers of tests, whose names are these.
pub(crate) fn egress(allow: &[&str], names: &Arc<FakeNames>) -> Egress {
    Egress::with_names(options(allow), names.clone()).unwrap()
}

/// An outbound path to servers at 127.0.0.1.
pub(crate) fn local() -> Egress {
    egress(&["127.0.0.1"], &FakeNames::of(&[]))
}

pub(crate) fn get(url: &str) -> OutboundRequest {
    OutboundRequest {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Bytes::new(),
        timeout: Duration::from_secs(20),
        response_bytes_max: 1 << 20,
    }
}

/// Status and body, or the error of either.
pub(crate) async fn send(
    egress: &Egress,
    request: OutboundRequest,
) -> Result<String, OutboundError> {
    send_as(egress, "acme", request).await
}

pub(crate) async fn send_as(
    egress: &Egress,
    tenant: &str,
    request: OutboundRequest,
) -> Result<String, OutboundError> {
    let tenant = tenant.parse().unwrap();
    let mut response = egress.send(&tenant, request).await?;
    let mut body = Vec::new();
    while let Some(piece) = response.body.next().await {
        body.extend_from_slice(&piece?);
    }
    Ok(format!("{} {}", response.status, String::from_utf8_lossy(&body)))
}
