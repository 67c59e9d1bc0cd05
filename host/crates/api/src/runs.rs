//! Runs: start, list, show, cancel. Their course is in `crate::steering`, their events in
//! `crate::events`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::future::{Either, select};
use serde::{Deserialize, Serialize};
use wforge_engine::{
    CancelRun, Idempotency, PlaceToBegin, QuestionView, RunPage, RunView, StartRun, TaskView,
    WaitFor, WorkflowChoice,
};
use wforge_model::head::RunHead;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, Object, RunId, TenantId};
use wforge_ports::plugins::Admitted;

use wforge_model::Role;

use crate::auth::Principal;
use crate::body;
use crate::codes;
use crate::error::ApiError;
use crate::etag::Tag;
use crate::extract::{JsonOrNothing, NoQuery, PathOf, QueryOf, duration, json_bytes, run_id};
use crate::idempotency::{self, Held, Keyed};
use crate::resource::{Page, Resource};
use crate::run_filter::{RunsQuery, labels_of};
use crate::run_request::{
    CancelBody, FileField, NamedFile, NamedWorkflow, StartBody, WorkflowMeant,
};
use crate::state::{Api, Shared};
use crate::workflows;

const COMPONENTS_MAX: usize = 256;
const PARTS_MAX: usize = 64;
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// A run with all that is known of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct WholeRun {
    #[serde(flatten)]
    head: RunHead,
    #[schema(required)]
    output: Option<Object>,
    tasks: Vec<TaskView>,
    questions: Vec<QuestionView>,
}

/// How long the response may wait for the run to settle.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitQuery {
    wait: Option<String>,
}

impl WaitQuery {
    pub(crate) fn checked(&self, api: &Shared) -> Result<Option<Duration>, ApiError> {
        let max = api.parts.limits.wait_max;
        self.wait.as_deref().map(|text| duration("wait", text, max)).transpose()
    }
}

/// `GET /v1/runs`, newest first. A filter that takes few of many runs may give a page with fewer
/// items than the limit, and with a cursor.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<RunsQuery>,
) -> Result<Json<Page<RunHead>>, ApiError> {
    let (at, filter) = query.meant(&api)?;
    let before = at.cursor_as()?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let RunPage { heads, next } = engine.runs(tenant, &filter, before, at.items_max).await?;
    let items = heads.into_iter().map(|head| resource(head.run, head)).collect();
    Ok(Json(Page { items, next_cursor: next.map(|run| run.to_string()) }))
}

/// `POST /v1/runs`.
pub(crate) async fn start(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let wait = wait.checked(&api)?;
    api.parts.engine.check_busy(&principal.tenant)?;
    let bytes = json_bytes(&api, &headers, body, api.parts.limits.run_bytes_max).await?;
    let keyed = Keyed { headers: &headers, route: "runs.start", thread: None, body: &bytes };
    let (idempotency, held) = hold(&api, &principal, keyed)?;
    let body: StartBody = body::parse(&bytes, api.parts.limits.json_depth_max)?;
    let request = StartRun { idempotency, ..request(&api, &principal, body).await? };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let start = async move { engine.start_held(&tenant, request).await };
    let (started, place) = api.whole_under(held, start).await?;
    let response = when_begun(&api, &principal.tenant, started.run, wait, place).await?;
    Ok(marked(response, started.replayed))
}

/// The key of a request, held until the second part is dropped.
pub(crate) fn hold(
    api: &Shared,
    principal: &Principal,
    request: Keyed<'_>,
) -> Result<(Option<Idempotency>, Option<Held>), ApiError> {
    let (limits, now) = (&api.parts.limits, api.parts.clock.now());
    let key = idempotency::of_request(request, principal, limits, now)?;
    let held = key.as_ref().map(|key| api.keys_under_way.hold(&principal.tenant, key));
    let held = held.transpose()?;
    Ok((key, held))
}

/// The response, which says where an earlier request with the same key had done it all.
pub(crate) fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// What a body asks for.
async fn request(
    api: &Shared,
    principal: &Principal,
    body: StartBody,
) -> Result<StartRun, ApiError> {
    let plugins = match body.plugins {
        Some(digests) => Some(components(api, principal, digests).await?),
        None => None,
    };
    let workflow = choice(api, principal, body.workflow.meant()?).await?;
    Ok(StartRun {
        workflows: parts(api, principal, body.with).await?,
        input: body.input,
        context: body.context,
        thread: body.thread,
        multitask: body.multitask,
        answers: body.answers,
        mocks: body.mocks,
        mock_mode: body.mock,
        durability: body.durability,
        steps: body.steps.map(NonZeroU32::get),
        labels: labels_of(body.labels)?,
        plugins,
        ..StartRun::of(workflow, principal.name.clone())
    })
}

