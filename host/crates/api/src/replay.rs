//! Recorded runs: made again without any effect, and given away as a cassette.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use wforge_engine::{Instead, ReplayReport};
use wforge_model::{Digest, PluginName};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{JsonOrNothing, NoQuery, PathOf, QueryOf, run_id};
use crate::state::Api;

const FORMAT: &str = "application/x-ndjson";

/// The body of [`replay`].
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunReplay)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    /// Components that take the place of those that the run is pinned to, by plugin. They were let
    /// in already.
    #[serde(default)]
    plugins: BTreeMap<PluginName, Digest>,
}

/// `POST /v1/runs/{run}/replay`: every call once more, answered from its record. Writes nothing.
pub(crate) async fn replay(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(ReplayBody { plugins }): JsonOrNothing<ReplayBody>,
) -> Result<Json<ReplayReport>, ApiError> {
    let run = run_id(&run)?;
    let engine = &api.parts.engine;
    for component in plugins.values() {
        engine.component(&principal.tenant, *component).await?;
    }
    let instead = |(plugin, component)| Instead { plugin, component };
    let instead: Vec<Instead> = plugins.into_iter().map(instead).collect();
    Ok(Json(engine.replay(&principal.tenant, run, &instead).await?))
}

/// `GET /v1/runs/{run}/cassette`: its recorded answers, one JSON object a line.
pub(crate) async fn cassette(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    let entries = api.parts.engine.cassette(&principal.tenant, run_id(&run)?).await?;
    let mut text = String::new();
    for entry in entries {
        text.push_str(&serde_json::to_string(&entry).map_err(ApiError::internal)?);
        text.push('\n');
    }
    Ok(([(CONTENT_TYPE, FORMAT)], text).into_response())
}
