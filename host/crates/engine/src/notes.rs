//! What is noted of plugins that had to be stopped, and of what was refused: a figure each time,
//! and an entry of the tenant's audit log while there is room for one.
//!
//! Whoever is stopped decides how often that happens, so that entries have a limit in a minute and
//! figures have labels of our own: what a guest says is never a label.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wforge_model::agent::AgentCall;
use wforge_model::event::{EventKind, RunEvent};
use wforge_model::text::harmless_line;
use wforge_model::{Failure, FailureKind, RunId, TenantId, Timestamp};
use wforge_ports::effects::{EffectAnswer, EffectRequest};
use wforge_ports::figures::Kept;
use wforge_ports::store::AuditDraft;
use wforge_ports::{Clock, RawFailure, RawRequest, RawResponse};

use crate::attended::{Attends, Sent};

/// Entries that one run has waiting for its next commit; further ones are counted only.
const WAITING_MAX: usize = 32;
/// Tenants whose minutes are known; past it those of earlier minutes are forgotten.
const MINUTES_MAX: usize = 10_000;
const MINUTE_MS: u64 = 60_000;
/// The longest resource of an entry, in characters.
const RESOURCE_CHARS_MAX: usize = 200;
/// What is counted under a code that is none of ours.
const OTHER: &str = "other";

/// The codes that are labels.
const CODES: &[&str] = &[
    "alias",
    "answer_bytes",
    "answer_schema",
    "bad_body",
    "bad_body_signature",
    "bad_header",
    "bad_indirect_call",
    "bad_json",
    "bad_manifest",
    "bad_method",
    "bad_request",
    "bad_schema",
    "bad_signature",
    "bad_url",
    "below_minimum",
    "blob_bytes",
    "blob_read_bytes",
    "cannot_enter",
    "circuit_open",
    "commit_too_large",
    "compile_failed",
    "compile_limit",
    "concurrent_write",
    "core_module",
    "cpu_limit",
    "data_flow",
    "denied",
    "divide_by_zero",
    "effects",
    "emits",
    "exception",
    "expression_limit",
    "file_bytes",
    "file_too_large",
    "forbidden_address",
    "handles",
    "host_call_bytes",
    "host_calls",
    "host_fault",
    "host_panic",
    "idle_timeout",
    "input_too_large",
    "instance_limit",
    "integer_overflow",
    "invalid",
    "invalid_workflow",
    "json_depth",
    "json_width",
    "kv_full",
    "kv_key_bytes",
    "kv_value_bytes",
    "legacy_signature",
    "log_lines",
    "memory_limit",
    "memory_out_of_bounds",
    "nesting_limit",
    "no_manifest",
    "no_such_field",
    "nondeterminism",
    "not_found",
    "not_wasm",
    "older_than_signed",
    "output_schema",
    "output_too_large",
    "precompiled",
    "record_bytes",
    "redacted",
    "request_bytes",
    "response_bytes",
    "revoked_key",
    "rollback",
    "schema",
    "stack_overflow",
    "state_schema",
    "state_too_large",
    "step_limit",
    "table_limit",
    "table_out_of_bounds",
    "task_limit",
    "tenant_memory",
    "timeout",
    "timers",
    "tokens_per_day_max",
    "too_deep",
    "too_large",
    "tool_depth",
    "trap",
    "truncated",
    "unknown_signer",
    "unreachable",
    "unsigned",
    "unsupported_api",
    "version_taken",
    "wall_limit",
    "wrong_world",
];

/// What the host does not send as it is: a URL that reads in two ways, a header that ends another.
const UNSENT: [&str; 4] = ["bad_header", "bad_method", "bad_request", "bad_url"];
/// What the host does not wait for any longer.
const TIMEOUT: &str = "timeout";

/// What had to be stopped or refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// An attempt of a task.
    Task,
    /// A whole run.
    Run,
    /// A host call, that the guest may have lived on without.
    HostCall,
    /// Log lines.
    Log,
    /// A secret in what a guest gave back.
    Secret,
    /// A component.
    Plugin,
    /// A workflow file.
    Workflow,
    /// A post to an inbound webhook.
    Hook,
}

