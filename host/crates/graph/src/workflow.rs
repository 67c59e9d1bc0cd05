//! A checked workflow and the indexes that the engine asks it for.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use wforge_model::limits::RunLimits;
use wforge_model::workflow::{Edge, EdgeRule, From, To, WorkflowDraft};
use wforge_model::{NodeId, Target};

/// A workflow whose names all exist and whose expressions can all be evaluated.
///
/// [`crate::validate`] is the only door.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// What a run of it may use; hides the file's own limits, which need not say everything.
    pub limits: RunLimits,
    draft: WorkflowDraft,
    barriers: Vec<Barrier>,
    edges_from: BTreeMap<NodeId, Vec<u32>>,
    edges_from_start: Vec<u32>,
}

/// An edge that waits for all of its sources, for one of its targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Barrier {
    /// The edge's place in the file.
    pub(crate) edge: u32,
    /// Who may arrive.
    pub(crate) sources: Vec<NodeId>,
    /// How many of them must.
    pub(crate) needed: usize,
    /// Who is started then.
    pub(crate) target: NodeId,
}

impl Workflow {
    /// Indexes a draft that was found to have no errors.
    pub(crate) fn of_checked(draft: WorkflowDraft) -> Self {
        let mut edges_from: BTreeMap<NodeId, Vec<u32>> = BTreeMap::new();
        let mut edges_from_start = Vec::new();
        for (index, edge) in (0..).zip(&draft.edges) {
            match &edge.from {
                From::Start => edges_from_start.push(index),
                From::Node(node) => edges_from.entry(node.clone()).or_default().push(index),
                From::All(nodes) => {
                    for node in nodes {
                        edges_from.entry(node.clone()).or_default().push(index);
                    }
                }
            }
        }
        let barriers = (0..).zip(&draft.edges).flat_map(|(i, edge)| barriers_of(i, edge)).collect();
        let limits = draft.limits.over(&RunLimits::default());
        Self { limits, draft, barriers, edges_from, edges_from_start }
    }

    /// The same workflow for a run that has these limits.
    #[must_use]
    pub fn with_limits(self, limits: RunLimits) -> Self {
        Self { limits, ..self }
    }

    /// `name@version`.
    #[must_use]
    pub fn title(&self) -> String {
        alloc::format!("{}@{}", self.draft.name, self.draft.version)
    }

    /// `file:line:column` of a place, where it is known in which file the workflow stands.
    #[must_use]
    pub fn locate(&self, place: &str) -> Option<String> {
        self.draft.lines.as_ref()?.locate(place)
    }

    /// The file as it was written.
    #[must_use]
    pub const fn draft(&self) -> &WorkflowDraft {
        &self.draft
    }

    pub(crate) fn barriers(&self) -> &[Barrier] {
        &self.barriers
    }

    /// The edges that begin at a node, alone or with others, in the file's order.
    pub(crate) fn edges_from(&self, node: &NodeId) -> impl Iterator<Item = (u32, &Edge)> {
        self.numbered(self.edges_from.get(node).map_or(&[], Vec::as_slice))
    }

    /// The edges that begin at START.
    pub(crate) fn edges_from_start(&self) -> impl Iterator<Item = (u32, &Edge)> {
        self.numbered(&self.edges_from_start)
    }

    /// The nodes of the workflow around this one to which its exits lead.
    pub(crate) fn parents_left_to(&self) -> impl Iterator<Item = &NodeId> {
        let targets = self.draft.nodes.values().flat_map(|node| node.goto.values());
        targets.filter_map(|target| match target {
            Target::Parent(node) => Some(node),
            Target::Node(_) => None,
        })
    }

    pub(crate) fn is_deferred(&self, node: &NodeId) -> bool {
        self.draft.nodes.get(node).is_some_and(|node| node.defer)
    }

    fn numbered<'a>(&'a self, indices: &'a [u32]) -> impl Iterator<Item = (u32, &'a Edge)> {
        indices.iter().filter_map(|index| {
            let place = usize::try_from(*index).ok()?;
            Some((*index, self.draft.edges.get(place)?))
        })
    }
}

impl Deref for Workflow {
    type Target = WorkflowDraft;

    fn deref(&self) -> &WorkflowDraft {
        &self.draft
    }
}

fn barriers_of(edge: u32, rule: &Edge) -> Vec<Barrier> {
    let (From::All(sources), EdgeRule::To(arm)) = (&rule.from, &rule.rule) else {
        return Vec::new();
    };
    let targets = arm.to.iter().filter_map(|to| match to {
        To::Node(node) => Some(node),
        To::End => None,
    });
    let needed = rule.join.needed(sources.len());
    targets
        .map(|target| Barrier { edge, sources: sources.clone(), needed, target: target.clone() })
        .collect()
}
