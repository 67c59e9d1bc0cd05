//! Which nodes lead to which.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use wforge_model::workflow::{Edge, EdgeRule, From, To, WorkflowDraft};
use wforge_model::{NodeId, Target};

/// The nodes that an edge may start.
pub(crate) fn targets(edge: &Edge) -> Vec<&NodeId> {
    match &edge.rule {
        EdgeRule::To(arm) => nodes(&arm.to).collect(),
        EdgeRule::Branch(arms) => arms.iter().flat_map(|arm| nodes(&arm.to)).collect(),
        EdgeRule::Each(each) => each.to.iter().chain(&each.empty).collect(),
    }
}

fn nodes(targets: &[To]) -> impl Iterator<Item = &NodeId> {
    targets.iter().filter_map(|to| match to {
        To::Node(node) => Some(node),
        To::End => None,
    })
}

/// The nodes at which an edge begins.
pub(crate) fn sources(edge: &Edge) -> &[NodeId] {
    match &edge.from {
        From::Start => &[],
        From::Node(node) => core::slice::from_ref(node),
        From::All(nodes) => nodes,
    }
}

/// For each node, the nodes that it may start.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    next: BTreeMap<&'a NodeId, BTreeSet<&'a NodeId>>,
    first: BTreeSet<&'a NodeId>,
}

impl<'a> Reach<'a> {
    pub(crate) fn of(draft: &'a WorkflowDraft) -> Self {
        let mut next: BTreeMap<&NodeId, BTreeSet<&NodeId>> = BTreeMap::new();
        let mut first = BTreeSet::new();
        for edge in &draft.edges {
            if edge.from == From::Start {
                first.extend(targets(edge));
            }
            for source in sources(edge) {
                next.entry(source).or_default().extend(targets(edge));
            }
        }
        for (id, node) in &draft.nodes {
            let exits = node.goto.values().filter_map(Target::node);
            next.entry(id).or_default().extend(exits.chain(&node.on_error));
        }
        Self { next, first }
    }

    /// The nodes that a run may come to.
    pub(crate) fn reachable(&self) -> BTreeSet<&'a NodeId> {
        self.closure(self.first.iter().copied().collect())
    }

    /// The nodes that a node may start.
    pub(crate) fn next(&self, node: &NodeId) -> impl Iterator<Item = &'a NodeId> {
        self.next.get(node).into_iter().flatten().copied()
    }

    /// The nodes that may come after a node; itself where a loop leads back.
    pub(crate) fn after(&self, node: &NodeId) -> BTreeSet<&'a NodeId> {
        self.closure(self.next.get(node).into_iter().flatten().copied().collect())
    }

    fn closure(&self, mut open: Vec<&'a NodeId>) -> BTreeSet<&'a NodeId> {
        let mut seen = BTreeSet::new();
        while let Some(node) = open.pop() {
            if seen.insert(node) {
                open.extend(self.next.get(node).into_iter().flatten().copied());
            }
        }
        seen
    }
}
