//! An exchange by the HTTP client of a guest's own language: never recorded, only for nodes that
//! may be run twice. Bodies are whole, either way; nothing is streamed.

use std::fmt::{self, Debug};
use std::time::Duration;

use wforge_model::{Denial, Problem};

/// One request.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRequest {
    /// The method.
    pub method: String,
    /// The URL, as the guest has it.
    pub url: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body; empty: none.
    pub body: Vec<u8>,
    /// The time for the whole exchange; none: the host's own.
    pub timeout: Option<Duration>,
}

/// URL, headers and body may hold secrets.
impl Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest").field("method", &self.method).finish_non_exhaustive()
    }
}

/// One response.
#[derive(Clone, PartialEq, Eq)]
pub struct RawResponse {
    /// The status.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Headers and body may hold secrets.
impl Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why there is no response. None of the texts holds a query, a header or a body.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RawFailure {
    /// The task may not do it.
    #[error("denied: {} on {}; {}", .0.capability, .0.resource, .0.hint)]
    Denied(Denial),
    /// The address is none that plugins may reach.
    #[error("{}", .0.hint)]
    AddressForbidden(Denial),
    /// The request cannot be sent as it is: `bad_method`, `bad_url` or `bad_request`.
    #[error("{}", .0.message)]
    Invalid(Problem),
    /// Its body is larger than it may be.
    #[error("the request's body has more than {bytes_max} bytes")]
    RequestTooLarge {
        /// The limit in bytes.
        bytes_max: u64,
    },
    /// The response is larger than it may be.
    #[error("{reason}")]
    ResponseTooLarge {
        /// Of whom, and the limit.
        reason: String,
        /// The limit in bytes.
        bytes_max: u64,
    },
    /// No connection stood in time: no request arrived.
    #[error("{0}")]
    ConnectTimeout(String),
    /// The exchange took longer than it may.
    #[error("{0}")]
    Timeout(String),
    /// The server was not reached: no request arrived.
    #[error("{0}")]
    Unreachable(String),
    /// The request may have arrived, and there is no whole response.
    #[error("{0}")]
    Broken(String),
    /// This is a replay, in which nothing is sent.
    #[error(
        "this is a replay, in which nothing is sent, and what wasi:http was answered is not \
         recorded"
    )]
    Replayed,
    /// This host has no way out.
    #[error("this host does not send requests of plugins")]
    Unserved,
    /// The host is going down.
    #[error("the host stopped sending")]
    Stopped,
}
