//! Tasks that run a workflow inside them: how they enter it, and how it is left by an exit.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

use wforge_model::event::{EventKind, Route, Write};
use wforge_model::workflow::{Node, Persist, Subgraph, Template};
use wforge_model::{Denial, Failure, Key, NodeId, Object, Problem, TaskId, Value};

use crate::begin::input_misses;
use crate::decide::Decider;
use crate::expressions::{Expressions, Scope, State};
use crate::frame::Task;
use crate::outcome::Failed;
use crate::problem::Place;
use crate::reduce::reduce;
use crate::result::TaskResult;
use crate::route::edge_routes;
use crate::site::Site;
use crate::start::first_state;
use crate::template::{expressions_in, fill, fill_write};

/// How deep subgraphs may lie in one another.
const DEPTH_MAX: usize = 16;

impl Decider<'_> {
    /// A task begins the workflow inside it.
    pub(crate) fn enter(
        &self,
        site: &Site<'_>,
        task: &Task,
        node: &Node,
        subgraph: &Subgraph,
    ) -> EventKind {
        match entered(site, task, node, subgraph, self.expressions) {
            Ok(event) => event,
            Err(failure) => self.failed(site, task, Failed::of(failure)),
        }
    }
}

fn entered(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    subgraph: &Subgraph,
    expressions: &dyn Expressions,
) -> Result<EventKind, Failure> {
    let name = &subgraph.workflow;
    let digest = site.run.used_by(site.frame.uses.as_ref(), &task.node);
    let library = site.run.library.as_ref();
    let inside = digest.and_then(|digest| library?.parts.get(&digest));
    let Some(inside) = inside else {
        let message =
            format!("no registered workflow {name}; register it: wforge workflow register FILE");
        return Err(Failure::Missing(Problem::new("missing_workflow", message)));
    };
    if site.depth() + 1 > DEPTH_MAX {
        let message = format!("workflows lie in one another more than {DEPTH_MAX} deep");
        return Err(Failure::Limit(Problem::new("nesting_limit", message)));
    }
    refuse_concurrent(site, task, subgraph.persist)?;
    let mut input = subgraph_input(site, task, node, &inside.input, expressions)?;
    crate::messages::name_input(inside, &mut input, task.id.as_bytes());
    let path = site.path(&task.node);
    let before = site.run.kept.get(&path).map(|kept| &kept.state);
    let misses = input_misses(inside, &input, before, expressions);
    if let Some(miss) = misses.first() {
        let more =
            if misses.len() > 1 { format!(" (and {} more)", misses.len() - 1) } else { "".into() };
        let message = format!("the input of {name} does not fit: {}{more}", miss.message);
        return Err(Failure::InvalidInput(Problem::new(miss.code, message)));
    }
    let wrong = |error: crate::reduce::ReduceError| {
        Failure::InvalidInput(Problem::new(error.code, error.message))
    };
    let state = first_state(inside, before, &input).map_err(wrong)?;
    let facts = site.facts(task.attempt);
    let scope = Scope {
        state: &state,
        bindings: &BTreeMap::new(),
        sent: &Value::Null,
        result: None,
        context: site.run.context(),
        run: crate::expressions::RunFacts { step: 0, ..facts },
    };
    let routes = edge_routes(inside.edges_from_start(), "START", &scope, expressions)
        .map_err(|fault| fault.failure(inside))?;
    Ok(EventKind::SubgraphStarted { task: task.id, input, routes })
}

/// Two calls at once would each go on from the state that the other has not left yet: of those, the
/// first counts.
fn refuse_concurrent(site: &Site<'_>, task: &Task, persist: Persist) -> Result<(), Failure> {
    if persist == Persist::None {
        return Ok(());
    }
    let same = |other: &&Task| other.node == task.node;
    let is_first = site.frame.tasks.iter().find(same).is_none_or(|first| first.id == task.id);
    let path = site.path(&task.node);
    let elsewhere = |ns: &TaskId| {
        let other = site.run.task(*ns).zip(site.run.site_of(*ns));
        other.is_some_and(|(other, at)| at.ns != site.ns && at.path(&other.node) == path)
    };
    if is_first && !site.run.inner.keys().any(elsewhere) {
        return Ok(());
    }
    let message = format!(
        "node {} runs twice at once, but its subgraph keeps its state between calls; write \
         persist: none, or call it one after the other",
        task.node
    );
    Err(Failure::Failed(Problem::new("concurrent_subgraph", message)))
}

