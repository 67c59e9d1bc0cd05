//! Blobs: what a run's input gives by reference is brought before the run.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use wforge_model::Digest;

use crate::auth::Principal;
use crate::body::{self, BodyLimit};
use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::resource::Resource;
use crate::state::Api;

/// A blob that is kept.
#[derive(Debug, Serialize)]
pub(crate) struct Blob {
    digest: Digest,
    size: usize,
}

/// `POST /v1/blobs`: the body is its bytes. The same bytes twice are one blob of the tenant.
pub(crate) async fn keep(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::require_media_type(&headers, &["application/octet-stream"])?;
    let permit = api.uploads.enter(&principal.tenant)?;
    let limits = &api.parts.limits;
    let limit = BodyLimit { bytes_max: limits.run_bytes_max, timeout: limits.upload_timeout };
    let bytes = body::read(&headers, body, limit, api.parts.clock.as_ref()).await?;
    let (engine, tenant, size) = (api.parts.engine.clone(), principal.tenant, bytes.len());
    let digest = api.whole(async move {
        let _permit = permit;
        engine.put_blob(&tenant, bytes.into()).await
    });
    let digest = digest.await?;
    let (id, href) = (digest.to_string(), format!("/v1/blobs/{digest}"));
    Ok(Resource::new("blob", id, href, Blob { digest, size }).respond(StatusCode::CREATED))
}
