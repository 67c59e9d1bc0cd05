//! The one way out of the host: every surface that reaches a server of somebody else goes through
//! [`Outbound`], so that one filter holds for all of them.
//!
//! [`Egress`] is it, behind a [`Breaker`] and [`Watched`]. `url` and `names` decide where a request
//! goes, `addresses` and [`Exception`] whether it may go there, `headers` and `clients` what goes
//! along and on which connection. Whether a plugin may send at all is decided elsewhere, before.

mod addresses;
mod breaker;
mod clients;
mod egress;
mod exception;
pub(crate) mod failure;
pub(crate) mod headers;
pub(crate) mod method;
mod names;
mod options;
mod trust;
pub(crate) mod url;
mod watched;

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use wforge_model::TenantId;

pub use addresses::is_public;
pub use breaker::{Breaker, BreakerOptions};
pub use egress::Egress;
pub use exception::{Exception, ParseExceptionError, may_reach};
pub use names::{Names, SystemNames};
pub use options::{EgressError, EgressOptions, HEADERS_MAX};
pub use watched::{EgressCounts, Surface, Watched};

/// Sends requests of one tenant. Resolves names itself, refuses addresses that are not public
/// unless the operator made an exception, follows no redirect, and shares no connection between
/// tenants.
pub trait Outbound: Debug + Send + Sync {
    /// Sends a request and gives the response's head once it is there; its body comes in pieces.
    fn send<'a>(
        &'a self,
        tenant: &'a TenantId,
        request: OutboundRequest,
    ) -> BoxFuture<'a, Result<OutboundResponse, OutboundError>>;
}

/// One request. Whether its sender may send it was decided before.
#[derive(Clone)]
pub struct OutboundRequest {
    /// The method in capitals.
    pub method: String,
    /// An absolute URL, `http` or `https`, without user information.
    pub url: String,
    /// Headers in order. `host`, `content-length` and those of the connection belong to the host
    /// and are refused.
    pub headers: Vec<(String, String)>,
    /// The body; empty: none.
    pub body: Bytes,
    /// For the whole exchange, its body included.
    pub timeout: Duration,
    /// The largest body that is taken, in bytes, as it comes out of any encoding.
    pub response_bytes_max: u64,
}

/// Headers and body may hold secrets.
impl Debug for OutboundRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A response whose head is there.
pub struct OutboundResponse {
    /// The status.
    pub status: u16,
    /// Headers in order, names in lower case. Values that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body in pieces, until its end or its first error.
    pub body: BoxStream<'static, Result<Bytes, OutboundError>>,
}

impl Debug for OutboundResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboundResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no response, or no more of it. None of the texts holds a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The request cannot be sent as it is; sending it again changes nothing.
    #[error("{reason}")]
    Invalid {
        /// What is wrong with it.
        reason: String,
    },
    /// The address is none that plugins may reach; the operator can make an exception.
    #[error("{host} is at {address}, which is not a public address")]
    Forbidden {
        /// The host.
        host: String,
        /// Its address.
        address: std::net::IpAddr,
    },
    /// The server was not reached: no request arrived.
    #[error("{host} cannot be reached: {reason}")]
    Unreachable {
        /// The host.
        host: String,
        /// Why.
        reason: String,
        /// Whether that is since it took too long.
        is_timeout: bool,
    },
    /// The request may have arrived, and there is no whole response.
    #[error("the connection to {host} broke: {reason}")]
    Broken {
        /// The host.
        host: String,
        /// Why.
        reason: String,
    },
    /// The server failed again and again, and is left alone for a while.
    #[error("{host} failed again and again, and is left alone for another {retry_after_ms} ms")]
    Resting {
        /// The host.
        host: String,
        /// When it is asked again, in milliseconds.
        retry_after_ms: u64,
    },
    /// It took longer than it may.
    #[error("{host} took longer than {limit_ms} ms")]
    Timeout {
        /// The host.
        host: String,
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// The body is larger than it may be.
    #[error("the response of {host} has more than {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: u64,
    },
}
