//! Where a finished task leads: exits, then edges.

use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::agent::Exit;
use wforge_model::defence::{Defence, holds};
use wforge_model::event::{Route, Write};
use wforge_model::workflow::{Arm, Each, Edge, EdgeRule, From, Node, To};
use wforge_model::{Denial, Failure, NodeId, Object, Problem, Target, Value};

use crate::expressions::{Expressions, Scope, State};
use crate::fault::Fault;
use crate::frame::Task;
use crate::problem::Place;
use crate::reduce::{kind_of, reduced};
use crate::workflow::Workflow;

/// The state as the edges of one task see it: the super-step's beginning and the task's own
/// writes, never a sibling's. Where none of them looks, it is not made; that the writes can be
/// reduced is checked all the same.
pub(crate) fn own_state<'a>(
    workflow: &Workflow,
    state: &'a State,
    node: &NodeId,
    writes: &[Write],
) -> Result<Cow<'a, State>, Failure> {
    let own = writes.iter().map(|write| (node, write));
    let reduced = reduced(&workflow.state, state, own)
        .map_err(|error| Failure::BadOutput(Problem::new(error.code, error.message)))?;
    if !workflow.edges_from(node).any(|(_, edge)| looks(edge)) {
        return Ok(Cow::Borrowed(state));
    }
    let mut own = state.clone();
    for (key, to) in reduced {
        let value = to.over(state.get(key).cloned());
        own.insert(key.clone(), value);
    }
    Ok(Cow::Owned(own))
}

/// Whether an edge evaluates an expression.
const fn looks(edge: &Edge) -> bool {
    match (&edge.from, &edge.rule) {
        (From::All(_), _) | (_, EdgeRule::To(_)) => false,
        (From::Start | From::Node(_), EdgeRule::Branch(_) | EdgeRule::Each(_)) => true,
    }
}

/// The routes of all edges that begin at a node.
pub(crate) fn edge_routes<'a>(
    edges: impl Iterator<Item = (u32, &'a Edge)>,
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Vec<Route>, Fault> {
    let mut routes = Vec::new();
    for (index, edge) in edges {
        match (&edge.from, &edge.rule) {
            (From::All(_), _) => {
                // START stands alone, so whoever arrives has the name of a node.
                let from = source.parse().ok();
                routes.extend(from.map(|from| Route::Arrive { edge: index, from }));
            }
            (_, EdgeRule::To(arm)) => arm_routes(arm, &mut routes),
            (_, EdgeRule::Branch(arms)) => {
                arm_routes(chosen((index, arms), source, scope, expressions)?, &mut routes);
            }
            (_, EdgeRule::Each(each)) => {
                routes.push(each_route((index, each), source, scope, expressions)?);
            }
        }
    }
    Ok(routes)
}

/// The place of a rule in the file.
fn place(edge: u32, rule: &str) -> Place {
    Place::root().at("edges").at(edge).at(rule)
}

fn arm_routes(arm: &Arm, routes: &mut Vec<Route>) {
    routes.extend(arm.outcome.clone().map(Route::Outcome));
    routes.extend(arm.to.iter().filter_map(|to| match to {
        To::Node(node) => Some(Route::Node(node.clone())),
        To::End => None,
    }));
}

fn chosen<'a>(
    (edge, arms): (u32, &'a [Arm]),
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<&'a Arm, Fault> {
    for (index, arm) in arms.iter().enumerate() {
        let Some(when) = &arm.when else {
            return Ok(arm);
        };
        let at = || place(edge, "branch").at(index).at("when");
        match expressions.evaluate(when, scope).map_err(|error| Fault::of(at(), when, error))? {
            Value::Bool(true) => return Ok(arm),
            Value::Bool(false) => {}
            other => {
                let what = format!("is {}; a condition must be true or false", kind_of(&other));
                return Err(Fault::of_type(at(), when, &what));
            }
        }
    }
    let message =
        format!("no arm of the branch from {source} holds; add a last arm without `when`, or END");
    Err(Fault::of_rule(place(edge, "branch"), "no_branch", message))
}

fn each_route(
    (edge, each): (u32, &Each),
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Route, Fault> {
    let items = expressions
        .evaluate(&each.items, scope)
        .map_err(|error| Fault::of(place(edge, "each"), &each.items, error))?;
    match (items, &each.empty) {
        (Value::Array(items), Some(empty)) if items.is_empty() => Ok(Route::Node(empty.clone())),
        (Value::Array(items), _) => {
            Ok(Route::Each { name: each.name.clone(), items, to: each.to.clone() })
        }
        (other, _) => {
            let what = format!("is {}; `each` from {source} goes over a list", kind_of(&other));
            Err(Fault::of_type(place(edge, "each"), &each.items, &what))
        }
    }
}

/// The routes of the exits that an agent took. An exit that the workflow does not map is denied.
pub(crate) fn exit_routes(exits: &[Exit], task: &Task, node: &Node) -> Result<Vec<Route>, Failure> {
    exits
        .iter()
        .map(|exit| {
            let target = node.goto.get(&exit.name).or_else(|| node.goto.get(ANY_EXIT));
            match target {
                None if !holds(Defence::Exits) => exit
                    .name
                    .parse()
                    .map(Route::Node)
                    .map_err(|_| Failure::Denied(unmapped(&exit.name, &task.node))),
                None => Err(Failure::Denied(unmapped(&exit.name, &task.node))),
                Some(Target::Parent(to)) => {
                    Ok(Route::Parent { to: to.clone(), sent: exit.input.clone() })
                }
                Some(Target::Node(to)) if task.bindings().is_empty() && exit.input.is_none() => {
                    Ok(Route::Node(to.clone()))
                }
                Some(Target::Node(to)) => {
                    let bindings = plain(task.bindings());
                    Ok(Route::Send { to: to.clone(), bindings, sent: exit.input.clone() })
                }
            }
        })
        .collect()
}

/// The exit under which a mock maps every exit that it does not name.
pub(crate) const ANY_EXIT: &str = "*";

fn unmapped(exit: &str, node: &NodeId) -> Denial {
    Denial {
        capability: "exit".to_string(),
        resource: exit.to_string(),
        hint: format!("to allow it, write nodes.{node}.goto: {{ {exit}: <node> }}"),
    }
}

fn plain(bindings: &BTreeMap<String, Arc<Value>>) -> Object {
    bindings.iter().map(|(name, value)| (name.clone(), Value::clone(value))).collect()
}
