//! Many runs at once: ended, or taken up after they failed. Each has an answer of its own.

use axum::Json;
use axum::extract::State;
use futures::StreamExt as _;
use futures::stream::iter;
use serde::{Deserialize, Serialize};
use wforge_engine::{CancelRun, EngineError, Handle, RunFilter};
use wforge_model::head::{RunHead, RunStatus};
use wforge_model::{RunId, TenantId};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, QueryOf};
use crate::run_filter::FilterBody;
use crate::run_request::reason_of;
use crate::state::{Api, Shared};

/// Runs of one request.
const RUNS_MAX: usize = 1_000;
/// Runs that are changed at the same time, so that they share commits.
const AT_ONCE: usize = 16;
/// Rows that are looked for at once.
const PAGE: usize = 200;

/// The body of [`cancel`] and [`retry`]: either the runs, or what they have in common.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = RunsChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkBody {
    /// The runs, at most 1,000.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 1000)]
    ids: Option<Vec<RunId>>,
    /// Or what they have in common; of more than 1,000 the newest are taken.
    #[serde(default)]
    filter: Option<FilterBody>,
    /// Say what would be done, and do nothing.
    #[serde(default)]
    dry_run: bool,
    /// Why they are ended; kept in their logs.
    #[serde(default)]
    reason: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RunsChanged)]
pub(crate) struct BulkDone {
    /// Each run that was meant, with what came of it.
    items: Vec<BulkItem>,
    /// How many were changed, or would be.
    changed: usize,
    /// How many were refused.
    refused: usize,
    /// Whether there are more that are meant: ask again.
    more: bool,
    /// Whether nothing was done.
    dry_run: bool,
}

/// What came of one run.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RunChanged)]
pub(crate) struct BulkItem {
    /// The run.
    run: RunId,
    /// What was done.
    outcome: Outcome,
    /// How it stands after it; none where the tenant has no such run.
    status: Option<RunStatus>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// What was done with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = RunChangeOutcome)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Changed,
    WouldChange,
    Refused,
}

/// Why a run was left as it is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = RunChangeRefusal)]
struct Refusal {
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    detail: String,
}

/// What is to be done with each.
#[derive(Debug, Clone)]
enum Deed {
    Cancel { reason: String },
    Retry,
}

impl Deed {
    /// How runs stand to which it can be done.
    const fn fitting(&self) -> &'static [RunStatus] {
        match self {
            Self::Cancel { .. } => &[
                RunStatus::Running,
                RunStatus::Queued,
                RunStatus::Waiting,
                RunStatus::Paused,
                RunStatus::Blocked,
            ],
            Self::Retry => &[RunStatus::Failed],
        }
    }

    async fn to(
        &self,
        engine: &Handle,
        who: &Principal,
        run: RunId,
    ) -> Result<RunHead, EngineError> {
        match self {
            Self::Cancel { reason } => {
                let (reason, by) = (reason.clone(), who.name.clone());
                let cancel = CancelRun { reason, roll_back: false, by };
                engine.cancel(&who.tenant, run, cancel).await
            }
            Self::Retry => engine.revive(&who.tenant, run, &who.name).await,
        }
    }
}

/// `POST /v1/runs/cancel`: ends many runs.
pub(crate) async fn cancel(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(mut body): JsonOf<BulkBody>,
) -> Result<Json<BulkDone>, ApiError> {
    let reason = reason_of(body.reason.take())?;
    done(&api, principal, body, Deed::Cancel { reason }).await.map(Json)
}

