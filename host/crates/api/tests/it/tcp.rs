//! Connections over a real socket. tokio's time is paused: it passes only while everybody waits.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wforge_api::{ApiLimits, Door, Tls, serve};

use crate::bench::{Bench, ask, bench_with};

struct Served {
    bench: Bench,
    address: std::net::SocketAddr,
    stop: CancellationToken,
    server: JoinHandle<()>,
}

async fn served(limits: ApiLimits) -> Served {
    served_with(limits, None).await
}

async fn served_with(limits: ApiLimits, tls: Option<Tls>) -> Served {
    let bench = bench_with(limits.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stop = CancellationToken::new();
    let (router, clock) = (bench.router.clone(), Arc::new(bench.clock.clone()));
    let token = stop.clone();
    let server = TaskTracker::new().spawn(async move {
        serve(Door { listener, tls }, router, &limits, clock, token).await;
    });
    Served { bench, address, stop, server }
}

impl Served {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }
}

/// Sends text and reads to the end of the connection.
async fn exchange(mut stream: TcpStream, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    String::from_utf8_lossy(&reply).into_owned()
}

const LAST: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_request_over_a_socket_is_answered() {
    let served = served(ApiLimits::default()).await;
    let reply = exchange(served.connect().await, LAST).await;
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(reply.ends_with("\r\n\r\n{\"status\":\"ok\"}"), "{reply}");
}

#[tokio::test(start_paused = true)]
async fn headers_that_never_end_lose_their_connection() {
    let served = served(ApiLimits::default()).await;
    for slow in ["", "GET /heal", "GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: "] {
        let begun = tokio::time::Instant::now();
        let reply = exchange(served.connect().await, slow).await;
        assert!(!reply.contains(" 200 "), "{reply}");
        let limit = ApiLimits::default().header_read_timeout;
        assert!(begun.elapsed() >= limit && begun.elapsed() < limit * 2, "{:?}", begun.elapsed());
    }
}

#[tokio::test]
async fn headers_over_their_limit_lose_their_connection() {
    let served = served(ApiLimits::default()).await;
    let long = format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(17 << 10));
    let reply = exchange(served.connect().await, &long).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
    let many = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n", "x: 1\r\n".repeat(64));
    let reply = exchange(served.connect().await, &many).await;
    assert!(reply.starts_with("HTTP/1.1 431 "), "{reply}");
}

#[tokio::test]
async fn a_connection_over_the_limit_waits_for_its_turn() {
    let served = served(ApiLimits { connections_max: 1, ..ApiLimits::default() }).await;
    let mut first = served.connect().await;
    let mut second = std::pin::pin!(exchange(served.connect().await, LAST));
    assert!(futures::poll!(&mut second).is_pending());
    let request = LAST.replace("close", "keep-alive");
    // Each round lets the server do all that it could do for the second one as well.
    for _ in 0..20 {
        first.write_all(request.as_bytes()).await.unwrap();
        let mut reply = vec![0; 1_024];
        let read = first.read(&mut reply).await.unwrap();
        assert!(reply[..read].starts_with(b"HTTP/1.1 200 "));
        assert!(futures::poll!(&mut second).is_pending(), "answered out of turn");
    }
    drop(first);
    assert!(second.await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_stop_lets_idle_connections_go_and_ends() {
    let served = served(ApiLimits::default()).await;
    let mut idle = served.connect().await;
    let request = LAST.replace("close", "keep-alive");
    idle.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.unwrap();
    served.stop.cancel();
    served.server.await.unwrap();
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_connection_that_does_not_end_in_time_is_cut_off() {
    let served = served(ApiLimits::default()).await;
    served.bench.registered(&ask()).await;
    let body = serde_json::json!({ "workflow": "ask", "input": { "who": "you" } });
    let run = served.bench.post("/v1/runs?wait=30s", &body).send().await;
    let mut stream = served.connect().await;
    // The API is not told to stop here, so its stream of events goes on.
    let request = format!(
        "GET {}/events HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        run.header("location"),
        served.bench.key("acme/viewer"),
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    served.stop.cancel();
    let Served { bench, server, .. } = served;
    bench.passing_time(server).await.unwrap();
    let mut rest = Vec::new();
    // Cut off in the middle of a chunked body: no end of it was sent.
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn an_address_with_too_many_connections_is_closed_at_once() {
    let limits = ApiLimits { connections_per_address_max: 2, ..ApiLimits::default() };
    let served = served(limits).await;
    let (first, _second) = (served.connect().await, served.connect().await);
    let mut third = served.connect().await;
    let mut nothing = Vec::new();
    // Closed or reset, and nothing is said.
    let _ = third.read_to_end(&mut nothing).await;
    assert_eq!(nothing, b"");
    assert!(exchange(first, LAST).await.starts_with("HTTP/1.1 200 "));
}

fn certificate() -> Tls {
    let names = ["localhost".to_owned()];
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(names).unwrap();
    Tls::new(cert.pem().as_bytes(), signing_key.serialize_pem().as_bytes()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_does_not_come_loses_its_connection() {
    let served = served_with(ApiLimits::default(), Some(certificate())).await;
    let mut silent = served.connect().await;
    let bench = &served.bench;
    let mut nothing = Vec::new();
    bench.passing_time(silent.read_to_end(&mut nothing)).await.unwrap();
    assert_eq!(nothing, b"");
    let plain = exchange(served.connect().await, LAST).await;
    assert!(!plain.contains("HTTP/1.1 200"), "plain text is not answered: {plain}");
}

#[test]
fn certificate_and_key_must_go_together() {
    let other = rcgen::KeyPair::generate().unwrap().serialize_pem();
    let names = ["localhost".to_owned()];
    let pair = rcgen::generate_simple_self_signed(names).unwrap();
    let certificate = pair.cert.pem();
    assert!(Tls::new(certificate.as_bytes(), other.as_bytes()).is_err());
    assert!(Tls::new(b"", other.as_bytes()).is_err());
    assert!(Tls::new(certificate.as_bytes(), b"no key").is_err());
}
