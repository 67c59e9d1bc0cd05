//! From a result to a finished task: schema, writes, routes. And from the last super-step to the
//! end of a level.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::event::{Emitted, EventKind, Route, RunError, TaskFinished, Write};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::{Node, Template, Work};
use wforge_model::{Deeds, Failure, Key, Object, Problem, Usage, Value};

use crate::expressions::{Expressions, Scope};
use crate::frame::Task;
use crate::problem::Place;
use crate::reduce::kind_of;
use crate::result::TaskResult;
use crate::route::{edge_routes, exit_routes, own_state};
use crate::site::Site;
use crate::step::run_error;
use crate::template::fill_write;
use crate::workflow::Workflow;

/// How a result came about.
#[derive(Debug, Clone)]
pub(crate) struct Provenance {
    pub(crate) source: TaskSource,
    pub(crate) stands_in: bool,
    pub(crate) instead_of: Option<Failure>,
    pub(crate) elapsed_ms: u64,
    pub(crate) emitted: Vec<Emitted>,
    pub(crate) deeds: Deeds,
}

impl Provenance {
    /// The agent itself, a `set` or a person.
    pub(crate) fn live(elapsed_ms: u64) -> Self {
        Self {
            source: TaskSource::Live,
            stands_in: false,
            instead_of: None,
            elapsed_ms,
            emitted: Vec::new(),
            deeds: Deeds::default(),
        }
    }
}

/// What a task used by now. What is decided here uses nothing more than the attempts before it.
pub(crate) fn used(task: &Task, deeds: Deeds) -> Usage {
    if deeds.usage.is_none() { task.usage.clone() } else { deeds.usage }
}

/// The event that a task finished with this result.
pub(crate) fn finished(
    site: &Site<'_>,
    task: &Task,
    result: &TaskResult,
    provenance: Provenance,
    expressions: &dyn Expressions,
) -> Result<EventKind, Failure> {
    let Some(node) = site.node(&task.node) else {
        return Err(Failure::Failed(Problem::new("unknown_node", "the node is gone")));
    };
    let workflow = site.workflow;
    let mut writes = match &result.writes {
        Some(writes) => writes.clone(),
        None => writes_of(site, task, node, &result.output, expressions)?,
    };
    crate::messages::name_writes(workflow, &mut writes, task.id.as_bytes());
    check_writes(workflow, &writes, expressions)?;
    let state = own_state(workflow, &site.frame.state, &task.node, &writes)?;
    let scope = site.scope(task, &state);
    // The exits first: of one task's sends, those that it makes itself come before its edges'.
    let mut routes: Vec<Route> = exit_routes(&result.exits, task, node)?;
    let edges = workflow.edges_from(&task.node);
    let of_edges = edge_routes(edges, task.node.as_str(), &scope, expressions)
        .map_err(|fault| fault.failure(workflow))?;
    routes.extend(of_edges);
    routes.extend(result.routes.iter().cloned());
    let is_volatile = |write: &Write| workflow.state.get(&write.key).is_some_and(|s| s.volatile);
    let (volatile, writes) = writes.into_iter().partition(is_volatile);
    Ok(EventKind::TaskFinished(Arc::new(TaskFinished {
        task: task.id,
        attempt: task.attempt,
        source: provenance.source,
        stands_in: provenance.stands_in,
        instead_of: provenance.instead_of,
        writes,
        volatile,
        routes,
        emitted: provenance.emitted,
        elapsed_ms: provenance.elapsed_ms,
        usage: used(task, provenance.deeds),
    })))
}

fn writes_of(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    result: &Value,
    expressions: &dyn Expressions,
) -> Result<Vec<Write>, Failure> {
    let scope = site.scope(task, &site.frame.state);
    let (scope, field, templates) = match (&node.work, &node.out) {
        (Work::Set(writes), _) => (scope, "set", writes),
        (Work::Agent(_) | Work::Mock | Work::Ask(_) | Work::Workflow(_), Some(out)) => {
            (Scope { result: Some(result), ..scope }, "out", out)
        }
        (Work::Agent(_) | Work::Mock | Work::Ask(_) | Work::Workflow(_), None) => {
            return implied_writes(site.workflow, result);
        }
    };
    let fill = |(key, template): (&Key, &Template)| {
        fill_write(key, template, &scope, expressions).map_err(|unfilled| {
            unfilled.at(Place::of_node(&task.node).at(field).at(key)).failure(site.workflow)
        })
    };
    templates.iter().map(fill).collect()
}

