//! A thread that goes on with another version of its workflow.

use std::sync::Arc;

use wforge_graph::{Migration, migration};
use wforge_model::event::Origin;
use wforge_model::{Checkpoint, TenantId, ThreadId};

use super::fork::{Origins, continue_from};
use super::start::{begin_with, end_head};
use super::{Standing, begin_next, last_border};
use crate::prepare::{Prepared, prepare};
use crate::request::{EngineError, StartRun};
use crate::service::Shared;
use crate::thread_request::{ContinueFrom, ForkPoint, MigrateThread, Migrated};

/// Brings a thread to another version, or says what that would do.
pub(crate) async fn migrate(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    request: MigrateThread,
) -> Result<Migrated, EngineError> {
    let MigrateThread { to, workflows, plugins, dry_run, restart_tasks, by } = request;
    let fresh = StartRun { workflows, plugins, ..StartRun::of(to, by.clone()) };
    let Prepared { library, started, resolved } = prepare(shared, tenant, &fresh).await?;
    let turn = shared.locks.lock(tenant, thread).await;
    let mut standing = Standing::read(shared, tenant, thread).await?;
    let missing = || EngineError::NotFound { kind: "thread", name: thread.to_string() };
    let (head, from) = match standing.row() {
        Some(row) => (row.head.ok_or_else(missing)?, row.digest),
        None => return Err(missing()),
    };
    let base = last_border(shared, tenant, thread, head).await?;
    let expressions = shared.parts.expressions.as_ref();
    let difference = migration(&base.carried, &library.root, expressions);
    let to = started.digest;
    let mut migrated = Migrated { from, to, difference, checkpoint: None, continued: None };
    if dry_run {
        return Ok(migrated);
    }
    let is_open = standing.is_busy() || !base.carried.next().is_empty();
    refuse(thread, &migrated.difference, is_open && !restart_tasks)?;
    end_head(shared, tenant, &standing, "migrated", &by).await?;
    standing = Standing::read(shared, tenant, thread).await?;
    let base = last_border(shared, tenant, thread, head).await?;
    let id = standing.new_run_id(shared);
    let origins = Origins { base: Some(base), library, started, keep: Some(resolved) };
    let beginning = origins.beginning(id, thread, Origin::Migrate);
    begin_with(shared, tenant, &standing, beginning).await?;
    let border: Checkpoint = last_border(shared, tenant, thread, id).await?.at;
    migrated.checkpoint = Some(border);
    drop(turn);
    if is_open {
        let at = ForkPoint::Thread(thread);
        let (answers, durability) = Default::default();
        let go_on = ContinueFrom { at, answers, durability, steps: None, by };
        migrated.continued = Some(Box::pin(continue_from(shared, tenant, go_on)).await?);
    } else {
        begin_next(shared, tenant, thread).await;
    }
    Ok(migrated)
}

fn refuse(thread: ThreadId, difference: &Migration, has_open: bool) -> Result<(), EngineError> {
    if has_open {
        return Err(EngineError::Conflict {
            code: "open_tasks",
            message: format!(
                "{thread} has tasks that are under way; wait for their end, or begin them again \
                 after the migration (--restart-tasks)"
            ),
        });
    }
    if difference.misfits.is_empty() {
        return Ok(());
    }
    let details = difference.misfits.iter();
    Err(EngineError::Invalid {
        code: "migration_misfit",
        message: format!("the state of {thread} does not fit the other version"),
        details: details.map(|misfit| format!("state.{}: {}", misfit.key, misfit.why)).collect(),
    })
}
