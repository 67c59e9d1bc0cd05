//! Blobs: what a run's input gives by reference is brought before the run, and goes when nothing
//! names it any more.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, RANGE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wforge_engine::{BlobsSwept, Handle, SweepMode};
use wforge_model::{Digest, Timestamp};
use wforge_ports::store::KeptBlob;

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::subject::Subject;
use crate::upload::{Expected, upload};

/// A blob that is kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = BlobKept)]
pub(crate) struct Blob {
    digest: Digest,
    size: usize,
}

/// `POST /v1/blobs`: the body is its bytes. The same bytes twice are one blob of the tenant.
pub(crate) async fn keep(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let bytes_max = api.parts.limits.run_bytes_max;
    let expected = Expected { media_type: "application/octet-stream", bytes_max };
    let keep = |engine: Handle, who: Principal, bytes: Vec<u8>| async move {
        let size = bytes.len();
        Ok((engine.put_blob(&who.tenant, bytes).await?, size))
    };
    let (digest, size) = upload(&api, principal, (&headers, body), expected, keep).await?;
    let (id, href) = (digest.to_string(), format!("/v1/blobs/{digest}"));
    Ok(Resource::new("blob", id, href, Blob { digest, size }).respond(StatusCode::CREATED))
}

/// A blob, as lists show it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BlobFields)]
pub(crate) struct ShownBlob {
    digest: Digest,
    /// What it takes in the store.
    bytes: u64,
    /// Whether a run, a thread, a memory or anything else that is kept names it.
    in_use: bool,
    /// Since when it is known that nothing does, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    unused_since: Option<Timestamp>,
}

/// `GET /v1/blobs`: the blobs in the order of their digests, and whether anything names them.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownBlob>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let after = at.cursor_as()?;
    let page = api.parts.engine.blobs(&principal.tenant, after, at.items_max).await?;
    let next_cursor = page.blobs.last().filter(|_| page.has_more).map(|it| it.digest.to_string());
    let item = |KeptBlob { digest, bytes, is_named, unnamed_since }: KeptBlob| {
        let shown = ShownBlob { digest, bytes, in_use: is_named, unused_since: unnamed_since };
        Resource::new("blob", digest.to_string(), format!("/v1/blobs/{digest}"), shown)
    };
    Ok(Json(Page { items: page.blobs.into_iter().map(item).collect(), next_cursor }))
}

/// `GET /v1/blobs/{blob}`: the bytes of one blob, or the range of them that is asked for.
///
/// They are whatever a stranger wrote, so no browser is told to show them.
pub(crate) async fn read(
    State(api): State<Api>,
    principal: Principal,
    PathOf(digest): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let missing = |_| ApiError::not_found("blob", &digest);
    let digest: Digest = digest.parse().map_err(missing)?;
    let bytes = Bytes::from(api.parts.engine.blob(&principal.tenant, digest).await?);
    let size = bytes.len();
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let (status, range, body) = match asked.and_then(|range| part_of(range, size)) {
        None => (StatusCode::OK, None, bytes),
        Some((first, last)) => {
            let range = format!("bytes {first}-{last}/{size}");
            // The bounds are those of the bytes: whoever found the part saw their size.
            (StatusCode::PARTIAL_CONTENT, Some(range), bytes.slice(first..=last))
        }
    };
    let mut response = (status, body).into_response();
    let fields = response.headers_mut();
    fields.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    fields.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
    fields.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let texts = [(ETAG, Some(format!("\"{digest}\""))), (CONTENT_RANGE, range)];
    for (name, text) in texts {
        let value = text.and_then(|text| HeaderValue::try_from(text).ok());
        fields.extend(value.map(|value| (name, value)));
    }
    Ok(response)
}

/// The first and the last byte of one range of RFC 9110. Whatever else is asked for, several ranges
/// and those beyond the end too, is answered with the whole, as it allows.
fn part_of(range: &str, size: usize) -> Option<(usize, usize)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = size.checked_sub(1)?;
    let (first, last) = match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.min(end)),
        (Ok(first), Err(_)) if last.is_empty() => (first, end),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 => (size.saturating_sub(count), end),
        _ => return None,
    };
    (first <= end).then_some((first, last))
}

/// What `POST /v1/blobs/gc` is asked.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sweep {
    /// Only says what would go.
    #[serde(default)]
    dry_run: bool,
}

/// `POST /v1/blobs/gc`: removes the blobs that nothing has named for the grace time.
pub(crate) async fn sweep(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(Sweep { dry_run }): QueryOf<Sweep>,
) -> Result<Json<BlobsSwept>, ApiError> {
    let mode = if dry_run { SweepMode::Look } else { SweepMode::Remove };
    let engine = api.parts.engine.clone();
    let swept = api.whole(async move { engine.sweep_blobs(&tenant, mode).await }).await?;
    Ok(Json(swept))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_to_what_there_is_and_what_is_none_is_the_whole() {
        let of_ten = |range| part_of(range, 10);
        assert_eq!(of_ten("bytes=0-3"), Some((0, 3)));
        assert_eq!(of_ten("bytes=8-99"), Some((8, 9)));
        assert_eq!(of_ten("bytes=8-"), Some((8, 9)));
        assert_eq!(of_ten("bytes=-3"), Some((7, 9)));
        assert_eq!(of_ten("bytes=-99"), Some((0, 9)));
        for whole in ["lines=0-3", "bytes=3-1", "bytes=0-1,3-4", "bytes=-", "bytes=x-y", ""] {
            assert_eq!(of_ten(whole), None, "{whole}");
        }
        for beyond in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of_ten(beyond), None, "{beyond}");
        }
        assert_eq!(part_of("bytes=0-", 0), None);
    }
}
