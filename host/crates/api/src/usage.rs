//! What a tenant uses, beside what it may, and what it used on days before.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use wforge_engine::{Days, TenantUsage, UsedDay};

use crate::codes;
use crate::error::ApiError;
use crate::extract::QueryOf;
use crate::state::Api;
use crate::subject::Subject;

/// The query of [`show`].
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UsageQuery {
    /// Also what was used from this day on, in UTC, such as `2026-11-01`.
    since: Option<String>,
    /// Up to this day, itself included.
    until: Option<String>,
}

/// What a tenant uses, and used.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UsageShown)]
pub(crate) struct ShownUsage {
    #[serde(flatten)]
    now: TenantUsage,
    /// The days that were asked for, without those on which nothing was used; at most 367 of them,
    /// the first ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<Vec<UsedDay>>,
}

/// `GET /v1/usage`: what the tenant uses, what it may, and what it used on days before.
pub(crate) async fn show(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<UsageQuery>,
) -> Result<Json<ShownUsage>, ApiError> {
    let engine = &api.parts.engine;
    let days = match query.checked()? {
        Some(days) => Some(engine.usage_of_days(&tenant, &days).await?),
        None => None,
    };
    Ok(Json(ShownUsage { now: engine.usage(&tenant).await?, days }))
}

impl UsageQuery {
    fn checked(self) -> Result<Option<Days>, ApiError> {
        let wrong = |detail: &str| ApiError::new(&codes::MALFORMED, detail);
        if [&self.since, &self.until].into_iter().flatten().any(|day| !is_day(day)) {
            return Err(wrong("since and until are days such as 2026-11-01"));
        }
        match (self.since, self.until) {
            (Some(since), Some(until)) if until < since => {
                Err(wrong("until is a day before since; write them the other way round"))
            }
            (Some(since), until) => Ok(Some(Days { since, until })),
            (None, Some(_)) => Err(wrong("until needs since: the first day that is asked for")),
            (None, None) => Ok(None),
        }
    }
}

/// Whether a text is written as days are; whether the month has so many is no matter here.
fn is_day(text: &str) -> bool {
    let number = |text: &str, digits: usize| {
        let fits = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| fits)
    };
    let mut parts = text.split('-');
    let (year, month, day) = (parts.next(), parts.next(), parts.next());
    let within = |part: Option<&str>, digits, max| {
        part.and_then(|part| number(part, digits)).is_some_and(|it| (1..=max).contains(&it))
    };
    parts.next().is_none() && within(year, 4, 9_999) && within(month, 2, 12) && within(day, 2, 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_written_with_all_of_its_digits() {
        assert!(is_day("2026-11-01"));
        for text in
            ["", "2026-11", "2026-1-01", "2026-13-01", "2026-11-32", "2026-11-01-", "+026-11-01"]
        {
            assert!(!is_day(text), "{text}");
        }
    }
}
