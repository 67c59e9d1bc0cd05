//! Workflows by their digest: checked, and kept in the store and in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use wforge_graph::{Workflow, validate};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, TenantId, Value};
use wforge_ports::figures::Kept;
use wforge_ports::store::{Change, ChangeError, Collection, Put};

use crate::request::EngineError;
use crate::service::Shared;

/// Workflows that are in memory at once.
const CACHED_MAX: usize = 1_024;
/// Of all of them together, the bytes as JSON text; in memory they take several times that.
const CACHED_BYTES_MAX: usize = 64 << 20;

/// Checked workflows that the store is known to have. By tenant as well: whoever knows a digest
/// has nothing of another tenant.
#[derive(Debug, Default)]
pub(crate) struct WorkflowCache(Mutex<Cached>);

#[derive(Debug, Default)]
struct Cached {
    workflows: HashMap<(TenantId, Digest), Weighed>,
    bytes: usize,
    /// In the order in which they came; the oldest goes first.
    order: VecDeque<(TenantId, Digest)>,
    /// The digest of the workflow that was kept last under each name.
    last: HashMap<(TenantId, String), Digest>,
}

/// A workflow, and its bytes as JSON text.
#[derive(Debug)]
struct Weighed {
    workflow: Arc<Workflow>,
    bytes: usize,
}

impl WorkflowCache {
    fn get(&self, tenant: &TenantId, digest: Digest) -> Option<Arc<Workflow>> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = cached.workflows.get(&(tenant.clone(), digest));
        found.map(|found| found.workflow.clone())
    }

    /// The workflow that is equal to a draft, if it is the last one of its name. Finding it so is
    /// far cheaper than its digest.
    fn equal(&self, tenant: &TenantId, draft: &WorkflowDraft) -> Option<Known> {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = *cached.last.get(&(tenant.clone(), draft.name.clone()))?;
        let workflow = cached.workflows.get(&(tenant.clone(), digest))?.workflow.clone();
        drop(cached);
        (workflow.draft() == draft).then_some(Known { digest, workflow })
    }

    /// Those that are in memory.
    pub(crate) fn kept(&self) -> Kept {
        let cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Kept::bytes("workflows", cached.workflows.len(), cached.bytes)
    }

    /// Forgets the workflows of a tenant.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cached.workflows.retain(|(of, _), _| of != tenant);
        cached.order.retain(|(of, _)| of != tenant);
        cached.last.retain(|(of, _), _| of != tenant);
        cached.bytes = cached.workflows.values().map(|kept| kept.bytes).sum();
    }

    fn put(&self, tenant: &TenantId, digest: Digest, workflow: Arc<Workflow>) {
        let bytes = serde_json::to_vec(workflow.draft()).map_or(0, |text| text.len());
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), digest);
        cached.last.insert((tenant.clone(), workflow.name.clone()), digest);
        cached.bytes += bytes;
        match cached.workflows.insert(key.clone(), Weighed { workflow, bytes }) {
            Some(before) => cached.bytes -= before.bytes,
            None => cached.order.push_back(key),
        }
        while cached.order.len() > CACHED_MAX || cached.bytes > CACHED_BYTES_MAX {
            if !cached.drop_oldest() {
                return;
            }
        }
    }
}

impl Cached {
    /// False where there is none.
    fn drop_oldest(&mut self) -> bool {
        let Some(oldest) = self.order.pop_front() else { return false };
        let Some(Weighed { workflow, bytes }) = self.workflows.remove(&oldest) else { return true };
        self.bytes -= bytes;
        let (tenant, digest) = oldest;
        let name = (tenant, workflow.name.clone());
        if self.last.get(&name) == Some(&digest) {
            self.last.remove(&name);
        }
        true
    }
}

/// A workflow and its digest.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) digest: Digest,
    pub(crate) workflow: Arc<Workflow>,
}

/// The workflow of that digest, checked again: what is checked may have become stricter.
pub(crate) async fn by_digest(
    shared: &Shared,
    tenant: &TenantId,
    digest: Digest,
) -> Result<Known, EngineError> {
    if let Some(workflow) = shared.workflows.get(tenant, digest) {
        return Ok(Known { digest, workflow });
    }
    let draft = draft_by_digest(shared, tenant, digest).await?;
    let workflow = Arc::new(validated(shared, draft)?);
    shared.workflows.put(tenant, digest, workflow.clone());
    Ok(Known { digest, workflow })
}

/// The workflow of that digest as it was written.
pub(crate) async fn draft_by_digest(
    shared: &Shared,
    tenant: &TenantId,
    digest: Digest,
) -> Result<WorkflowDraft, EngineError> {
    let name = digest.to_string();
    let store = &shared.parts.store;
    let document = store.document(tenant, Collection::WorkflowVersions, &name).await?;
    let Some(document) = document else {
        return Err(EngineError::NotFound { kind: "workflow", name });
    };
    serde_json::from_value(document.value).map_err(|error| EngineError::Host(Box::new(error)))
}

