//! Connections: accepted to a limit, with a time for handshake and headers, an age, and an orderly
//! end.
//!
//! `axum::serve` gives hyper no timer, so that its timeout for slow headers never fires; hence
//! hyper is driven here. HTTP/1.1 only, with TLS too: one connection is one request at a time, and
//! what HTTP/2 lets a client do to a server (rapid reset, floods of frames) cannot be done.

use std::collections::HashMap;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use futures::future::{Either, select};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use tracing::{debug, warn};
use wforge_ports::Clock;

use crate::limits::ApiLimits;
use crate::tls::Tls;

const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// From where a request came, as the socket says it: a proxy's address, where there is one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where connections come from.
#[derive(Debug)]
pub struct Door {
    /// Where clients connect.
    pub listener: TcpListener,
    /// Speaks TLS with them; none: plain text.
    pub tls: Option<Tls>,
}

/// Serves until `shutdown`, then lets connections finish what they are at, for the drain timeout
/// at most.
pub async fn serve(
    Door { listener, tls }: Door,
    router: Router,
    limits: &ApiLimits,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let kill = CancellationToken::new();
    let server = Server {
        router,
        tls,
        http: http1(limits),
        slots: Arc::new(Semaphore::new(limits.connections_max)),
        addresses: Addresses::new(limits.connections_per_address_max),
        handshake_timeout: limits.header_read_timeout,
        age_max: limits.connection_age_max,
        grace: limits.drain_timeout,
        clock: Arc::clone(&clock),
        drain: shutdown.clone(),
        kill: kill.clone(),
    };
    while let Some((stream, peer, slot)) = server.accept(&listener).await {
        // Whoever has too many is closed at once: the slot is somebody else's.
        let Some(place) = server.addresses.enter(peer.ip()) else { continue };
        connections.spawn(server.clone().begin(stream, peer, (slot, place)));
    }
    drop(listener);
    connections.close();
    let end = clock.sleep_until(clock.now().after(limits.drain_timeout));
    if let Either::Right(_) = select(Box::pin(connections.wait()), end).await {
        warn!(connections = connections.len(), "connections did not end in time: cut off");
        kill.cancel();
        connections.wait().await;
    }
}

fn http1(limits: &ApiLimits) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.header_read_timeout)
        .max_headers(limits.headers_max)
        .max_header_size(limits.header_bytes_max);
    http
}

#[derive(Clone)]
struct Server {
    router: Router,
    tls: Option<Tls>,
    http: http1::Builder,
    slots: Arc<Semaphore>,
    addresses: Addresses,
    handshake_timeout: Duration,
    age_max: Duration,
    grace: Duration,
    clock: Arc<dyn Clock>,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl Server {
    /// The next connection with its slot; none once the server stops.
    async fn accept(
        &self,
        listener: &TcpListener,
    ) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let accepting = async {
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => return Some((stream, peer, slot)),
                    Err(error) => self.after(&error).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.drain.cancelled() => None,
            accepted = accepting => accepted,
        }
    }

    /// A peer that went away before it was accepted is nothing; anything else, such as no file
    /// descriptor being left, passes only with time.
    async fn after(&self, error: &io::Error) {
        let of_peer = [
            io::ErrorKind::ConnectionAborted,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::ConnectionRefused,
        ];
        if !of_peer.contains(&error.kind()) {
            warn!(%error, "no connection could be accepted");
            self.clock.sleep_until(self.clock.now().after(ACCEPT_RETRY)).await;
        }
    }

    /// Serves one connection to its end.
    async fn begin(self, stream: TcpStream, peer: SocketAddr, held: (OwnedSemaphorePermit, Place)) {
        // Small responses must not wait for a peer's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "connection lost before its first request");
            return;
        }
        let Some(tls) = &self.tls else { return self.drive(stream, peer, held).await };
        let handshake = Box::pin(tls.acceptor().accept(stream));
        let end = self.clock.sleep_until(self.clock.now().after(self.handshake_timeout));
        match select(handshake, end).await {
            Either::Left((Ok(stream), _)) => self.drive(stream, peer, held).await,
            Either::Left((Err(error), _)) => debug!(%error, "no TLS was agreed on"),
            Either::Right(((), _)) => debug!("the TLS handshake took too long"),
        }
    }

    async fn drive<S>(self, stream: S, peer: SocketAddr, held: (OwnedSemaphorePermit, Place))
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let with_peer = move |mut request: hyper::Request<hyper::body::Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            request
        };
        let service = TowerToHyperService::new(self.router.clone().map_request(with_peer));
        let connection = self.http.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let age = self.clock.sleep_until(self.clock.now().after(self.age_max));
        tokio::select! {
            ended = connection.as_mut() => return log_end(ended),
            () = self.drain.cancelled() => {}
            () = age => {}
        }
        connection.as_mut().graceful_shutdown();
        let grace = self.clock.sleep_until(self.clock.now().after(self.grace));
        tokio::select! {
            ended = connection => log_end(ended),
            () = self.kill.cancelled() => {}
            () = grace => {}
        }
        drop(held);
    }
}

/// How many connections each address has.
#[derive(Debug, Clone)]
struct Addresses {
    max: usize,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// The place of one connection among those of its address.
#[derive(Debug)]
struct Place {
    address: IpAddr,
    inside: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Addresses {
    fn new(max: usize) -> Self {
        Self { max, inside: Arc::default() }
    }

    fn enter(&self, address: IpAddr) -> Option<Place> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let count = inside.entry(address).or_insert(0);
        if self.max > 0 && *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Place { address, inside: Arc::clone(&self.inside) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = inside.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                inside.remove(&self.address);
            }
        }
    }
}

fn log_end(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        debug!(%error, "connection broke off");
    }
}

/// The router never fails, which is what lets a connection only end by its peer or its time.
const _: fn() = || {
    fn infallible<S: tower::Service<axum::extract::Request, Error = Infallible>>() {}
    infallible::<Router>();
};