impl What {
    /// As a label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Task => "task",
            Self::Run => "run",
            Self::HostCall => "host_call",
            Self::Log => "log",
            Self::Secret => "secret",
            Self::Plugin => "plugin",
            Self::Workflow => "workflow",
            Self::Hook => "hook",
        }
    }

    /// As an action of the audit log.
    const fn action(self) -> &'static str {
        match self {
            Self::Task => "task.stop",
            Self::Run => "run.stop",
            Self::HostCall => "host_call.refuse",
            Self::Log => "log.drop",
            Self::Secret => "secret.redact",
            Self::Plugin => "plugin.refuse",
            Self::Workflow => "workflow.refuse",
            Self::Hook => "hook.refuse",
        }
    }
}

/// How often what happened, by what it was and its code.
pub(crate) type Counts = BTreeMap<(What, &'static str), u64>;

/// Everything that is noted, of all tenants.
#[derive(Debug)]
pub(crate) struct Notes {
    counts: Arc<Mutex<Counts>>,
    per_minute_max: u32,
    minutes: Mutex<HashMap<TenantId, Minute>>,
    /// Entries that there was no room for.
    left_out: AtomicU64,
    /// Of each run, what goes with its next commit.
    waiting: Mutex<HashMap<(TenantId, RunId), Vec<AuditDraft>>>,
}

#[derive(Debug, Default)]
struct Minute {
    began: u64,
    entries: u32,
}

/// One thing to be noted.
#[derive(Debug, Clone)]
pub(crate) struct Note<'a> {
    pub(crate) what: What,
    pub(crate) code: &'a str,
    pub(crate) actor: &'a str,
    pub(crate) resource: String,
    pub(crate) at: Timestamp,
}

impl Notes {
    pub(crate) fn new(per_minute_max: u32) -> Self {
        Self {
            counts: Arc::default(),
            per_minute_max,
            minutes: Mutex::default(),
            left_out: AtomicU64::new(0),
            waiting: Mutex::default(),
        }
    }

    /// The figures, and how many entries were left out.
    pub(crate) fn figures(&self) -> (Counts, u64) {
        (locked(&self.counts).clone(), self.left_out.load(Ordering::Relaxed))
    }

    /// The runs of which something waits for a commit.
    pub(crate) fn kept(&self) -> Kept {
        Kept::entries("noted_runs", locked(&self.waiting).len())
    }

    /// Counts it, and gives the entry that is to be written, if there is room.
    pub(crate) fn note(&self, tenant: &TenantId, note: &Note<'_>) -> Option<AuditDraft> {
        count(&self.counts, note.what, note.code, 1);
        self.entry(tenant, note)
    }