/// The draft as a workflow that can run. The store may not have it yet.
pub(crate) fn checked(
    shared: &Shared,
    tenant: &TenantId,
    draft: &WorkflowDraft,
) -> Result<Known, EngineError> {
    if let Some(known) = shared.workflows.equal(tenant, draft) {
        return Ok(known);
    }
    let digest = (shared.parts.digest)(draft).map_err(EngineError::Host)?;
    let workflow = match shared.workflows.get(tenant, digest) {
        Some(workflow) if has_lines_of(&workflow, draft) => workflow,
        Some(_) | None => Arc::new(validated(shared, draft.clone())?),
    };
    Ok(Known { digest, workflow })
}

/// Whether a workflow names the lines of the file of a draft; of one that knows no file it does.
fn has_lines_of(workflow: &Workflow, draft: &WorkflowDraft) -> bool {
    draft.lines.is_none() || workflow.draft().lines == draft.lines
}

fn validated(shared: &Shared, draft: WorkflowDraft) -> Result<Workflow, EngineError> {
    let name = draft.name.clone();
    match validate(draft, shared.parts.expressions.as_ref()) {
        Ok((workflow, _)) => Ok(workflow),
        Err(problems) => Err(EngineError::Invalid {
            code: "invalid_workflow",
            message: format!("the workflow {name} cannot run"),
            details: problems.iter().map(crate::pinning::sentence).collect(),
        }),
    }
}

/// Keeps a workflow under its digest. It may be there already, then with the lines of the file in
/// which it stood before: those of the newest file hold.
pub(crate) async fn keep(
    shared: &Shared,
    tenant: &TenantId,
    known: &Known,
) -> Result<(), EngineError> {
    let Known { digest, workflow } = known;
    let cached = shared.workflows.get(tenant, *digest);
    if cached.is_some_and(|cached| has_lines_of(&cached, workflow.draft())) {
        return Ok(());
    }
    if !is_kept(shared, tenant, known).await? {
        put(shared, tenant, known).await?;
    }
    shared.workflows.put(tenant, *digest, workflow.clone());
    Ok(())
}

async fn is_kept(shared: &Shared, tenant: &TenantId, known: &Known) -> Result<bool, EngineError> {
    let key = known.digest.to_string();
    let store = &shared.parts.store;
    let document = store.document(tenant, Collection::WorkflowVersions, &key).await?;
    let Some(document) = document else { return Ok(false) };
    let Some(lines) = &known.workflow.draft().lines else { return Ok(true) };
    let before = document.value.get("lines").cloned();
    let lines = serde_json::to_value(lines).map_err(|error| EngineError::Host(Box::new(error)))?;
    Ok(before == Some(lines))
}

async fn put(shared: &Shared, tenant: &TenantId, known: &Known) -> Result<(), EngineError> {
    let value: Value = serde_json::to_value(known.workflow.draft())
        .map_err(|error| EngineError::Host(Box::new(error)))?;
    let (collection, key) = (Collection::WorkflowVersions, known.digest.to_string());
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![Put { collection, key, value: Some(value) }],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    match shared.parts.store.change(change).await {
        Ok(_) | Err(ChangeError::Conflict { .. }) => Ok(()),
        Err(error) => Err(EngineError::Host(Box::new(error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cache that was given so many workflows of so many bytes, one after the other.
    fn given(count: usize, bytes: usize) -> (WorkflowCache, TenantId) {
        let (cache, tenant) = (WorkflowCache::default(), "acme".parse().unwrap());
        let text = "apiVersion: workflowforge/v1\nname: large\nversion: 1.0.0\n\
                    state: { a: {} }\ninput: []\noutput: [a]\n\
                    nodes: { n: { set: { a: '1' } } }\nedges: [{ from: START, to: n }]\n";
        let draft = wforge_spec::parse("large.yaml", text).unwrap().draft;
        let expressions = wforge_spec::Cel::default();
        for number in 0..count {
            let draft = WorkflowDraft { name: name(number, bytes), ..draft.clone() };
            let (workflow, _) = validate(draft, &expressions).unwrap();
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            cache.put(&tenant, Digest::from_bytes(digest), Arc::new(workflow));
        }
        (cache, tenant)
    }

    fn name(number: usize, bytes: usize) -> String {
        format!("{number}{}", "x".repeat(bytes))
    }

    #[test]
    fn of_many_or_of_large_workflows_the_oldest_make_room() {
        for (count, bytes, kept_max) in [(CACHED_MAX + 9, 1, CACHED_MAX), (9, 9 << 20, 7)] {
            let (cache, tenant) = given(count, bytes);
            let cached = cache.0.lock().unwrap();
            assert_eq!((cached.workflows.len(), cached.last.len()), (kept_max, kept_max));
            let newest = (tenant, name(count - 1, bytes));
            assert!(cached.last.contains_key(&newest), "the newest went");
            assert!(cached.bytes <= CACHED_BYTES_MAX, "{}", cached.bytes);
        }
    }

    #[test]
    fn nothing_is_counted_of_a_tenant_that_was_erased_nor_twice_of_one_workflow() {
        let (cache, tenant) = given(1, 1_000);
        let before = cache.kept();
        let (digest, workflow) = {
            let cached = cache.0.lock().unwrap();
            let ((_, digest), kept) = cached.workflows.iter().next().unwrap();
            (*digest, kept.workflow.clone())
        };
        cache.put(&tenant, digest, workflow);
        assert_eq!(cache.kept(), before);
        cache.forget(&tenant);
        assert_eq!(cache.kept(), Kept::bytes("workflows", 0, 0));
    }
}
