//! A run's workflows, and the runs before it in its thread: what its state is folded from.

use std::collections::BTreeMap;
use std::sync::Arc;

use wforge_graph::{Carried, Library, Run, apply, validate};
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Checkpoint, Digest, RunId};
use wforge_spec::Cel;

use super::Client;

/// Runs before one that are read; a longer thread has its state told by its history.
const ANCESTORS_MAX: usize = 100;

/// The workflow of a run, and those that are parts of it.
#[derive(Debug, Clone)]
pub(crate) struct Workflows {
    pub(crate) root: WorkflowDraft,
    pub(crate) parts: BTreeMap<Digest, WorkflowDraft>,
}

/// What a run's state is folded from, beside its own log.
#[derive(Debug, Clone)]
pub(crate) struct Lineage {
    /// The run's own workflows.
    pub(crate) workflows: Workflows,
    /// The runs from whose checkpoints it goes on, the oldest first.
    pub(crate) ancestors: Vec<Ancestor>,
    /// Whether the oldest of them are missing.
    pub(crate) cut: bool,
}

/// A run from which another goes on.
#[derive(Debug, Clone)]
pub(crate) struct Ancestor {
    /// The checkpoint.
    pub(crate) base: Checkpoint,
    pub(crate) workflows: Workflows,
    pub(crate) log: Vec<StoredEvent>,
}

impl Lineage {
    /// The run before its first event, with what it takes over from the runs before it.
    ///
    /// # Errors
    /// Why it cannot be folded here.
    pub(crate) fn folded(&self, run: RunId) -> Result<Run, &'static str> {
        if self.cut {
            return Err("too many runs came before this one in its thread");
        }
        let mut carried = None;
        for Ancestor { base, workflows, log } in &self.ancestors {
            let mut before = workflows.empty(base.run, carried.take())?;
            let counts = log.iter().filter(|stored| stored.seq <= base.seq);
            counts.for_each(|stored| apply(&mut before, &stored.event));
            carried = Some(Carried::from(&before));
        }
        self.workflows.empty(run, carried)
    }
}

impl Workflows {
    fn empty(&self, id: RunId, carried: Option<Carried>) -> Result<Run, &'static str> {
        let cel = Cel::new();
        let checked = |draft: &WorkflowDraft| {
            let checked = validate(draft.clone(), &cel).map(|(workflow, _)| Arc::new(workflow));
            checked.map_err(|_| "its workflow would not be accepted by this version")
        };
        let mut library = Library::of(checked(&self.root)?);
        for (digest, part) in &self.parts {
            library.parts.insert(*digest, checked(part)?);
        }
        let run = Run::new(id, library);
        Ok(match carried {
            Some(carried) => run.with_carried(carried),
            None => run,
        })
    }
}

impl Client {
    /// What the state of a run with that log is folded from.
    pub(crate) async fn lineage(
        &self,
        head: &RunHead,
        log: &[StoredEvent],
    ) -> anyhow::Result<Lineage> {
        let workflows = self.workflows_of(head, log).await?;
        let (mut ancestors, mut next) = (Vec::new(), head.base);
        while let Some(base) = next.filter(|_| ancestors.len() < ANCESTORS_MAX) {
            let before = self.report(base.run).await?.head;
            let log = self.log(base.run).await?;
            let workflows = self.workflows_of(&before, &log).await?;
            next = before.base;
            ancestors.push(Ancestor { base, workflows, log });
        }
        ancestors.reverse();
        Ok(Lineage { workflows, ancestors, cut: next.is_some() })
    }

    async fn workflows_of(&self, head: &RunHead, log: &[StoredEvent]) -> anyhow::Result<Workflows> {
        let mut workflows =
            Workflows { root: self.workflow_of(head).await?, parts: BTreeMap::new() };
        let started = log.iter().find_map(|stored| match &stored.event.kind {
            EventKind::RunStarted(started) => Some(started),
            _ => None,
        });
        for digest in started.iter().flat_map(|started| started.subgraphs.keys()) {
            workflows.parts.insert(*digest, self.part_of(head.run, *digest).await?);
        }
        Ok(workflows)
    }
}
