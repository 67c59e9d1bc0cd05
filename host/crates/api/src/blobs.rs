//! Blobs: what a run's input gives by reference is brought before the run, and goes when nothing
//! names it any more.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wforge_engine::{BlobsSwept, Handle, SweepMode};
use wforge_model::Digest;

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::resource::Resource;
use crate::state::Api;
use crate::subject::Subject;
use crate::upload::{Expected, upload};

/// A blob that is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BlobKept)]
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
    let bytes_max = api.parts.limits.run_bytes_max;
    let expected = Expected { media_type: "application/octet-stream", bytes_max };
    let keep = |engine: Handle, who: Principal, bytes: Vec<u8>| async move {
        let size = bytes.len();
        Ok((engine.put_blob(&who.tenant, bytes).await?, size))
    };
    let (digest, size) = upload(&api, principal, (&headers, body), expected, keep).await?;
    let (id, href) = (digest.to_string(), format!("/v1/blobs/{digest}"));
    Ok(Resource::new("blob", id, href, Blob { digest, size }).respond(StatusCode::CREATED))
}

/// What `POST /v1/blobs/gc` is asked.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sweep {
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /v1/blobs/gc`: removes the blobs that nothing has named for the grace time.
pub(crate) async fn sweep(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(Sweep { dry_run }): QueryOf<Sweep>,
) -> Result<Json<BlobsSwept>, ApiError> {
    let mode = if dry_run { SweepMode::Look } else { SweepMode::Remove };
    let engine = api.parts.engine.clone();
    let swept = api.whole(async move { engine.sweep_blobs(&tenant, mode).await }).await?;
    Ok(Json(swept))
}
