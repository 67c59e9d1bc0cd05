//! Which runs of a tenant are meant, and finding them by reading their rows.

use wforge_model::head::{RunHead, RunStatus};
use wforge_model::{Labels, RunId, TenantId, ThreadId, Timestamp};

use crate::ids;
use crate::request::EngineError;
use crate::service::Shared;

/// Rows read at once.
const PAGE: usize = 512;
/// Rows that one page may read; a filter that takes few runs gives a short page and goes on.
const ROWS_PER_PAGE_MAX: usize = 20_000;

/// Which runs are meant; what is not said takes all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// How they stand; empty: however.
    pub statuses: Vec<RunStatus>,
    /// The name of their workflow.
    pub workflow: Option<String>,
    /// Their thread.
    pub thread: Option<ThreadId>,
    /// Labels that they all have.
    pub labels: Labels,
    /// Accepted then or later.
    pub since: Option<Timestamp>,
    /// Accepted before then.
    pub until: Option<Timestamp>,
    /// Whether a mock stood in for a named agent.
    pub degraded: Option<bool>,
}

/// One page of runs.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPage {
    /// The rows, the newest first; fewer than asked for where few of those read are meant.
    pub heads: Vec<RunHead>,
    /// The run before which to go on; none: there are no more.
    pub next: Option<RunId>,
}

impl RunFilter {
    /// Whether it says nothing, and so takes every run.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether that run is meant.
    #[must_use]
    pub fn takes(&self, head: &RunHead) -> bool {
        let accepted = ids::made_at(head.run);
        (self.statuses.is_empty() || self.statuses.contains(&head.status))
            && self.workflow.as_ref().is_none_or(|name| *name == head.workflow)
            && self.thread.is_none_or(|thread| head.thread == Some(thread))
            && head.labels.has_all(&self.labels)
            && self.since.is_none_or(|since| accepted >= since)
            && self.until.is_none_or(|until| accepted < until)
            && self.degraded.is_none_or(|degraded| head.degraded == degraded)
    }

    /// Where reading begins: ids grow with the time, so the runs after the end need no look.
    fn begins_before(&self, before: Option<RunId>) -> Option<RunId> {
        let end = self.until.map(ids::first_of);
        match (before, end) {
            (Some(before), Some(end)) => Some(before.min(end)),
            (before, end) => before.or(end),
        }
    }

    /// Whether that run and all older ones are too old.
    fn is_passed(&self, head: &RunHead) -> bool {
        self.since.is_some_and(|since| ids::made_at(head.run) < since)
    }
}

/// At most `items_max` runs that are meant, older than `before`, the newest first.
pub(crate) async fn page(
    shared: &Shared,
    tenant: &TenantId,
    filter: &RunFilter,
    before: Option<RunId>,
    items_max: usize,
) -> Result<RunPage, EngineError> {
    let (mut heads, mut rows) = (Vec::new(), 0);
    let mut before = filter.begins_before(before);
    // Without a filter no row is read in vain.
    let at_once = if filter.is_empty() { PAGE.min(items_max.saturating_add(1)) } else { PAGE };
    loop {
        let read = shared.parts.store.heads(tenant, before, at_once).await?;
        let is_last = read.len() < at_once;
        for head in read {
            if filter.is_passed(&head) {
                return Ok(RunPage { heads, next: None });
            }
            if heads.len() == items_max || rows == ROWS_PER_PAGE_MAX {
                return Ok(RunPage { heads, next: before });
            }
            rows += 1;
            before = Some(head.run);
            if filter.takes(&head) {
                heads.push(head);
            }
        }
        if is_last {
            return Ok(RunPage { heads, next: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(at: u64, status: RunStatus, labels: &[&str]) -> RunHead {
        let tenant = "acme".parse().unwrap();
        let mut head = RunHead::new(tenant, ids::first_of(Timestamp(at)));
        head.status = status;
        head.workflow = "brief".to_owned();
        head.labels = Labels::of_pairs(labels.iter().copied()).unwrap();
        head
    }

    #[test]
    fn a_run_is_meant_that_fits_all_that_is_said() {
        let run = head(50, RunStatus::Failed, &["team=search"]);
        assert!(RunFilter::default().takes(&run));
        let statuses = vec![RunStatus::Failed, RunStatus::Blocked];
        let labels = Labels::of_pairs(["team=search"]).unwrap();
        let all = RunFilter {
            statuses,
            workflow: Some("brief".to_owned()),
            labels,
            since: Some(Timestamp(50)),
            until: Some(Timestamp(51)),
            degraded: Some(false),
            thread: None,
        };
        assert!(all.takes(&run));
        let wrong = [
            RunFilter { statuses: vec![RunStatus::Running], ..all.clone() },
            RunFilter { workflow: Some("other".to_owned()), ..all.clone() },
            RunFilter { labels: Labels::of_pairs(["team=ads"]).unwrap(), ..all.clone() },
            RunFilter { since: Some(Timestamp(51)), ..all.clone() },
            RunFilter { until: Some(Timestamp(50)), ..all.clone() },
            RunFilter { degraded: Some(true), ..all.clone() },
            RunFilter { thread: Some(ThreadId::from_bytes([1; 16])), ..all },
        ];
        assert!(wrong.iter().all(|filter| !filter.takes(&run)));
    }

    #[test]
    fn reading_begins_at_the_end_of_the_time_or_at_the_cursor_whichever_is_older() {
        let (old, new) = (ids::first_of(Timestamp(10)), ids::first_of(Timestamp(20)));
        let until = RunFilter { until: Some(Timestamp(10)), ..RunFilter::default() };
        assert_eq!(until.begins_before(None), Some(old));
        assert_eq!(until.begins_before(Some(new)), Some(old));
        assert_eq!(RunFilter::default().begins_before(Some(new)), Some(new));
    }
}
