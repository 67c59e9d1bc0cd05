//! Tenants: made, suspended, changed and erased by whoever runs the server.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wforge_engine::EngineError;
use wforge_model::tenancy::{AskedQuotas, Quotas, Tenant, TenantState};
use wforge_model::{PluginName, TenantId, Timestamp};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::{Api, Shared};
use crate::subject::Subject;

/// A tenant, as lists show it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TenantFields)]
pub(crate) struct ShownTenant {
    state: TenantState,
    created_at: Timestamp,
    created_by: String,
    /// What holds for it.
    quotas: Quotas,
    /// The platform's plugins that it may use.
    plugins: Vec<PluginName>,
}

/// The body of [`create`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TenantCreate)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateBody {
    id: TenantId,
    #[serde(default)]
    quotas: AskedQuotas,
}

/// The body of [`plugins`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TenantPlugins)]
#[serde(deny_unknown_fields)]
pub(crate) struct PluginsBody {
    plugins: Vec<PluginName>,
}

/// The body of [`erase`]: the name once more, so that nobody erases another one by a slip.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TenantErase)]
#[serde(deny_unknown_fields)]
pub(crate) struct EraseBody {
    confirm: String,
}

/// `GET /v1/tenants`, by name.
pub(crate) async fn list(
    State(api): State<Api>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownTenant>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let tenants = api.parts.engine.tenants();
    let items = tenants.iter().map(|tenant| resource(&api, tenant)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// `GET /v1/tenants/{tenant}`.
pub(crate) async fn show(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    Ok(Json(resource(&api, &*api.parts.engine.tenant(&tenant)?)))
}

/// `POST /v1/tenants`.
pub(crate) async fn create(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(CreateBody { id, quotas }): JsonOf<CreateBody>,
) -> Result<Response, ApiError> {
    let (engine, by) = (api.parts.engine.clone(), principal);
    let create = async move { engine.create_tenant(id, quotas, &by.actor()).await };
    let made = api.whole(create).await?;
    Ok(resource(&api, &made).respond(StatusCode::CREATED))
}

/// `POST /v1/tenants/{tenant}/suspend`: its credentials are refused and its runs stand still.
pub(crate) async fn suspend(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    not_its_own(&tenant, &by, "suspend")?;
    let engine = api.parts.engine.clone();
    changed(&api, async move { engine.suspend_tenant(&tenant, &by.actor()).await }).await
}

/// `POST /v1/tenants/{tenant}/resume`.
pub(crate) async fn resume(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    let engine = api.parts.engine.clone();
    changed(&api, async move { engine.resume_tenant(&tenant, &by.actor()).await }).await
}

/// The answer of [`revoke_tokens`].
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = TokensRevoked)]
pub(crate) struct Revoked {
    /// Tokens that were issued before are refused.
    tokens_since: Timestamp,
}

/// `POST /v1/tokens/revoke`: every token of the tenant is taken back.
pub(crate) async fn revoke_tokens(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Revoked>, ApiError> {
    let engine = api.parts.engine.clone();
    let revoke = async move { engine.revoke_tokens(&tenant, &by.actor()).await };
    let tokens_since = api.whole(revoke).await?.tokens_since;
    Ok(Json(Revoked { tokens_since }))
}

/// `POST /v1/tenants/{tenant}/quotas`: the body says all that is other than for everybody.
pub(crate) async fn quotas(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(quotas): JsonOf<AskedQuotas>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    let engine = api.parts.engine.clone();
    changed(&api, async move { engine.set_quotas(&tenant, quotas, &by.actor()).await }).await
}

/// `POST /v1/tenants/{tenant}/plugins`: the platform's plugins that it may use, all of them.
pub(crate) async fn plugins(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(PluginsBody { plugins }): JsonOf<PluginsBody>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    let engine = api.parts.engine.clone();
    changed(&api, async move { engine.set_platform_plugins(&tenant, plugins, &by.actor()).await })
        .await
}

/// `POST /v1/tenants/{tenant}/erase`: nothing is left of it when this is answered.
pub(crate) async fn erase(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(EraseBody { confirm }): JsonOf<EraseBody>,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    if confirm != tenant.as_str() {
        let detail = format!("to erase the tenant, say so: {{\"confirm\":\"{tenant}\"}}");
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    not_its_own(&tenant, &by, "erase")?;
    let engine = api.parts.engine.clone();
    changed(&api, async move { engine.erase_tenant(&tenant, &by.actor()).await }).await
}

/// Nobody locks themselves out: who could let a tenant go on must not go with it.
fn not_its_own(tenant: &TenantId, by: &Principal, change: &str) -> Result<(), ApiError> {
    if *tenant != by.tenant {
        return Ok(());
    }
    let detail = format!("a credential cannot {change} its own tenant; use one of another tenant");
    Err(ApiError::new(&codes::CONFLICT, detail))
}

/// Finishes a change, whether or not the client waits for it, and shows the tenant as it is then.
async fn changed(
    api: &Api,
    change: impl Future<Output = Result<Arc<Tenant>, EngineError>> + Send + 'static,
) -> Result<Json<Resource<ShownTenant>>, ApiError> {
    Ok(Json(resource(api, &*api.whole(change).await?)))
}

fn resource(api: &Shared, tenant: &Tenant) -> Resource<ShownTenant> {
    let shown = ShownTenant {
        state: tenant.state,
        created_at: tenant.created_at,
        created_by: tenant.created_by.clone(),
        quotas: api.parts.engine.quotas(&tenant.id),
        plugins: tenant.plugins.clone(),
    };
    let id = tenant.id.to_string();
    let href = format!("/v1/tenants/{id}");
    Resource::new("tenant", id, href, shown)
}
