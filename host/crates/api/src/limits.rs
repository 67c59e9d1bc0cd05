//! What one request, one tenant and one server may use. Everything has a default.

use std::time::Duration;

/// The limits of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiLimits {
    /// Connections at the same time; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// Connections of one address at the same time; further ones are closed. 0: no limit.
    pub connections_per_address_max: usize,
    /// The oldest that a connection gets before it is asked to end.
    pub connection_age_max: Duration,
    /// From the connection, or the last response, to the end of a request's headers.
    pub header_read_timeout: Duration,
    /// Header fields of one request.
    pub headers_max: usize,
    /// Bytes of all header fields and the request line together.
    pub header_bytes_max: usize,
    /// Time that connections get to finish when the server stops.
    pub drain_timeout: Duration,
    /// Bytes of a JSON body, where no other limit is named.
    pub json_bytes_max: usize,
    /// Bytes of the body that starts a run; its input may hold a document.
    pub run_bytes_max: usize,
    /// Bytes of a workflow file.
    pub workflow_bytes_max: usize,
    /// Bytes of a component.
    pub plugin_bytes_max: usize,
    /// Nesting of JSON.
    pub json_depth_max: usize,
    /// Time to read a body to its end.
    pub body_timeout: Duration,
    /// Time to read a component to its end.
    pub upload_timeout: Duration,
    /// Time from the end of the headers to the response, reading and waiting included.
    pub request_timeout: Duration,
    /// The longest `?wait=`.
    pub wait_max: Duration,
    /// Requests under way at the same time.
    pub requests: Share,
    /// Event streams at the same time.
    pub streams: Share,
    /// Uploads of components at the same time, checking included.
    pub uploads: Share,
    /// Between two comments that keep an idle event stream alive.
    pub heartbeat: Duration,
    /// The oldest that an event stream gets; clients go on from their last event.
    pub stream_age_max: Duration,
    /// Items of one page, where the request names no number.
    pub page_items_default: usize,
    /// Items of one page at most.
    pub page_items_max: usize,
    /// Invalid credentials of one address, or for one key, in a minute.
    pub auth_failures_per_minute_max: u32,
    /// Posts to one inbound webhook in a second, and at once.
    pub hook_posts_per_second_max: u32,
    /// How long an idempotency key is remembered.
    pub idempotency_ttl: Duration,
    /// Bytes of an idempotency key.
    pub idempotency_key_bytes_max: usize,
}

/// How much of something is for all tenants together and for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// All tenants together.
    pub total_max: usize,
    /// Each tenant.
    pub tenant_max: usize,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            connections_max: 1_024,
            connections_per_address_max: 256,
            connection_age_max: Duration::from_secs(4 * 3_600),
            header_read_timeout: Duration::from_secs(10),
            headers_max: 64,
            header_bytes_max: 16 << 10,
            drain_timeout: Duration::from_secs(25),
            json_bytes_max: 1 << 20,
            run_bytes_max: 8 << 20,
            workflow_bytes_max: 1 << 20,
            plugin_bytes_max: 64 << 20,
            json_depth_max: 64,
            body_timeout: Duration::from_secs(30),
            upload_timeout: Duration::from_secs(120),
            request_timeout: Duration::from_secs(240),
            wait_max: Duration::from_secs(60),
            requests: Share { total_max: 512, tenant_max: 128 },
            streams: Share { total_max: 512, tenant_max: 64 },
            uploads: Share { total_max: 4, tenant_max: 2 },
            heartbeat: Duration::from_secs(15),
            stream_age_max: Duration::from_secs(3_600),
            page_items_default: 50,
            page_items_max: 200,
            auth_failures_per_minute_max: 30,
            hook_posts_per_second_max: 20,
            idempotency_ttl: Duration::from_secs(24 * 3_600),
            idempotency_key_bytes_max: 255,
        }
    }
}
