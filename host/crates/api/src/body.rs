//! Bodies: read to a limit and within a time, then parsed strictly.
//!
//! Never here: what a body means. Every reader takes its limit from `ApiLimits` by name.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use bytes::Bytes;
use futures::future::{Either, select};
use serde::de::DeserializeOwned;
use wforge_ports::Clock;

use crate::codes;
use crate::error::ApiError;

/// How much of a body is read, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BodyLimit {
    pub(crate) bytes_max: usize,
    pub(crate) timeout: Duration,
}

/// The whole body.
///
/// # Errors
/// It is too large, too slow, or broke off.
pub(crate) async fn read(
    headers: &HeaderMap,
    body: Body,
    limit: BodyLimit,
    clock: &dyn Clock,
) -> Result<Bytes, ApiError> {
    if announced(headers).is_some_and(|bytes| bytes > limit.bytes_max) {
        return Err(too_large(limit.bytes_max));
    }
    let whole = Box::pin(axum::body::to_bytes(body, limit.bytes_max));
    let end = clock.sleep_until(clock.now().after(limit.timeout));
    match select(whole, end).await {
        Either::Left((Ok(bytes), _)) => Ok(bytes),
        Either::Left((Err(error), _)) => Err(broken(error, limit.bytes_max)),
        Either::Right(((), _)) => {
            let detail = format!("the body must arrive within {:?}", limit.timeout);
            Err(ApiError::new(&codes::SLOW_BODY, detail))
        }
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn too_large(max: usize) -> ApiError {
    ApiError::new(&codes::TOO_LARGE, format!("the body may have {max} bytes here"))
}

fn broken(error: axum::Error, max: usize) -> ApiError {
    let cause = error.into_inner();
    if cause.is::<http_body_util::LengthLimitError>() {
        return too_large(max);
    }
    let broken = ApiError::new(&codes::MALFORMED, "the body broke off");
    ApiError { cause: Some(cause), ..broken }
}

/// The media type of the body, without parameters, in small letters; empty where none is named.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    named.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// # Errors
/// The body is of none of these media types.
pub(crate) fn require_media_type(headers: &HeaderMap, read: &[&str]) -> Result<String, ApiError> {
    let found = media_type(headers);
    if read.contains(&found.as_str()) {
        return Ok(found);
    }
    let detail = format!("send the body as {}", read.join(" or "));
    Err(ApiError::new(&codes::MEDIA_TYPE, detail))
}

/// The same of a body that may be left out.
///
/// # Errors
/// It is no JSON, too deep, or does not fit.
pub(crate) fn parse_optional<T: DeserializeOwned + Default>(
    bytes: &[u8],
    depth_max: usize,
) -> Result<T, ApiError> {
    if bytes.is_empty() { Ok(T::default()) } else { parse(bytes, depth_max) }
}

/// JSON as a `T`: no unknown fields (where `T` denies them), no deeper than the limit.
///
/// # Errors
/// It is no JSON, too deep, or does not fit.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8], depth_max: usize) -> Result<T, ApiError> {
    if deeper_than(bytes, depth_max) {
        let detail = format!("JSON may nest {depth_max} deep");
        return Err(ApiError::new(&codes::TOO_DEEP, detail));
    }
    match Json::from_bytes(bytes) {
        Ok(Json(value)) => Ok(value),
        Err(rejection @ JsonRejection::JsonDataError(_)) => {
            Err(ApiError::new(&codes::UNACCEPTABLE, rejection.body_text()))
        }
        Err(rejection) => Err(ApiError::new(&codes::MALFORMED, rejection.body_text())),
    }
}

/// Whether brackets outside of strings nest deeper than that. Looks at bytes only, so that a bomb
/// costs no memory; what is no JSON is left to the parser.
fn deeper_than(bytes: &[u8], max: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, *byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > max {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only parsed")]
    struct Named {
        name: String,
    }

    fn check<T: DeserializeOwned>(text: &str) -> String {
        match parse::<T>(text.as_bytes(), 3) {
            Ok(_) => "fits".to_owned(),
            Err(error) => format!("{} {}", error.code.id, error.detail),
        }
    }

    #[test]
    fn what_does_not_fit_names_the_field() {
        assert_eq!(check::<Named>(r#"{"name":"a"}"#), "fits");
        let unknown = check::<Named>(r#"{"name":"a","tenant":"b"}"#);
        assert!(unknown.starts_with("WF0422"), "{unknown}");
        assert!(unknown.contains("unknown field `tenant`"), "{unknown}");
    }

    #[test]
    fn what_is_no_json_is_malformed() {
        for text in ["", "{", "{} {}", "nul", "[1e999]", "\u{1}"] {
            assert!(check::<serde_json::Value>(text).starts_with("WF0400"), "{text}");
        }
    }

    #[test]
    fn depth_counts_brackets_but_not_those_in_strings() {
        assert_eq!(check::<serde_json::Value>("[[[]]]"), "fits");
        assert_eq!(check::<serde_json::Value>(r#"{"a":[{}]}"#), "fits");
        assert!(check::<serde_json::Value>("[[[[]]]]").starts_with("WF1004"));
        assert_eq!(check::<serde_json::Value>(r#"["[[[[[", "\"[[[[", "\\"]"#), "fits");
        assert!(check::<serde_json::Value>(&"[".repeat(1_000_000)).starts_with("WF1004"));
    }
}
