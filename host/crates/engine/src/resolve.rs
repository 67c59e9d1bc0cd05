//! Which workflows are parts of a run: those that its nodes name, and those that these name in
//! turn, each at the newest version that will do.

use std::collections::BTreeMap;

use semver::VersionReq;
use wforge_graph::Library;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Digest, NodeId, TenantId, WorkflowRef};

use crate::catalog;
use crate::request::EngineError;
use crate::service::Shared;
use crate::workflows::{self, Known};

/// Workflows that one run may have.
const PARTS_MAX: usize = 256;
/// The input key under which the handler of a failure gets it.
pub(crate) const FAILURE_KEY: &str = "failure";

/// A workflow, and the digest of each one that a node of it runs.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) known: Known,
    pub(crate) uses: BTreeMap<NodeId, Digest>,
}

/// A workflow and everything that it uses.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) root: Part,
    /// What it uses, directly or through another; the handler of its failure is one of them.
    pub(crate) parts: BTreeMap<Digest, Part>,
    pub(crate) on_failure: Option<Digest>,
}

impl Resolved {
    /// The same as what a run is folded with.
    pub(crate) fn library(&self) -> Library {
        let parts = self.parts.iter();
        Library {
            root: self.root.known.workflow.clone(),
            parts: parts.map(|(digest, part)| (*digest, part.known.workflow.clone())).collect(),
        }
    }

    /// Keeps every workflow in the store.
    pub(crate) async fn keep(&self, shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        for part in core::iter::once(&self.root).chain(self.parts.values()) {
            workflows::keep(shared, tenant, &part.known).await?;
        }
        Ok(())
    }
}

/// Finds what a workflow uses: among `offered`, itself included, else among what the tenant has
/// registered.
///
/// # Errors
/// Every workflow that is named and that there is not.
pub(crate) async fn resolve(
    shared: &Shared,
    tenant: &TenantId,
    root: Known,
    offered: &[WorkflowDraft],
) -> Result<Resolved, EngineError> {
    let mut search = Search { shared, tenant, offered, root: &root, missing: Vec::new() };
    let on_failure = match &root.workflow.on_failure {
        Some(named) => search.find("on_failure".into(), named).await?,
        None => None,
    };
    let uses = search.uses(&root).await?;
    let mut open: Vec<Known> = uses.iter().map(|(_, known)| known.clone()).collect();
    open.extend(on_failure.clone());
    let mut parts = BTreeMap::new();
    while let Some(known) = open.pop() {
        if parts.contains_key(&known.digest) {
            continue;
        }
        let used = search.uses(&known).await?;
        open.extend(used.iter().map(|(_, known)| known.clone()));
        parts.insert(known.digest, part(known, used));
        if parts.len() > PARTS_MAX {
            return Err(too_many(&root));
        }
    }
    let missing = search.missing;
    if !missing.is_empty() {
        return Err(EngineError::Invalid {
            code: "missing_workflows",
            message: format!("{} uses workflows that there are not", root.workflow.title()),
            details: missing,
        });
    }
    if let Some(handler) = &on_failure {
        check_handler(handler)?;
    }
    let on_failure = on_failure.map(|known| known.digest);
    Ok(Resolved { root: part(root, uses), parts, on_failure })
}

fn part(known: Known, uses: Vec<(NodeId, Known)>) -> Part {
    Part { known, uses: uses.into_iter().map(|(node, used)| (node, used.digest)).collect() }
}

fn too_many(root: &Known) -> EngineError {
    EngineError::Invalid {
        code: "too_many_workflows",
        message: format!("{} uses more than {PARTS_MAX} workflows", root.workflow.title()),
        details: Vec::new(),
    }
}

/// Whatever handles a failure must be able to take it.
fn check_handler(handler: &Known) -> Result<(), EngineError> {
    let takes = handler.workflow.input.iter().any(|key| key.as_str() == FAILURE_KEY);
    if takes {
        return Ok(());
    }
    Err(EngineError::Invalid {
        code: "on_failure_input",
        message: format!(
            "{} cannot handle failures: add \"{FAILURE_KEY}\" to its input",
            handler.workflow.title()
        ),
        details: Vec::new(),
    })
}

struct Search<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    offered: &'a [WorkflowDraft],
    root: &'a Known,
    missing: Vec<String>,
}

impl Search<'_> {
    /// What the nodes of a workflow run, as far as there is any.
    async fn uses(&mut self, known: &Known) -> Result<Vec<(NodeId, Known)>, EngineError> {
        let mut uses = Vec::new();
        for (node, spec) in &known.workflow.nodes {
            let Work::Workflow(subgraph) = &spec.work else { continue };
            let place = format!("{}: nodes.{node}.workflow", known.workflow.title());
            if let Some(found) = self.find(place, &subgraph.workflow).await? {
                uses.push((node.clone(), found));
            }
        }
        Ok(uses)
    }

    async fn find(
        &mut self,
        place: String,
        named: &WorkflowRef,
    ) -> Result<Option<Known>, EngineError> {
        if let Some(draft) = self.offered(named) {
            return workflows::checked(self.shared, self.tenant, draft).map(Some);
        }
        let root = &self.root.workflow;
        if root.name == named.name && fits(named.range.as_ref(), &root.version) {
            return Ok(Some(self.root.clone()));
        }
        let (name, range) = (&named.name, named.range.as_ref());
        match catalog::newest_workflow(self.shared, self.tenant, name, range).await? {
            Some(info) => {
                workflows::by_digest(self.shared, self.tenant, info.digest).await.map(Some)
            }
            None => {
                self.missing.push(format!(
                    "{place}: no workflow {named} is registered; register it: wforge workflow \
                     register FILE"
                ));
                Ok(None)
            }
        }
    }

    /// The newest in range of those that came with the request.
    fn offered(&self, named: &WorkflowRef) -> Option<&WorkflowDraft> {
        self.offered
            .iter()
            .filter(|draft| draft.name == named.name && fits(named.range.as_ref(), &draft.version))
            .max_by(|left, right| left.version.cmp(&right.version))
    }
}

/// Whether a version is in range; without one every version is.
pub(crate) fn fits(range: Option<&VersionReq>, version: &semver::Version) -> bool {
    range.is_none_or(|range| range.matches(version))
}
