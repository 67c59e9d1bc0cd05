//! Which `as` names are bound in each node on every path that leads to it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use wforge_model::workflow::{EdgeRule, To, WorkflowDraft};
use wforge_model::{NodeId, Target};

/// The names that are bound in a node whichever way it is reached.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    sure: BTreeMap<NodeId, BTreeSet<String>>,
    /// All `as` names of the file.
    names: BTreeSet<String>,
}

impl Bindings {
    /// Follows all paths. The names of a node only ever become fewer, so this ends.
    pub(crate) fn of(draft: &WorkflowDraft) -> Self {
        let mut bindings = Self::default();
        loop {
            let before = bindings.sure.clone();
            bindings.sure.clear();
            bindings.follow_edges(draft);
            bindings.follow_exits(draft, &before);
            if bindings.sure == before {
                return bindings;
            }
        }
    }

    /// The names that are bound in a node for sure.
    pub(crate) fn sure(&self, node: &NodeId) -> impl Iterator<Item = &str> {
        self.sure.get(node).into_iter().flatten().map(String::as_str)
    }

    /// Whether some edge binds the name.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    fn follow_edges(&mut self, draft: &WorkflowDraft) {
        for edge in &draft.edges {
            match &edge.rule {
                EdgeRule::To(arm) => self.reach_all(&arm.to),
                EdgeRule::Branch(arms) => arms.iter().for_each(|arm| self.reach_all(&arm.to)),
                EdgeRule::Each(each) => {
                    self.names.insert(each.name.clone());
                    let names = BTreeSet::from([each.name.clone()]);
                    each.to.iter().for_each(|to| self.reach(to, &names));
                    each.empty.iter().for_each(|to| self.reach(to, &BTreeSet::new()));
                }
            }
        }
    }

    fn reach_all(&mut self, targets: &[To]) {
        for target in targets {
            if let To::Node(node) = target {
                self.reach(node, &BTreeSet::new());
            }
        }
    }

    /// An exit passes on the names of the task that takes it, and so does a failure to its handler.
    fn follow_exits(&mut self, draft: &WorkflowDraft, before: &BTreeMap<NodeId, BTreeSet<String>>) {
        for (id, node) in &draft.nodes {
            // A source that nothing reaches yet takes no exit.
            let Some(names) = before.get(id) else {
                continue;
            };
            let exits = node.goto.values().filter_map(Target::node);
            exits.chain(&node.on_error).for_each(|to| self.reach(to, names));
        }
    }

    fn reach(&mut self, node: &NodeId, names: &BTreeSet<String>) {
        match self.sure.get_mut(node) {
            Some(sure) => sure.retain(|name| names.contains(name)),
            None => {
                self.sure.insert(node.clone(), names.clone());
            }
        }
    }
}
