//! Figures of the engine, for metrics and `/v1/system`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use wforge_model::ModelUsage;
use wforge_model::agent::Execution;
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::mock::TaskSource;
use wforge_ports::figures::{DurationFigures, Durations, EgressFigures, Kept};
use wforge_ports::runtime::RuntimeFigures;
use wforge_ports::store::StoreFigures;

/// A snapshot of the engine's counters.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct EngineFigures {
    /// Runs in memory.
    pub runs_live: u64,
    /// Runs that may be in memory.
    pub runs_live_max: u64,
    /// Runs that begin, or wait to.
    pub runs_beginning: u64,
    /// Runs that were not let in because too many began.
    pub runs_refused: u64,
    /// Runs that are looked at again at a moment: they sleep, have a deadline, or found no room.
    pub runs_asleep: u64,
    /// Tasks whose agent is being called.
    pub tasks_running: u64,
    /// Runs accepted since the start of the process.
    pub runs_started: u64,
    /// Runs that ended well.
    pub runs_completed: u64,
    /// Runs that ended badly.
    pub runs_failed: u64,
    /// Runs that were cancelled.
    pub runs_cancelled: u64,
    /// Runs that are blocked.
    pub runs_blocked: u64,
    /// Runs that ended, in whatever way, after a stand-in had taken an agent's place.
    pub runs_degraded: u64,
    /// Runs that waited for their turn in a thread.
    pub runs_queued: u64,
    /// How often a live run was found that waits for nothing.
    pub runs_stuck: u64,
    /// Runs that were removed, since they had been kept long enough.
    pub runs_removed: u64,
    /// Threads that went with theirs.
    pub threads_removed: u64,
    /// Replies under idempotency keys that had expired and were removed.
    pub replies_removed: u64,
    /// When the first of the ended runs ended that are still kept, in milliseconds since 1970, as
    /// the last look found it; 0: there are none, or nobody has looked yet.
    pub oldest_ended_at_ms: u64,
    /// Super-steps committed.
    pub steps: u64,
    /// Tasks finished by the agent itself, a `set` or a person.
    pub tasks_live: u64,
    /// Tasks finished by the mock agent by choice.
    pub tasks_mock: u64,
    /// Tasks finished by a stand-in after a failure.
    pub tasks_fallback: u64,
    /// Tasks finished from the cache of their node.
    pub tasks_cached: u64,
    /// Tasks that failed for good.
    pub tasks_failed: u64,
    /// Attempts that were followed by another.
    pub tasks_retried: u64,
    /// What webhooks were told.
    pub webhooks: crate::webhooks::WebhookFigures,
    /// Plugins of tenants that are not called for a while, since they kept breaking.
    pub breakers_open: u64,
    /// Calls that were not made for that.
    pub circuit_refusals: u64,
    /// Components in quarantine.
    pub quarantines: u64,
    /// Calls on which a part of the host broke.
    pub host_panics: u64,
    /// Schedules of all tenants.
    pub schedules: u64,
    /// Runs that schedules started.
    pub schedules_fired: u64,
    /// Times of schedules that passed while nobody could start anything.
    pub schedules_missed: u64,
    /// Times of schedules at which the run before had not ended.
    pub schedules_skipped: u64,
    /// Starts of schedules that failed.
    pub schedules_failed: u64,
    /// Calls of models since the start of the process, by the names that the operator gave them.
    pub models: BTreeMap<String, ModelFigures>,
    /// What was stopped or refused since the start of the process: of what kind, its code, how
    /// often.
    pub stopped: Vec<(&'static str, &'static str, u64)>,
    /// Entries of audit logs about that for which there was no room.
    pub refusals_not_noted: u64,
    /// From the beginning of a run to its end, people's time included.
    pub run_durations: DurationFigures,
    /// From the plan of a super-step of a run itself to its commit.
    pub step_durations: DurationFigures,
    /// Calls of agents, by how they ended.
    pub call_durations: [(&'static str, DurationFigures); 3],
    /// What is kept in memory beside the runs that are live, by all parts but the store and the
    /// sandbox, which say so themselves.
    pub kept: Vec<Kept>,
    /// What went out to servers of others.
    pub egress: EgressFigures,
    /// The store's own figures.
    pub store: StoreFigures,
    /// The sandbox's own figures.
    pub runtime: RuntimeFigures,
}

/// Figures of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModelFigures {
    /// Calls by how they ended: `ok`, or the kind of the failure.
    pub calls: BTreeMap<&'static str, u64>,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

/// The counters of models. Only models that are configured are ever counted, so there are few.
#[derive(Debug, Default)]
pub(crate) struct ModelCounts(Mutex<BTreeMap<String, ModelFigures>>);

impl ModelCounts {
    /// Counts one call.
    pub(crate) fn count(&self, model: &str, outcome: &'static str, used: &ModelUsage) {
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figures = models.entry(model.to_owned()).or_default();
        *figures.calls.entry(outcome).or_default() += 1;
        figures.input_tokens = figures.input_tokens.saturating_add(used.input_tokens);
        figures.output_tokens = figures.output_tokens.saturating_add(used.output_tokens);
    }

    fn read(&self) -> BTreeMap<String, ModelFigures> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Took {
    pub(crate) run: Durations,
    pub(crate) step: Durations,
    replied: Durations,
    failed: Durations,
    suspended: Durations,
}

impl Took {
    /// Counts a call of an agent.
    pub(crate) fn call(&self, execution: &Execution, ns: u64) {
        let durations = match execution {
            Execution::Replied(_) => &self.replied,
            Execution::Failed { .. } | Execution::Diverged(_) => &self.failed,
            Execution::Suspended(_) => &self.suspended,
        };
        durations.count_ns(ns);
    }

    fn calls(&self) -> [(&'static str, DurationFigures); 3] {
        [
            ("replied", self.replied.read()),
            ("failed", self.failed.read()),
            ("suspended", self.suspended.read()),
        ]
    }
}

macro_rules! counters {
    ($($name:ident),*) => {
        /// The counters behind [`EngineFigures`].
        #[derive(Debug, Default)]
        pub(crate) struct Stats {
            pub(crate) models: ModelCounts,
            pub(crate) took: Took,
            $(pub(crate) $name: AtomicU64),*
        }

        impl Stats {
            /// The counters' values now.
            pub(crate) fn read(&self) -> EngineFigures {
                EngineFigures {
                    models: self.models.read(),
                    run_durations: self.took.run.read(),
                    step_durations: self.took.step.read(),
                    call_durations: self.took.calls(),
                    $($name: self.$name.load(Ordering::Relaxed),)*
                    ..EngineFigures::default()
                }
            }
        }
    };
}

counters!(
    tasks_running,
    runs_started,
    runs_completed,
    runs_failed,
    runs_cancelled,
    runs_blocked,
    runs_degraded,
    runs_queued,
    runs_stuck,
    runs_removed,
    threads_removed,
    replies_removed,
    oldest_ended_at_ms,
    steps,
    tasks_live,
    tasks_mock,
    tasks_fallback,
    tasks_cached,
    tasks_failed,
    tasks_retried,
    host_panics,
    schedules_fired,
    schedules_missed,
    schedules_skipped,
    schedules_failed
);

impl Stats {
    /// Counts events that have become durable, of a run that is degraded or not.
    pub(crate) fn count(&self, events: &[RunEvent], degraded: bool) {
        for event in events {
            if degraded && event.kind.ends_run() {
                self.runs_degraded.fetch_add(1, Ordering::Relaxed);
            }
            let counter = match &event.kind {
                EventKind::RunStarted(_) => &self.runs_started,
                EventKind::RunQueued(_) => &self.runs_queued,
                EventKind::TaskRetried { .. } => &self.tasks_retried,
                EventKind::TaskFinished(finished) => match finished.source {
                    TaskSource::Mock => &self.tasks_mock,
                    TaskSource::Fallback => &self.tasks_fallback,
                    TaskSource::Cache => &self.tasks_cached,
                    TaskSource::Live | TaskSource::Replay => &self.tasks_live,
                },
                EventKind::TaskFailed { .. } => &self.tasks_failed,
                EventKind::StepCommitted { .. } => &self.steps,
                EventKind::RunCompleted { .. } => &self.runs_completed,
                EventKind::RunFailed { .. } => &self.runs_failed,
                EventKind::RunCancelled { .. } => &self.runs_cancelled,
                EventKind::RunBlocked { .. } => &self.runs_blocked,
                EventKind::StepPlanned { .. }
                | EventKind::RunUnblocked { .. }
                | EventKind::TaskSuspended { .. }
                | EventKind::TaskResumed { .. }
                | EventKind::QuestionAnswered { .. }
                | EventKind::QuestionAssigned { .. }
                | EventKind::SubgraphStarted { .. }
                | EventKind::Interrupted { .. }
                | EventKind::PauseRequested { .. }
                | EventKind::Continued { .. }
                | EventKind::RunRevived { .. }
                | EventKind::FailureHandled { .. } => continue,
            };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}
