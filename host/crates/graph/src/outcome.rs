//! What follows from how one execution of a task ended: its result, another attempt, a stand-in, a
//! handler, or its end.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::agent::{Execution, Reply};
use wforge_model::event::{EventKind, PlannedTask};
use wforge_model::mock::{MockMode, TaskSource};
use wforge_model::workflow::{Fallback, Node};
use wforge_model::{Deeds, Failure, FailureKind, Problem, TaskId, Timestamp, Value};

use crate::decide::Decider;
use crate::finish::{Provenance, finished, used};
use crate::frame::Task;
use crate::mocks;
use crate::policy::{fallback_agent, falls_back, is_unknown, kept_effects, next_attempt};
use crate::result::TaskResult;
use crate::site::Site;
use crate::step::{Trigger, task_id};

/// An attempt that failed.
pub(crate) struct Failed {
    pub(crate) failure: Failure,
    /// How many effects it had recorded.
    pub(crate) effects: u32,
    pub(crate) elapsed_ms: u64,
    pub(crate) deeds: Deeds,
    /// Whether nobody stands in because the task has written something.
    pub(crate) after_write: bool,
}

impl Failed {
    /// A failure before anything was done.
    pub(crate) fn of(failure: Failure) -> Self {
        Self::after(failure, 0)
    }

    /// A failure after that time, in which this attempt asked nothing of the host.
    pub(crate) fn after(failure: Failure, elapsed_ms: u64) -> Self {
        Self { failure, effects: 0, elapsed_ms, deeds: Deeds::default(), after_write: false }
    }
}

/// How a stand-in takes over.
enum StandIn {
    Attempt,
    Reply,
}

