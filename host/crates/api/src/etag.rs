//! Entity tags: who has a thing already as it stands is told so, and gets no body.
//!
//! All are weak: they say that a thing stands as it stood, not that two bodies are the same bytes.

use axum::Json;
use axum::http::header::{ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::ApiError;

/// The tag of a thing as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag(String);

impl Tag {
    /// Of something that is made of nothing but what `parts` name. What this version would write of
    /// it may differ from what another one wrote.
    pub(crate) fn of(parts: &[&str]) -> Self {
        Self(format!("W/\"{}-{}\"", parts.join("-"), env!("CARGO_PKG_VERSION")))
    }

    /// Of something that is written out anyway.
    pub(crate) fn of_json(value: &impl Serialize) -> Result<Self, ApiError> {
        let bytes = serde_json::to_vec(value).map_err(ApiError::internal)?;
        let hash = Sha256::digest(&bytes);
        let short: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Ok(Self(format!("W/\"{short}\"")))
    }

    /// Whether the client names it among what it has.
    pub(crate) fn is_known(&self, headers: &HeaderMap) -> bool {
        let given = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
        let opaque = self.0.trim_start_matches("W/");
        given
            .flat_map(|list| list.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == opaque)
    }

    /// The answer to a client that has it.
    pub(crate) fn not_modified(&self) -> Response {
        self.on(StatusCode::NOT_MODIFIED.into_response())
    }

    /// The response, tagged.
    pub(crate) fn on(&self, mut response: Response) -> Response {
        if let Ok(value) = HeaderValue::try_from(&self.0) {
            response.headers_mut().insert(ETAG, value);
        }
        response
    }
}

/// The thing as JSON with its tag; only the tag where the client has it.
pub(crate) fn tagged(headers: &HeaderMap, value: &impl Serialize) -> Result<Response, ApiError> {
    let tag = Tag::of_json(value)?;
    if tag.is_known(headers) {
        return Ok(tag.not_modified());
    }
    Ok(tag.on(Json(value).into_response()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(given: &str, tag: &Tag) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_str(given).unwrap());
        tag.is_known(&headers)
    }

    #[test]
    fn a_tag_is_known_alone_in_a_list_strong_or_weak() {
        let tag = Tag::of(&["7"]);
        let text = tag.0.clone();
        let strong = text.trim_start_matches("W/").to_owned();
        for given in [&text, &strong, &format!("\"other\", {text}"), &"*".to_owned()] {
            assert!(knows(given, &tag), "{given}");
        }
        for given in ["\"7\"", "", "W/\"8\""] {
            assert!(!knows(given, &tag), "{given}");
        }
    }

    #[test]
    fn another_thing_has_another_tag() {
        let tag = |value: &str| Tag::of_json(&value).unwrap();
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
    }
}
