//! Paths, queries and JSON bodies, with refusals that are ours.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wforge_model::{Object, RunId, ThreadId, Timestamp, Value};

use crate::body::{self, BodyLimit};
use crate::codes;
use crate::error::ApiError;
use crate::state::{Api, Shared};

/// The query as a `T`, without unknown fields where `T` denies them.
#[derive(Debug)]
pub(crate) struct QueryOf<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(query)| Self(query))
            .map_err(|rejection| ApiError::new(&codes::MALFORMED, rejection.body_text()))
    }
}

/// The variable parts of the path.
#[derive(Debug)]
pub(crate) struct PathOf<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for PathOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Path::<T>::from_request_parts(parts, state)
            .await
            .map(|Path(path)| Self(path))
            .map_err(|rejection| ApiError::new(&codes::MALFORMED, rejection.body_text()))
    }
}

/// A query that has no fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

/// A small JSON body, without unknown fields where `T` denies them.
#[derive(Debug)]
pub(crate) struct JsonOf<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Api> for JsonOf<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let limits = &api.parts.limits;
        let bytes = json_bytes(api, &parts.headers, body, limits.json_bytes_max).await?;
        body::parse(&bytes, limits.json_depth_max).map(Self)
    }
}

/// The same of a body that may be left out.
#[derive(Debug)]
pub(crate) struct JsonOrNothing<T>(pub(crate) T);

impl<T: DeserializeOwned + Default> FromRequest<Api> for JsonOrNothing<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = optional_bytes(api, &parts.headers, body).await?;
        body::parse_optional(&bytes, api.parts.limits.json_depth_max).map(Self)
    }
}

/// The body of a thing that has its name in the path, so that the body may leave it out.
///
/// # Errors
/// The body has another name, or does not fit.
pub(crate) fn named<T: DeserializeOwned>(mut fields: Object, name: &str) -> Result<T, ApiError> {
    let wrong = |detail: String| ApiError::new(&codes::UNACCEPTABLE, detail);
    let written = fields.insert("name".to_owned(), Value::from(name));
    if let Some(written) = written.filter(|written| *written != name) {
        return Err(wrong(format!("name: the path says {name} and the body {written}")));
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| wrong(error.to_string()))
}

/// The bytes of a JSON body.
pub(crate) async fn json_bytes(
    api: &Shared,
    headers: &HeaderMap,
    body: Body,
    bytes_max: usize,
) -> Result<Bytes, ApiError> {
    body::require_media_type(headers, &["application/json"])?;
    let limit = BodyLimit { bytes_max, timeout: api.parts.limits.body_timeout };
    body::read(headers, body, limit, api.parts.clock.as_ref()).await
}

/// The bytes of a small JSON body that may be left out.
pub(crate) async fn optional_bytes(
    api: &Shared,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, ApiError> {
    let limits = &api.parts.limits;
    let limit = BodyLimit { bytes_max: limits.json_bytes_max, timeout: limits.body_timeout };
    let bytes = body::read(headers, body, limit, api.parts.clock.as_ref()).await?;
    if !bytes.is_empty() {
        body::require_media_type(headers, &["application/json"])?;
    }
    Ok(bytes)
}

/// The run of that id. Text that is no id names no run either, so both are the same refusal.
pub(crate) fn run_id(text: &str) -> Result<RunId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("run", text))
}

/// The thread of that id, in the same way.
pub(crate) fn thread_id(text: &str) -> Result<ThreadId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("thread", text))
}

/// A duration such as `500ms`, `30s`, `2m`, `4h` or `7d`.
///
/// # Errors
/// It is none, or longer than the limit.
pub(crate) fn duration(name: &str, text: &str, max: Duration) -> Result<Duration, ApiError> {
    let wrong = || {
        let detail = format!("{name} is a duration such as 500ms or 30s, at most {max:?}");
        ApiError::new(&codes::MALFORMED, detail)
    };
    millis(text).map(Duration::from_millis).filter(|given| *given <= max).ok_or_else(wrong)
}

/// A moment: milliseconds since 1970, or how long before `now` it was, such as `90m` or `7d`.
///
/// # Errors
/// It is neither.
pub(crate) fn moment(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let at = text.parse().ok().or_else(|| millis(text).map(|ago| now.0.saturating_sub(ago)));
    at.map(Timestamp).ok_or_else(|| {
        let detail =
            format!("{name} is a number of milliseconds since 1970, or how long ago, such as 2h");
        ApiError::new(&codes::MALFORMED, detail)
    })
}

/// The milliseconds of a number with a unit.
fn millis(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(text: &str) -> Option<u128> {
        duration("wait", text, Duration::from_secs(60)).ok().map(|given| given.as_millis())
    }

    #[test]
    fn a_moment_is_a_number_or_how_long_ago() {
        let now = Timestamp(100_000_000);
        let at = |text: &str| moment("since", text, now).ok().map(|at| at.0);
        assert_eq!(at("5"), Some(5));
        assert_eq!(at("1d"), Some(100_000_000 - 86_400_000));
        assert_eq!(at("9d"), Some(0));
        for text in ["", "yesterday", "-1", "2h30m", "99999999999999999999d"] {
            assert_eq!(at(text), None, "{text}");
        }
    }

    #[test]
    fn the_path_names_what_the_body_need_not_name_and_never_otherwise() {
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Thing {
            name: String,
        }
        let named = |body: Value| {
            let Value::Object(fields) = body else { panic!("an object") };
            named::<Thing>(fields, "ci").map(|thing| thing.name).map_err(|error| error.detail)
        };
        assert_eq!(named(json!({})).unwrap(), "ci");
        assert_eq!(named(json!({ "name": "ci" })).unwrap(), "ci");
        let other = named(json!({ "name": "cd" })).unwrap_err();
        assert_eq!(other, "name: the path says ci and the body \"cd\"");
        assert!(named(json!({ "tenant": "acme" })).unwrap_err().contains("`tenant`"));
    }

    #[test]
    fn durations_carry_a_unit() {
        assert_eq!(check("250ms"), Some(250));
        assert_eq!(check("30s"), Some(30_000));
        assert_eq!(check("1m"), Some(60_000));
        assert_eq!(check("0s"), Some(0));
        let day = duration("ttl", "1d", Duration::MAX).ok();
        assert_eq!(day, duration("ttl", "24h", Duration::MAX).ok());
        assert_eq!(day.map(|day| day.as_secs()), Some(86_400));
        for text in ["", "30", "s", "-1s", "1.5s", "30 s", "1h", "61s", "99999999999999999999s"] {
            assert_eq!(check(text), None, "{text}");
        }
    }
}
