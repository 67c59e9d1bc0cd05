//! Connections: accepted to a limit, with a time for headers, an age, and an orderly end.
//!
//! `axum::serve` gives hyper no timer, so that its timeout for slow headers never fires; hence
//! hyper is driven here. HTTP/1.1 only: there is no TLS here that would negotiate anything else.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use futures::future::{Either, select};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};
use wforge_ports::Clock;

use crate::limits::ApiLimits;

const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// Serves until `shutdown`, then lets connections finish what they are at, for the drain timeout
/// at most.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &ApiLimits,
    clock: Arc<dyn Clock>,
    shutdown: CancellationToken,
) {
    let connections = TaskTracker::new();
    let kill = CancellationToken::new();
    let server = Server {
        router,
        http: http1(limits),
        slots: Arc::new(Semaphore::new(limits.connections_max)),
        age_max: limits.connection_age_max,
        grace: limits.drain_timeout,
        clock: Arc::clone(&clock),
        drain: shutdown.clone(),
        kill: kill.clone(),
    };
    while let Some((stream, slot)) = server.accept(&listener).await {
        connections.spawn(server.clone().drive(stream, slot));
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
    http: http1::Builder,
    slots: Arc<Semaphore>,
    age_max: Duration,
    grace: Duration,
    clock: Arc<dyn Clock>,
    drain: CancellationToken,
    kill: CancellationToken,
}

impl Server {
    /// The next connection with its slot; none once the server stops.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let accepting = async {
            let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => return Some((stream, slot)),
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
    async fn drive(self, stream: TcpStream, slot: OwnedSemaphorePermit) {
        // Small responses must not wait for a peer's acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "connection lost before its first request");
            return;
        }
        let service = TowerToHyperService::new(self.router.clone());
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
        drop(slot);
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
