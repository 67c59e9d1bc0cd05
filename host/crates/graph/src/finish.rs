//! From a result to a finished task: schema, writes, routes. And from the last super-step to the
//! end of the run.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use wforge_model::agent::Reply;
use wforge_model::event::{EventKind, Route, TaskFinished, Write};
use wforge_model::mock::TaskSource;
use wforge_model::workflow::{Node, Template, Work};
use wforge_model::{Failure, Key, Object, Problem, Value};

use crate::expressions::{Expressions, Scope};
use crate::reduce::kind_of;
use crate::route::{edge_routes, exit_routes, of_expression, own_state};
use crate::run::{Run, Task};
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
}

impl Provenance {
    /// The agent itself, a `set` or a person.
    pub(crate) const fn live(elapsed_ms: u64) -> Self {
        Self { source: TaskSource::Live, stands_in: false, instead_of: None, elapsed_ms }
    }
}

/// The event that a task finished with this reply.
pub(crate) fn finished(
    run: &Run,
    workflow: &Workflow,
    task: &Task,
    reply: &Reply,
    provenance: Provenance,
    expressions: &dyn Expressions,
) -> Result<EventKind, Failure> {
    let Some(node) = workflow.nodes.get(&task.node) else {
        return Err(Failure::Failed(Problem::new("unknown_node", "the node is gone")));
    };
    let scope = Scope { result: Some(&reply.output), ..run.scope(task, &run.state) };
    let writes = writes_of(workflow, node, &reply.output, &scope, expressions)?;
    check_writes(workflow, &writes, expressions)?;
    let state = own_state(workflow, &run.state, &task.node, &writes)?;
    let scope = run.scope(task, &state);
    let edges = workflow.edges_from(&task.node);
    let mut routes: Vec<Route> = edge_routes(edges, task.node.as_str(), &scope, expressions)?;
    routes.extend(exit_routes(&reply.exits, task, node)?);
    Ok(EventKind::TaskFinished(Box::new(TaskFinished {
        task: task.id,
        attempt: task.attempt,
        source: provenance.source,
        stands_in: provenance.stands_in,
        instead_of: provenance.instead_of,
        writes,
        routes,
        elapsed_ms: provenance.elapsed_ms,
    })))
}

fn writes_of(
    workflow: &Workflow,
    node: &Node,
    result: &Value,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Vec<Write>, Failure> {
    match (&node.work, &node.out) {
        (Work::Set(writes), _) => {
            // A `set` has no result to name.
            fill_all(writes, &Scope { result: None, ..*scope }, expressions)
        }
        (Work::Agent(_) | Work::Mock | Work::Ask(_), Some(out)) => {
            fill_all(out, scope, expressions)
        }
        (Work::Agent(_) | Work::Mock | Work::Ask(_), None) => implied_writes(workflow, result),
    }
}

fn fill_all(
    templates: &BTreeMap<Key, Template>,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Vec<Write>, Failure> {
    let fill = |(key, template): (&Key, &Template)| {
        fill_write(key, template, scope, expressions)
            .map_err(|error| of_expression(&format!("the write of {key}"), &error))
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
        let whole = spec.reducer == wforge_model::workflow::Reducer::Last || write.overwrite;
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

/// The end of a run after which nothing is planned.
pub(crate) fn end(run: &Run, workflow: &Workflow) -> EventKind {
    let written = workflow.output.iter().filter_map(|key| Some((key, run.state.get(key)?)));
    let output: Object =
        written.map(|(key, value)| (key.as_str().into(), Value::clone(value))).collect();
    let outcome = run.pending.outcomes.first().cloned();
    if outcome.is_none() && output.len() < workflow.output.len() {
        return EventKind::RunFailed { error: missing_output(run, workflow) };
    }
    EventKind::RunCompleted { outcome, output }
}

fn missing_output(run: &Run, workflow: &Workflow) -> wforge_model::event::RunError {
    let missing: Vec<&str> = workflow
        .output
        .iter()
        .filter(|key| !run.state.contains_key(*key))
        .map(Key::as_str)
        .collect();
    let half_full = run.arrived.iter().zip(workflow.barriers()).filter_map(|(arrived, barrier)| {
        let absent: Vec<&str> = barrier
            .sources
            .iter()
            .filter(|source| !arrived.contains(*source))
            .map(wforge_model::NodeId::as_str)
            .collect();
        (!arrived.is_empty() && !absent.is_empty())
            .then(|| format!("; {} still waited for {}", barrier.target, absent.join(", ")))
    });
    let barriers: String = half_full.collect();
    run_error(
        "missing_output",
        format!("the run ended without writing output key {}{barriers}", missing.join(", ")),
    )
}
