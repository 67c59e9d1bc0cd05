//! The course of a run: paused, let go on or a step further, taken up after a failure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use wforge_engine::{ContinueFrom, EngineError, ForkPoint, Handle};
use wforge_model::checkpoint::Durability;
use wforge_model::{RunId, TaskId};

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

/// `POST /v1/runs/{run}/step`: a paused run makes one super-step, and pauses again.
pub(crate) async fn step(
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
    let step = async move { engine.resume_paused(&who.tenant, run, Some(1), &who.name).await };
    api.whole(step).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}

/// The body of [`retry`].
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunRetry)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryBody {
    /// Go back to before that task's super-step, in a new run of the same thread; the run itself
    /// stays as it is.
    #[serde(default)]
    task: Option<TaskId>,
}

/// A new run from before the super-step of a task.
async fn again_from(
    engine: &Handle,
    who: &Principal,
    run: RunId,
    task: TaskId,
) -> Result<RunId, EngineError> {
    let head = engine.head(&who.tenant, run).await?;
    if head.thread.is_none() {
        return Err(EngineError::Conflict {
            code: "no_thread",
            message: format!(
                "{run} is in no thread, so nothing but its failed tasks can begin again; start \
                 runs with a thread to go back in them"
            ),
        });
    }
    let at = engine.border_before(&who.tenant, run, task).await?;
    let again = ContinueFrom {
        at: ForkPoint::Checkpoint(at),
        answers: BTreeMap::new(),
        durability: Durability::default(),
        steps: None,
        idempotency: None,
        by: who.name.clone(),
    };
    engine.continue_from(&who.tenant, again).await.map(|started| started.run)
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
    let RetryBody { task } = optional_body(&api, &headers, body).await?;
    let (engine, who) = (api.parts.engine.clone(), principal.clone());
    let again = async move {
        match task {
            Some(task) => again_from(&engine, &who, run, task).await,
            None => engine.revive(&who.tenant, run, &who.name).await.map(|head| head.run),
        }
    };
    let run = api.whole(again).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}
