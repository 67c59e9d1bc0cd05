//! Where what a secret node knows may get to.
//!
//! It goes along edges, exits and sends, and through the state: to whoever reads a key that was
//! written by one who knows. A person who is asked in between stops it: a reader to whom every way
//! leads past a question that comes after the one who knows does not count.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use wforge_model::workflow::{Edge, EdgeRule, Node, NodeLabel, Work};
use wforge_model::{Key, NodeId, Value};

use crate::expressions::Expressions;
use crate::problem::Place;
use crate::reach::{Reach, targets};
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

/// Whether a node may come after itself.
#[must_use]
pub fn is_in_loop(workflow: &Workflow, node: &NodeId) -> bool {
    Reach::of(workflow.draft()).after(node).contains(node)
}

/// Every way from a node of `secret` to one of `reaching` that passes no question. `ways` are those
/// that the workflow does not name itself: out of the subgraphs of its nodes.
#[must_use]
pub fn leaks(
    workflow: &Workflow,
    expressions: &dyn Expressions,
    secret: &BTreeSet<NodeId>,
    reaching: &BTreeSet<NodeId>,
    ways: &BTreeMap<NodeId, BTreeSet<NodeId>>,
) -> Vec<Leak> {
    let flow = Flow::of(workflow, expressions, ways);
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
    fn of(
        workflow: &'a Workflow,
        expressions: &dyn Expressions,
        ways: &'a BTreeMap<NodeId, BTreeSet<NodeId>>,
    ) -> Self {
        let nodes = &workflow.draft().nodes;
        let mut reads: BTreeMap<&NodeId, Keys> =
            nodes.iter().map(|(id, node)| (id, reads(node, expressions))).collect();
        // What an edge reads decides which items its targets get, and whether they run.
        for edge in &workflow.draft().edges {
            let read = read_by_edge(edge, expressions);
            for target in targets(edge) {
                if let Some(Keys::Some(keys)) = reads.get_mut(target) {
                    keys.extend(read.iter().cloned());
                }
            }
        }
        Self {
            workflow,
            reach: Reach::of(workflow.draft()).with(ways),
            reads,
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
            let asked = after.iter().copied().filter(|after| self.is_ask(after)).collect();
            let unasked = self.reach.reachable_around(&asked);
            let beside = self.reads.iter().filter(|(reader, keys)| {
                unasked.contains(*reader)
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

fn read_by_edge(edge: &Edge, expressions: &dyn Expressions) -> BTreeSet<Key> {
    let mut keys = BTreeSet::new();
    let mut take = |source: &str| {
        let info = expressions.inspect(source).unwrap_or_default();
        keys.extend(info.state_keys.iter().filter_map(|key| key.parse::<Key>().ok()));
    };
    match &edge.rule {
        EdgeRule::To(arm) => arm.when.iter().for_each(|when| take(when)),
        EdgeRule::Branch(arms) => {
            arms.iter().filter_map(|arm| arm.when.as_ref()).for_each(|when| take(when));
        }
        EdgeRule::Each(each) => take(&each.items),
    }
    keys
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
