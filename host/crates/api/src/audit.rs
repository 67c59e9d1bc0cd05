//! The audit log: read and checked; that of the own tenant, and for the platform of any.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use wforge_engine::AuditVerdict;
use wforge_model::TenantId;
use wforge_model::tenancy::PLATFORM;
use wforge_ports::store::AuditEntry;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::{Api, Shared};
use crate::tenants::existing;

/// An entry, as lists show it.
#[derive(Debug, Serialize)]
pub(crate) struct ShownEntry(AuditEntry);

/// The query of [`verify`].
#[derive(Debug, Deserialize)]
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
            Some((place.parse().ok()?, hash.to_ascii_lowercase())).filter(|_| fits)
        });
        let wrong = "noted is PLACE:HASH, as an earlier check said it";
        parsed.map(Some).ok_or_else(|| ApiError::new(&codes::MALFORMED, wrong))
    }
}

/// The tenant whose log a path of the platform names; the platform's own included.
fn named(api: &Shared, tenant: &str) -> Result<TenantId, ApiError> {
    if tenant == PLATFORM {
        return tenant.parse().map_err(|_| ApiError::not_found("tenant", tenant));
    }
    existing(api, tenant)
}

/// `GET /v1/audit`, the oldest entry first.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownEntry>>, ApiError> {
    page(&api, &principal.tenant, query).await
}

/// `GET /v1/tenants/{tenant}/audit`.
pub(crate) async fn list_of_tenant(
    State(api): State<Api>,
    PathOf(tenant): PathOf<String>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownEntry>>, ApiError> {
    page(&api, &named(&api, &tenant)?, query).await
}

async fn page(
    api: &Shared,
    tenant: &TenantId,
    query: PageQuery,
) -> Result<Json<Page<ShownEntry>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let wrong = || ApiError::new(&codes::MALFORMED, "cursor is none that a page gave");
    let after = at.cursor.as_deref().map(str::parse).transpose().map_err(|_| wrong())?;
    let entries = api.parts.engine.audit(tenant, after.unwrap_or(0), at.items_max + 1).await?;
    let item = |entry: AuditEntry| {
        let id = entry.place.to_string();
        Resource::new("audit", id, "/v1/audit".to_owned(), ShownEntry(entry))
    };
    Ok(Json(Page::cut(entries.into_iter().map(item).collect(), at.items_max)))
}

/// `GET /v1/audit/verify`: every entry against the one before it.
pub(crate) async fn verify(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<VerifyQuery>,
) -> Result<Json<AuditVerdict>, ApiError> {
    Ok(Json(api.parts.engine.verify_audit(&principal.tenant, query.checked()?).await?))
}

/// `GET /v1/tenants/{tenant}/audit/verify`.
pub(crate) async fn verify_of_tenant(
    State(api): State<Api>,
    PathOf(tenant): PathOf<String>,
    QueryOf(query): QueryOf<VerifyQuery>,
) -> Result<Json<AuditVerdict>, ApiError> {
    let tenant = named(&api, &tenant)?;
    Ok(Json(api.parts.engine.verify_audit(&tenant, query.checked()?).await?))
}
