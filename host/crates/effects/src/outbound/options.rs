//! What the one outbound path allows.

use std::time::Duration;

use super::exception::Exception;

/// The most headers of one message, whatever is asked for: a map of headers panics where it would
/// grow past 32,768 places, of which it keeps a quarter free.
pub const HEADERS_MAX: usize = 16_384;

/// The limits of [`Egress`](super::Egress), with defaults for a host on the internet.
#[derive(Debug, Clone)]
pub struct EgressOptions {
    /// Addresses that may be reached although they are not public. Empty: none.
    pub allow: Vec<Exception>,
    /// Certificates of authorities that are trusted beside those of the system, as PEM.
    pub trusted_pem: Vec<u8>,
    /// The longest time until a connection stands, its name resolved and TLS agreed.
    pub connect_timeout: Duration,
    /// The longest time for a whole exchange; a request may ask for less. At least 1 ms.
    pub timeout_max: Duration,
    /// The longest URL, in bytes.
    pub url_bytes_max: usize,
    /// Headers of a request, and of a response; more than [`HEADERS_MAX`] is that.
    pub headers_max: usize,
    /// Names and values of all headers of a request, and of a response, in bytes.
    pub header_bytes_max: usize,
    /// The body of a request, in bytes.
    pub request_bytes_max: u64,
    /// The body of a response, in bytes; a request may ask for less.
    pub response_bytes_max: u64,
    /// Clients that are kept, of which each tenant has its own; the one that was used longest ago
    /// goes, with its idle connections.
    pub clients_max: usize,
    /// Idle connections that a tenant keeps to one host.
    pub idle_connections_max: usize,
    /// How long an idle connection is kept.
    pub idle_timeout: Duration,
    /// Names that are resolved for one tenant at the same time.
    pub lookups_max: usize,
    /// How the host names itself to servers, where a request does not say otherwise.
    pub user_agent: String,
}

impl Default for EgressOptions {
    fn default() -> Self {
        Self {
            allow: Vec::new(),
            trusted_pem: Vec::new(),
            connect_timeout: Duration::from_secs(10),
            timeout_max: Duration::from_secs(600),
            url_bytes_max: super::url::URL_BYTES_MAX,
            headers_max: 100,
            header_bytes_max: 64 << 10,
            request_bytes_max: 64 << 20,
            response_bytes_max: 64 << 20,
            clients_max: 256,
            idle_connections_max: 8,
            idle_timeout: Duration::from_secs(30),
            lookups_max: 8,
            user_agent: concat!("wforge/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl EgressOptions {
    /// The most headers of one message.
    pub(super) fn headers_held(&self) -> usize {
        self.headers_max.min(HEADERS_MAX)
    }
}

/// Options with which nothing can be sent.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// One of the trusted certificates is none.
    #[error("the certificates of authorities that are trusted cannot be read: {reason}")]
    Certificates {
        /// What is wrong with them.
        reason: String,
    },
    /// TLS or HTTP cannot be set up with them.
    #[error("a client cannot be made")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}
