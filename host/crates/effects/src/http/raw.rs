//! What a guest sends by the HTTP client of its own language: the same way out as `http.fetch`, and
//! bodies whole in memory instead of blobs, since nothing of it is kept.

use bytes::Bytes;
use futures::stream::TryStreamExt as _;
use wforge_model::TenantId;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

use super::FetchLimits;
use crate::outbound::{Outbound, OutboundRequest, failure};

/// Sends one request and waits for its whole response.
pub(crate) async fn exchange(
    outbound: &dyn Outbound,
    tenant: &TenantId,
    request: RawRequest,
    limits: &FetchLimits,
) -> Result<RawResponse, RawFailure> {
    if request.body.len() > limits.request_bytes_max {
        let bytes_max = u64::try_from(limits.request_bytes_max).unwrap_or(u64::MAX);
        return Err(RawFailure::RequestTooLarge { bytes_max });
    }
    let request = OutboundRequest {
        method: request.method,
        url: request.url,
        headers: request.headers,
        body: request.body.into(),
        timeout: request.timeout.unwrap_or(limits.timeout).min(limits.timeout_max),
        response_bytes_max: limits.response_bytes_max,
    };
    let response = outbound.send(tenant, request).await.map_err(|error| failure::raw(&error))?;
    let pieces: Vec<Bytes> =
        response.body.try_collect().await.map_err(|error| failure::raw(&error))?;
    Ok(RawResponse { status: response.status, headers: response.headers, body: pieces.concat() })
}
