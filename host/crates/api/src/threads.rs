//! Threads: list, show, history. What people do with them is in [`crate::thread_changes`].

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wforge_engine::{CheckpointView, ThreadView};
use wforge_model::{Checkpoint, Digest, RunId, ThreadId, Timestamp};
use wforge_ports::threads::ThreadRow;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf, thread_id};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

/// A row of the list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ThreadFields)]
pub(crate) struct Listed {
    thread: ThreadId,
    workflow: String,
    digest: Digest,
    #[schema(required)]
    head: Option<RunId>,
    queue: Vec<RunId>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// `GET /v1/threads`, in order of the ids.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<Listed>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let after = at.cursor_as()?;
    let rows = api.parts.engine.threads(&principal.tenant, after, at.items_max + 1).await?;
    Ok(Json(Page::cut(rows.into_iter().map(listed).collect(), at.items_max)))
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
