//! What a tenant uses, beside what it may.

use axum::Json;
use axum::extract::State;
use wforge_engine::TenantUsage;

use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::state::Api;
use crate::subject::Subject;

/// `GET /v1/usage`.
pub(crate) async fn show(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<TenantUsage>, ApiError> {
    Ok(Json(api.parts.engine.usage(&tenant).await?))
}
