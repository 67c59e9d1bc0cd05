//! Where what a secret node knows may get to.
//!
//! It goes along edges, exits and sends, and through the state: to whoever reads a key that was
//! written by one who knows. A person who is asked in between stops it; so what comes after a
//! question only does not count, and what runs beside a node without ever coming after it does.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use wforge_model::workflow::{Node, NodeLabel, Work};
use wforge_model::{Key, NodeId, Value};

use crate::expressions::Expressions;
use crate::problem::Place;
use crate::reach::Reach;
use crate::template::expressions_in;
use crate::workflow::Workflow;

/// A secret node, and a node to which what it knows may get and that reaches out of the host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Leak {
    /// The secret node.
    pub from: NodeId,
    /// The node that reaches out; the same where one does both.
    pub to: NodeId,
}

/// Whether a node is labelled so.
#[must_use]
pub fn is_secret(node: &Node) -> bool {
    node.labels.contains(&NodeLabel::Secret)
}

/// Every way from a node of `secret` to one of `reaching` that passes no question.
#[must_use]
pub fn leaks(
    workflow: &Workflow,
    expressions: &dyn Expressions,
    secret: &BTreeSet<NodeId>,
    reaching: &BTreeSet<NodeId>,
) -> Vec<Leak> {
    let flow = Flow::of(workflow, expressions);
    let mut leaks = Vec::new();
    for from in secret {
        let knowing = flow.knowing(from);
        let to = reaching.iter().filter(|to| knowing.contains(to));
        leaks.extend(to.map(|to| Leak { from: from.clone(), to: to.clone() }));
    }
    leaks
}

/// The keys that a node reads or writes.
enum Keys {
    /// These.
    Some(BTreeSet<Key>),
    /// It is not said, so any.
    Any,
}

impl Keys {
    fn meet(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Some(keys), _) | (_, Self::Some(keys)) if keys.is_empty() => false,
            (Self::Some(left), Self::Some(right)) => !left.is_disjoint(right),
            (Self::Any, _) | (_, Self::Any) => true,
        }
    }
}

struct Flow<'a> {
    workflow: &'a Workflow,
    reach: Reach<'a>,
    reads: BTreeMap<&'a NodeId, Keys>,
    writes: BTreeMap<&'a NodeId, Keys>,
}

impl<'a> Flow<'a> {
    fn of(workflow: &'a Workflow, expressions: &dyn Expressions) -> Self {
        let nodes = &workflow.draft().nodes;
        Self {
            workflow,
            reach: Reach::of(workflow.draft()),
            reads: nodes.iter().map(|(id, node)| (id, reads(node, expressions))).collect(),
            writes: nodes.iter().map(|(id, node)| (id, writes(node))).collect(),
        }
    }

    /// The nodes that may come to know what a node knows, itself included.
    fn knowing(&self, from: &'a NodeId) -> BTreeSet<&'a NodeId> {
        let (mut knowing, mut open) = (BTreeSet::new(), Vec::from([from]));
        while let Some(node) = open.pop() {
            if !knowing.insert(node) {
                continue;
            }
            let after = self.reach.after(node);
            let told = self.reach.next(node).filter(|next| !self.is_ask(next));
            open.extend(told);
            let beside = self.reads.iter().filter(|(reader, keys)| {
                !after.contains(*reader)
                    && !self.is_ask(reader)
                    && self.writes.get(node).is_some_and(|written| written.meet(keys))
            });
            open.extend(beside.map(|(reader, _)| *reader));
        }
        knowing
    }

    fn is_ask(&self, node: &NodeId) -> bool {
        let found = self.workflow.draft().nodes.get(node);
        found.is_some_and(|node| matches!(node.work, Work::Ask(_)))
    }
}

fn reads(node: &Node, expressions: &dyn Expressions) -> Keys {
    let mut keys = BTreeSet::new();
    match (&node.input, &node.work) {
        (Some(input), _) => input.values().for_each(|t| read_by(t, expressions, &mut keys)),
        (None, Work::Agent(_) | Work::Workflow(_)) => return Keys::Any,
        (None, Work::Mock | Work::Set(_) | Work::Ask(_)) => {}
    }
    if let Work::Set(writes) = &node.work {
        writes.values().for_each(|template| read_by(template, expressions, &mut keys));
    }
    // What is written may be made of what is read there.
    for template in node.out.iter().flat_map(BTreeMap::values) {
        read_by(template, expressions, &mut keys);
    }
    Keys::Some(keys)
}

fn read_by(template: &Value, expressions: &dyn Expressions, keys: &mut BTreeSet<Key>) {
    expressions_in(&Place::root(), template, &mut |_, source| {
        let info = expressions.inspect(source).unwrap_or_default();
        keys.extend(info.state_keys.iter().filter_map(|key| key.parse().ok()));
    });
}

fn writes(node: &Node) -> Keys {
    match (&node.out, &node.work) {
        (Some(out), _) => Keys::Some(out.keys().cloned().collect()),
        (None, Work::Set(writes)) => Keys::Some(writes.keys().cloned().collect()),
        (None, _) => Keys::Any,
    }
}