/// `in`, or the state keys that the workflow takes as input.
fn subgraph_input(
    site: &Site<'_>,
    task: &Task,
    node: &Node,
    keys: &[Key],
    expressions: &dyn Expressions,
) -> Result<Object, Failure> {
    let scope = site.scope(task, site.frame.state());
    let mut input = Object::new();
    let Some(templates) = &node.input else {
        let state = site.persisted_state();
        let there = keys.iter().filter_map(|key| Some((key, state.get(key)?)));
        input.extend(there.map(|(key, value)| (key.to_string(), Value::clone(value))));
        return Ok(input);
    };
    for (name, template) in templates {
        let value = fill(template, &scope, expressions).map_err(|unfilled| {
            unfilled.at(Place::of_node(&task.node).at("in").at(name)).failure(site.workflow)
        })?;
        input.insert(name.clone(), value);
    }
    Ok(input)
}

/// The result of a subgraph that a task left by an exit to the parent: what that task wrote, by
/// itself. What of `out` names a key that it did not write is passed over, since the subgraph's
/// own state goes with it.
pub(crate) fn result_on_leaving(
    inner: &Site<'_>,
    outer: &Site<'_>,
    (left, task): (&Task, &Task),
    expressions: &dyn Expressions,
) -> Result<TaskResult, Failure> {
    let finished = left.finished();
    let writes = finished.into_iter().flat_map(|finished| finished.writes.iter());
    let own = reduce(&inner.workflow.state, &State::new(), writes.map(|w| (&left.node, w)))
        .map_err(|error| Failure::BadOutput(Problem::new(error.code, error.message)))?;
    let output: Object =
        own.into_iter().map(|(key, value)| (key.to_string(), Value::clone(&value))).collect();
    let out = outer.node(&task.node).and_then(|node| node.out.as_ref());
    let writes = match out {
        Some(out) => mapped(outer, task, out, &output, expressions)?,
        None => implied(outer, &output),
    };
    Ok(TaskResult { writes: Some(writes), ..TaskResult::default() })
}

fn mapped(
    outer: &Site<'_>,
    task: &Task,
    out: &BTreeMap<Key, Template>,
    output: &Object,
    expressions: &dyn Expressions,
) -> Result<Vec<Write>, Failure> {
    let result = Value::Object(output.clone());
    let scope = Scope { result: Some(&result), ..outer.scope(task, outer.frame.state()) };
    let there = out.iter().filter(|(_, template)| names_written(template, output, expressions));
    there
        .map(|(key, template)| {
            fill_write(key, template, &scope, expressions).map_err(|unfilled| {
                unfilled.at(Place::of_node(&task.node).at("out").at(key)).failure(outer.workflow)
            })
        })
        .collect()
}

/// Whether every `result.KEY` of a template is there.
fn names_written(template: &Template, output: &Object, expressions: &dyn Expressions) -> bool {
    let mut there = true;
    expressions_in(&Place::root(), template, &mut |_, source| {
        let chain = expressions.inspect(source).ok().and_then(|info| info.select_chain);
        let named = chain.as_ref().filter(|chain| chain.first().is_some_and(|r| r == "result"));
        if let Some(key) = named.and_then(|chain| chain.get(1)) {
            there &= output.contains_key(key);
        }
    });
    there
}

fn implied(outer: &Site<'_>, output: &Object) -> Vec<Write> {
    let writes = output.iter().filter_map(|(name, value)| {
        let key: Key = name.parse().ok()?;
        let known = outer.workflow.state.contains_key(&key);
        known.then(|| Write { key, value: value.clone(), overwrite: false })
    });
    writes.collect()
}

/// Where an exit to the parent leads in the workflow around the subgraph.
pub(crate) fn route_out(outer: &Site<'_>, task: &Task, to: &NodeId, sent: Option<&Value>) -> Route {
    debug_assert!(outer.node(to).is_some(), "checked when the run started");
    if task.bindings().is_empty() && sent.is_none() {
        return Route::Node(to.clone());
    }
    let bindings = task.bindings().iter();
    let bindings = bindings.map(|(name, value)| (name.clone(), Value::clone(value))).collect();
    Route::Send { to: to.clone(), bindings, sent: sent.cloned() }
}

/// An exit to a parent, taken where there is none.
pub(crate) fn no_parent(task: &Task) -> Failure {
    Failure::Denied(Denial {
        capability: "exit".into(),
        resource: "parent".into(),
        hint: format!("node {} leaves to a parent, but this workflow runs by itself", task.node),
    })
}