/// `POST /v1/runs/retry`: takes up many runs that failed.
pub(crate) async fn retry(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(body): JsonOf<BulkBody>,
) -> Result<Json<BulkDone>, ApiError> {
    if body.reason.is_some() {
        let detail = "a run that is taken up keeps no reason; leave it out";
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    done(&api, principal, body, Deed::Retry).await.map(Json)
}

async fn done(
    api: &Shared,
    who: Principal,
    BulkBody { ids, filter, dry_run, .. }: BulkBody,
    deed: Deed,
) -> Result<BulkDone, ApiError> {
    let (runs, more) = match (ids, filter) {
        (Some(ids), None) => (named(ids)?, false),
        (None, Some(filter)) => found(api, &who.tenant, &filter.meant(deed.fitting())?).await?,
        (Some(_), Some(_)) | (None, None) => {
            let detail = "say which runs are meant: either \"ids\" or a \"filter\"";
            return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
        }
    };
    let engine = api.parts.engine.clone();
    let all = async move {
        let asked: Vec<_> =
            runs.into_iter().map(|run| one(&engine, &who, &deed, run, dry_run)).collect();
        Ok(iter(asked).buffered(AT_ONCE).collect::<Vec<_>>().await)
    };
    let items = api.whole(all).await?;
    let refused = items.iter().filter(|item| item.outcome == Outcome::Refused).count();
    Ok(BulkDone { changed: items.len() - refused, refused, items, more, dry_run })
}

/// Each once, in the order in which they are named.
fn named(ids: Vec<RunId>) -> Result<Vec<RunId>, ApiError> {
    if ids.is_empty() || ids.len() > RUNS_MAX {
        let detail = format!("ids names 1 to {RUNS_MAX} runs");
        return Err(ApiError::new(&codes::UNACCEPTABLE, detail));
    }
    let mut seen = std::collections::HashSet::new();
    Ok(ids.into_iter().filter(|run| seen.insert(*run)).collect())
}

/// The newest runs that are meant, and whether there are more.
async fn found(
    api: &Shared,
    tenant: &TenantId,
    filter: &RunFilter,
) -> Result<(Vec<RunId>, bool), ApiError> {
    let (mut runs, mut before) = (Vec::new(), None);
    loop {
        let room = RUNS_MAX - runs.len();
        let page = api.parts.engine.runs(tenant, filter, before, PAGE.min(room)).await?;
        runs.extend(page.heads.iter().map(|head| head.run));
        before = page.next;
        if before.is_none() || runs.len() == RUNS_MAX {
            return Ok((runs, before.is_some()));
        }
    }
}

async fn one(engine: &Handle, who: &Principal, deed: &Deed, run: RunId, dry_run: bool) -> BulkItem {
    let result = if dry_run {
        would(engine, who, deed, run).await
    } else {
        deed.to(engine, who, run).await.map_err(ApiError::from)
    };
    let outcome = if dry_run { Outcome::WouldChange } else { Outcome::Changed };
    match result {
        Ok(head) => BulkItem { run, outcome, status: Some(head.status), refusal: None },
        Err(ApiError { code, reason, detail, .. }) => {
            let status = engine.head(&who.tenant, run).await.ok().map(|head| head.status);
            let refusal = Some(Refusal { code: code.id, reason, detail });
            BulkItem { run, outcome: Outcome::Refused, status, refusal }
        }
    }
}

/// How a run stands to which it would be done; what a look cannot tell may still refuse it.
async fn would(
    engine: &Handle,
    who: &Principal,
    deed: &Deed,
    run: RunId,
) -> Result<RunHead, ApiError> {
    let head = engine.head(&who.tenant, run).await?;
    if deed.fitting().contains(&head.status) {
        return Ok(head);
    }
    let detail = format!("{run} is {}", head.status.as_str());
    Err(ApiError::new(&codes::CONFLICT, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_is_named_once_and_not_too_many_of_them() {
        let run = |n: u32| {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&n.to_be_bytes());
            RunId::from_bytes(bytes)
        };
        assert_eq!(named(vec![run(2), run(1), run(2)]).unwrap(), [run(2), run(1)]);
        assert_eq!(named(Vec::new()).unwrap_err().code.id, "WF0422");
        assert_eq!(named((0..1_001).map(run).collect()).unwrap_err().code.id, "WF0422");
    }

    #[test]
    fn every_status_fits_one_deed_at_most() {
        let cancel = Deed::Cancel { reason: String::new() };
        for status in RunStatus::ALL {
            let (ends, begins) = (cancel.fitting(), Deed::Retry.fitting());
            assert_eq!(ends.contains(&status), !status.is_final(), "{status:?}");
            assert!(!begins.contains(&status) || status.is_final(), "{status:?}");
        }
    }
}
