//! Super-steps: which tasks the next one has, and whether the current one can be committed.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::event::{PlannedTask, Route, RunError, Write};
use wforge_model::id::IdHasher;
use wforge_model::{Key, NodeId, TaskId};

use crate::expressions::Expressions;
use crate::frame::{Frame, Task, TaskStatus};
use crate::reduce::{ReduceError, reduced};
use crate::run::Run;
use crate::site::Site;

/// How a task came to be, which is part of its id.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    /// Edges lead to its node.
    Plain,
    /// It was sent, as the so many-th of its super-step.
    Send(u32),
    /// It handles the failure of another task of its super-step.
    Failure(TaskId),
}

/// The id of a task: a hash of what makes it that task, so that a replay finds it again. A fork has
/// another base, and a retried subgraph another attempt of the task around it.
pub(crate) fn task_id(site: &Site<'_>, step: u32, node: &NodeId, trigger: Trigger) -> TaskId {
    let hasher = IdHasher::new("wforge.task.v1").field(site.run.id.as_bytes());
    let base = site.run.started.as_ref().and_then(|started| started.base);
    let hasher = match base {
        Some(base) => hasher.field(base.run.as_bytes()).number(base.seq.0),
        None => hasher.field(b"").number(0),
    };
    let hasher = match site.ns.and_then(|ns| site.run.task(ns)) {
        Some(around) => hasher.field(around.id.as_bytes()).number(u64::from(around.attempt)),
        None => hasher.field(b"").number(0),
    };
    let hasher = hasher.number(u64::from(step)).field(node.as_str().as_bytes());
    let hasher = match trigger {
        Trigger::Plain => hasher.field(b"plain"),
        Trigger::Send(place) => hasher.field(b"send").number(u64::from(place)),
        Trigger::Failure(task) => hasher.field(b"failure").field(task.as_bytes()),
    };
    TaskId::from_bytes(hasher.finish())
}

/// The tasks that follow the last committed super-step: plain ones in order of their nodes, then
/// sends as they were sent. Deferred nodes only where nothing else is left.
pub(crate) fn next_tasks(site: &Site<'_>) -> Vec<PlannedTask> {
    let ready: BTreeSet<NodeId> = triggered(site);
    let (deferred, now): (Vec<NodeId>, Vec<NodeId>) =
        ready.into_iter().partition(|node| site.workflow.is_deferred(node));
    let pending = &site.frame.pending;
    let nothing_else = now.is_empty() && pending.sends.is_empty();
    let step = site.frame.step.saturating_add(1);
    let deferred = deferred.into_iter().filter(|node| nothing_else || is_due(site, node));
    let plain: BTreeSet<NodeId> = now.into_iter().chain(deferred).collect();
    let plain = plain.into_iter().map(|node| (node, None));
    let sends = (0..).zip(&pending.sends).map(|(place, send)| (send.to.clone(), Some(place)));
    plain
        .chain(sends)
        .map(|(node, send)| {
            let trigger = send.map_or(Trigger::Plain, Trigger::Send);
            PlannedTask { id: task_id(site, step, &node, trigger), node, send }
        })
        .collect()
}

/// Whether a deferred node's turn had come before others were started.
fn is_due(site: &Site<'_>, node: &NodeId) -> bool {
    let mut barriers = site.frame.arrived.iter().zip(site.workflow.barriers());
    site.frame.pending.due.contains(node)
        || barriers.any(|(arrivals, barrier)| arrivals.due && barrier.target == *node)
}

/// The nodes of the run itself whose tasks are still to be done: of the super-step under way, else
/// of the one that follows the last. In task order; empty where the run is at its end.
#[must_use]
pub fn next_nodes(run: &Run) -> Vec<NodeId> {
    let Some(site) = run.site(None) else { return Vec::new() };
    if site.frame.tasks.is_empty() {
        let ends = !site.frame.pending.outcomes.is_empty();
        let tasks = if ends { Vec::new() } else { next_tasks(&site) };
        return tasks.into_iter().map(|task| task.node).collect();
    }
    let open = |task: &&Task| {
        task.is_unfinished() || matches!(task.status, TaskStatus::Failed { handled: false, .. })
    };
    site.frame.tasks.iter().filter(open).map(|task| task.node.clone()).collect()
}

