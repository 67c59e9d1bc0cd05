//! The call that a task makes: the same call for the same task, however often it is made.

use alloc::format;
use alloc::string::{String, ToString};

use wforge_model::agent::AgentCall;
use wforge_model::workflow::{Node, UnknownOutcome, Work};
use wforge_model::{Failure, Object, Problem, TaskId, TenantId, Value};

use crate::expressions::Expressions;
use crate::frame::Task;
use crate::problem::Place;
use crate::run::Run;
use crate::site::Site;
use crate::template::fill;

/// The call of a task whose node is pinned to an agent.
///
/// # Errors
/// The failure of the attempt: its input could not be made or misses the agent's schema.
pub fn call_of(
    run: &Run,
    tenant: &TenantId,
    id: TaskId,
    expressions: &dyn Expressions,
) -> Result<AgentCall, Failure> {
    let gone = || Failure::Cancelled(Problem::new("stale_task", "the task is not open any more"));
    let task = run.task(id).ok_or_else(gone)?;
    let site = run.site_of(id).ok_or_else(gone)?;
    let node = site.node(&task.node).ok_or_else(gone)?;
    let pin = site.pin(task).ok_or_else(|| missing(node))?;
    let input = input_of(&site, task, node, &pin.input, expressions)?;
    if let Err(misses) = expressions.check(&pin.input, &input) {
        let message =
            format!("the input of node {} does not fit: {}", task.node, misses.join("; "));
        return Err(Failure::InvalidInput(Problem::new("input_schema", message)));
    }
    let started = run.started.as_ref();
    Ok(AgentCall {
        tenant: tenant.clone(),
        plugin: pin.plugin.clone(),
        component: pin.component,
        agent: pin.agent.clone(),
        task: id,
        run: run.id,
        thread: started.and_then(|started| started.thread),
        workflow: site.workflow.title(),
        node: task.node.clone(),
        step: site.frame.step,
        attempt: task.attempt,
        timeout_ms: node.timeout_ms,
        input,
        config: if node.config.is_null() {
            Value::Object(Object::new())
        } else {
            node.config.clone()
        },
        context: started.map_or(Value::Null, |started| started.context.clone()),
        grants: pin.grants.clone(),
        began_at: task.began_at,
        answers: task.answers.clone(),
        kept_effects: task.kept_effects,
        first_attempt: task.first_attempt,
        fails_unknown: node.effects.unknown == UnknownOutcome::Fail,
        is_idempotent: node.effects.idempotent,
        tools: started.map(|started| started.tools.clone()).unwrap_or_default(),
        depth: 0,
    })
}

/// The failure of a task whose agent nobody serves.
pub(crate) fn missing(node: &Node) -> Failure {
    let name = match &node.work {
        Work::Agent(agent) => agent.to_string(),
        Work::Mock | Work::Set(_) | Work::Ask(_) | Work::Workflow(_) => String::new(),
    };
    let message =
        format!("no installed plugin serves {name}; install one: wforge plugin install FILE");
    Failure::Missing(Problem::new("missing_agent", message))
}

/// What a node hands to its agent: `in`, or the state keys that the agent's input schema names.
///
/// # Errors
/// An expression of `in` that has no value.
pub(crate) fn input_of(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    schema: &Value,
    expressions: &dyn Expressions,
) -> Result<Value, Failure> {
    let state = site.frame.state();
    let scope = site.scope(task, state);
    let mut input = Object::new();
    if let Some(templates) = &node.input {
        for (name, template) in templates {
            let value = fill(template, &scope, expressions).map_err(|unfilled| {
                unfilled.at(Place::of_node(&task.node).at("in").at(name)).failure(site.workflow)
            })?;
            input.insert(name.clone(), value);
        }
        return Ok(Value::Object(input));
    }
    let named = schema.get("properties").and_then(Value::as_object);
    for name in named.into_iter().flat_map(Object::keys) {
        let reaches = site.workflow.state.get(name.as_str()).is_some_and(|spec| !spec.volatile);
        if let Some(value) = state.get(name.as_str()).filter(|_| reaches) {
            input.insert(name.clone(), Value::clone(value));
        }
    }
    Ok(Value::Object(input))
}