    fn entry(&self, tenant: &TenantId, note: &Note<'_>) -> Option<AuditDraft> {
        let mut minutes = locked(&self.minutes);
        let now = note.at.0 / MINUTE_MS;
        if minutes.len() >= MINUTES_MAX {
            minutes.retain(|_, minute| minute.began == now);
        }
        let minute = minutes.entry(tenant.clone()).or_default();
        if minute.began != now {
            *minute = Minute { began: now, entries: 0 };
        }
        if minute.entries >= self.per_minute_max {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        minute.entries += 1;
        Some(AuditDraft {
            at: note.at,
            actor: note.actor.to_owned(),
            action: note.what.action().to_owned(),
            resource: harmless_line(&note.resource, RESOURCE_CHARS_MAX),
            outcome: harmless_line(note.code, RESOURCE_CHARS_MAX),
        })
    }

    /// Counts it; its entry goes with the run's next commit.
    pub(crate) fn note_in(&self, tenant: &TenantId, run: RunId, note: &Note<'_>) {
        count(&self.counts, note.what, note.code, 1);
        let mut waiting = locked(&self.waiting);
        let key = (tenant.clone(), run);
        if waiting.get(&key).is_some_and(|entries| entries.len() >= WAITING_MAX) {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        } else if let Some(entry) = self.entry(tenant, note) {
            waiting.entry(key).or_default().push(entry);
        }
    }

    /// The entries that go with a commit of that run: what waits, and what its events say.
    pub(crate) fn of_commit(
        &self,
        tenant: &TenantId,
        run: RunId,
        events: &[RunEvent],
    ) -> Vec<AuditDraft> {
        // Without an event there is no commit.
        if events.is_empty() {
            return Vec::new();
        }
        let mut entries = locked(&self.waiting).remove(&(tenant.clone(), run)).unwrap_or_default();
        for event in events {
            if let Some((what, code, resource)) = stopped(run, &event.kind) {
                let note = Note { what, code, actor: "host", resource, at: event.at };
                entries.extend(self.note(tenant, &note));
            }
        }
        entries
    }

    /// The run is driven by nobody any more.
    pub(crate) fn forget(&self, tenant: &TenantId, run: RunId) {
        locked(&self.waiting).remove(&(tenant.clone(), run));
    }
}

fn count(counts: &Mutex<Counts>, what: What, code: &str, by: u64) {
    let label = CODES.iter().find(|known| **known == code).copied().unwrap_or(OTHER);
    let mut counts = locked(counts);
    let count = counts.entry((what, label)).or_default();
    *count = count.saturating_add(by);
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What an event says of something that the host stopped.
fn stopped(run: RunId, kind: &EventKind) -> Option<(What, &str, String)> {
    match kind {
        EventKind::TaskFailed { task, failure, .. }
        | EventKind::TaskRetried { task, failure, .. } => {
            is_stop(failure).then(|| (What::Task, failure.code(), format!("{run} {task}")))
        }
        EventKind::RunBlocked { task, .. } => {
            Some((What::Run, "nondeterminism", format!("{run} {task}")))
        }
        // One whose task failed was noted with it.
        EventKind::RunFailed { error } if error.failure.is_none() => {
            Some((What::Run, &error.code, run.to_string()))
        }
        _ => None,
    }
}

/// Whether the host ended it, rather than the agent itself or somebody outside.
fn is_stop(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Denied
        | FailureKind::Limit
        | FailureKind::Trap
        | FailureKind::Timeout
        | FailureKind::BadOutput => true,
        FailureKind::Failed | FailureKind::Missing | FailureKind::Upstream => {
            ["exception", "circuit_open", "host_panic"].contains(&failure.code())
        }
        FailureKind::InvalidInput | FailureKind::Cancelled => false,
    }
}

/// Notes what a guest's host calls are refused, when they are: a rerun that is answered from the
/// record is refused nothing anew.
#[derive(Debug, Clone)]
pub(crate) struct Refusals {
    notes: Arc<Notes>,
    tenant: TenantId,
    run: RunId,
    /// The agent, as the audit log calls it.
    actor: String,
    node: String,
    clock: Arc<dyn Clock>,
    asked: String,
    /// What was noted in this execution: the same again is counted only.
    seen: Arc<Mutex<BTreeSet<(String, String)>>>,
}

impl Refusals {
    pub(crate) fn of(notes: &Arc<Notes>, call: &AgentCall, clock: &Arc<dyn Clock>) -> Self {
        Self {
            notes: Arc::clone(notes),
            tenant: call.tenant.clone(),
            run: call.run,
            actor: format!("plugin {}", call.plugin),
            node: call.node.to_string(),
            clock: Arc::clone(clock),
            asked: String::new(),
            seen: Arc::default(),
        }
    }

    fn refused(&self, asked: &str, failure: &Failure) {
        let (code, about) = match failure {
            Failure::Denied(denial) => {
                ("denied", format!("{} {}", denial.capability, denial.resource))
            }
            Failure::Limit(problem) => (problem.code.as_str(), asked.to_owned()),
            Failure::InvalidInput(problem) if UNSENT.contains(&problem.code.as_str()) => {
                (problem.code.as_str(), asked.to_owned())
            }
            Failure::Upstream(problem) if problem.code == TIMEOUT => (TIMEOUT, asked.to_owned()),
            _ => return,
        };
        self.note(What::HostCall, code, &about);
    }

    /// Notes it: an entry for the first of its kind, a figure for each.
    fn note(&self, what: What, code: &str, about: &str) {
        let mut seen = locked(&self.seen);
        let key = (code.to_owned(), about.to_owned());
        if seen.len() >= WAITING_MAX || !seen.insert(key) {
            return count(&self.notes.counts, what, code, 1);
        }
        let resource = format!("{} {} {about}", self.run, self.node);
        let (actor, at) = (self.actor.as_str(), self.clock.now());
        self.notes.note_in(&self.tenant, self.run, &Note { what, code, actor, resource, at });
    }
}

impl Attends for Refusals {
    fn begins(&mut self, request: &EffectRequest) {
        self.asked = request.operation.to_string();
    }

    fn after(&mut self, answer: &EffectAnswer, recorded: usize) {
        match answer {
            EffectAnswer::Answered(elements) => {
                let failures = elements.iter().skip(recorded).filter_map(|it| it.as_ref().err());
                failures.for_each(|failure| self.refused(&self.asked, failure));
            }
            EffectAnswer::Refused(failure) if recorded == 0 => self.refused(&self.asked, failure),
            EffectAnswer::Refused(_)
            | EffectAnswer::Suspend(_)
            | EffectAnswer::Diverged(_)
            | EffectAnswer::Failed(_)
            | EffectAnswer::Fault(_) => {}
        }
    }

