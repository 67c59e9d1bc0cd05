//! Where a finished task leads: exits, then edges.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use wforge_model::agent::Exit;
use wforge_model::event::{Route, Write};
use wforge_model::workflow::{Arm, Each, Edge, EdgeRule, From, Node, To};
use wforge_model::{Denial, Failure, NodeId, Object, Problem, Target, Value};

use crate::expressions::{ExprError, Expressions, Scope, State};
use crate::frame::Task;
use crate::reduce::{kind_of, reduce};
use crate::workflow::Workflow;

/// The state as the edges of one task see it: the super-step's beginning and the task's own
/// writes, never a sibling's.
pub(crate) fn own_state(
    workflow: &Workflow,
    state: &State,
    node: &NodeId,
    writes: &[Write],
) -> Result<State, Failure> {
    let own = writes.iter().map(|write| (node, write));
    let values = reduce(&workflow.state, state, own)
        .map_err(|error| Failure::BadOutput(Problem::new(error.code, error.message)))?;
    let mut state = state.clone();
    state.extend(values);
    Ok(state)
}

/// The routes of all edges that begin at a node.
pub(crate) fn edge_routes<'a>(
    edges: impl Iterator<Item = (u32, &'a Edge)>,
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Vec<Route>, Failure> {
    let mut routes = Vec::new();
    for (index, edge) in edges {
        match (&edge.from, &edge.rule) {
            (From::All(_), _) => {
                let from = source.parse().map_err(|_| expression(source, "is no node"))?;
                routes.push(Route::Arrive { edge: index, from });
            }
            (_, EdgeRule::To(arm)) => arm_routes(arm, &mut routes),
            (_, EdgeRule::Branch(arms)) => {
                arm_routes(chosen(arms, source, scope, expressions)?, &mut routes);
            }
            (_, EdgeRule::Each(each)) => {
                routes.push(each_route(each, source, scope, expressions)?);
            }
        }
    }
    Ok(routes)
}

fn arm_routes(arm: &Arm, routes: &mut Vec<Route>) {
    routes.extend(arm.outcome.clone().map(Route::Outcome));
    routes.extend(arm.to.iter().filter_map(|to| match to {
        To::Node(node) => Some(Route::Node(node.clone())),
        To::End => None,
    }));
}

fn chosen<'a>(
    arms: &'a [Arm],
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<&'a Arm, Failure> {
    for arm in arms {
        let Some(when) = &arm.when else {
            return Ok(arm);
        };
        match expressions.evaluate(when, scope).map_err(|error| of_expression(when, &error))? {
            Value::Bool(true) => return Ok(arm),
            Value::Bool(false) => {}
            other => {
                let message = format!("is {}; a condition must be true or false", kind_of(&other));
                return Err(expression(when, &message));
            }
        }
    }
    let message =
        format!("no arm of the branch from {source} holds; add a last arm without `when`, or END");
    Err(Failure::Failed(Problem::new("no_branch", message)))
}

fn each_route(
    each: &Each,
    source: &str,
    scope: &Scope<'_>,
    expressions: &dyn Expressions,
) -> Result<Route, Failure> {
    let items = expressions
        .evaluate(&each.items, scope)
        .map_err(|error| of_expression(&each.items, &error))?;
    match (items, &each.empty) {
        (Value::Array(items), Some(empty)) if items.is_empty() => Ok(Route::Node(empty.clone())),
        (Value::Array(items), _) => {
            Ok(Route::Each { name: each.name.clone(), items, to: each.to.clone() })
        }
        (other, _) => {
            let message = format!("is {}; `each` from {source} goes over a list", kind_of(&other));
            Err(expression(&each.items, &message))
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

/// The failure that an expression's error is.
pub(crate) fn of_expression(source: &str, error: &ExprError) -> Failure {
    Failure::Failed(Problem::new(error.code, format!("`{source}`: {}", error.message)))
}

fn expression(source: &str, message: &str) -> Failure {
    Failure::Failed(Problem::new("type", format!("`{source}` {message}")))
}
