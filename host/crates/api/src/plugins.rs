//! Plugins: install, list, inspect. What a component must be like is the engine's admission.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use wforge_engine::PluginInfo;

use crate::auth::Principal;
use crate::body::{self, BodyLimit};
use crate::codes;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

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

/// `POST /v1/plugins`: the body is a component.
pub(crate) async fn install(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    body::require_media_type(&headers, &["application/wasm"])?;
    let permit = api.uploads.enter(&principal.tenant)?;
    let limits = &api.parts.limits;
    let limit = BodyLimit { bytes_max: limits.plugin_bytes_max, timeout: limits.upload_timeout };
    let bytes = body::read(&headers, body, limit, api.parts.clock.as_ref()).await?;
    let (engine, who) = (api.parts.engine.clone(), principal);
    let install = async move {
        // The share is given back when the component is checked, not when its client leaves.
        let _permit = permit;
        engine.install_plugin(&who.tenant, bytes.into(), &who.name).await
    };
    let installed =
        api.whole(install).await.map_err(|error| error.unacceptable_as(&codes::PLUGIN))?;
    Ok(resource(installed).respond(StatusCode::CREATED))
}

/// `GET /v1/plugins/{publisher}/{name}`; the name may carry `@version`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf((publisher, name)): PathOf<(String, String)>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<PluginInfo>>, ApiError> {
    let name = format!("{publisher}/{name}");
    Ok(Json(resource(api.parts.engine.plugin(&principal.tenant, &name).await?)))
}

fn resource(plugin: PluginInfo) -> Resource<PluginInfo> {
    let manifest = &plugin.admitted.manifest;
    let id = format!("{}@{}", manifest.name, manifest.version);
    let href = format!("/v1/plugins/{id}");
    Resource::new("plugin", id, href, plugin)
}
