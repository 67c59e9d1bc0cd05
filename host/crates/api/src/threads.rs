//! Threads: list, show, history, and what people do with them. The bodies are in
//! `crate::thread_request`.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;
use wforge_engine::{CheckpointView, MigrateThread, Migrated, ThreadView, UpdateState};
use wforge_model::{Checkpoint, Digest, RunId, TenantId, ThreadId, Timestamp};
use wforge_ports::threads::ThreadRow;

use crate::auth::Principal;
use crate::body;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf, thread_id};
use crate::resource::{Page, PageQuery, Resource};
use crate::runs::{WaitQuery, choice, components, json_body, optional_body, parts, when_settled};
use crate::state::{Api, Shared};
use crate::thread_request::{CopyBody, MigrateBody, PruneBody, ReplayBody, UpdateBody, place};

/// A row of the list.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    thread: ThreadId,
    workflow: String,
    digest: Digest,
    head: Option<RunId>,
    queue: Vec<RunId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// A checkpoint that was made.
#[derive(Debug, Serialize)]
struct Made {
    thread: ThreadId,
    checkpoint: Checkpoint,
}

/// `GET /v1/threads`, in order of the ids.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Listed>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let after = at.cursor.as_deref().map(thread_cursor).transpose()?;
    let rows = api.parts.engine.threads(&principal.tenant, after, at.items_max + 1).await?;
    Ok(Json(Page::cut(rows.into_iter().map(listed).collect(), at.items_max)))
}

fn thread_cursor(text: &str) -> Result<ThreadId, ApiError> {
    text.parse().map_err(|_| ApiError::new(&codes::MALFORMED, "cursor is none that a page gave"))
}

fn listed(row: ThreadRow) -> Resource<Listed> {
    let ThreadRow { thread, head, queue, workflow, digest, created_at, updated_at, .. } = row;
    let row = Listed { thread, workflow, digest, head, queue, created_at, updated_at };
    resource(thread, row)
}

fn resource<T: Serialize>(thread: ThreadId, fields: T) -> Resource<T> {
    Resource::new("thread", thread.to_string(), format!("/v1/threads/{thread}"), fields)
}

/// `GET /v1/threads/{thread}`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ThreadView>>, ApiError> {
    let thread = thread_id(&thread)?;
    let view = api.parts.engine.thread(&principal.tenant, thread).await?;
    Ok(Json(resource(thread, view)))
}

