//! Plugins: install, list, inspect. What a component must be like is the engine's admission.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use wforge_engine::{EngineError, Explained, GrantRequest, Handle, PluginInfo, PluginUpload};
use wforge_model::name::ParseNameError;
use wforge_model::tenancy::PLATFORM;
use wforge_model::{Digest, Recording, TenantId};
use wforge_ports::plugins::Admitted;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::etag::tagged;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::quarantine;
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::trust;
use crate::upload::{Expected, upload};

/// The answer of [`precompile`].
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(crate) struct Precompiled {
    component: Digest,
}

/// What the platform has, which tenants can be offered.
fn platform() -> Result<TenantId, ApiError> {
    PLATFORM.parse().map_err(|error: ParseNameError| ApiError::internal(error))
}

/// `GET /v1/platform/plugins`.
pub(crate) async fn list_of_platform(
    State(api): State<Api>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<PluginInfo>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let plugins = api.parts.engine.plugins(&platform()?).await?;
    Ok(Json(Page::of_whole(plugins.into_iter().map(resource).collect(), &at)))
}

/// `POST /v1/platform/plugins`: nobody can use it until a tenant is offered it.
pub(crate) async fn install_for_platform(
    State(api): State<Api>,
    principal: Principal,
    query: QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let principal = Principal { tenant: platform()?, ..principal };
    install(State(api), principal, query, headers, body).await
}

/// `GET /v1/plugins`.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<PluginInfo>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let plugins = api.parts.engine.plugins(&principal.tenant).await?;
    Ok(Json(Page::of_whole(plugins.into_iter().map(resource).collect(), &at)))
}

/// `POST /v1/plugins`: the body is a component, and the header `wforge-signature` its signature.
pub(crate) async fn install(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let signature = trust::signature(&headers)?;
    let install = |engine: Handle, who: Principal, bytes| async move {
        let upload = PluginUpload { bytes, signature };
        engine.install_plugin(&who.tenant, upload, &who.actor()).await
    };
    let installed = uploaded(&api, principal, &headers, body, install).await?;
    Ok(resource(installed).respond(StatusCode::CREATED))
}

/// `POST /v1/components`: checks a component without installing it. A run can then name it by its
/// digest.
pub(crate) async fn admit(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let admit = |engine: Handle, who: Principal, bytes| async move {
        engine.admit_plugin(&who.tenant, bytes, &who.actor()).await
    };
    let admitted = uploaded(&api, principal, &headers, body, admit).await?;
    Ok(component(admitted).respond(StatusCode::CREATED))
}

/// `GET /v1/components/{digest}`.
pub(crate) async fn show_component(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<Admitted>>, ApiError> {
    let found = digest.parse().map_err(|_| ApiError::not_found("component", &digest))?;
    Ok(Json(component(api.parts.engine.component(&principal.tenant, found).await?)))
}

/// `POST /v1/components/{digest}/precompile`: the next call of it need not wait for the compiler.
pub(crate) async fn precompile(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Precompiled>, ApiError> {
    let found: Digest = digest.parse().map_err(|_| ApiError::not_found("component", &digest))?;
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    quarantine::known(&api, &tenant, found).await?;
    let _permit = api.uploads.enter(&tenant)?;
    api.whole(async move { engine.precompile(&tenant, found).await }).await?;
    Ok(Json(Precompiled { component: found }))
}

/// What the engine makes of the component in a body.
async fn uploaded<T, F>(
    api: &Api,
    principal: Principal,
    headers: &HeaderMap,
    body: Body,
    check: impl FnOnce(Handle, Principal, Vec<u8>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, EngineError>> + Send + 'static,
{
    let bytes_max = api.parts.limits.plugin_bytes_max;
    let expected = Expected { media_type: "application/wasm", bytes_max };
    let taken = upload(api, principal, (headers, body), expected, check).await;
    taken.map_err(|error| error.unacceptable_as(&codes::PLUGIN))
}

fn component(admitted: Admitted) -> Resource<Admitted> {
    let id = admitted.component.to_string();
    let href = format!("/v1/components/{id}");
    Resource::new("component", id, href, admitted)
}

/// `GET /v1/plugins/{publisher}/{name}`; the name may carry `@version`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf((publisher, name)): PathOf<(String, String)>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let plugin = engine.plugin(tenant, &format!("{publisher}/{name}")).await?;
    let manifest = &plugin.admitted.manifest;
    let version = format!("{}@{}", manifest.name, manifest.version);
    let mut grants = BTreeMap::new();
    for need in plugin.admitted.needs() {
        let asked = GrantRequest {
            plugin: version.clone(),
            component: None,
            workflow: None,
            node: None,
            capability: need.clone(),
            reason: String::new(),
        };
        grants.insert(need.to_string(), engine.explain_grant(tenant, asked).await?);
    }
    let used = engine.used_grants(tenant, plugin.admitted.component).await?;
    let used = used.into_iter().map(|(capability, day)| (capability.to_string(), day)).collect();
    let (id, href) = names(&plugin);
    let effects = plugin.admitted.recording();
    let inspected = Inspected { plugin, effects, grants, used };
    tagged(&headers, &Resource::new("plugin", id, href, inspected))
}

/// `GET /v1/plugins/{publisher}/{name}/versions`: those that are installed, the newest first.
pub(crate) async fn versions(
    State(api): State<Api>,
    principal: Principal,
    PathOf((publisher, name)): PathOf<(String, String)>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<PluginInfo>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let name = format!("{publisher}/{name}");
    let mut plugins = api.parts.engine.plugins(&principal.tenant).await?;
    plugins.retain(|plugin| plugin.admitted.manifest.name.to_string() == name);
    if plugins.is_empty() {
        return Err(ApiError::not_found("plugin", &name));
    }
    plugins.sort_by(|left, right| {
        right.admitted.manifest.version.cmp(&left.admitted.manifest.version)
    });
    Ok(Json(Page::of_sorted(plugins.into_iter().map(resource).collect(), &at)?))
}

/// A plugin with all that is known of it.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = PluginInspected)]
pub(crate) struct Inspected {
    #[serde(flatten)]
    plugin: PluginInfo,
    /// Whether all that it can do is recorded.
    effects: Recording,
    /// How each of its needs stands, and why.
    grants: BTreeMap<String, Explained>,
    /// What it was granted and has really used, with the last day.
    used: BTreeMap<String, String>,
}

fn names(plugin: &PluginInfo) -> (String, String) {
    let manifest = &plugin.admitted.manifest;
    let id = format!("{}@{}", manifest.name, manifest.version);
    let href = format!("/v1/plugins/{id}");
    (id, href)
}

fn resource(plugin: PluginInfo) -> Resource<PluginInfo> {
    let (id, href) = names(&plugin);
    Resource::new("plugin", id, href, plugin)
}