/// The workflows that a request brings for the nodes of its own.
pub(crate) async fn parts(
    api: &Shared,
    principal: &Principal,
    files: Vec<FileField>,
) -> Result<Vec<WorkflowDraft>, ApiError> {
    if files.len() > PARTS_MAX {
        let detail = format!("a run may bring {PARTS_MAX} further workflows");
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    let mut drafts = Vec::new();
    for file in files {
        drafts.push(of_source(api, principal, file.meant()?).await?);
    }
    Ok(drafts)
}

/// The components that a request names. Whoever may only operate runs what somebody installed.
pub(crate) async fn components(
    api: &Shared,
    principal: &Principal,
    digests: Vec<Digest>,
) -> Result<Vec<Admitted>, ApiError> {
    principal.require(Role::Developer, "running plugins that are not installed")?;
    if digests.len() > COMPONENTS_MAX {
        let detail = format!("a run may name {COMPONENTS_MAX} components");
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    let mut admitted = Vec::new();
    for digest in digests {
        admitted.push(api.parts.engine.component(&principal.tenant, digest).await?);
    }
    Ok(admitted)
}

/// Whoever may only operate runs what somebody registered, not files of their own.
pub(crate) async fn choice(
    api: &Shared,
    principal: &Principal,
    meant: WorkflowMeant,
) -> Result<WorkflowChoice, ApiError> {
    match meant {
        WorkflowMeant::Named(NamedWorkflow { name, version }) => {
            Ok(WorkflowChoice::Registered { name, version })
        }
        WorkflowMeant::Source(file) => {
            let draft = of_source(api, principal, file).await?;
            Ok(WorkflowChoice::Draft(Arc::new(draft)))
        }
    }
}

async fn of_source(
    api: &Shared,
    principal: &Principal,
    NamedFile { file, text }: NamedFile,
) -> Result<WorkflowDraft, ApiError> {
    principal.require(Role::Developer, "running a workflow that is not registered")?;
    let max = api.parts.limits.workflow_bytes_max;
    if text.len() > max {
        let detail = format!("a workflow file may have {max} bytes");
        return Err(ApiError::new(&codes::TOO_LARGE, detail));
    }
    Ok(workflows::read(api, principal, file, text).await?.draft)
}

/// `GET /v1/runs/{run}`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let run = run_id(&run)?;
    let head = api.parts.engine.head(&principal.tenant, run).await?;
    // All that is shown follows from the log, so its length says whether that was seen.
    if etag_of(&head).is_known(&headers) {
        return Ok(etag_of(&head).not_modified());
    }
    let run = whole(&api, &principal.tenant, run).await?;
    let tag = etag_of(&run.fields().head);
    Ok(tag.on(Json(run).into_response()))
}

fn etag_of(head: &RunHead) -> Tag {
    Tag::of(&[&head.run.to_string(), &head.seq.to_string()])
}

/// The query of [`workflow`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorkflowQuery {
    /// A workflow that is part of the run's.
    #[param(value_type = Option<String>)]
    part: Option<Digest>,
}

/// `GET /v1/runs/{run}/workflow`: what the run is pinned to, registered or not.
pub(crate) async fn workflow(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(WorkflowQuery { part }): QueryOf<WorkflowQuery>,
) -> Result<Json<WorkflowDraft>, ApiError> {
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let head = engine.head(tenant, run_id(&run)?).await?;
    let digest = part.or(head.digest).ok_or_else(|| ApiError::not_found("workflow of", &run))?;
    let draft = engine.workflow_by_digest(tenant, digest).await?;
    Ok(Json(WorkflowDraft { lines: None, ..draft }))
}

/// `POST /v1/runs/{run}/cancel`.
pub(crate) async fn cancel(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(body): JsonOrNothing<CancelBody>,
) -> Result<Json<Resource<WholeRun>>, ApiError> {
    let (run, reason) = (run_id(&run)?, body.meant()?);
    let cancel = CancelRun { reason, roll_back: false, by: principal.name.clone() };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    api.whole(async move { engine.cancel(&tenant, run, cancel).await }).await?;
    whole(&api, &principal.tenant, run).await.map(Json)
}

/// The run: 200 where it has settled within the wait, 202 where it goes on.
pub(crate) async fn when_settled(
    api: &Shared,
    tenant: &TenantId,
    run: RunId,
    wait: Option<Duration>,
) -> Result<Response, ApiError> {
    let settled = match wait {
        Some(wait) => settles_within(api, tenant, run, wait).await?,
        None => false,
    };
    let status = if settled { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok(whole(api, tenant, run).await?.respond(status))
}

/// The same for whoever began it, who keeps the place until the answer is made, unless what is left
/// is to wait for the run.
async fn when_begun(
    api: &Shared,
    tenant: &TenantId,
    run: RunId,
    wait: Option<Duration>,
    place: Option<PlaceToBegin>,
) -> Result<Response, ApiError> {
    let head = api.parts.engine.head(tenant, run).await?;
    if wait.is_some() && !head.is_settled() {
        drop(place);
        return when_settled(api, tenant, run, wait).await;
    }
    let status = if wait.is_some() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let response = whole_of(api, head).await?.respond(status);
    drop(place);
    Ok(response)
}

async fn settles_within(
    api: &Shared,
    tenant: &TenantId,
    run: RunId,
    wait: Duration,
) -> Result<bool, ApiError> {
    let until = WaitFor::SettledBefore(api.parts.clock.now().after(wait));
    let waiting = Box::pin(api.parts.engine.wait(tenant, run, until));
    let stopping = Box::pin(api.parts.shutdown.cancelled());
    match select(waiting, stopping).await {
        Either::Left((head, _)) => Ok(head?.is_settled()),
        Either::Right(((), _)) => Ok(false),
    }
}

async fn whole(
    api: &Shared,
    tenant: &TenantId,
    run: RunId,
) -> Result<Resource<WholeRun>, ApiError> {
    let head = api.parts.engine.head(tenant, run).await?;
    whole_of(api, head).await
}

async fn whole_of(api: &Shared, head: RunHead) -> Result<Resource<WholeRun>, ApiError> {
    let run = head.run;
    let RunView { head, output, tasks, questions } = api.parts.engine.view_of(head).await?;
    Ok(resource(run, WholeRun { head, output, tasks, questions }))
}

fn resource<T: Serialize>(run: RunId, fields: T) -> Resource<T> {
    Resource::new("run", run.to_string(), format!("/v1/runs/{run}"), fields)
}
