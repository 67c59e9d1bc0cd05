//! The outbound path itself: what is refused before a byte is sent, and what is cut off.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, StreamExt as _};
use reqwest::{Client, Response, redirect, retry};
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use wforge_model::TenantId;
use wforge_model::defence::{Defence, holds};

use super::clients::{Clients, Owner};
use super::exception::{Exception, may_reach};
use super::names::{Checked, Names, SystemNames};
use super::url::{Peer, canonical};
use super::{
    EgressError, EgressOptions, Outbound, OutboundError, OutboundRequest, OutboundResponse,
};
use super::{failure, headers, method, trust};

/// The shortest timeout: with none at all nothing could be sent.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);

/// Sends over HTTP/1.1 and TLS. Knows no proxy and no cookies, follows no redirect, repeats nothing
/// on its own, and decodes no body: a compressed one is handed on as it comes, so that its limit
/// holds for what is there. The `Host` header is always the URL's authority.
#[derive(Debug)]
pub struct Egress {
    options: EgressOptions,
    allow: Arc<[Exception]>,
    names: Arc<dyn Names>,
    tls: ClientConfig,
    clients: Clients,
}

impl Egress {
    /// An outbound path that resolves names as the system does. Reads the system's certificates of
    /// authorities, so it may block for some milliseconds.
    ///
    /// # Errors
    /// Options that cannot be used.
    pub fn new(options: EgressOptions) -> Result<Self, EgressError> {
        Self::with_names(options, Arc::new(SystemNames))
    }

    /// The same with another source of addresses. They are checked all the same.
    ///
    /// # Errors
    /// Options that cannot be used.
    pub fn with_names(options: EgressOptions, names: Arc<dyn Names>) -> Result<Self, EgressError> {
        let tls = trust::load(&options.trusted_pem)?;
        let allow = options.allow.clone().into();
        let clients = Clients::new(options.clients_max);
        let egress = Self { options, allow, names, tls, clients };
        // What is wrong with the options should be said now and not at the first request.
        egress.make_client(None)?;
        Ok(egress)
    }

    async fn exchange(
        &self,
        tenant: &TenantId,
        request: OutboundRequest,
    ) -> Result<OutboundResponse, OutboundError> {
        let url = canonical(&request.url, self.options.url_bytes_max)
            .map_err(|error| invalid(error.to_string()))?;
        let peer = Peer::of(&url);
        self.check_literal(&peer)?;
        let method = method::read(&request.method).map_err(|error| invalid(error.to_string()))?;
        let headers = headers::outgoing(&request.headers, &self.options)?;
        let client = self.client(tenant, &peer)?;
        let limit = request.timeout.min(self.options.timeout_max).max(TIMEOUT_MIN);
        let body = self.checked_body(request.body)?;
        let mut sending = client.request(method, url).headers(headers).timeout(limit);
        if !body.is_empty() {
            sending = sending.body(body);
        }
        let response = sending.send().await;
        let response = response.map_err(|error| failure::of_exchange(error, &peer.host, limit))?;
        let bytes_max = request.response_bytes_max.min(self.options.response_bytes_max);
        self.received(response, Arrival { host: peer.host, limit, bytes_max })
    }

    /// The connector asks no resolver about an address, so it is checked here.
    fn check_literal(&self, peer: &Peer) -> Result<(), OutboundError> {
        match peer.literal() {
            Some(address) if !may_reach(&self.allow, address, Some(peer.port)) => {
                Err(OutboundError::Forbidden { host: peer.host.clone(), address })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn checked_body(&self, body: Bytes) -> Result<Bytes, OutboundError> {
        let max = self.options.request_bytes_max;
        if body.len() as u64 > max {
            return Err(invalid(format!("the body has more than {max} bytes")));
        }
        Ok(body)
    }

    fn client(&self, tenant: &TenantId, peer: &Peer) -> Result<Client, OutboundError> {
        let is_named = self.allow.iter().any(|exception| exception.port() == Some(peer.port));
        let port = is_named.then_some(peer.port);
        let owner = Owner { tenant: tenant.clone(), port };
        self.clients.get(owner, || {
            let host = peer.host.clone();
            let unreachable = |error: EgressError| OutboundError::Unreachable {
                host,
                reason: error.to_string(),
                is_timeout: false,
            };
            self.make_client(port).map_err(unreachable)
        })
    }

    fn make_client(&self, port: Option<u16>) -> Result<Client, EgressError> {
        let options = &self.options;
        let resolver = Checked {
            names: Arc::clone(&self.names),
            allow: Arc::clone(&self.allow),
            port,
            slots: Arc::new(Semaphore::new(options.lookups_max)),
        };
        let builder = Client::builder()
            .tls_backend_preconfigured(trust::apart(&self.tls))
            .dns_resolver(resolver)
            .no_proxy()
            .redirect(redirects())
            .retry(retry::never())
            .referer(false)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .http1_only()
            .http1_max_headers(options.headers_held())
            .connect_timeout(options.connect_timeout)
            .pool_idle_timeout(options.idle_timeout)
            .pool_max_idle_per_host(options.idle_connections_max)
            .user_agent(options.user_agent.as_str());
        builder.build().map_err(|error| EgressError::Client(error.into()))
    }

    fn received(
        &self,
        response: Response,
        arrival: Arrival,
    ) -> Result<OutboundResponse, OutboundError> {
        let bytes_max = self.options.header_bytes_max;
        let headers = headers::incoming(response.headers(), bytes_max).ok_or_else(|| {
            OutboundError::TooLarge { host: arrival.host.clone(), limit: bytes_max as u64 }
        })?;
        // Said by the server, so a body that is too large need not be begun.
        if response.content_length().is_some_and(|length| length > arrival.bytes_max) {
            return Err(arrival.too_large());
        }
        let status = response.status().as_u16();
        Ok(OutboundResponse { status, headers, body: body(response, arrival) })
    }
}

impl Outbound for Egress {
    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>> {
        Box::pin(self.exchange(tenant, request))
    }
}

/// What holds for a body that arrives.
#[derive(Debug)]
struct Arrival {
    host: String,
    limit: Duration,
    bytes_max: u64,
}

impl Arrival {
    fn too_large(&self) -> OutboundError {
        OutboundError::TooLarge { host: self.host.clone(), limit: self.bytes_max }
    }
}

/// The body in pieces. After an error there is nothing more, and the connection is closed.
fn body(response: Response, arrival: Arrival) -> BoxStream<'static, Result<Bytes, OutboundError>> {
    let left = arrival.bytes_max;
    let start = (response, arrival, left);
    stream::try_unfold(start, |(mut response, arrival, left)| async move {
        let piece = response.chunk().await;
        let piece =
            piece.map_err(|error| failure::of_exchange(error, &arrival.host, arrival.limit))?;
        let Some(piece) = piece else {
            return Ok(None);
        };
        match left.checked_sub(piece.len() as u64) {
            Some(left) => Ok(Some((piece, (response, arrival, left)))),
            None => Err(arrival.too_large()),
        }
    })
    .boxed()
}

const fn invalid(reason: String) -> OutboundError {
    OutboundError::Invalid { reason }
}

/// Whoever wants to go where a server points to asks for it himself, and is checked again.
fn redirects() -> redirect::Policy {
    if holds(Defence::Redirects) { redirect::Policy::none() } else { redirect::Policy::default() }
}
