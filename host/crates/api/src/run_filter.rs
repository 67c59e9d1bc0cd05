//! Which runs a request means: as the query of the list says it, and as the body of a change of
//! many does.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wforge_engine::RunFilter;
use wforge_model::head::RunStatus;
use wforge_model::{BadLabels, Labels, ThreadId, Timestamp};

use crate::codes;
use crate::error::ApiError;
use crate::extract::moment;
use crate::resource::{PageAt, PageQuery};
use crate::state::Shared;

/// The query of `GET /v1/runs`.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Where the page begins: what the page before gave.
    cursor: Option<String>,
    /// How they stand; several are parted by commas.
    status: Option<String>,
    /// The name of their workflow.
    workflow: Option<String>,
    /// Their thread.
    thread: Option<String>,
    /// A label that they have, as `key=value`; several are parted by commas, and all must be there.
    label: Option<String>,
    /// Accepted then or later: milliseconds since 1970, or how long ago, such as `2h`.
    since: Option<String>,
    /// Accepted before then, in the same way.
    until: Option<String>,
    /// Whether a mock stood in for a named agent.
    degraded: Option<bool>,
}

impl RunsQuery {
    /// # Errors
    /// A part of it cannot be read; says which.
    pub(crate) fn meant(self, api: &Shared) -> Result<(PageAt, RunFilter), ApiError> {
        let Self { limit, cursor, status, workflow, thread, label, since, until, degraded } = self;
        let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
        let now = api.parts.clock.now();
        let pairs = label.iter().flat_map(|list| list.split(','));
        let filter = RunFilter {
            statuses: status.as_deref().map(statuses).transpose()?.unwrap_or_default(),
            workflow,
            thread: thread.as_deref().map(thread_of).transpose()?,
            labels: Labels::of_pairs(pairs).map_err(|error| in_query("label", &error))?,
            since: since.as_deref().map(|text| moment("since", text, now)).transpose()?,
            until: until.as_deref().map(|text| moment("until", text, now)).transpose()?,
            degraded,
        };
        Ok((at, filter))
    }
}

fn statuses(list: &str) -> Result<Vec<RunStatus>, ApiError> {
    list.split(',').map(str::trim).map(status).collect()
}

fn status(text: &str) -> Result<RunStatus, ApiError> {
    of_text(text).ok_or_else(|| {
        let all: Vec<&str> = RunStatus::ALL.iter().map(|status| status.as_str()).collect();
        let detail = format!("status is one of {}, or several with commas", all.join(", "));
        ApiError::new(&codes::MALFORMED, detail)
    })
}

fn of_text<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_value(Value::from(text)).ok()
}

fn thread_of(text: &str) -> Result<ThreadId, ApiError> {
    text.parse().map_err(|error| in_query("thread", &error))
}

fn in_query(name: &str, error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(&codes::MALFORMED, format!("{name}: {error}"))
}

/// Which runs a change of many means, where it does not name them.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = RunsMeant)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilterBody {
    /// Every run that such a change fits.
    #[serde(default)]
    all: bool,
    /// How they stand.
    #[serde(default)]
    status: Vec<RunStatus>,
    /// The name of their workflow.
    #[serde(default)]
    workflow: Option<String>,
    /// Their thread.
    #[serde(default)]
    thread: Option<ThreadId>,
    /// Labels that they all have.
    #[serde(default)]
    labels: BTreeMap<String, String>,
    /// Accepted then or later, in milliseconds since 1970.
    #[serde(default)]
    since: Option<Timestamp>,
    /// Accepted before then.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Whether a mock stood in for a named agent.
    #[serde(default)]
    degraded: Option<bool>,
}

impl FilterBody {
    /// What is meant; where nothing is said of how they stand, those that `fitting` names.
    ///
    /// # Errors
    /// A label is none; or the filter takes every run and does not say so.
    pub(crate) fn meant(self, fitting: &[RunStatus]) -> Result<RunFilter, ApiError> {
        let Self { all, status, workflow, thread, labels, since, until, degraded } = self;
        let labels = labels_of(labels)?;
        let filter =
            RunFilter { statuses: status, workflow, thread, labels, since, until, degraded };
        if filter.is_empty() != all {
            let detail = "the filter says nothing, which would take every run: say which runs are \
                          meant, or \"all\": true and nothing else";
            return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
        }
        if filter.statuses.is_empty() {
            return Ok(RunFilter { statuses: fitting.to_vec(), ..filter });
        }
        Ok(filter)
    }
}

/// The labels of a body.
///
/// # Errors
/// There are too many, or one is none.
pub(crate) fn labels_of(given: BTreeMap<String, String>) -> Result<Labels, ApiError> {
    Labels::new(given)
        .map_err(|error: BadLabels| ApiError::new(&codes::UNACCEPTABLE, format!("labels: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::parse;

    fn meant(json: &str) -> Result<RunFilter, String> {
        parse::<FilterBody>(json.as_bytes(), 8)
            .and_then(|body| body.meant(&[RunStatus::Failed]))
            .map_err(|error| format!("{}: {}", error.code.id, error.detail))
    }

    #[test]
    fn a_filter_that_takes_every_run_must_say_so() {
        assert!(meant("{}").unwrap_err().contains("\"all\": true"));
        assert!(meant(r#"{"all":true,"workflow":"brief"}"#).is_err());
        assert_eq!(meant(r#"{"all":true}"#).unwrap().statuses, [RunStatus::Failed]);
        let brief = meant(r#"{"workflow":"brief"}"#).unwrap();
        assert_eq!(
            (brief.statuses, brief.workflow),
            (vec![RunStatus::Failed], Some("brief".into()))
        );
        let named = meant(r#"{"status":["blocked","waiting"]}"#).unwrap();
        assert_eq!(named.statuses, [RunStatus::Blocked, RunStatus::Waiting]);
    }

    #[test]
    fn a_label_or_a_status_that_is_none_is_named() {
        let wrong = meant(r#"{"labels":{"a b":"x"}}"#).unwrap_err();
        assert!(wrong.starts_with("WF0422: labels: \"a b\" is no key"), "{wrong}");
        assert!(status("done").unwrap_err().detail.contains("rolled_back"));
        assert_eq!(statuses("failed, blocked").unwrap(), [RunStatus::Failed, RunStatus::Blocked]);
    }
}
