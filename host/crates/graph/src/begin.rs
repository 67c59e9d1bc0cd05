//! The first event of a run, and what must hold before there is one.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::agent::AgentPin;
use wforge_model::event::{EventKind, Origin, Route, RunEvent, RunStarted, StateUpdate};
use wforge_model::mock::MockMode;
use wforge_model::workflow::Work;
use wforge_model::{NodeId, Object, RunId, Timestamp, Value};

use crate::carried::Carried;
use crate::expressions::{Expressions, RunFacts, Scope, State};
use crate::library::Library;
use crate::messages;
use crate::paths::node_at;
use crate::policy::may_be_replaced;
use crate::problem::{Place, Problem, nearest};
use crate::route::edge_routes;
use crate::script;
use crate::start::{first_state, state_of};
use crate::workflow::Workflow;

/// The first event of a run, or everything that is wrong with its beginning. `started` is complete
/// but for its routes; `carried` is what the checkpoint left that it starts from.
///
/// # Errors
/// Input that misses its schemas, answers, mocks and updates for nodes that do not exist, a START
/// edge that cannot be evaluated, an exit to a parent that does not have its target.
pub fn begin(
    run: RunId,
    library: &Library,
    mut started: RunStarted,
    carried: Option<&Carried>,
    now: Timestamp,
    expressions: &dyn Expressions,
) -> Result<RunEvent, Vec<Problem>> {
    let nothing = Carried::default();
    let carried = carried.unwrap_or(&nothing);
    let workflow = &library.root;
    messages::name_input(workflow, &mut started.input, run.as_bytes());
    if let Origin::Update(updates) = &mut started.origin {
        for (place, update) in (0_u32..).zip(updates) {
            let seed = [run.as_bytes().as_slice(), &place.to_be_bytes()].concat();
            messages::name_writes(workflow, &mut update.writes, &seed);
        }
    }
    let mut problems = Vec::new();
    if started.origin.is_input() {
        let before = Some(&carried.state);
        problems.extend(input_misses(workflow, &started.input, before, expressions));
    }
    check_answers(library, &started, expressions, &mut problems);
    check_exits(library, &started, &mut problems);
    if let Origin::Update(updates) = &started.origin {
        check_updates(workflow, updates, expressions, &mut problems);
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let state = state_of(workflow, carried, &started)
        .map_err(|error| alloc::vec![problem(error.key.as_str(), error.code, error.message)])?;
    let scope = Scope {
        state: &state,
        bindings: &BTreeMap::new(),
        sent: &Value::Null,
        result: None,
        context: &started.context,
        run: RunFacts {
            id: run,
            thread: started.thread,
            step: 0,
            attempt: 1,
            started_at: now,
            degraded: false,
        },
    };
    started.routes = first_routes(workflow, &started.origin, &scope, expressions)?;
    Ok(RunEvent { at: now, kind: EventKind::RunStarted(Arc::new(started)) })
}

/// Where a run leads before its first super-step: the edges from START, or those of the nodes in
/// whose place somebody wrote.
fn first_routes(
    workflow: &Workflow,
    origin: &Origin,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Vec<Route>, Vec<Problem>> {
    let from_start = || edge_routes(workflow.edges_from_start(), "START", scope, expressions);
    let routes = match origin {
        Origin::Input => from_start(),
        Origin::Continue | Origin::Migrate | Origin::Copy => Ok(Vec::new()),
        Origin::Update(updates) => updates
            .iter()
            .map(|update| match &update.node {
                Some(node) => {
                    let edges = workflow.edges_from(node);
                    edge_routes(edges, node.as_str(), scope, expressions)
                }
                None => from_start(),
            })
            .collect::<Result<Vec<_>, _>>()
            .map(|routes| routes.concat()),
    };
    routes.map_err(|fault| alloc::vec![fault.problem()])
}

/// The agent nodes that nobody can serve: not pinned, not mocked, no stand-in in this mode.
#[must_use]
pub fn unserved<'a>(
    workflow: &'a Workflow,
    pins: &BTreeMap<NodeId, AgentPin>,
    fallbacks: &BTreeMap<NodeId, AgentPin>,
    mocked: &BTreeSet<NodeId>,
    mode: MockMode,
) -> Vec<&'a NodeId> {
    let nodes = workflow.nodes.iter().filter(|(id, node)| {
        let is_agent = match &node.work {
            Work::Agent(_) => true,
            Work::Mock | Work::Set(_) | Work::Ask(_) | Work::Workflow(_) => false,
        };
        let by_another = fallbacks.contains_key(*id) && mode != MockMode::Off;
        let served = pins.contains_key(*id) || mocked.contains(*id) || by_another;
        is_agent && !served && !may_be_replaced(node, mode)
    });
    nodes.map(|(id, _)| id).collect()
}

