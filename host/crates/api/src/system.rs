//! `/v1/system`: what this server is, who asks, and to whoever runs it, its figures.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wforge_engine::EngineFigures;
use wforge_model::TenantId;

use wforge_model::Role;

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::state::{Api, SystemInfo};

/// The answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct System {
    #[serde(flatten)]
    host: SystemInfo,
    /// The versions of the control API that are served.
    #[schema(value_type = Vec<String>)]
    api: [&'static str; 1],
    you: You,
    limits: Limits,
    /// Over all tenants, so only for the role `platform`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    figures: Option<EngineFigures>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Caller)]
pub(crate) struct You {
    tenant: TenantId,
    role: Role,
    name: String,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RequestLimits)]
pub(crate) struct Limits {
    run_bytes_max: usize,
    workflow_bytes_max: usize,
    plugin_bytes_max: usize,
    json_depth_max: usize,
    #[schema(value_type = u64)]
    wait_ms_max: u128,
    page_items_max: usize,
}

/// `GET /v1/system`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<System>, ApiError> {
    let limits = &api.parts.limits;
    Ok(Json(System {
        host: api.parts.system.clone(),
        api: ["v1"],
        figures: principal.is_platform().then(|| api.parts.engine.figures()),
        you: You { tenant: principal.tenant, role: principal.role, name: principal.name },
        limits: Limits {
            run_bytes_max: limits.run_bytes_max,
            workflow_bytes_max: limits.workflow_bytes_max,
            plugin_bytes_max: limits.plugin_bytes_max,
            json_depth_max: limits.json_depth_max,
            wait_ms_max: limits.wait_max.as_millis(),
            page_items_max: limits.page_items_max,
        },
    }))
}
