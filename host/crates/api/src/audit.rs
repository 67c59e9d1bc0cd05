//! The audit log of a tenant: read and checked.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use wforge_engine::AuditVerdict;
use wforge_ports::store::AuditEntry;

use crate::codes;
use crate::error::ApiError;
use crate::extract::QueryOf;
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::subject::SubjectOrPlatform;

/// An entry, as lists show it.
#[derive(Debug, Serialize)]
pub(crate) struct ShownEntry(AuditEntry);

/// The query of [`verify`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerifyQuery {
    /// `PLACE:HASH`, as an earlier check said it.
    noted: Option<String>,
}

impl VerifyQuery {
    fn checked(self) -> Result<Option<(u64, String)>, ApiError> {
        let Some(noted) = self.noted else { return Ok(None) };
        let parsed = noted.split_once(':').and_then(|(place, hash)| {
            let fits = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            let place = place.parse().ok().filter(|place| *place > 0)?;
            Some((place, hash.to_ascii_lowercase())).filter(|_| fits)
        });
        let wrong = "noted is PLACE:HASH, as an earlier check said it";
        parsed.map(Some).ok_or_else(|| ApiError::new(&codes::MALFORMED, wrong))
    }
}

/// `GET /v1/audit`, the oldest entry first.
pub(crate) async fn list(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownEntry>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let after = at.cursor_as()?;
    let entries = api.parts.engine.audit(&tenant, after.unwrap_or(0), at.items_max + 1).await?;
    let item = |entry: AuditEntry| {
        let id = entry.place.to_string();
        Resource::new("audit", id, "/v1/audit".to_owned(), ShownEntry(entry))
    };
    Ok(Json(Page::cut(entries.into_iter().map(item).collect(), at.items_max)))
}

/// `GET /v1/audit/verify`: every entry against the one before it.
pub(crate) async fn verify(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    QueryOf(query): QueryOf<VerifyQuery>,
) -> Result<Json<AuditVerdict>, ApiError> {
    Ok(Json(api.parts.engine.verify_audit(&tenant, query.checked()?).await?))
}
