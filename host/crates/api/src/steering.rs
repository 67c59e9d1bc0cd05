//! The course of a run: paused, let go on or a step further, answered, taken up after a failure.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts as _, Request};
use axum::response::Response;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wforge_engine::{ContinueFrom, EngineError, ForkPoint, Handle};
use wforge_model::checkpoint::Durability;
use wforge_model::{RunId, TaskId};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{JsonOrNothing, PathOf, QueryOf, run_id};
use crate::run_request::ResumeBody;
use crate::runs::{WaitQuery, when_settled};
use crate::state::Api;

/// A change of the run in the path, whose answer may wait for what comes of it.
#[derive(Debug)]
struct Change {
    api: Api,
    who: Principal,
    run: RunId,
    wait: Option<Duration>,
}

/// Such a change, and the body that says more of it.
#[derive(Debug)]
pub(crate) struct Steered<T>(Change, T);

impl<T: DeserializeOwned + Default> FromRequest<Api> for Steered<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let who = Principal::from_request_parts(&mut parts, api).await?;
        let PathOf(run) = PathOf::<String>::from_request_parts(&mut parts, api).await?;
        let QueryOf(wait) = QueryOf::<WaitQuery>::from_request_parts(&mut parts, api).await?;
        let (run, wait) = (run_id(&run)?, wait.checked(api)?);
        let request = Request::from_parts(parts, body);
        let JsonOrNothing(body) = JsonOrNothing::from_request(request, api).await?;
        Ok(Self(Change { api: Arc::clone(api), who, run, wait }, body))
    }
}

impl Change {
    /// Makes it to its end; the answer is the run that it names.
    async fn make<F>(
        self,
        change: impl FnOnce(Handle, Principal, RunId) -> F,
    ) -> Result<Response, ApiError>
    where
        F: Future<Output = Result<RunId, EngineError>> + Send + 'static,
    {
        let Self { api, who, run, wait } = self;
        let run = api.whole(change(api.parts.engine.clone(), who.clone(), run)).await?;
        when_settled(&api, &who.tenant, run, wait).await
    }

    /// Lets a paused run go on, for so many super-steps or until it ends.
    async fn go_on(self, steps: Option<u32>) -> Result<Response, ApiError> {
        self.make(|engine, who, run| async move {
            let head = engine.resume_paused(&who.tenant, run, steps, &who.name).await?;
            Ok(head.run)
        })
        .await
    }
}

/// The body of what needs none.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoBody {}

/// `POST /v1/runs/{run}/pause`: it stops at its next border, which it may not have reached yet.
pub(crate) async fn pause(
    Steered(change, NoBody {}): Steered<NoBody>,
) -> Result<Response, ApiError> {
    change
        .make(|engine, who, run| async move {
            Ok(engine.pause(&who.tenant, run, &who.name).await?.run)
        })
        .await
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
    Steered(change, ContinueBody { steps }): Steered<ContinueBody>,
) -> Result<Response, ApiError> {
    change.go_on(steps.map(NonZeroU32::get)).await
}

/// `POST /v1/runs/{run}/step`: a paused run makes one super-step, and pauses again.
pub(crate) async fn step(
    Steered(change, NoBody {}): Steered<NoBody>,
) -> Result<Response, ApiError> {
    change.go_on(Some(1)).await
}

/// `POST /v1/runs/{run}/resume`. Without anything in its body it only wakes the run.
pub(crate) async fn resume(
    Steered(change, body): Steered<ResumeBody>,
) -> Result<Response, ApiError> {
    let discards = body.discard_effects;
    let answers = body.meant()?;
    change
        .make(move |engine, who, run| async move {
            let head = if discards {
                engine.discard_effects(&who.tenant, run, &who.name).await?
            } else {
                engine.resume(&who.tenant, run, answers, &who.name).await?
            };
            Ok(head.run)
        })
        .await
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
    Steered(change, RetryBody { task }): Steered<RetryBody>,
) -> Result<Response, ApiError> {
    change
        .make(move |engine, who, run| async move {
            match task {
                Some(task) => again_from(&engine, &who, run, task).await,
                None => Ok(engine.revive(&who.tenant, run, &who.name).await?.run),
            }
        })
        .await
}
