//! The workflows of a run: its own, and those that it uses.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;

use wforge_model::Digest;

use crate::workflow::Workflow;

/// The workflow of a run and every workflow that is a part of it, by digest.
#[derive(Debug, Clone)]
pub struct Library {
    /// The run's own.
    pub root: Arc<Workflow>,
    /// Those that it uses, directly or through another.
    pub parts: BTreeMap<Digest, Arc<Workflow>>,
}

impl Library {
    /// A workflow that uses no other.
    #[must_use]
    pub const fn of(root: Arc<Workflow>) -> Self {
        Self { root, parts: BTreeMap::new() }
    }

    /// The workflow of that digest; the run's own where there is none.
    #[must_use]
    pub fn get(&self, digest: Option<&Digest>) -> Option<&Arc<Workflow>> {
        match digest {
            Some(digest) => self.parts.get(digest),
            None => Some(&self.root),
        }
    }
}
