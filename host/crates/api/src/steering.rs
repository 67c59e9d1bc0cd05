//! The course of a run: paused, let go on, taken up after a failure.

use std::num::NonZeroU32;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{PathOf, QueryOf, run_id};
use crate::runs::{WaitQuery, optional_body, when_settled};
use crate::state::Api;

/// The body of what needs none.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

/// `POST /v1/runs/{run}/pause`: it stops at its next border, which it may not have reached yet.
pub(crate) async fn pause(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (run, wait) = (run_id(&run)?, wait.checked(&api)?);
    let NoBody {} = optional_body(&api, &headers, body).await?;
    let (engine, who) = (api.parts.engine.clone(), principal.clone());
    api.whole(async move { engine.pause(&who.tenant, run, &who.name).await }).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}

/// The body of [`go_on`].
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunContinue)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContinueBody {
    /// Pause again after so many super-steps.
    #[serde(default)]
    #[schema(value_type = Option<u32>, minimum = 1)]
    steps: Option<NonZeroU32>,
}

/// `POST /v1/runs/{run}/continue`.
pub(crate) async fn go_on(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (run, wait) = (run_id(&run)?, wait.checked(&api)?);
    let ContinueBody { steps } = optional_body(&api, &headers, body).await?;
    let (engine, who) = (api.parts.engine.clone(), principal.clone());
    let steps = steps.map(NonZeroU32::get);
    let go_on = async move { engine.resume_paused(&who.tenant, run, steps, &who.name).await };
    api.whole(go_on).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}

/// `POST /v1/runs/{run}/retry`: what failed begins again, what had finished is kept.
pub(crate) async fn retry(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (run, wait) = (run_id(&run)?, wait.checked(&api)?);
    let NoBody {} = optional_body(&api, &headers, body).await?;
    let (engine, who) = (api.parts.engine.clone(), principal.clone());
    api.whole(async move { engine.revive(&who.tenant, run, &who.name).await }).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}
