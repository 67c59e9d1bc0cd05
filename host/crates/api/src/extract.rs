//! Paths and queries, with refusals that are ours.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wforge_model::{RunId, ThreadId, Timestamp};

use crate::codes;
use crate::error::ApiError;

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

/// The run of that id. Text that is no id names no run either, so both are the same refusal.
pub(crate) fn run_id(text: &str) -> Result<RunId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("run", text))
}

/// The thread of that id, in the same way.
pub(crate) fn thread_id(text: &str) -> Result<ThreadId, ApiError> {
    text.parse().map_err(|_| ApiError::not_found("thread", text))
}

/// The run at which a page of runs begins.
pub(crate) fn run_cursor(text: &str) -> Result<RunId, ApiError> {
    text.parse().map_err(|_| ApiError::new(&codes::MALFORMED, "cursor is none that a page gave"))
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
