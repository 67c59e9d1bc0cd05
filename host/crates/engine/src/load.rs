//! Loading a run: its newest snapshot, if there is one, and the events after it.

use std::sync::Arc;

use wforge_graph::{Run, Workflow, apply, validate};
use wforge_model::event::{EventKind, RunStarted};
use wforge_model::workflow::WorkflowDraft;
use wforge_model::{Digest, RunId, Seq, TenantId};
use wforge_ports::store::{Collection, ReadError};

use crate::documents::{self, Place};
use crate::parts::EngineParts;
use crate::request::EngineError;

/// Events read at once.
const PAGE: usize = 512;

impl From<ReadError> for EngineError {
    fn from(error: ReadError) -> Self {
        Self::Host(Box::new(error))
    }
}

/// The run as its log has it.
pub(crate) async fn load_run(
    parts: &EngineParts,
    tenant: &TenantId,
    id: RunId,
) -> Result<Run, EngineError> {
    let mut run = match from_snapshot(parts, tenant, id).await? {
        Some(run) => run,
        None => from_first_event(parts, tenant, id).await?,
    };
    loop {
        let events = parts.store.events(tenant, id, run.seq, PAGE).await?;
        for stored in &events {
            apply(&mut run, &stored.event);
        }
        if events.len() < PAGE {
            return Ok(run);
        }
    }
}

async fn from_snapshot(
    parts: &EngineParts,
    tenant: &TenantId,
    id: RunId,
) -> Result<Option<Run>, EngineError> {
    let Some(snapshot) = parts.store.snapshot(tenant, id).await? else {
        return Ok(None);
    };
    // A snapshot of an older form is as good as none: the log has everything.
    let Ok(run) = serde_json::from_slice::<Run>(&snapshot.state) else {
        return Ok(None);
    };
    let Some(started) = run.started.clone() else {
        return Ok(None);
    };
    let workflow = workflow_of(parts, tenant, &started).await?;
    Ok(Some(run.with_workflow(workflow)))
}

async fn from_first_event(
    parts: &EngineParts,
    tenant: &TenantId,
    id: RunId,
) -> Result<Run, EngineError> {
    let first = parts.store.events(tenant, id, Seq(0), 1).await?;
    match first.first().map(|stored| &stored.event.kind) {
        Some(EventKind::RunStarted(started)) => {
            let workflow = workflow_of(parts, tenant, started).await?;
            Ok(Run::new(id, workflow))
        }
        Some(_) | None => Err(EngineError::NotFound { kind: "run", name: id.to_string() }),
    }
}

/// The workflow of a run, checked again, as what is checked may have become stricter; with the
/// limits that the run was started with, whatever the host allows now.
async fn workflow_of(
    parts: &EngineParts,
    tenant: &TenantId,
    started: &RunStarted,
) -> Result<Arc<Workflow>, EngineError> {
    let draft = draft_by_digest(parts, tenant, started.digest).await?;
    let workflow = checked(parts, draft)?;
    Ok(Arc::new(match started.limits.clone() {
        Some(limits) => workflow.with_limits(limits),
        None => workflow,
    }))
}

/// The workflow of that digest as it was written.
pub(crate) async fn draft_by_digest(
    parts: &EngineParts,
    tenant: &TenantId,
    digest: Digest,
) -> Result<WorkflowDraft, EngineError> {
    let name = digest.to_string();
    let place = Place { tenant, collection: Collection::WorkflowVersions, key: &name };
    let found = documents::find(parts, place).await?;
    found.ok_or(EngineError::NotFound { kind: "workflow", name })
}

/// The draft as a workflow that can run.
pub(crate) fn checked(parts: &EngineParts, draft: WorkflowDraft) -> Result<Workflow, EngineError> {
    let name = draft.name.clone();
    match validate(draft, parts.expressions.as_ref()) {
        Ok((workflow, _)) => Ok(workflow),
        Err(problems) => Err(EngineError::Invalid {
            code: "invalid_workflow",
            message: format!("the workflow {name} cannot run"),
            details: problems.iter().map(crate::pinning::sentence).collect(),
        }),
    }
}

/// Keeps a workflow under its digest; it may be there already.
pub(crate) async fn keep_draft(
    parts: &EngineParts,
    tenant: &TenantId,
    draft: &WorkflowDraft,
) -> Result<Digest, EngineError> {
    let digest = (parts.digest)(draft).map_err(EngineError::Host)?;
    let key = digest.to_string();
    let place = Place { tenant, collection: Collection::WorkflowVersions, key: &key };
    documents::keep(parts, place, draft).await?;
    Ok(digest)
}
