//! What a guest sends by the HTTP client of its own language: the same way out as `http.fetch`, and
//! bodies whole in memory instead of blobs, since nothing of it is kept.

use bytes::Bytes;
use futures::stream::TryStreamExt as _;
use wforge_model::TenantId;
use wforge_ports::{RawFailure, RawRequest, RawResponse};

use super::{Means, without_secrets};
use crate::outbound::{OutboundRequest, failure};

/// Sends one request and waits for its whole response, which is without opened secrets: what was
/// sent by `http.fetch` from a secret that is only held may not be asked back here.
pub(crate) async fn exchange(
    Means { outbound, secrets, limits, .. }: Means<'_>,
    tenant: &TenantId,
    request: RawRequest,
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
    let (status, mut headers) = (response.status, response.headers);
    let body = without_secrets((secrets, tenant), &mut headers, pieces.concat());
    Ok(RawResponse { status, headers, body })
}
