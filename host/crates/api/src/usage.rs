//! What a tenant uses, beside what it may.

use axum::Json;
use axum::extract::State;
use wforge_engine::TenantUsage;

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::state::Api;
use crate::tenants::existing;

/// `GET /v1/usage`.
pub(crate) async fn own(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<TenantUsage>, ApiError> {
    Ok(Json(api.parts.engine.usage(&principal.tenant).await?))
}

/// `GET /v1/tenants/{tenant}/usage`.
pub(crate) async fn of_tenant(
    State(api): State<Api>,
    PathOf(tenant): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<TenantUsage>, ApiError> {
    Ok(Json(api.parts.engine.usage(&existing(&api, &tenant)?).await?))
}
