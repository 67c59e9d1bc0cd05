//! What a run takes over from the checkpoint that it starts from.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use wforge_model::{Digest, NodeId, NodePath};

use crate::expressions::State;
use crate::frame::{Arrivals, Pending};
use crate::run::Run;

/// The state at a border of a run, for the run that goes on from there.
#[derive(Debug, Clone, Default)]
pub struct Carried {
    /// The workflow that made it.
    pub(crate) digest: Option<Digest>,
    pub(crate) state: State,
    pub(crate) pending: Pending,
    pub(crate) arrived: Vec<Arrivals>,
    /// States that subgraphs left for later runs of the thread.
    pub(crate) kept: BTreeMap<NodePath, Kept>,
    pub(crate) last_writers: Vec<NodeId>,
}

/// The state that a subgraph left for later calls of the same node.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) state: State,
    /// Whether later runs of the thread go on from it as well.
    pub(crate) lasts: bool,
}

impl Carried {
    /// What a run that goes on from here takes over. The run must stand at a border: what its open
    /// tasks did counts for nothing.
    #[must_use]
    pub fn from(run: &Run) -> Self {
        let Some(site) = run.site(None) else {
            return Self::default();
        };
        let mut pending = run.root.pending.clone();
        // Of a run whose super-step is under way, what is to be started is what it had planned.
        for task in &run.root.tasks {
            match &task.send {
                Some(send) => pending.sends.push(send.clone()),
                None => {
                    pending.nodes.insert(task.node.clone());
                }
            }
        }
        let kept = run.kept.iter().filter(|(_, kept)| kept.lasts);
        Self {
            digest: run.started.as_ref().map(|started| started.digest),
            state: site.persisted_state(),
            pending,
            arrived: run.root.arrived.clone(),
            kept: kept.map(|(path, kept)| (path.clone(), kept.clone())).collect(),
            last_writers: run.root.last_writers.clone(),
        }
    }

    /// The nodes that a run would start with, sends included, in their order.
    #[must_use]
    pub fn next(&self) -> Vec<NodeId> {
        let sends = self.pending.sends.iter().map(|send| send.to.clone());
        self.pending.nodes.iter().cloned().chain(sends).collect()
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The digest of the workflow that made it.
    #[must_use]
    pub const fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// The nodes that wrote last: in whose place an update counts where nobody is named.
    #[must_use]
    pub fn last_writers(&self) -> &[NodeId] {
        &self.last_writers
    }
}
