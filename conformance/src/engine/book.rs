//! The checked workflows of a case, and what a run of them is started with.

use std::collections::BTreeMap;
use std::sync::Arc;

use wforge_graph::{Library, Severity, Workflow, validate};
use wforge_model::beginning::{Origin, PinnedSubgraph, RunStarted};
use wforge_model::checkpoint::Durability;
use wforge_model::mock::MockMode;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Checkpoint, Digest, NodeId, Object, ThreadId, Value};
use wforge_spec::Cel;

use crate::case::Case;

/// The workflows.
#[derive(Debug)]
pub struct Book {
    /// The language of expressions.
    pub cel: Cel,
    /// The workflows as the engine wants them.
    pub library: Library,
    digest: Digest,
    uses: BTreeMap<NodeId, Digest>,
    subgraphs: BTreeMap<Digest, PinnedSubgraph>,
}

/// One checked workflow.
struct Checked {
    workflow: Arc<Workflow>,
    digest: Digest,
    uses: BTreeMap<NodeId, Digest>,
}

impl Book {
    /// Checks the workflows of a case.
    ///
    /// # Errors
    /// The code of the first error of the first workflow that has any.
    pub fn of(case: &Case) -> Result<Self, String> {
        let cel = Cel::default();
        let digests = digests(case)?;
        let mut root = None;
        let mut parts = BTreeMap::new();
        let mut subgraphs = BTreeMap::new();
        for (name, draft) in &case.workflows {
            let checked = check(draft, &digests, &cel)?;
            if *name == case.root {
                root = Some(checked);
                continue;
            }
            let pinned = PinnedSubgraph {
                title: checked.workflow.title(),
                pins: BTreeMap::new(),
                fallbacks: BTreeMap::new(),
                uses: checked.uses,
                limits: None,
            };
            subgraphs.insert(checked.digest, pinned);
            parts.insert(checked.digest, checked.workflow);
        }
        let root = root.ok_or("no_root")?;
        let library = Library { root: root.workflow, parts };
        Ok(Self { cel, library, digest: root.digest, uses: root.uses, subgraphs })
    }

    /// What a run is started with.
    pub fn start(&self, origin: Origin, input: Object, base: Option<Checkpoint>) -> RunStarted {
        let workflow = &self.library.root;
        RunStarted {
            workflow: workflow.name.clone(),
            version: workflow.version.clone(),
            digest: self.digest,
            thread: Some(ThreadId::from_bytes([1; 16])),
            input,
            context: Value::Null,
            mock_mode: MockMode::default(),
            mocks: BTreeMap::new(),
            answers: BTreeMap::new(),
            kept_answers: Vec::new(),
            pins: BTreeMap::new(),
            fallbacks: BTreeMap::new(),
            tools: std::sync::Arc::default(),
            uses: self.uses.clone(),
            subgraphs: self.subgraphs.clone(),
            on_failure: None,
            handles: None,
            base,
            origin,
            durability: Durability::Sync,
            steps: None,
            limits: None,
            routes: Vec::new(),
            labels: wforge_model::Labels::default(),
            by: "conformance".into(),
        }
    }
}

fn digests(case: &Case) -> Result<BTreeMap<String, Digest>, String> {
    let digest = |draft| wforge_spec::digest(draft).map_err(|error| error.to_string());
    case.workflows.iter().map(|(name, draft)| Ok((name.clone(), digest(draft)?))).collect()
}

fn check(
    draft: &WorkflowDraft,
    digests: &BTreeMap<String, Digest>,
    cel: &Cel,
) -> Result<Checked, String> {
    let (workflow, _) = validate(draft.clone(), cel).map_err(|problems| {
        let mut errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
        errors.next().map_or("unknown", |problem| problem.code).to_owned()
    })?;
    let mut uses = BTreeMap::new();
    for (node, spec) in &draft.nodes {
        if let Work::Workflow(subgraph) = &spec.work {
            let name = &subgraph.workflow.name;
            let digest = digests.get(name).ok_or_else(|| format!("no workflow {name}"))?;
            uses.insert(node.clone(), *digest);
        }
    }
    let digest = *digests.get(&draft.name).ok_or("a workflow under another name")?;
    Ok(Checked { workflow: Arc::new(workflow), digest, uses })
}
