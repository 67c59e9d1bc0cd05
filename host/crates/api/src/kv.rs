//! What plugins remember: the memory of a run, a thread or a plugin, by key.
//!
//! Whoever may look sees which keys there are, how large they are and at which version. What they
//! hold is for operators: plugins keep there what servers told them, and nobody checks what that
//! is. (What a secret's node knows is in none of them: it may not write there.)

use std::fmt::Write as _;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use wforge_engine::KvPut;
use wforge_model::{Timestamp, Version};
use wforge_ports::store::{KvEntry, KvSpace};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf, duration};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

/// The longest that a key can be asked to hold something.
const TTL_MAX: Duration = Duration::from_hours(10 * 365 * 24);

/// One key of a memory, without what it holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KvKeyFields)]
pub(crate) struct ShownKey {
    /// `run:RUN`, `thread:THREAD` or `plugin:PUBLISHER/NAME`.
    space: String,
    /// The key.
    key: String,
    /// Grows with each write of the key.
    version: Version,
    /// The key and its value as JSON text, in bytes.
    bytes: usize,
    /// From when on it holds nothing, in milliseconds since 1970; none: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// One key of a memory, with what it holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KvEntryFields)]
pub(crate) struct ShownEntry {
    #[serde(flatten)]
    key: ShownKey,
    /// What it holds.
    value: Value,
}

/// The query of [`list`].
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// The key at which the page before ended.
    cursor: Option<String>,
    /// What the keys begin with.
    #[serde(default)]
    prefix: String,
}

/// The variable parts of a path to one key.
#[derive(Debug, Deserialize)]
pub(crate) struct EntryPath {
    space: String,
    entry: String,
}

/// `GET /v1/kv/{space}`: the keys of a memory in their order, without what they hold.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    PathOf(space): PathOf<String>,
    QueryOf(ListQuery { limit, cursor, prefix }): QueryOf<ListQuery>,
) -> Result<Json<Page<ShownKey>>, ApiError> {
    let space = space_of(&space)?;
    let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
    let from = (prefix.as_str(), at.cursor.as_deref());
    let engine = &api.parts.engine;
    let page = engine.kv_entries(&principal.tenant, &space, from, at.items_max).await?;
    let next_cursor = page.entries.last().filter(|_| page.has_more).map(|last| last.key.clone());
    let item = |entry: &KvEntry| resource(&space, &entry.key, shown(&space, entry));
    Ok(Json(Page { items: page.entries.iter().map(item).collect(), next_cursor }))
}

/// `GET /v1/kv/{space}/{entry}`: what one key holds.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(EntryPath { space, entry }): PathOf<EntryPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownEntry>>, ApiError> {
    let space = space_of(&space)?;
    let entry = api.parts.engine.kv_entry(&principal.tenant, &space, &entry).await?;
    Ok(Json(whole(&space, entry)))
}

/// The body of [`put`].
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = KvPut)]
#[serde(deny_unknown_fields)]
pub(crate) struct KvBody {
    /// What the key holds from now on.
    value: Value,
    /// The version that it must have, 0 where it must hold nothing; none: whatever it has.
    #[serde(default)]
    expected: Option<u64>,
    /// For how long, such as `30m` or `2d`; none: until it is written again.
    #[serde(default)]
    ttl: Option<String>,
}

/// `PUT /v1/kv/{space}/{entry}`: writes one key of a thread's or a plugin's memory.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    PathOf(EntryPath { space, entry }): PathOf<EntryPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(KvBody { value, expected, ttl }): JsonOf<KvBody>,
) -> Result<Json<Resource<ShownEntry>>, ApiError> {
    let space = space_of(&space)?;
    let ttl = ttl.as_deref().map(|text| duration("ttl", text, TTL_MAX)).transpose()?;
    let put = KvPut {
        space,
        key: entry,
        value: Some(value),
        expected: expected.map(Version),
        ttl_ms: ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
        by: principal.actor(),
    };
    write(&api, principal, put).await
}

/// The query of [`remove`].
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveQuery {
    /// The version that the key must have; none: whatever it has.
    expected: Option<u64>,
}

/// `DELETE /v1/kv/{space}/{entry}`: the key holds nothing any more; the answer is what it held.
pub(crate) async fn remove(
    State(api): State<Api>,
    principal: Principal,
    PathOf(EntryPath { space, entry }): PathOf<EntryPath>,
    QueryOf(RemoveQuery { expected }): QueryOf<RemoveQuery>,
) -> Result<Json<Resource<ShownEntry>>, ApiError> {
    let put = KvPut {
        space: space_of(&space)?,
        key: entry,
        value: None,
        expected: expected.map(Version),
        ttl_ms: None,
        by: principal.actor(),
    };
    write(&api, principal, put).await
}

async fn write(
    api: &Api,
    principal: Principal,
    put: KvPut,
) -> Result<Json<Resource<ShownEntry>>, ApiError> {
    let (engine, space) = (api.parts.engine.clone(), put.space.clone());
    let written = api.whole(async move { engine.put_kv(&principal.tenant, put).await }).await?;
    Ok(Json(whole(&space, written)))
}

/// Text that names no memory names nothing that there is.
fn space_of(text: &str) -> Result<KvSpace, ApiError> {
    text.parse::<KvSpace>().map_err(|error| ApiError::new(&codes::NOT_FOUND, error.to_string()))
}

fn shown(space: &KvSpace, entry: &KvEntry) -> ShownKey {
    ShownKey {
        space: space.to_string(),
        key: entry.key.clone(),
        version: entry.version,
        bytes: entry.key.len() + entry.value.to_string().len(),
        expires_at: entry.expires_at,
    }
}

fn whole(space: &KvSpace, entry: KvEntry) -> Resource<ShownEntry> {
    let key = shown(space, &entry);
    resource(space, &entry.key, ShownEntry { key, value: entry.value })
}

fn resource<T: Serialize>(space: &KvSpace, key: &str, fields: T) -> Resource<T> {
    let space = in_path(&space.to_string());
    Resource::new("kv", key.to_owned(), format!("/v1/kv/{space}/{}", in_path(key)), fields)
}

/// A text as one part of a path.
fn in_path(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b'@' => {
                part.push(char::from(byte));
            }
            // Writing to a text cannot fail.
            _ => {
                let _ = write!(part, "%{byte:02X}");
            }
        }
    }
    part
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_key_is_one_part_whatever_the_key_is() {
        assert_eq!(in_path("plugin:acme/count"), "plugin:acme%2Fcount");
        assert_eq!(in_path("a b/ü?#%"), "a%20b%2F%C3%BC%3F%23%25");
    }
}
