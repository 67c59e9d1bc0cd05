//! The inbox: everything that waits for a person, over all runs of the tenant.

use axum::Json;
use axum::extract::State;
use wforge_engine::{InboxEntry, InboxWants};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{QueryOf, run_cursor};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

/// `GET /v1/interrupts`, the oldest run first. The limit counts runs: a run may ask several
/// questions, and they come together.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<InboxEntry>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let after = at.cursor.as_deref().map(run_cursor).transpose()?;
    let (entries, next) = api.parts.engine.inbox(&principal.tenant, after, at.items_max).await?;
    let items = entries.into_iter().map(resource).collect();
    Ok(Json(Page { items, next_cursor: next.map(|run| run.to_string()) }))
}

/// A question has its own id; a pause is that of its run.
fn resource(entry: InboxEntry) -> Resource<InboxEntry> {
    let id = match &entry.wants {
        InboxWants::Answer { question, .. } => question.to_string(),
        InboxWants::Resume { .. } => entry.run.to_string(),
    };
    Resource::new("interrupt", id, format!("/v1/runs/{}", entry.run), entry)
}