/// Everything that is wrong with the input of a workflow that goes on from `before`.
pub(crate) fn input_misses(
    workflow: &Workflow,
    input: &Object,
    before: Option<&State>,
    expressions: &dyn Expressions,
) -> Vec<Problem> {
    let mut problems = Vec::new();
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
        let is_there = before.is_some_and(|before| before.contains_key(key))
            || spec.is_some_and(|s| s.default.is_some() || s.reducer.initial().is_some());
        let Some(value) = input.get(key.as_str()) else {
            if !is_there {
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
    if problems.is_empty()
        && let Err(error) = first_state(workflow, before, input)
    {
        problems.push(problem(error.key.as_str(), error.code, error.message));
    }
    problems
}

fn check_answers(
    library: &Library,
    started: &RunStarted,
    expressions: &dyn Expressions,
    problems: &mut Vec<Problem>,
) {
    for (path, answer) in &started.answers {
        let at = path.to_string();
        match node_at(library, started, path).map(|(_, node)| &node.work) {
            Some(Work::Ask(ask)) => {
                let schema = ask.schema.as_ref();
                if let Some(Err(misses)) = schema.map(|schema| expressions.check(schema, answer)) {
                    let message =
                        format!("the answer for {path} does not fit: {}", misses.join("; "));
                    problems.push(problem(&at, "answer_schema", message));
                }
            }
            Some(Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Workflow(_)) | None => {
                let message = format!("{path} is no node that asks, so it takes no answer");
                problems.push(problem(&at, "unknown_ask", message));
            }
        }
    }
    for (path, mock) in &started.mocks {
        let at = path.to_string();
        if node_at(library, started, path).is_none() {
            let message = format!("the workflow has no node {path} to mock");
            problems.push(problem(&at, "unknown_node", message));
        }
        if let Some(message) = script::over_limit(&mock.script) {
            problems.push(problem(&at, "script_limit", message));
        }
    }
}

/// Whatever leaves a subgraph by an exit must arrive in the workflow around it.
fn check_exits(library: &Library, started: &RunStarted, problems: &mut Vec<Problem>) {
    let inner = started
        .subgraphs
        .iter()
        .filter_map(|(digest, pinned)| Some((library.parts.get(digest)?, &pinned.uses)));
    let around = core::iter::once((&library.root, &started.uses)).chain(inner);
    for (outer, uses) in around {
        for (node, digest) in uses {
            let Some(inside) = library.parts.get(digest) else { continue };
            for target in inside.parents_left_to() {
                if outer.nodes.contains_key(target) {
                    continue;
                }
                let message = format!(
                    "node {node} runs {}, which leaves to parent:{target}, but {} has no such node",
                    inside.title(),
                    outer.title()
                );
                let near = nearest(target.as_str(), outer.nodes.keys().map(NodeId::as_str));
                let problem = problem(node.as_str(), "unknown_node", message);
                problems.push(match near {
                    Some(near) => problem.help(format!("did you mean {near}?")),
                    None => problem,
                });
            }
        }
    }
}

fn check_updates(
    workflow: &Workflow,
    updates: &[StateUpdate],
    expressions: &dyn Expressions,
    problems: &mut Vec<Problem>,
) {
    for update in updates {
        if let Some(node) = update.node.as_ref().filter(|n| !workflow.nodes.contains_key(*n)) {
            let message = format!("the workflow has no node {node} to write as");
            problems.push(problem(node.as_str(), "unknown_node", message));
        }
        for write in &update.writes {
            let Some(spec) = workflow.state.get(&write.key) else {
                let message = format!("the state has no key {}", write.key);
                problems.push(problem(write.key.as_str(), "unknown_key", message));
                continue;
            };
            let whole = spec.reducer.replaces() || write.overwrite;
            let schema = spec.schema.as_ref().filter(|_| whole);
            if let Some(Err(misses)) = schema.map(|s| expressions.check(s, &write.value)) {
                let message = format!("state key {}: {}", write.key, misses.join("; "));
                problems.push(problem(write.key.as_str(), "state_schema", message));
            }
        }
    }
}

fn problem(place: &str, code: &'static str, message: String) -> Problem {
    Problem::error(Place::root().at(place), code, message)
}
