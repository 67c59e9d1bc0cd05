//! The first event of a run, and what must hold before there is one.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::agent::AgentPin;
use wforge_model::event::{EventKind, RunEvent, RunStarted, Write};
use wforge_model::mock::{MockAnswer, MockMode};
use wforge_model::workflow::Work;
use wforge_model::{Digest, NodeId, Object, RunId, ThreadId, Timestamp, Value};

use crate::expressions::{Expressions, RunFacts, Scope, State};
use crate::policy::may_be_replaced;
use crate::problem::{Place, Problem};
use crate::reduce::reduce;
use crate::route::edge_routes;
use crate::workflow::Workflow;

/// Everything that a run is begun with.
#[derive(Debug, Clone)]
pub struct Beginning {
    /// The run's id.
    pub run: RunId,
    /// The workflow's digest.
    pub digest: Digest,
    /// The thread, if any.
    pub thread: Option<ThreadId>,
    /// The input keys.
    pub input: Object,
    /// Read-only JSON for expressions and agents.
    pub context: Value,
    /// The mode that holds.
    pub mock_mode: MockMode,
    /// The nodes to mock.
    pub mocks: BTreeMap<NodeId, MockAnswer>,
    /// Answers given beforehand.
    pub answers: BTreeMap<NodeId, Value>,
    /// The agent of each agent node that has one.
    pub pins: BTreeMap<NodeId, AgentPin>,
    /// Who begins it.
    pub by: String,
}

/// The first event of a run, or everything that is wrong with its beginning.
///
/// # Errors
/// Input that misses its schemas, answers and mocks for nodes that do not exist, a START edge that
/// cannot be evaluated.
pub fn begin(
    workflow: &Workflow,
    beginning: Beginning,
    now: Timestamp,
    expressions: &dyn Expressions,
) -> Result<RunEvent, Vec<Problem>> {
    let mut problems = Vec::new();
    check_input(workflow, &beginning.input, expressions, &mut problems);
    check_answers(workflow, &beginning, expressions, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let state = first_state(workflow, &beginning.input).map_err(|problem| alloc::vec![problem])?;
    let scope = Scope {
        state: &state,
        bindings: &BTreeMap::new(),
        sent: &Value::Null,
        result: None,
        context: &beginning.context,
        run: RunFacts {
            id: beginning.run,
            thread: beginning.thread,
            step: 0,
            attempt: 1,
            started_at: now,
            degraded: false,
        },
    };
    let routes = edge_routes(workflow.edges_from_start(), "START", &scope, expressions)
        .map_err(|failure| alloc::vec![problem("edges", "expression", failure.to_string())])?;
    let started = RunStarted {
        workflow: workflow.name.clone(),
        version: workflow.version.clone(),
        digest: beginning.digest,
        thread: beginning.thread,
        input: beginning.input,
        context: beginning.context,
        mock_mode: beginning.mock_mode,
        mocks: beginning.mocks,
        answers: beginning.answers,
        pins: beginning.pins,
        routes,
        limits: Some(workflow.limits.clone()),
        by: beginning.by,
    };
    Ok(RunEvent { at: now, kind: EventKind::RunStarted(Box::new(started)) })
}

/// The agent nodes that nobody can serve: not pinned, not mocked, no stand-in in this mode.
#[must_use]
pub fn unserved<'a>(
    workflow: &'a Workflow,
    pins: &BTreeMap<NodeId, AgentPin>,
    mocks: &BTreeMap<NodeId, MockAnswer>,
    mode: MockMode,
) -> Vec<&'a NodeId> {
    let nodes = workflow.nodes.iter().filter(|(id, node)| {
        let is_agent = match &node.work {
            Work::Agent(_) => true,
            Work::Mock | Work::Set(_) | Work::Ask(_) => false,
        };
        let served = pins.contains_key(*id) || mocks.contains_key(*id);
        is_agent && !served && !may_be_replaced(node, mode)
    });
    nodes.map(|(id, _)| id).collect()
}

/// The input as writes of START, in order of the keys.
pub(crate) fn input_writes(input: &Object) -> Vec<(NodeId, Write)> {
    // START is no node name, and nothing looks this one up: reducers only name it in errors.
    let Ok(start) = "start".parse::<NodeId>() else {
        return Vec::new();
    };
    let writes = input.iter().filter_map(|(name, value)| {
        Some(Write { key: name.parse().ok()?, value: value.clone(), overwrite: false })
    });
    writes.map(|write| (start.clone(), write)).collect()
}

fn first_state(workflow: &Workflow, input: &Object) -> Result<State, Problem> {
    let mut state = State::new();
    for (key, spec) in &workflow.state {
        if let Some(value) = spec.default.clone().or_else(|| spec.reducer.initial()) {
            state.insert(key.clone(), Arc::new(value));
        }
    }
    let writes = input_writes(input);
    let values = reduce(&workflow.state, &state, writes.iter().map(|(node, w)| (node, w)))
        .map_err(|error| problem(error.key.as_str(), error.code, error.message))?;
    state.extend(values);
    Ok(state)
}

fn check_input(
    workflow: &Workflow,
    input: &Object,
    expressions: &dyn Expressions,
    problems: &mut Vec<Problem>,
) {
    for name in input.keys() {
        if !workflow.input.iter().any(|key| key.as_str() == name) {
            let keys: Vec<&str> = workflow.input.iter().map(wforge_model::Key::as_str).collect();
            let message = format!("the workflow takes no input \"{name}\"");
            let problem = problem(name, "unknown_input", message);
            problems.push(problem.help(format!("its inputs are: {}", keys.join(", "))));
        }
    }
    for key in &workflow.input {
        let spec = workflow.state.get(key);
        let has_default =
            spec.is_some_and(|s| s.default.is_some() || s.reducer.initial().is_some());
        let Some(value) = input.get(key.as_str()) else {
            if !has_default {
                let message = format!("the input {key} is missing");
                let help =
                    format!("give it: --input {key}=@FILE, or \"input\": {{ \"{key}\": … }}");
                problems.push(problem(key.as_str(), "missing_input", message).help(help));
            }
            continue;
        };
        let schema = spec.and_then(|spec| spec.schema.as_ref());
        if let Some(Err(misses)) = schema.map(|schema| expressions.check(schema, value)) {
            let message = format!("the input {key} does not fit its schema: {}", misses.join("; "));
            problems.push(problem(key.as_str(), "input_schema", message));
        }
    }
}

fn check_answers(
    workflow: &Workflow,
    beginning: &Beginning,
    expressions: &dyn Expressions,
    problems: &mut Vec<Problem>,
) {
    for (node, answer) in &beginning.answers {
        match workflow.nodes.get(node).map(|node| &node.work) {
            Some(Work::Ask(ask)) => {
                let schema = ask.schema.as_ref();
                if let Some(Err(misses)) = schema.map(|schema| expressions.check(schema, answer)) {
                    let message =
                        format!("the answer for {node} does not fit: {}", misses.join("; "));
                    problems.push(problem(node.as_str(), "answer_schema", message));
                }
            }
            Some(Work::Agent(_) | Work::Mock | Work::Set(_)) | None => {
                let message = format!("{node} is no node that asks, so it takes no answer");
                problems.push(problem(node.as_str(), "unknown_ask", message));
            }
        }
    }
    for node in beginning.mocks.keys().filter(|node| !workflow.nodes.contains_key(*node)) {
        let message = format!("the workflow has no node {node} to mock");
        problems.push(problem(node.as_str(), "unknown_node", message));
    }
}

fn problem(place: &str, code: &'static str, message: String) -> Problem {
    Problem::error(Place::root().at(place), code, message)
}
