//! Super-steps: which tasks the next one has, and whether the current one can be committed.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::event::{PlannedTask, RunError, Write};
use wforge_model::id::IdHasher;
use wforge_model::{NodeId, RunId, TaskId};

use crate::expressions::Expressions;
use crate::reduce::{ReduceError, reduce};
use crate::run::{Run, TaskStatus};
use crate::workflow::Workflow;

/// The id of a task: a hash of what makes it that task, so that a replay finds it again. The base
/// checkpoint is the run's beginning and the namespace the root: there are no forks and no
/// subgraphs in this version's logs.
pub(crate) fn task_id(run: RunId, step: u32, node: &NodeId, send: Option<u32>) -> TaskId {
    let hasher = IdHasher::new("wforge.task.v1")
        .field(run.as_bytes())
        .number(0)
        .field(b"")
        .number(u64::from(step))
        .field(node.as_str().as_bytes());
    let hasher = match send {
        Some(place) => hasher.field(b"send").number(u64::from(place)),
        None => hasher.field(b"plain"),
    };
    TaskId::from_bytes(hasher.finish())
}

/// The tasks that follow the last committed super-step: plain ones in order of their nodes, then
/// sends as they were sent. Deferred nodes only where nothing else is left.
pub(crate) fn next_tasks(run: &Run, workflow: &Workflow) -> Vec<PlannedTask> {
    let ready: BTreeSet<NodeId> = triggered(run, workflow);
    let (deferred, now): (Vec<NodeId>, Vec<NodeId>) =
        ready.into_iter().partition(|node| workflow.is_deferred(node));
    let nothing_else = now.is_empty() && run.pending.sends.is_empty();
    let step = run.step.saturating_add(1);
    let plain = if nothing_else { deferred } else { now };
    let plain = plain.into_iter().map(|node| (node, None));
    let sends = (0..).zip(&run.pending.sends).map(|(place, send)| (send.to.clone(), Some(place)));
    plain
        .chain(sends)
        .map(|(node, send)| PlannedTask { id: task_id(run.id, step, &node, send), node, send })
        .collect()
}

fn triggered(run: &Run, workflow: &Workflow) -> BTreeSet<NodeId> {
    let barriers = run.arrived.iter().zip(workflow.barriers());
    let full = barriers
        .filter(|(arrived, barrier)| arrived.len() == barrier.sources.len())
        .map(|(_, barrier)| barrier.target.clone());
    run.pending.nodes.iter().cloned().chain(full).collect()
}

/// The writes of the current super-step in task order, each with its node.
pub(crate) fn written(run: &Run) -> impl Iterator<Item = (&NodeId, &Write)> {
    run.tasks.iter().flat_map(|task| {
        let writes = match &task.status {
            TaskStatus::Finished(finished) => finished.writes.as_slice(),
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Suspended(_)
            | TaskStatus::Failed(_) => &[],
        };
        writes.iter().map(move |write| (&task.node, write))
    })
}

/// Whether the writes of the current super-step give a state that may be.
pub(crate) fn check_commit(
    run: &Run,
    workflow: &Workflow,
    expressions: &dyn Expressions,
) -> Result<(), Box<RunError>> {
    let values =
        reduce(&workflow.state, &run.state, written(run)).map_err(|error| reduce_error(&error))?;
    let mut bytes: u64 = run.state_bytes.values().sum();
    for (key, value) in &values {
        let before = run.state_bytes.get(key).copied().unwrap_or(0);
        bytes = bytes.saturating_sub(before).saturating_add(crate::apply::json_bytes(value));
        let schema = workflow.state.get(key).and_then(|spec| spec.schema.as_ref());
        if let Some(Err(misses)) = schema.map(|schema| expressions.check(schema, value)) {
            let writers = writers_of(run, key);
            return Err(boxed(
                "bad_state",
                format!(
                    "state key {key} does not fit its schema after super-step {}: {}; written by \
                     {writers}",
                    run.step,
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
                run.step, workflow.limits.state_bytes_max
            ),
        ));
    }
    let outcomes: BTreeSet<&String> = outcomes(run).collect();
    if outcomes.len() > 1 {
        return Err(boxed(
            "outcome_conflict",
            format!("super-step {} ends the run with two outcomes: {outcomes:?}", run.step),
        ));
    }
    Ok(())
}

fn outcomes(run: &Run) -> impl Iterator<Item = &String> {
    use wforge_model::event::Route;
    run.tasks.iter().flat_map(|task| {
        let routes = match &task.status {
            TaskStatus::Finished(finished) => finished.routes.as_slice(),
            TaskStatus::Ready
            | TaskStatus::Backoff(_)
            | TaskStatus::Suspended(_)
            | TaskStatus::Failed(_) => &[],
        };
        routes.iter().filter_map(|route| match route {
            Route::Outcome(outcome) => Some(outcome),
            Route::Node(_) | Route::Arrive { .. } | Route::Each { .. } | Route::Send { .. } => None,
        })
    })
}

fn writers_of(run: &Run, key: &wforge_model::Key) -> String {
    let writers = written(run).filter(|(_, write)| write.key == *key);
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
