//! Nodes by the way that leads to them, through the workflows of a run.

use alloc::vec::Vec;

use wforge_model::event::RunStarted;
use wforge_model::workflow::Node;
use wforge_model::{Digest, NodeId, NodePath, TaskId};

use crate::library::Library;
use crate::run::Run;

/// The workflow in which a path ends (none: the run's own), and the node there.
#[must_use]
pub fn node_at<'a>(
    library: &'a Library,
    started: &RunStarted,
    path: &NodePath,
) -> Option<(Option<Digest>, &'a Node)> {
    let mut place = None;
    for around in path.around() {
        place = Some(used_at(started, place.as_ref(), around)?);
    }
    let workflow = library.get(place.as_ref())?;
    Some((place, workflow.nodes.get(path.node())?))
}

/// The workflow that a node of a level runs.
pub(crate) fn used_at(
    started: &RunStarted,
    level: Option<&Digest>,
    node: &NodeId,
) -> Option<Digest> {
    match level {
        Some(digest) => started.subgraphs.get(digest)?.uses.get(node).copied(),
        None => started.uses.get(node).copied(),
    }
}

impl Run {
    /// The way to a node of a level: the same for every call of it.
    #[must_use]
    pub fn node_path(&self, ns: Option<TaskId>, node: &NodeId) -> NodePath {
        let around = self.namespace(ns).into_iter().map(|(node, _)| node);
        NodePath::new(around.collect::<Vec<_>>(), node.clone())
    }
}