/// `GET /v1/threads/{thread}/history`, the newest checkpoint first; the cursor is a checkpoint.
pub(crate) async fn history(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<CheckpointView>>, ApiError> {
    let thread = thread_id(&thread)?;
    let at = query.checked(&api.parts.limits)?;
    let before = at.cursor.as_deref().map(checkpoint_cursor).transpose()?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let views = engine.history(tenant, thread, before, at.items_max + 1).await?;
    let item = |view: CheckpointView| {
        let id = view.checkpoint.to_string();
        Resource::new("checkpoint", id, format!("/v1/threads/{thread}/history"), view)
    };
    Ok(Json(Page::cut(views.into_iter().map(item).collect(), at.items_max)))
}

fn checkpoint_cursor(text: &str) -> Result<Checkpoint, ApiError> {
    let wrong = "cursor is a checkpoint of this thread, such as run_…@12";
    text.parse().map_err(|_| ApiError::new(&codes::MALFORMED, wrong))
}

/// A checkpoint that a request names must be one of the thread that its path names.
async fn of_thread(
    api: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    at: Option<Checkpoint>,
) -> Result<(), ApiError> {
    let Some(at) = at else { return Ok(()) };
    let missing = || ApiError::not_found("checkpoint", &at.to_string());
    match api.parts.engine.head(tenant, at.run).await {
        Ok(head) if head.thread == Some(thread) => Ok(()),
        Ok(_) | Err(wforge_engine::EngineError::NotFound { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

fn made(thread: ThreadId, checkpoint: Checkpoint) -> Response {
    let href = format!("/v1/threads/{thread}");
    let fields = Made { thread, checkpoint };
    Resource::new("checkpoint", checkpoint.to_string(), href, fields).respond(StatusCode::CREATED)
}

async fn update_body(api: &Api, headers: &HeaderMap, body: Body) -> Result<UpdateBody, ApiError> {
    let bytes = json_body(api, headers, body, api.parts.limits.run_bytes_max).await?;
    body::parse(&bytes, api.parts.limits.json_depth_max)
}

/// `POST /v1/threads/{thread}/state`: writes the state in the place of nodes.
pub(crate) async fn update(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let mut body = update_body(&api, &headers, body).await?;
    let (at, steps) = (body.at, body.steps()?);
    let workflow = match body.workflow {
        Some(workflow) => Some(choice(&api, &principal, workflow.meant()?).await?),
        None => None,
    };
    write(&api, &principal, thread, (at, workflow, steps)).await
}

/// `POST /v1/threads/{thread}/fork`: the same at an older checkpoint, which is the newest then.
pub(crate) async fn fork(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let mut body = update_body(&api, &headers, body).await?;
    if body.at.is_none() || body.workflow.is_some() {
        let detail = "a fork begins at a checkpoint of the thread: name it in at";
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    let (at, steps) = (body.at, body.steps()?);
    write(&api, &principal, thread, (at, None, steps)).await
}

type Written = (
    Option<Checkpoint>,
    Option<wforge_engine::WorkflowChoice>,
    Vec<Vec<wforge_engine::UpdateGiven>>,
);

async fn write(
    api: &Shared,
    principal: &Principal,
    thread: ThreadId,
    (at, workflow, steps): Written,
) -> Result<Response, ApiError> {
    of_thread(api, &principal.tenant, thread, at).await?;
    let by = principal.name.clone();
    let update = UpdateState { at: place(thread, at), workflow, steps, by };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let checkpoint = api.whole(async move { engine.update_state(&tenant, update).await }).await?;
    Ok(made(thread, checkpoint))
}

/// `POST /v1/threads/{thread}/replay`: runs what is still to be done at a checkpoint.
pub(crate) async fn replay(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(wait): QueryOf<WaitQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let (thread, wait) = (thread_id(&thread)?, wait.checked(&api)?);
    let body: ReplayBody = optional_body(&api, &headers, body).await?;
    of_thread(&api, &principal.tenant, thread, body.at).await?;
    let request = body.meant(thread, principal.name.clone());
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let run = api.whole(async move { engine.continue_from(&tenant, request).await }).await?;
    when_settled(&api, &principal.tenant, run, wait).await
}

/// `POST /v1/threads/{thread}/copy`: to the thread that the body names, or to a new one.
pub(crate) async fn copy(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let CopyBody { to } = optional_body(&api, &headers, body).await?;
    let to = to.unwrap_or_else(|| new_thread(&api));
    let (engine, who) = (api.parts.engine.clone(), principal);
    let copy = async move { engine.copy_thread(&who.tenant, thread, to, &who.name).await };
    Ok(made(to, api.whole(copy).await?))
}

fn new_thread(api: &Shared) -> ThreadId {
    let mut bytes = [0; 16];
    api.parts.entropy.fill(&mut bytes);
    ThreadId::from_bytes(bytes)
}

/// `POST /v1/threads/{thread}/prune`: only the newest checkpoint is kept.
pub(crate) async fn prune(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let PruneBody {} = optional_body(&api, &headers, body).await?;
    let (engine, who) = (api.parts.engine.clone(), principal);
    let prune = async move { engine.prune_thread(&who.tenant, thread, &who.name).await };
    Ok(made(thread, api.whole(prune).await?))
}

/// `POST /v1/threads/{thread}/migrate`: to another version of its workflow, or what that would do.
pub(crate) async fn migrate(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Resource<Migrated>>, ApiError> {
    let thread = thread_id(&thread)?;
    let bytes = json_body(&api, &headers, body, api.parts.limits.run_bytes_max).await?;
    let body: MigrateBody = body::parse(&bytes, api.parts.limits.json_depth_max)?;
    let plugins = match body.plugins {
        Some(digests) => Some(components(&api, &principal, digests).await?),
        None => None,
    };
    let request = MigrateThread {
        to: choice(&api, &principal, body.to.meant()?).await?,
        workflows: parts(&api, &principal, body.with).await?,
        plugins,
        dry_run: body.dry_run,
        restart_tasks: body.restart_tasks,
        by: principal.name.clone(),
    };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    let migrate = async move { engine.migrate(&tenant, thread, request).await };
    let migrated = api.whole(migrate).await?;
    let href = format!("/v1/threads/{thread}");
    Ok(Json(Resource::new("migration", thread.to_string(), href, migrated)))
}
