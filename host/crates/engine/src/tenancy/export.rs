//! Everything that is kept of a tenant, as lines of JSON that any program can read.
//!
//! Each line says in `kind` what it is. Hashes of keys stay here: they open nothing elsewhere.

use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, stream};
use serde_json::json;
use tokio::sync::mpsc;
use wforge_model::tenancy::Member;
use wforge_model::{RunId, SecretRecord, Seq, TenantId, ThreadId, Value};
use wforge_ports::store::Collection;

use std::sync::Arc;

use super::directory::PageOf;
use super::{keys_of, tenant};
use crate::request::{EngineError, PluginInfo, WorkflowInfo};
use crate::service::Shared;
use crate::workflows::draft_by_digest;

/// Lines that wait for their reader.
const QUEUE_MAX: usize = 64;
/// Rows read at once.
const PAGE: usize = 256;

type Line = Result<Value, EngineError>;

/// The lines of a tenant. A slow reader holds up nobody else.
pub(crate) fn export(
    shared: Arc<Shared>,
    id: TenantId,
) -> Result<BoxStream<'static, Line>, EngineError> {
    tenant(&shared, &id)?;
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    let lane = shared.parts.lanes.engine.clone();
    let work = async move {
        let out = Out(sender);
        if let Err(error) = write_all(&shared, &id, &out).await {
            // Whoever reads may have gone.
            let _ = out.0.send(Err(error)).await;
        }
    };
    lane.spawn(work);
    Ok(until_its_end(receiver).boxed())
}

/// What comes, and where its last line does not: that the rest is missing.
fn until_its_end(receiver: mpsc::Receiver<Line>) -> impl Stream<Item = Line> + Send {
    stream::unfold(Some(receiver), |lines| async {
        let mut lines = lines?;
        match lines.recv().await {
            Some(Ok(line)) if line == end() => Some((Ok(line), None)),
            Some(Ok(line)) => Some((Ok(line), Some(lines))),
            Some(Err(error)) => Some((Err(error), None)),
            None => Some((Err(EngineError::Host("whoever wrote the export ended".into())), None)),
        }
    })
}

/// The last line: nothing is missing.
fn end() -> Value {
    json!({ "kind": "end" })
}

struct Out(mpsc::Sender<Line>);

impl Out {
    async fn line(&self, kind: &str, data: impl serde::Serialize) -> Result<(), EngineError> {
        self.send(json!({ "kind": kind, "data": data })).await
    }

    async fn send(&self, line: Value) -> Result<(), EngineError> {
        let gone = |_| EngineError::Host("the reader of the export has gone".into());
        self.0.send(Ok(line)).await.map_err(gone)
    }
}

async fn write_all(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    out.line("tenant", &*tenant(shared, id)?).await?;
    write_people(shared, id, out).await?;
    write_catalog(shared, id, out).await?;
    write_threads(shared, id, out).await?;
    write_runs(shared, id, out).await?;
    write_audit(shared, id, out).await?;
    out.send(end()).await
}

async fn write_people(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    for key in keys_of(shared, id) {
        let mut key = serde_json::to_value(&*key).unwrap_or_default();
        if let Some(fields) = key.as_object_mut() {
            fields.remove("mac");
        }
        out.line("key", key).await?;
    }
    let members: Vec<Member> = PageOf(Collection::Members).all(shared, id).await?;
    for member in members {
        out.line("member", member).await?;
    }
    // Their names and hosts; no value leaves the store but by a grant.
    let secrets: Vec<SecretRecord> = PageOf(Collection::Secrets).all(shared, id).await?;
    for secret in secrets {
        out.line("secret", secret).await?;
    }
    Ok(())
}

async fn write_catalog(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    let plugins: Vec<PluginInfo> = PageOf(Collection::Plugins).all(shared, id).await?;
    for plugin in plugins {
        out.line("plugin", plugin).await?;
    }
    let workflows: Vec<WorkflowInfo> = PageOf(Collection::Workflows).all(shared, id).await?;
    for info in workflows {
        let draft = draft_by_digest(shared, id, info.digest).await?;
        out.line("workflow", json!({ "info": info, "workflow": draft })).await?;
    }
    let quarantines: Vec<Value> = PageOf(Collection::Quarantines).all(shared, id).await?;
    for quarantine in quarantines {
        out.line("quarantine", quarantine).await?;
    }
    for (kind, collection) in [
        ("trusted_key", Collection::TrustedKeys),
        ("trust_policy", Collection::TrustPolicies),
        ("signature", Collection::Signatures),
        ("schedule", Collection::Schedules),
        ("webhook", Collection::Webhooks),
        ("delivery", Collection::Deliveries),
        ("inbound_hook", Collection::InboundHooks),
    ] {
        let documents: Vec<Value> = PageOf(collection).all(shared, id).await?;
        for document in documents {
            out.line(kind, document).await?;
        }
    }
    let settings: Vec<Value> = PageOf(Collection::Settings).all(shared, id).await?;
    for setting in settings {
        out.line("setting", setting).await?;
    }
    Ok(())
}

async fn write_threads(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    let mut after: Option<ThreadId> = None;
    loop {
        let page = shared.parts.store.threads(id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.thread);
        for row in page {
            out.line("thread", row).await?;
        }
    }
}

async fn write_runs(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    let mut before: Option<RunId> = None;
    loop {
        let page = shared.parts.store.heads(id, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.run);
        for head in page {
            let run = head.run;
            out.line("run", head).await?;
            write_events(shared, id, run, out).await?;
        }
    }
}

async fn write_events(
    shared: &Shared,
    id: &TenantId,
    run: RunId,
    out: &Out,
) -> Result<(), EngineError> {
    let mut after = Seq(0);
    loop {
        let page = shared.parts.store.events(id, run, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.seq;
        for event in page {
            out.line("event", json!({ "run": run, "event": event })).await?;
        }
    }
}

async fn write_audit(shared: &Shared, id: &TenantId, out: &Out) -> Result<(), EngineError> {
    let mut after = 0;
    loop {
        let page = shared.parts.store.audit(id, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.place;
        for entry in page {
            out.line("audit", entry).await?;
        }
    }
}
