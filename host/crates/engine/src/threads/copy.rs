//! Copies of borders: beside the one that is copied, or as the beginning of another thread.

use std::sync::Arc;

use wforge_model::event::Origin;
use wforge_model::{Checkpoint, TenantId, ThreadId, Version};

use super::fork::{at_rest, begun, no_thread, origins, thread_of};
use super::replies::border_made_before;
use super::start::begin_with;
use super::{Standing, begin_next, existing, last_border};
use crate::request::EngineError;
use crate::service::Shared;
use crate::thread_request::{ForkPoint, ForkThread, Made};

/// Makes a border the newest of its thread once more, with all that was to be done there.
pub(crate) async fn fork(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    request: ForkThread,
) -> Result<Made, EngineError> {
    let ForkThread { at, idempotency, by } = request;
    let thread = thread_of(shared, tenant, at).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let before = border_made_before(shared, tenant, thread, idempotency.as_ref()).await?;
    if let Some(checkpoint) = before {
        return Ok(Made { checkpoint, replayed: true });
    }
    let standing = at_rest(shared, tenant, thread, &by).await?;
    let origins = origins(shared, tenant, &standing, at).await?;
    let origins = origins.ok_or_else(|| no_thread(thread))?;
    let id = standing.new_run_id(shared);
    let mut beginning = origins.beginning(id, thread, Origin::Copy, &by);
    beginning.idempotency = idempotency;
    let begun = begun(begin_with(shared, tenant, &standing, beginning).await?, id);
    let checkpoint = last_border(shared, tenant, thread, begun.run).await?.at;
    drop(turn);
    begin_next(shared, tenant, thread).await;
    Ok(Made { checkpoint, replayed: begun.replayed })
}

/// Begins a thread with the state of another.
pub(crate) async fn copy(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    (from, to): (ThreadId, ThreadId),
    by: &str,
) -> Result<Checkpoint, EngineError> {
    let stored = Some(existing(shared, tenant, from).await?);
    let source = Standing { thread: from, stored, head: None, first_place: Version(0) };
    let _turn = shared.locks.lock(tenant, to).await;
    let standing = Standing::read(shared, tenant, to).await?;
    if standing.stored.is_some() {
        return Err(EngineError::Conflict {
            code: "thread_exists",
            message: format!("{to} exists; copy to a new thread"),
        });
    }
    let origins = origins(shared, tenant, &source, ForkPoint::Thread(from)).await?;
    let origins = origins.ok_or_else(|| no_thread(from))?;
    let id = standing.new_run_id(shared);
    let beginning = origins.beginning(id, to, Origin::Copy, by);
    begin_with(shared, tenant, &standing, beginning).await?;
    Ok(last_border(shared, tenant, to, id).await?.at)
}
