//! What people do with threads: write their state, go back in it, run it once more, copy it, tidy
//! it up, migrate it. The bodies are in [`crate::thread_request`].

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use wforge_engine::{ForkThread, Idempotency, Made, MigrateThread, Pruned, UpdateState};
use wforge_model::{Checkpoint, TenantId, ThreadId};

use crate::auth::Principal;
use crate::body;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{
    JsonOrNothing, NoQuery, PathOf, QueryOf, json_bytes, optional_bytes, thread_id,
};
use crate::idempotency::{Held, Keyed};
use crate::resource::Resource;
use crate::runs::{WaitQuery, choice, components, hold, marked, parts, when_settled};
use crate::state::{Api, Shared};
use crate::thread_request::{
    CopyBody, MigrateBody, PruneBody, ReplayBody, UpdateBody, Written, place,
};

/// A checkpoint that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CheckpointMade)]
pub(crate) struct MadeThere {
    thread: ThreadId,
    checkpoint: Checkpoint,
}

/// A thread that was tidied up.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct PrunedThread {
    thread: ThreadId,
    #[serde(flatten)]
    pruned: Pruned,
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

fn made(thread: ThreadId, Made { checkpoint, replayed }: Made) -> Response {
    let href = format!("/v1/threads/{thread}");
    let fields = MadeThere { thread, checkpoint };
    let made = Resource::new("checkpoint", checkpoint.to_string(), href, fields);
    marked(made.respond(StatusCode::CREATED), replayed)
}

/// The key of a request about a thread.
fn held(
    api: &Shared,
    principal: &Principal,
    (route, thread): (&'static str, ThreadId),
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<(Option<Idempotency>, Option<Held>), ApiError> {
    hold(api, principal, Keyed { headers, route, thread: Some(thread), body })
}

async fn large_body(api: &Api, headers: &HeaderMap, body: Body) -> Result<Bytes, ApiError> {
    json_bytes(api, headers, body, api.parts.limits.run_bytes_max).await
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
    let bytes = large_body(&api, &headers, body).await?;
    let held = held(&api, &principal, ("threads.state", thread), &headers, &bytes)?;
    let mut body: UpdateBody = body::parse(&bytes, api.parts.limits.json_depth_max)?;
    let steps = body.steps()?;
    let workflow = match body.workflow {
        Some(workflow) => Some(choice(&api, &principal, workflow.meant()?).await?),
        None => None,
    };
    let written = Written { at: body.at, workflow, steps };
    write(&api, principal, thread, written, held).await
}

/// `POST /v1/threads/{thread}/fork`: an older checkpoint is the newest again, with what is written
/// there or as it is.
pub(crate) async fn fork(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let bytes = large_body(&api, &headers, body).await?;
    let held = held(&api, &principal, ("threads.fork", thread), &headers, &bytes)?;
    let mut body: UpdateBody = body::parse(&bytes, api.parts.limits.json_depth_max)?;
    let (Some(at), None) = (body.at, &body.workflow) else {
        let detail = "a fork begins at a checkpoint of the thread: name it in at";
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    };
    if !body.writes_nothing() {
        let written = Written { at: Some(at), workflow: None, steps: body.steps()? };
        return write(&api, principal, thread, written, held).await;
    }
    of_thread(&api, &principal.tenant, thread, Some(at)).await?;
    let (idempotency, held) = held;
    let request = ForkThread { at: place(thread, Some(at)), idempotency, by: principal.name };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    let fork = async move { engine.fork_thread(&tenant, request).await };
    Ok(made(thread, api.whole_under(held, fork).await?))
}

async fn write(
    api: &Shared,
    principal: Principal,
    thread: ThreadId,
    Written { at, workflow, steps }: Written,
    (idempotency, held): (Option<Idempotency>, Option<Held>),
) -> Result<Response, ApiError> {
    of_thread(api, &principal.tenant, thread, at).await?;
    let (at, by) = (place(thread, at), principal.name);
    let update = UpdateState { at, workflow, steps, idempotency, by };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    let update = async move { engine.update_state(&tenant, update).await };
    Ok(made(thread, api.whole_under(held, update).await?))
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
    let bytes = optional_bytes(&api, &headers, body).await?;
    let (idempotency, held) = held(&api, &principal, ("threads.replay", thread), &headers, &bytes)?;
    let body: ReplayBody = body::parse_optional(&bytes, api.parts.limits.json_depth_max)?;
    of_thread(&api, &principal.tenant, thread, body.at).await?;
    let request = body.meant(thread, idempotency, principal.name.clone());
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant.clone());
    let replay = async move { engine.continue_from(&tenant, request).await };
    let started = api.whole_under(held, replay).await?;
    let response = when_settled(&api, &principal.tenant, started.run, wait).await?;
    Ok(marked(response, started.replayed))
}

/// `POST /v1/threads/{thread}/copy`: to the thread that the body names, or to a new one.
pub(crate) async fn copy(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(CopyBody { to }): JsonOrNothing<CopyBody>,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let to = to.unwrap_or_else(|| new_thread(&api));
    let (engine, who) = (api.parts.engine.clone(), principal);
    let copy = async move { engine.copy_thread(&who.tenant, thread, to, &who.name).await };
    let checkpoint = api.whole(copy).await?;
    Ok(made(to, Made { checkpoint, replayed: false }))
}

fn new_thread(api: &Shared) -> ThreadId {
    let mut bytes = [0; 16];
    api.parts.entropy.fill(&mut bytes);
    ThreadId::from_bytes(bytes)
}

/// `POST /v1/threads/{thread}/prune`: the newest checkpoints are kept, by their number or from one
/// of them on; without a body the newest alone.
pub(crate) async fn prune(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(body): JsonOrNothing<PruneBody>,
) -> Result<Response, ApiError> {
    let (thread, keep) = (thread_id(&thread)?, body.meant()?);
    let (engine, who) = (api.parts.engine.clone(), principal);
    let prune = async move { engine.prune_thread(&who.tenant, thread, keep, &who.name).await };
    let pruned = api.whole(prune).await?;
    let href = format!("/v1/threads/{thread}");
    let fields = PrunedThread { thread, pruned };
    Ok(Json(Resource::new("pruned", thread.to_string(), href, fields)).into_response())
}

/// `POST /v1/threads/{thread}/migrate`: to another version of its workflow, or what that would do.
pub(crate) async fn migrate(
    State(api): State<Api>,
    principal: Principal,
    PathOf(thread): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let thread = thread_id(&thread)?;
    let bytes = large_body(&api, &headers, body).await?;
    let (idempotency, held) =
        held(&api, &principal, ("threads.migrate", thread), &headers, &bytes)?;
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
        idempotency,
        by: principal.name.clone(),
    };
    let (engine, tenant) = (api.parts.engine.clone(), principal.tenant);
    let migrate = async move { engine.migrate(&tenant, thread, request).await };
    let migrated = api.whole_under(held, migrate).await?;
    let (href, replayed) = (format!("/v1/threads/{thread}"), migrated.replayed);
    let migrated = Json(Resource::new("migration", thread.to_string(), href, migrated));
    Ok(marked(migrated.into_response(), replayed))
}
