//! A schedule as it is asked for, as it is kept, and what came of it.

use serde::{Deserialize, Serialize};
use wforge_model::id::IdHasher;
use wforge_model::{Object, RunId, ScheduleName, TenantId, ThreadId, Timestamp, Value};

/// What a schedule shall do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScheduleSpec {
    /// The registered workflow.
    pub workflow: ScheduledWorkflow,
    /// The input keys of each run.
    #[serde(default)]
    pub input: Object,
    /// Read-only JSON of each run; null where there is none.
    #[serde(default)]
    pub context: Value,
    /// The input key that gets the time by the expression, as RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_key: Option<String>,
    /// The thread of its runs: `none`, `new`, or the id of one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub thread: ScheduledThread,
    /// Five fields of cron, or `@daily` and the like.
    pub cron: String,
    /// The zone of IANA in whose time they are meant.
    pub zone: String,
    /// What becomes of times at which nobody could start anything.
    #[serde(default)]
    pub missed: Missed,
    /// What becomes of a time at which the run before has not ended.
    #[serde(default)]
    pub overlap: Overlap,
    /// The most that a start is put off, in seconds; how much follows from name and time.
    #[serde(default)]
    pub jitter_s: u32,
    /// Not after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Not more runs than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_max: Option<u64>,
}

/// Which workflow is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ScheduledWorkflow {
    /// Its name.
    pub name: String,
    /// Its version; none: the newest at each start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub version: Option<semver::Version>,
}

/// The thread of a schedule's runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum ScheduledThread {
    /// None.
    #[default]
    None,
    /// A new one for each run.
    New,
    /// This one; its runs wait for each other.
    Fixed(ThreadId),
}

impl From<ScheduledThread> for String {
    fn from(thread: ScheduledThread) -> Self {
        match thread {
            ScheduledThread::None => "none".to_owned(),
            ScheduledThread::New => "new".to_owned(),
            ScheduledThread::Fixed(thread) => thread.to_string(),
        }
    }
}

impl TryFrom<String> for ScheduledThread {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "none" => Ok(Self::None),
            "new" => Ok(Self::New),
            id => id.parse().map(Self::Fixed).map_err(|_| {
                format!("\"{text}\" is no thread of a schedule: write none, new or an id")
            }),
        }
    }
}

/// What becomes of times that passed while nobody could start anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Missed {
    /// Nothing.
    Skip,
    /// One run for all of them.
    #[default]
    One,
    /// One run for each of them, for the newest [`super::CATCH_UP_MAX`] at most.
    All,
}

/// What becomes of a time at which the run before has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Another run is started beside it.
    #[default]
    Allow,
    /// Nothing is started.
    Skip,
}

/// A schedule as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Its name.
    pub name: ScheduleName,
    /// What it does.
    #[serde(flatten)]
    pub spec: ScheduleSpec,
    /// Whether it starts nothing, until somebody lets it go on.
    pub paused: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When somebody last said what it does.
    pub changed_at: Timestamp,
    /// Who did.
    pub changed_by: String,
    /// Grows when somebody changes, pauses or continues it: whoever fires it knows then that its
    /// next time is not theirs to say.
    pub revision: u64,
    /// The next time by the expression, without jitter; none: it is paused, or over.
    pub next: Option<Timestamp>,
    /// What it did so far.
    #[serde(default)]
    pub counts: ScheduleCounts,
    /// What came of the last time that was its turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastFiring>,
    /// The run that it started last, by the clock or because somebody asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_run: Option<RunId>,
    /// Why the last start that failed did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<FiringError>,
}

/// What a schedule did since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ScheduleCounts {
    /// Runs that the clock started.
    pub started: u64,
    /// Times that passed without a start, by `missed`.
    pub missed: u64,
    /// Times at which the run before had not ended, by `overlap`.
    pub skipped: u64,
    /// Starts that failed.
    pub failed: u64,
}

/// What came of a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LastFiring {
    /// The time by the expression.
    pub scheduled_at: Timestamp,
    /// When it was its turn.
    pub at: Timestamp,
    /// What came of it.
    pub outcome: FiringOutcome,
}

/// What came of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FiringOutcome {
    /// A run was started.
    Started,
    /// The run before had not ended.
    Skipped,
    /// The start failed.
    Failed,
    /// It passed while nobody could start anything.
    Missed,
}

impl FiringOutcome {
    /// How lists show it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Skipped => "skipped",
            Self::Failed => "failed",
            Self::Missed => "missed",
        }
    }
}

/// Why a start failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FiringError {
    /// When.
    pub at: Timestamp,
    /// A stable name in `snake_case`.
    pub code: String,
    /// What was wrong.
    pub message: String,
}

impl Schedule {
    /// By how much a time is put off, in milliseconds: the same after a restart.
    #[must_use]
    pub fn jitter_ms(&self, tenant: &TenantId, scheduled_at: Timestamp) -> u64 {
        let max_ms = u64::from(self.spec.jitter_s) * 1_000;
        let hash = IdHasher::new("wforge.schedule.jitter.v1")
            .field(tenant.as_str().as_bytes())
            .field(self.name.as_str().as_bytes())
            .number(scheduled_at.0)
            .finish();
        let wide = hash.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
        wide % (max_ms + 1)
    }

    /// When the start of that time is due.
    #[must_use]
    pub fn fires_at(&self, tenant: &TenantId, scheduled_at: Timestamp) -> Timestamp {
        scheduled_at.after_ms(self.jitter_ms(tenant, scheduled_at))
    }

    /// That time, unless the schedule is over by then.
    pub(super) fn within(&self, next: Option<Timestamp>) -> Option<Timestamp> {
        let is_spent = self.spec.runs_max.is_some_and(|max| self.counts.started >= max);
        next.filter(|next| !is_spent && self.spec.until.is_none_or(|until| *next <= until))
    }
}