    fn sends(&mut self, _request: &RawRequest) -> Sent {
        let refusals = self.clone();
        Box::new(move |outcome: &Result<RawResponse, RawFailure>| match outcome {
            Err(RawFailure::Denied(denial) | RawFailure::AddressForbidden(denial)) => {
                refusals.refused("http.raw", &Failure::Denied(denial.clone()));
            }
            Err(RawFailure::Invalid(problem)) => {
                refusals.refused("http.raw", &Failure::InvalidInput(problem.clone()));
            }
            Err(RawFailure::ConnectTimeout(_) | RawFailure::Timeout(_)) => {
                refusals.note(What::HostCall, TIMEOUT, "http.raw");
            }
            Err(RawFailure::ResponseTooLarge { .. }) => {
                refusals.note(What::HostCall, "response_bytes", "http.raw");
            }
            Err(RawFailure::RequestTooLarge { .. }) => {
                refusals.note(What::HostCall, "request_bytes", "http.raw");
            }
            _ => {}
        })
    }

    fn dropped(&mut self, lines: u64) {
        count(&self.notes.counts, What::Log, "log_lines", lines.saturating_sub(1));
        self.note(What::Log, "log_lines", &format!("{lines} lines"));
    }
}

#[cfg(test)]
mod tests {
    use wforge_model::Denial;

    use super::*;

    fn note(code: &str, at: u64) -> Note<'_> {
        let at = Timestamp(at);
        Note { what: What::Plugin, code, actor: "ann", resource: "a\u{1b}[2Jb".into(), at }
    }

    #[test]
    fn entries_of_a_minute_are_limited_and_figures_are_not() {
        let (notes, acme) = (Notes::new(2), "acme".parse().unwrap());
        let kept: Vec<bool> = [0, 1, 2, MINUTE_MS]
            .map(|at| notes.note(&acme, &note("too_large", at)).is_some())
            .into();
        assert_eq!(kept, [true, true, false, true]);
        let (counts, left_out) = notes.figures();
        assert_eq!(counts[&(What::Plugin, "too_large")], 4);
        assert_eq!(left_out, 1);
        let other = "other".parse().unwrap();
        assert!(notes.note(&other, &note("too_large", 1)).is_some(), "each tenant has its own");
    }

    #[test]
    fn what_a_stranger_says_is_no_label_and_inert_in_an_entry() {
        let (notes, acme) = (Notes::new(9), "acme".parse().unwrap());
        let entry = notes.note(&acme, &note("my\nlabel", 0)).unwrap();
        assert_eq!((entry.outcome.as_str(), entry.resource.as_str()), ("my label", "a\\u{1b}[2Jb"));
        assert_eq!(notes.figures().0.keys().collect::<Vec<_>>(), [&(What::Plugin, OTHER)]);
    }

    #[test]
    fn a_refusal_is_noted_when_it_happens_and_not_when_a_rerun_hears_of_it_again() {
        let notes = Arc::new(Notes::new(9));
        let (call, clock) = (wforge_testkit::call(), wforge_testkit::SimClock::at(Timestamp(0)));
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let mut refusals = Refusals::of(&notes, &call, &clock);
        let denied = |resource: &str| {
            let (capability, hint) = ("http".to_owned(), String::new());
            Err(Failure::Denied(Denial { capability, resource: resource.to_owned(), hint }))
        };
        let answer = EffectAnswer::Answered(vec![denied("a"), denied("b"), denied("b")]);
        refusals.after(&answer, 1);
        refusals.after(&answer, 3);
        assert_eq!(notes.figures().0[&(What::HostCall, "denied")], 2);
        let end =
            RunEvent { at: Timestamp(0), kind: EventKind::PauseRequested { by: String::new() } };
        let entries = notes.of_commit(&call.tenant, call.run, &[end]);
        let about: Vec<_> = entries.iter().map(|entry| entry.resource.rsplit(' ').next()).collect();
        assert_eq!(about, [Some("b")], "one of a kind in one execution");
    }

    #[test]
    fn codes_are_known_once_each() {
        let mut sorted = CODES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), CODES.len());
    }
}