impl Decider<'_> {
    pub(crate) fn executed(
        &self,
        id: TaskId,
        attempt: u32,
        execution: &Execution,
        elapsed_ms: u64,
        deeds: &Deeds,
    ) -> Vec<EventKind> {
        let Some((site, task)) = self.open(id, attempt) else {
            return Vec::new();
        };
        alloc::vec![match execution {
            Execution::Replied(reply) => {
                let how = Provenance { deeds: deeds.clone(), ..Provenance::live(elapsed_ms) };
                self.replied(&site, task, reply, how)
            }
            Execution::Suspended(waiting) => return self.suspended(id, waiting.clone()),
            Execution::Failed { failure, effects } => {
                let failed = Failed {
                    effects: *effects,
                    deeds: deeds.clone(),
                    ..Failed::after(failure.clone(), elapsed_ms)
                };
                self.failed(&site, task, failed)
            }
            Execution::Diverged(divergence) => {
                EventKind::RunBlocked { task: id, divergence: divergence.clone() }
            }
        }]
    }

    /// A result of the node's cache: it was checked when it was made, and is checked again.
    pub(crate) fn cached(&self, id: TaskId, attempt: u32, reply: &Reply) -> Vec<EventKind> {
        let Some((site, task)) = self.open(id, attempt) else {
            return Vec::new();
        };
        let how = Provenance { source: TaskSource::Cache, ..Provenance::live(0) };
        alloc::vec![self.replied(&site, task, reply, how)]
    }

    /// A late answer of an earlier attempt, or of a task of an earlier step, counts for nothing.
    fn open(&self, id: TaskId, attempt: u32) -> Option<(Site<'_>, &Task)> {
        let task = self.run.task(id)?;
        let runs = task.attempt == attempt && task.is_due(self.now);
        runs.then_some((self.run.site_of(id)?, task))
    }

    fn replied(
        &self,
        site: &Site<'_>,
        task: &Task,
        reply: &Reply,
        mut how: Provenance,
    ) -> EventKind {
        let schema = site.pin(task).map_or(&Value::Null, |pin| &pin.output);
        if schema.is_object()
            && let Err(misses) = self.expressions.check(schema, &reply.output)
        {
            let message =
                format!("the result does not fit the agent's schema: {}", misses.join("; "));
            let failure = Failure::BadOutput(Problem::new("output_schema", message));
            let failed = Failed { deeds: how.deeds, ..Failed::after(failure, how.elapsed_ms) };
            return self.failed(site, task, failed);
        }
        if task.on_fallback && how.source == TaskSource::Live {
            how.source = TaskSource::Fallback;
            how.stands_in = true;
            how.instead_of.clone_from(&task.instead_of);
        }
        self.settle(site, task, &TaskResult::from(reply), how)
    }

    /// The end of a task that has a result, unless what follows from the result fails.
    pub(crate) fn settle(
        &self,
        site: &Site<'_>,
        task: &Task,
        result: &TaskResult,
        how: Provenance,
    ) -> EventKind {
        let (elapsed_ms, source, stands_in) = (how.elapsed_ms, how.source, how.stands_in);
        let deeds = how.deeds.clone();
        match finished(site, task, result, how, self.expressions) {
            Ok(event) => event,
            Err(failure) => {
                let failed = Failed { deeds, ..Failed::after(failure, elapsed_ms) };
                // What the mock agent replies in an agent's place is not replaced again. A stand-in
                // that makes an attempt of its own is tried again as any other.
                let is_last = match source {
                    TaskSource::Live | TaskSource::Cache | TaskSource::Replay => false,
                    TaskSource::Mock | TaskSource::Fallback => stands_in && !task.on_fallback,
                };
                if is_last {
                    self.fail(site, task, failed)
                } else {
                    self.failed(site, task, failed)
                }
            }
        }
    }

    /// Retry, else handler, else fallback, else the end. What was written to the world stays
    /// written: who stands in does not know of it, so the node must say that somebody may.
    pub(crate) fn failed(&self, site: &Site<'_>, task: &Task, failed: Failed) -> EventKind {
        let Some(node) = site.node(&task.node) else {
            return self.fail(site, task, failed);
        };
        let failure = &failed.failure;
        if let Some((rule, at)) = next_attempt(node, task, failure, self.now) {
            let kept_effects = kept_effects(rule, failure, failed.effects);
            return again(task, failed, at, kept_effects, false);
        }
        if node.on_error.is_some() && failure.kind() != FailureKind::Cancelled {
            return self.fail(site, task, failed);
        }
        match self.stand_in(site, task, node, failure) {
            Some(_) if failed.deeds.wrote && !node.fallback_after_write => {
                self.fail(site, task, Failed { after_write: true, ..failed })
            }
            Some(StandIn::Attempt) => again(task, failed, self.now, 0, true),
            Some(StandIn::Reply) => self.stood_in_for(site, task, node, &failed),
            None => self.fail(site, task, failed),
        }
    }

    /// Who stands in after a failure: another agent or a script as a further attempt, or the mock
    /// agent's reply at once.
    fn stand_in(
        &self,
        site: &Site<'_>,
        task: &Task,
        node: &Node,
        failure: &Failure,
    ) -> Option<StandIn> {
        if is_unknown(failure) {
            return None;
        }
        let (mode, kind) = (self.mock_mode(), failure.kind());
        if fallback_agent(node, mode, task, kind) && site.has_fallback_agent(&task.node) {
            return Some(StandIn::Attempt);
        }
        if task.on_fallback && mocks::is_mocked(site, task, node) || !falls_back(node, mode, kind) {
            return None;
        }
        let scripted = mocks::told(site, task, node).is_some_and(|told| !told.script.is_empty());
        let by_script = scripted && !matches!(node.fallback, Some(Fallback::Agent(_)));
        Some(if by_script { StandIn::Attempt } else { StandIn::Reply })
    }

    /// The mock agent's result in the place of an attempt that failed.
    fn stood_in_for(
        &self,
        site: &Site<'_>,
        task: &Task,
        node: &Node,
        failed: &Failed,
    ) -> EventKind {
        let how = Provenance {
            source: TaskSource::Fallback,
            stands_in: true,
            instead_of: Some(failed.failure.clone()),
            deeds: failed.deeds.clone(),
            ..Provenance::live(failed.elapsed_ms)
        };
        mocks::built_reply(site, task, node, self.expressions)
            .and_then(|result| finished(site, task, &result, how, self.expressions))
            .unwrap_or_else(|second| {
                let failure = both(&failed.failure, &second);
                let failed = Failed {
                    deeds: failed.deeds.clone(),
                    ..Failed::after(failure, failed.elapsed_ms)
                };
                self.fail(site, task, failed)
            })
    }

    /// The end of a task that has no result: its node's handler takes over where it names one.
    pub(crate) fn fail(&self, site: &Site<'_>, task: &Task, failed: Failed) -> EventKind {
        let Failed { failure, elapsed_ms, deeds, after_write, .. } = failed;
        let usage = used(task, deeds);
        let handler = site.node(&task.node).and_then(|node| node.on_error.clone());
        let handler = handler.filter(|_| failure.kind() != FailureKind::Cancelled).map(|node| {
            let id = task_id(site, site.frame.step, &node, Trigger::Failure(task.id));
            PlannedTask { id, node, send: None }
        });
        EventKind::TaskFailed {
            task: task.id,
            attempt: task.attempt,
            failure,
            elapsed_ms,
            handler,
            after_write,
            usage,
        }
    }

    pub(crate) fn mock_mode(&self) -> MockMode {
        self.run.started.as_ref().map(|started| started.mock_mode).unwrap_or_default()
    }
}

/// Another attempt at that moment.
fn again(
    task: &Task,
    failed: Failed,
    at: Timestamp,
    kept_effects: u32,
    falls_back: bool,
) -> EventKind {
    let Failed { failure, elapsed_ms, deeds, .. } = failed;
    let usage = used(task, deeds);
    let attempt = task.attempt;
    EventKind::TaskRetried {
        task: task.id,
        attempt,
        failure,
        at,
        kept_effects,
        elapsed_ms,
        falls_back,
        usage,
    }
}

/// The failure of a task whose stand-in failed as well.
fn both(first: &Failure, second: &Failure) -> Failure {
    let message: String = format!("{first}; and its stand-in: {second}");
    Failure::Failed(Problem::new("fallback_failed", message))
}
