//! The inbox: everything that waits for a person, over all runs of the tenant.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use wforge_engine::{InboxEntry, InboxWants};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{QueryOf, run_cursor};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

/// The query of [`list`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct InboxQuery {
    /// Items of the page at most; by default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Only the questions that were put to that name.
    assignee: Option<String>,
}

/// `GET /v1/interrupts`, the oldest run first. The limit counts runs: a run may ask several
/// questions, and they come together.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(InboxQuery { limit, cursor, assignee }): QueryOf<InboxQuery>,
) -> Result<Json<Page<InboxEntry>>, ApiError> {
    let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
    let after = at.cursor.as_deref().map(run_cursor).transpose()?;
    let (engine, tenant) = (&api.parts.engine, &principal.tenant);
    let (entries, next) = engine.inbox(tenant, after, at.items_max, assignee.as_deref()).await?;
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
