//! Components that are not called any more: put away and released, by an admin for the tenant, by
//! the platform for all. And versions that new runs go back to.

use axum::Json;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use semver::Version;
use serde::{Deserialize, Serialize};
use wforge_engine::{Quarantine, VersionChoice};
use wforge_model::{Digest, PluginName, TenantId};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::{Api, Shared};

/// The body of [`choose`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = VersionWanted)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChooseBody {
    /// None: the newest.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    version: Option<Version>,
    #[serde(default)]
    reason: String,
}

/// The answer of [`choose`].
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = VersionChosen)]
pub(crate) struct Chosen {
    plugin: PluginName,
    /// None: the newest.
    #[schema(required)]
    chosen: Option<VersionChoice>,
}

/// `POST /v1/plugins/{publisher}/{name}/use`: the version that new runs get of it.
pub(crate) async fn choose(
    State(api): State<Api>,
    principal: Principal,
    PathOf((publisher, name)): PathOf<(String, String)>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(ChooseBody { version, reason }): JsonOf<ChooseBody>,
) -> Result<Json<Chosen>, ApiError> {
    let named = format!("{publisher}/{name}");
    let plugin: PluginName = named.parse().map_err(|_| ApiError::not_found("plugin", &named))?;
    let (engine, what) = (api.parts.engine.clone(), (plugin.clone(), version));
    let choose = async move {
        engine.choose_version(&principal.tenant, what, reason, &principal.actor()).await
    };
    Ok(Json(Chosen { plugin, chosen: api.whole(choose).await? }))
}

/// The body of [`put`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = QuarantinePut)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuarantineBody {
    reason: String,
}

/// `GET /v1/quarantines`.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Quarantine>>, ApiError> {
    listed(&api, Some(&principal.tenant), query).await
}

/// `GET /v1/platform/quarantines`.
pub(crate) async fn list_of_platform(
    State(api): State<Api>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Quarantine>>, ApiError> {
    listed(&api, None, query).await
}

/// `POST /v1/components/{digest}/quarantine`: it is not called any more by this tenant.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    request: Request,
) -> Result<Response, ApiError> {
    let component = component(&digest)?;
    // Before the body, so that nobody is told more of another's component than that it is not here.
    known(&api, &principal.tenant, component).await?;
    let JsonOf(QuarantineBody { reason }) = JsonOf::from_request(request, &api).await?;
    put_away(&api, Some(principal.tenant.clone()), (component, reason), principal).await
}

/// `POST /v1/platform/components/{digest}/quarantine`: it is not called any more by anybody.
pub(crate) async fn put_for_all(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(QuarantineBody { reason }): JsonOf<QuarantineBody>,
) -> Result<Response, ApiError> {
    put_away(&api, None, (component(&digest)?, reason), principal).await
}

/// `POST /v1/components/{digest}/release`.
pub(crate) async fn release(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<Quarantine>>, ApiError> {
    let scope = Some(principal.tenant.clone());
    let_go(&api, scope, component(&digest)?, principal).await
}

/// `POST /v1/platform/components/{digest}/release`.
pub(crate) async fn release_for_all(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<Quarantine>>, ApiError> {
    let_go(&api, None, component(&digest)?, principal).await
}

async fn listed(
    api: &Shared,
    scope: Option<&TenantId>,
    query: PageQuery,
) -> Result<Json<Page<Quarantine>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let found = api.parts.engine.quarantines(scope).await?;
    Ok(Json(Page::of_whole(found.into_iter().map(resource).collect(), &at)))
}

async fn put_away(
    api: &Shared,
    scope: Option<TenantId>,
    what: (Digest, String),
    by: Principal,
) -> Result<Response, ApiError> {
    let engine = api.parts.engine.clone();
    let put = async move { engine.quarantine(scope.as_ref(), what, &by.actor()).await };
    Ok(resource(api.whole(put).await?).respond(StatusCode::CREATED))
}

async fn let_go(
    api: &Shared,
    scope: Option<TenantId>,
    component: Digest,
    by: Principal,
) -> Result<Json<Resource<Quarantine>>, ApiError> {
    let engine = api.parts.engine.clone();
    let release = async move { engine.release(scope.as_ref(), component, &by.actor()).await };
    Ok(Json(resource(api.whole(release).await?)))
}

/// Refuses a component that the tenant has never seen.
pub(crate) async fn known(
    api: &Shared,
    tenant: &TenantId,
    component: Digest,
) -> Result<(), ApiError> {
    let engine = &api.parts.engine;
    let offered = engine.plugins(tenant).await?;
    if !offered.iter().any(|plugin| plugin.admitted.component == component) {
        engine.component(tenant, component).await?;
    }
    Ok(())
}

fn component(digest: &str) -> Result<Digest, ApiError> {
    digest.parse().map_err(|_| ApiError::not_found("component", digest))
}

fn resource(quarantine: Quarantine) -> Resource<Quarantine> {
    let id = quarantine.component.to_string();
    let href = format!("/v1/components/{id}");
    Resource::new("quarantine", id, href, quarantine)
}