/// Without `out`, a result's keys are state keys; any other is an error.
fn implied_writes(workflow: &Workflow, result: &Value) -> Result<Vec<Write>, Failure> {
    let bad = |message: String| Failure::BadOutput(Problem::new("unmapped_output", message));
    let Value::Object(fields) = result else {
        return Err(bad(format!(
            "the result is {}, not an object whose keys are state keys; write `out`",
            kind_of(result)
        )));
    };
    let write = |(name, value): (&String, &Value)| match name.parse::<Key>() {
        Ok(key) if workflow.state.contains_key(&key) => {
            Ok(Write { key, value: value.clone(), overwrite: false })
        }
        _ => Err(bad(format!("the result's key \"{name}\" is no state key; write `out`"))),
    };
    fields.iter().map(write).collect()
}

/// A single value is checked with its task, so that the task's policy can mend it; what several
/// tasks make together is checked when the super-step commits.
fn check_writes(
    workflow: &Workflow,
    writes: &[Write],
    expressions: &dyn Expressions,
) -> Result<(), Failure> {
    for write in writes {
        let Some(spec) = workflow.state.get(&write.key) else {
            let message = format!("the state has no key {}", write.key);
            return Err(Failure::BadOutput(Problem::new("unknown_key", message)));
        };
        let whole = spec.reducer.replaces() || write.overwrite;
        let Some(schema) = spec.schema.as_ref().filter(|_| whole) else {
            continue;
        };
        if let Err(misses) = expressions.check(schema, &write.value) {
            let message = format!("state key {}: {}", write.key, misses.join("; "));
            return Err(Failure::BadOutput(Problem::new("state_schema", message)));
        }
    }
    Ok(())
}

/// How a level ends after which nothing is planned.
pub(crate) struct End {
    pub(crate) outcome: Option<String>,
    pub(crate) output: Object,
}

/// The end of a level after which nothing is planned.
pub(crate) fn end(site: &Site<'_>) -> Result<End, Box<RunError>> {
    let output = written_output(site);
    let outcome = site.frame.pending.outcomes.first().cloned();
    if outcome.is_none() && output.len() < site.workflow.output.len() {
        return Err(Box::new(missing_output(site)));
    }
    Ok(End { outcome, output })
}

/// The declared output keys that are written.
pub(crate) fn written_output(site: &Site<'_>) -> Object {
    let keys = site.workflow.output.iter();
    keys.filter_map(|key| Some((key.as_str().into(), Value::clone(site.frame.state.get(key)?))))
        .collect()
}

fn missing_output(site: &Site<'_>) -> RunError {
    let state = &site.frame.state;
    let keys = site.workflow.output.iter().filter(|key| !state.contains_key(*key));
    let missing: Vec<&str> = keys.map(Key::as_str).collect();
    let arrived = site.frame.arrived.iter().zip(site.workflow.barriers());
    let half_full = arrived.filter_map(|(arrivals, barrier)| {
        let absent: Vec<&str> = barrier
            .sources
            .iter()
            .filter(|source| !arrivals.seen.contains(*source))
            .map(wforge_model::NodeId::as_str)
            .collect();
        let waits = !arrivals.fired && !arrivals.seen.is_empty() && !absent.is_empty();
        let missing = barrier.needed.saturating_sub(arrivals.seen.len());
        let of = if missing < absent.len() { format!("{missing} of ") } else { String::new() };
        waits.then(|| format!("; {} still waited for {of}{}", barrier.target, absent.join(", ")))
    });
    let barriers: String = half_full.collect();
    run_error(
        "missing_output",
        format!("the run ended without writing output key {}{barriers}", missing.join(", ")),
    )
}
