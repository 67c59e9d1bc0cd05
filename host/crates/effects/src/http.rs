//! `http.fetch`: one element of the call becomes one request on the outbound path, and its response
//! the answer. The JSON of both is that of the runtime's adapter.
//!
//! Any status is an answer. A failure is only what kept the host from having a response: its code
//! says which. Bodies to 256 KiB are in the answer itself, larger ones are kept as blobs.
//!
//! `target` says where a request goes and so which grant it needs; the check itself comes before,
//! with the session.

mod element;
pub(crate) mod raw;
mod target;

use std::fmt::Debug;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::TryStreamExt as _;
use serde_json::json;
use wforge_model::{Digest, Failure, Problem, TenantId, Value};

use self::element::{Body, Element};
pub use self::target::Target;
pub(crate) use self::target::wanted;
use crate::deed::Deed;
use crate::outbound::{Outbound, OutboundRequest, OutboundResponse, failure, headers};
use crate::secrets::{self, Secrets};

/// The header by which a server can tell a request that was sent again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The media type of a body whose server does not name one.
const MEDIA_TYPE_UNKNOWN: &str = "application/octet-stream";
/// The longest media type that is kept of a server's, in bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 255;

/// What one request may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchLimits {
    /// A body that is part of the message, either way, in bytes.
    pub inline_bytes_max: usize,
    /// A body that is sent from a blob, in bytes.
    pub request_bytes_max: usize,
    /// A body that is received, in bytes.
    pub response_bytes_max: u64,
    /// The time for an exchange, where the guest does not say.
    pub timeout: Duration,
    /// The longest time that a guest may ask for.
    pub timeout_max: Duration,
}

impl Default for FetchLimits {
    fn default() -> Self {
        Self {
            inline_bytes_max: 256 << 10,
            request_bytes_max: 8 << 20,
            response_bytes_max: 8 << 20,
            timeout: Duration::from_secs(30),
            timeout_max: Duration::from_secs(300),
        }
    }
}

/// Where bodies are that do not fit into a message.
pub trait BodyStore: Debug + Send + Sync {
    /// Keeps a body; durable on return.
    fn put<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, Failure>>;

    /// A body that the task may open; none where there is none, or none that is for this task.
    fn get<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Bytes>, Failure>>;
}

/// What a request is sent with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) outbound: &'a dyn Outbound,
    pub(crate) bodies: &'a dyn BodyStore,
    pub(crate) secrets: &'a Secrets,
    pub(crate) limits: &'a FetchLimits,
}

/// Sends one request and waits for its whole response.
///
/// What the server repeats of an opened secret is taken out of it: who may only hold a secret does
/// not get to see it by sending it to a server that echoes.
pub(crate) async fn fetch(means: Means<'_>, deed: &Deed<'_>) -> Result<Value, Failure> {
    let Means { outbound, bodies, secrets, limits } = means;
    let request = request(means, deed).await?;
    let tenant = &deed.call.tenant;
    let response = outbound.send(tenant, request).await.map_err(|error| failure::told(&error))?;
    let OutboundResponse { status, mut headers, body } = response;
    let pieces: Vec<Bytes> = body.try_collect().await.map_err(|error| failure::told(&error))?;
    let bytes = without_secrets((secrets, tenant), &mut headers, pieces.concat());
    let body = kept(bodies, tenant, bytes, &headers, limits).await?;
    Ok(json!({ "status": status, "headers": headers, "body": body, "extra": {} }))
}

/// The body without opened secrets, which are taken out of the headers as well.
fn without_secrets(
    (secrets, tenant): (&Secrets, &TenantId),
    headers: &mut [(String, String)],
    body: Vec<u8>,
) -> Vec<u8> {
    let Some(redactor) = secrets.redactor(tenant) else { return body };
    let length = body.len();
    let body = redactor.bytes(body);
    for (name, value) in headers {
        if name == "content-length" && body.len() != length {
            *value = body.len().to_string();
        } else {
            *value = redactor.text(value);
        }
    }
    body
}

/// The request as it is sent, without a byte of it sent.
async fn request(means: Means<'_>, deed: &Deed<'_>) -> Result<OutboundRequest, Failure> {
    let Means { bodies, secrets, limits, .. } = means;
    let element = Element::read(deed.asked.element)?;
    let target = Target::of(deed.asked.element)?;
    for (name, value) in &element.headers {
        headers::checked(name, value).map_err(|reason| bad_header(name, reason))?;
    }
    let mut headers = element.headers;
    let credentials = (element.credentials.as_slice(), target.rule.as_str());
    secrets::fill(secrets, deed.call, credentials, &mut headers).await?;
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)) {
        headers.push((IDEMPOTENCY_KEY.to_owned(), deed.idempotency_key.to_owned()));
    }
    let timeout = element.timeout_ms.map_or(limits.timeout, Duration::from_millis);
    Ok(OutboundRequest {
        method: target.method,
        url: target.url.into(),
        headers,
        body: sent(bodies, &deed.call.tenant, element.body, limits).await?,
        timeout: timeout.min(limits.timeout_max),
        response_bytes_max: limits.response_bytes_max,
    })
}

/// The body of a request.
async fn sent(
    blobs: &dyn BodyStore,
    tenant: &TenantId,
    body: Body,
    limits: &FetchLimits,
) -> Result<Bytes, Failure> {
    let (bytes, max) = match body {
        Body::None => return Ok(Bytes::new()),
        Body::Inline(bytes) => (Bytes::from(bytes), limits.inline_bytes_max),
        Body::Blob(digest) => match blobs.get(tenant, digest).await? {
            Some(bytes) => (bytes, limits.request_bytes_max),
            None => {
                let message = format!("there is no blob {digest} that this task may send");
                return Err(Failure::InvalidInput(Problem::new("unknown_blob", message)));
            }
        },
    };
    if bytes.len() > max {
        let message = format!("the body has {} bytes, more than {max}", bytes.len());
        return Err(Failure::Limit(Problem::new("request_bytes", message)));
    }
    Ok(bytes)
}

/// The body of a response, as the answer holds it.
async fn kept(
    blobs: &dyn BodyStore,
    tenant: &TenantId,
    bytes: Vec<u8>,
    headers: &[(String, String)],
    limits: &FetchLimits,
) -> Result<Value, Failure> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    if bytes.len() <= limits.inline_bytes_max {
        return Ok(json!({ "base64": STANDARD.encode(bytes) }));
    }
    let size = bytes.len();
    let digest = blobs.put(tenant, bytes).await?;
    Ok(json!({ "$blob": digest, "size": size, "media_type": media_type(headers) }))
}

fn media_type(headers: &[(String, String)]) -> &str {
    let named = headers.iter().find(|(name, _)| name == "content-type").map(|(_, value)| value);
    named.filter(|value| value.len() <= MEDIA_TYPE_BYTES_MAX).map_or(MEDIA_TYPE_UNKNOWN, |v| v)
}

fn bad_header(name: &str, reason: &str) -> Failure {
    let name: String = name.chars().take(64).collect();
    Failure::InvalidInput(Problem::new("bad_header", format!("header {name:?}: {reason}")))
}

#[cfg(test)]
mod tests;
