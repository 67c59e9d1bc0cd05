//! API keys of a tenant: list, add, rotate, revoke.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wforge_engine::NewKey;
use wforge_model::tenancy::{KeyKind, KeyRecord};
use wforge_model::{Role, Scopes, TenantId, Timestamp};

use crate::auth::{IssuedKey, Principal};
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, JsonOrNothing, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::{Api, Shared};
use crate::subject::Subject;

/// How long a key is still known that was rotated, where nothing is said.
const OVERLAP_MS: u64 = 24 * 3_600 * 1_000;
/// The longest that it may be.
const OVERLAP_MS_MAX: u64 = 30 * 24 * 3_600 * 1_000;

/// A key without what it is compared with.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = ApiKeyFields)]
pub(crate) struct ShownKey {
    tenant: TenantId,
    role: Role,
    #[serde(skip_serializing_if = "Scopes::is_all")]
    scopes: Scopes,
    holder: KeyKind,
    name: String,
    created_at: Timestamp,
    created_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    active: bool,
    /// The key itself: in the answer that made it, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

/// The body of [`add`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = ApiKeyAdd)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddBody {
    name: String,
    role: Role,
    #[serde(default)]
    scopes: Scopes,
    #[serde(default)]
    holder: KeyKind,
    /// How long it is valid, in milliseconds; none: until it is revoked.
    #[serde(default)]
    ttl_ms: Option<u64>,
}

/// The body of [`rotate`].
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ApiKeyRotation)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// How long the old one is still known, in milliseconds.
    #[serde(default)]
    overlap_ms: Option<u64>,
}

/// The variable part of a path about one key.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyPath {
    key: String,
}

/// `GET /v1/keys`, by id.
pub(crate) async fn list(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownKey>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let keys = api.parts.engine.keys(&tenant);
    let items = keys.iter().map(|key| resource(&api, key, None)).collect();
    Page::of_sorted(items, &at).map(Json)
}

/// `POST /v1/keys`. The key is in the answer, once.
pub(crate) async fn add(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(body): JsonOf<AddBody>,
) -> Result<Response, ApiError> {
    by.require_to_give(body.role, &body.scopes)?;
    let issued = IssuedKey::issue(api.parts.entropy.as_ref(), &api.parts.pepper);
    let now = api.parts.clock.now();
    let new = NewKey {
        id: issued.id.clone(),
        mac: issued.mac,
        role: body.role,
        scopes: body.scopes,
        kind: body.holder,
        name: body.name,
        expires_at: body.ttl_ms.map(|ms| now.after_ms(ms)),
    };
    let engine = api.parts.engine.clone();
    let added = api.whole(async move { engine.add_key(&tenant, new, &by.actor()).await }).await?;
    Ok(resource(&api, &added, Some(issued.text)).respond(StatusCode::CREATED))
}

/// `POST /v1/keys/{key}/rotate`: a new key in the place of the old one, which is still known for a
/// while.
pub(crate) async fn rotate(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    PathOf(KeyPath { key }): PathOf<KeyPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(RotateBody { overlap_ms }): JsonOrNothing<RotateBody>,
) -> Result<Response, ApiError> {
    let overlap_ms = overlap_ms.unwrap_or(OVERLAP_MS);
    if overlap_ms > OVERLAP_MS_MAX {
        let detail = format!("overlap_ms is at most {OVERLAP_MS_MAX}");
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    may_touch(&api, &by, &tenant, &key)?;
    let issued = IssuedKey::issue(api.parts.entropy.as_ref(), &api.parts.pepper);
    let new = (issued.id.clone(), issued.mac);
    let engine = api.parts.engine.clone();
    let rotate =
        async move { engine.rotate_key((&tenant, &key), new, overlap_ms, &by.actor()).await };
    let made = api.whole(rotate).await?;
    Ok(resource(&api, &made, Some(issued.text)).respond(StatusCode::CREATED))
}

/// `POST /v1/keys/{key}/revoke`: it is unknown at once.
pub(crate) async fn revoke(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    PathOf(KeyPath { key }): PathOf<KeyPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownKey>>, ApiError> {
    may_touch(&api, &by, &tenant, &key)?;
    let engine = api.parts.engine.clone();
    let revoke = async move { engine.revoke_key(&tenant, &key, &by.actor()).await };
    let gone = api.whole(revoke).await?;
    Ok(Json(resource(&api, &gone, None)))
}

/// Whoever could not make a key can neither replace nor revoke it.
fn may_touch(api: &Shared, by: &Principal, tenant: &TenantId, key: &str) -> Result<(), ApiError> {
    let known = api.parts.engine.key(key).filter(|known| known.tenant == *tenant);
    known.map_or(Ok(()), |known| by.require_to_give(known.role, &known.scopes))
}

fn resource(api: &Shared, key: &KeyRecord, text: Option<String>) -> Resource<ShownKey> {
    let shown = ShownKey {
        tenant: key.tenant.clone(),
        role: key.role,
        scopes: key.scopes.clone(),
        holder: key.kind,
        name: key.name.clone(),
        created_at: key.created_at,
        created_by: key.created_by.clone(),
        expires_at: key.expires_at,
        replaces: key.replaces.clone(),
        active: key.is_active(api.parts.clock.now()),
        key: text,
    };
    Resource::new("key", key.id.clone(), format!("/v1/keys/{}", key.id), shown)
}
