//! What follows from a failure: retry, then fallback, then the end.

use wforge_model::agent::EVERY_EFFECT;
use wforge_model::id::IdHasher;
use wforge_model::mock::MockMode;
use wforge_model::workflow::{Fallback, Node, RetryEffects, RetryRule, Work};
use wforge_model::{Failure, FailureKind, Timestamp};

use crate::frame::Task;

/// When the next attempt begins, and by which rule; none where there is none.
pub(crate) fn next_attempt<'a>(
    node: &'a Node,
    task: &Task,
    failure: &Failure,
    now: Timestamp,
) -> Option<(&'a RetryRule, Timestamp)> {
    if is_unknown(failure) {
        return None;
    }
    let rule = node.retry.iter().find(|rule| matches_rule(rule, failure))?;
    if attempts(task) >= rule.max_attempts {
        return None;
    }
    let asked = failure.problem().and_then(|problem| problem.retry_after_ms).unwrap_or(0);
    Some((rule, now.after_ms(wait_ms(rule, task).max(asked))))
}

/// The attempts that count for a retry policy: whoever takes up a run that failed begins anew.
const fn attempts(task: &Task) -> u32 {
    task.attempt.saturating_sub(task.first_attempt).saturating_add(1)
}

fn matches_rule(rule: &RetryRule, failure: &Failure) -> bool {
    if rule.on.is_empty() {
        return is_retryable(failure);
    }
    rule.on.iter().any(|on| on == failure.kind().as_str() || on == failure.code())
}

/// Whether the host died while it did something, at a node that says `effects: {unknown: fail}`.
/// Nobody may do it again, and nobody stands in for it.
pub(crate) fn is_unknown(failure: &Failure) -> bool {
    failure.kind() == FailureKind::Failed && failure.code() == "effect_unknown"
}

/// Whether a rule without `on` tries again: what may pass by itself, and what says so.
fn is_retryable(failure: &Failure) -> bool {
    match failure.kind() {
        FailureKind::Upstream
        | FailureKind::Timeout
        | FailureKind::Trap
        | FailureKind::BadOutput => true,
        FailureKind::Failed | FailureKind::Limit => {
            failure.problem().is_some_and(|problem| problem.retryable)
        }
        FailureKind::InvalidInput
        | FailureKind::Denied
        | FailureKind::Cancelled
        | FailureKind::Missing => false,
    }
}

/// The wait before the next attempt. Jitter takes away up to half of it, by a hash of task and
/// attempt, so that a replay waits as long.
fn wait_ms(rule: &RetryRule, task: &Task) -> u64 {
    let cap = u128::from(rule.max_ms);
    let mut wait = rule.initial_ms as f64;
    for _ in 1..attempts(task) {
        wait *= rule.factor;
        if wait >= rule.max_ms as f64 {
            break;
        }
    }
    // Casts of doubles saturate.
    let wait = u64::try_from((wait as u128).min(cap)).unwrap_or(rule.max_ms);
    if !rule.jitter {
        return wait;
    }
    let hasher = IdHasher::new("wforge.jitter.v1").field(task.id.as_bytes());
    let [byte, ..] = hasher.number(u64::from(task.attempt)).finish();
    wait - wait / 2 * u64::from(byte) / 255
}

/// How many effects of the failed attempt the next one keeps: all before the answer that failed
/// where the failure came from outside, none where the guest itself broke, unless the rule says.
pub(crate) fn kept_effects(rule: &RetryRule, failure: &Failure, recorded: u32) -> u32 {
    let before_the_last = recorded.saturating_sub(1);
    match (rule.effects, failure.kind()) {
        (Some(RetryEffects::Discard), _) => 0,
        (Some(RetryEffects::Keep), _) => EVERY_EFFECT,
        (None, FailureKind::Upstream | FailureKind::Limit) => before_the_last,
        (
            None,
            FailureKind::InvalidInput
            | FailureKind::Denied
            | FailureKind::Cancelled
            | FailureKind::Failed
            | FailureKind::Trap
            | FailureKind::Timeout
            | FailureKind::BadOutput
            | FailureKind::Missing,
        ) => 0,
    }
}

/// Whether the mock agent may stand in at a node after a failure of that kind.
pub(crate) fn falls_back(node: &Node, mode: MockMode, kind: FailureKind) -> bool {
    may_be_replaced(node, mode) && is_replaceable(node, kind)
}

/// Whether the node's fallback agent may make a further attempt after a failure of that kind.
pub(crate) fn fallback_agent(node: &Node, mode: MockMode, task: &Task, kind: FailureKind) -> bool {
    let named = matches!(node.fallback, Some(Fallback::Agent(_)));
    named && mode != MockMode::Off && !task.on_fallback && is_replaceable(node, kind)
}

fn is_replaceable(node: &Node, kind: FailureKind) -> bool {
    kind != FailureKind::Cancelled && (by_default(kind) || node.fallback_on.contains(&kind))
}

/// Whether the mock agent may stand in at a node at all.
pub(crate) fn may_be_replaced(node: &Node, mode: MockMode) -> bool {
    let is_agent = match &node.work {
        Work::Agent(_) => true,
        Work::Mock | Work::Set(_) | Work::Ask(_) | Work::Workflow(_) => false,
    };
    is_agent
        && match (mode, &node.fallback) {
            (MockMode::Off, _)
            | (_, Some(Fallback::None))
            | (MockMode::Node, None | Some(Fallback::Agent(_))) => false,
            (MockMode::Node, Some(Fallback::Mock)) | (MockMode::Fallback | MockMode::Always, _) => {
                true
            }
        }
}

const fn by_default(kind: FailureKind) -> bool {
    match kind {
        FailureKind::Missing
        | FailureKind::Trap
        | FailureKind::Timeout
        | FailureKind::Upstream
        | FailureKind::Limit
        | FailureKind::BadOutput => true,
        FailureKind::InvalidInput
        | FailureKind::Denied
        | FailureKind::Failed
        | FailureKind::Cancelled => false,
    }
}
