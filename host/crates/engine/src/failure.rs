//! Runs the workflow that handles the failure of a run: once for each failure, over crashes too,
//! since the run of it has an id that follows from the one that failed.

use std::sync::Arc;

use serde_json::json;
use tracing::warn;
use wforge_graph::{Library, Run};
use wforge_model::command::Fact;
use wforge_model::event::{Origin, RunStarted};
use wforge_model::{Object, RunId, Seq, TenantId, Value};

use crate::actor::Message;
use crate::ids::of_handler;
use crate::load::within;
use crate::request::EngineError;
use crate::resolve::FAILURE_KEY;
use crate::service::{Shared, launch, send};
use crate::start::{Beginning, Start, begin_run};
use crate::workflows;

/// Starts the handler of a run's failure, and tells the run what came of it.
pub(crate) fn handle(shared: &Arc<Shared>, tenant: &TenantId, run: &Run) {
    let (shared_in, tenant, run) = (shared.clone(), tenant.clone(), run.clone());
    let work = async move {
        let outcome = match begun(&shared_in, &tenant, &run).await {
            Ok(handler) => Ok(handler),
            // Nothing is concluded where the store is gone: the next start tries again.
            Err(EngineError::Host(error)) => {
                return warn!(run = %run.id, %error, "the handler of a failure was not started");
            }
            Err(error) => Err(error.to_string()),
        };
        let told = send(&shared_in, &tenant, run.id, Message::of(Fact::FailureHandled { outcome }));
        if let Err(error) = told.await {
            warn!(run = %run.id, %error, "a run was not told that its failure is handled");
        }
    };
    shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
}

async fn begun(shared: &Arc<Shared>, tenant: &TenantId, run: &Run) -> Result<RunId, EngineError> {
    let id = of_handler(run.id, run.updated_at);
    if shared.parts.store.head(tenant, id).await?.is_some() {
        return Ok(id);
    }
    let (library, started) = prepared(shared, tenant, run).await?;
    let beginning = Beginning {
        id,
        library,
        started,
        carried: None,
        keep: None,
        idempotency: None,
        queued: None,
        thread: None,
    };
    match begin_run(shared, tenant, beginning).await {
        Ok(Start::Begun(begun)) => launch(shared, tenant, *begun, Seq(0)).await.map(|()| id),
        Ok(Start::Replied(_)) => Ok(id),
        // Somebody else was first by a moment.
        Err(EngineError::Conflict { .. }) => Ok(id),
        Err(error) => Err(error),
    }
}

async fn prepared(
    shared: &Shared,
    tenant: &TenantId,
    run: &Run,
) -> Result<(Library, RunStarted), EngineError> {
    let missing = || EngineError::NotFound { kind: "workflow", name: "on_failure".to_owned() };
    let failed = run.started.as_deref().ok_or_else(missing)?;
    let digest = failed.on_failure.ok_or_else(missing)?;
    let pinned = failed.subgraphs.get(&digest).cloned().ok_or_else(missing)?;
    let known = workflows::by_digest(shared, tenant, digest).await?;
    let mut library = Library::of(within(known.workflow.clone(), pinned.limits.as_ref()));
    for (digest, part) in &failed.subgraphs {
        let workflow = workflows::by_digest(shared, tenant, *digest).await?.workflow;
        library.parts.insert(*digest, within(workflow, part.limits.as_ref()));
    }
    let started = RunStarted {
        workflow: known.workflow.name.clone(),
        version: known.workflow.version.clone(),
        digest,
        thread: None,
        input: Object::from_iter([(FAILURE_KEY.to_owned(), told(run, failed))]),
        mocks: std::collections::BTreeMap::new(),
        answers: std::collections::BTreeMap::new(),
        kept_answers: Vec::new(),
        pins: pinned.pins,
        fallbacks: pinned.fallbacks,
        uses: pinned.uses,
        on_failure: None,
        handles: Some(run.id),
        base: None,
        origin: Origin::Input,
        steps: None,
        limits: pinned.limits,
        routes: Vec::new(),
        ..failed.clone()
    };
    Ok((library, started))
}

/// What the handler gets as `failure`.
fn told(run: &Run, failed: &RunStarted) -> Value {
    let error = run.error.as_ref();
    let kind = error.and_then(|error| error.failure.as_ref()).map(|f| f.kind().as_str());
    json!({
        "run": run.id,
        "workflow": failed.workflow,
        "version": failed.version,
        "code": error.map(|error| &error.code),
        "message": error.map(|error| &error.message),
        "node": error.and_then(|error| error.node.as_ref()),
        "task": error.and_then(|error| error.task),
        "kind": kind,
        "input": failed.input,
    })
}