fn triggered(site: &Site<'_>) -> BTreeSet<NodeId> {
    let barriers = site.frame.arrived.iter().zip(site.workflow.barriers());
    let full = barriers
        .filter(|(arrivals, barrier)| arrivals.is_full(barrier))
        .map(|(_, barrier)| barrier.target.clone());
    site.frame.pending.nodes.iter().cloned().chain(full).collect()
}

/// The writes of the tasks of a super-step in their order, each with its node.
pub(crate) fn written(tasks: &[Task]) -> impl Iterator<Item = (&NodeId, &Write)> {
    tasks.iter().flat_map(|task| {
        let finished = task.finished().into_iter();
        let writes = finished.flat_map(|finished| finished.writes.iter().chain(&finished.volatile));
        writes.map(move |write| (&task.node, write))
    })
}

/// Whether the writes of the current super-step give a state that may be.
pub(crate) fn check_commit(
    site: &Site<'_>,
    expressions: &dyn Expressions,
) -> Result<(), Box<RunError>> {
    let (frame, workflow) = (site.frame, site.workflow);
    let reduced = reduced(&workflow.state, &frame.state, written(&frame.tasks))
        .map_err(|error| reduce_error(&error))?;
    // What lasts one super-step makes room again.
    let lasting = |key: &Key| workflow.state.get(key).is_none_or(|spec| !spec.ephemeral);
    let held = frame.state_bytes.iter().filter(|(key, _)| lasting(key));
    let mut bytes: u64 = held.map(|(_, bytes)| bytes).sum();
    for (key, to) in reduced {
        let before = frame.state_bytes.get(key).copied();
        let freed = before.filter(|_| lasting(key)).unwrap_or(0);
        bytes = bytes.saturating_sub(freed).saturating_add(to.bytes(before));
        let schema = workflow.state.get(key).and_then(|spec| spec.schema.as_ref());
        let misses =
            schema.map(|schema| expressions.check(schema, &to.over(frame.state.get(key).cloned())));
        if let Some(Err(misses)) = misses {
            let writers = writers_of(frame, key);
            return Err(boxed(
                "bad_state",
                format!(
                    "state key {key} does not fit its schema after super-step {}: {}; written by \
                     {writers}",
                    frame.step,
                    misses.join("; ")
                ),
            ));
        }
    }
    if bytes > workflow.limits.state_bytes_max {
        return Err(boxed(
            "state_too_large",
            format!(
                "the state would have {bytes} bytes after super-step {}, more than \
                 limits.state_bytes_max = {}",
                frame.step, workflow.limits.state_bytes_max
            ),
        ));
    }
    let outcomes: BTreeSet<&String> = outcomes(frame).collect();
    if outcomes.len() > 1 {
        return Err(boxed(
            "outcome_conflict",
            format!("super-step {} ends the run with two outcomes: {outcomes:?}", frame.step),
        ));
    }
    Ok(())
}

fn outcomes(frame: &Frame) -> impl Iterator<Item = &String> {
    let finished = frame.tasks.iter().filter_map(Task::finished);
    finished.flat_map(|finished| &finished.routes).filter_map(|route| match route {
        Route::Outcome(outcome) => Some(outcome),
        Route::Node(_)
        | Route::Arrive { .. }
        | Route::Each { .. }
        | Route::Send { .. }
        | Route::Parent { .. } => None,
    })
}

fn writers_of(frame: &Frame, key: &Key) -> String {
    let writers = written(&frame.tasks).filter(|(_, write)| write.key == *key);
    let nodes: BTreeSet<&str> = writers.map(|(node, _)| node.as_str()).collect();
    nodes.into_iter().collect::<Vec<_>>().join(", ")
}

fn reduce_error(error: &ReduceError) -> Box<RunError> {
    boxed(error.code, format!("state key {}: {}", error.key, error.message))
}

fn boxed(code: &str, message: String) -> Box<RunError> {
    Box::new(run_error(code, message))
}

/// An error of the run as a whole.
pub(crate) fn run_error(code: &str, message: String) -> RunError {
    RunError { code: code.into(), message, node: None, task: None, failure: None }
}
