//! A thread that goes on with another version of its workflow.

use std::sync::Arc;

use wforge_graph::{Migration, VersionOf, fates, migration};
use wforge_model::event::{KeptAnswer, Origin};
use wforge_model::{Checkpoint, RunId, TenantId, ThreadId};

use super::fork::{Origins, Turn, begun, continue_with, no_thread};
use super::replies::made_before;
use super::start::{begin_with, end_head};
use super::{Base, Standing, begin_next, last_border};
use crate::load::{beginning_of, carried_at, load_run};
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
    let key = request.idempotency.clone();
    let turn = shared.locks.lock(tenant, thread).await;
    let (made, replayed) = match made_before(shared, tenant, key.as_ref()).await? {
        Some(run) => (run, true),
        None => match Box::pin(first(shared, tenant, thread, &request)).await? {
            First::Only(dry) => return Ok(*dry),
            First::Made(run) => (run, false),
        },
    };
    let Done { mut migrated, at, open, kept } = done(shared, tenant, thread, made).await?;
    migrated.replayed = replayed;
    if open && request.restart_tasks {
        let (at, idempotency) = (ForkPoint::Checkpoint(at), key.map(|key| key.part("continue")));
        let (answers, durability) = Default::default();
        let go_on =
            ContinueFrom { at, answers, durability, steps: None, idempotency, by: request.by };
        let turn = Turn { thread, turn, place: None };
        let continued = Box::pin(continue_with(shared, tenant, turn, go_on, kept)).await?;
        migrated.continued = Some(continued.run);
    } else {
        drop(turn);
        begin_next(shared, tenant, thread).await;
    }
    Ok(migrated)
}

enum First {
    /// What it would do.
    Only(Box<Migrated>),
    /// The run that it is.
    Made(RunId),
}

/// Migrates; the thread is locked.
async fn first(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    thread: ThreadId,
    request: &MigrateThread,
) -> Result<First, EngineError> {
    let MigrateThread { to, workflows, plugins, restart_tasks, by, .. } = request;
    let (workflows, plugins) = (workflows.clone(), plugins.clone());
    let fresh = StartRun { workflows, plugins, ..StartRun::of(to.clone(), by) };
    let Prepared { library, started, resolved } = prepare(shared, tenant, &fresh).await?;
    let standing = Standing::read(shared, tenant, thread).await?;
    let head = standing.row().and_then(|row| row.head).ok_or_else(|| no_thread(thread))?;
    let base = last_border(shared, tenant, thread, head).await?;
    let answers = given_at(shared, tenant, base.at).await?;
    let after = VersionOf { library: &library, started: &started };
    let migrated = told(shared, tenant, &base, &answers, after).await?;
    if request.dry_run {
        return Ok(First::Only(Box::new(migrated)));
    }
    let is_open = standing.is_busy() || !base.carried.next().is_empty();
    refuse(thread, &migrated.difference, is_open && !restart_tasks)?;
    end_head(shared, tenant, &standing, "migrated", by).await?;
    let standing = Standing::read(shared, tenant, thread).await?;
    let base = last_border(shared, tenant, thread, head).await?;
    // Somebody may have answered until the head was ended.
    let kept_answers = given_at(shared, tenant, base.at).await?;
    let id = standing.new_run_id(shared);
    let origins = Origins { base: Some(base), library, started, keep: Some(resolved) };
    let mut beginning = origins.beginning(id, thread, Origin::Migrate, by);
    beginning.started.kept_answers = kept_answers;
    beginning.idempotency.clone_from(&request.idempotency);
    let begun = begun(begin_with(shared, tenant, &standing, beginning).await?, id);
    Ok(First::Made(begun.run))
}

/// A migration that is durable.
struct Done {
    migrated: Migrated,
    at: Checkpoint,
    /// Whether there is something to go on with.
    open: bool,
    /// What people had answered to it.
    kept: Vec<KeptAnswer>,
}

/// The migration that a run is.
async fn done(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    run: RunId,
) -> Result<Done, EngineError> {
    let (started, library) = beginning_of(shared, tenant, run).await?;
    let at = started.base.ok_or_else(|| no_thread(thread))?;
    let (carried, since) = carried_at(shared, tenant, at).await?;
    let base = Base { at, carried, since };
    let kept = started.kept_answers.clone();
    let after = VersionOf { library: &library, started: &started };
    let migrated = told(shared, tenant, &base, &kept, after).await?;
    let at = last_border(shared, tenant, thread, run).await?.at;
    let migrated = Migrated { checkpoint: Some(at), ..migrated };
    Ok(Done { migrated, at, open: !base.carried.next().is_empty(), kept })
}

/// What people answered to tasks of the super-step that is under way after a border.
async fn given_at(
    shared: &Shared,
    tenant: &TenantId,
    at: Checkpoint,
) -> Result<Vec<KeptAnswer>, EngineError> {
    let run = load_run(shared, tenant, at.run).await?.run;
    Ok(if run.border == at.seq { run.answers_given() } else { Vec::new() })
}

/// What a migration makes of what is there.
async fn told(
    shared: &Shared,
    tenant: &TenantId,
    base: &Base,
    answers: &[KeptAnswer],
    after: VersionOf<'_>,
) -> Result<Migrated, EngineError> {
    let (started, library) = beginning_of(shared, tenant, base.at.run).await?;
    let before = VersionOf { library: &library, started: &started };
    let expressions = shared.parts.expressions.as_ref();
    Ok(Migrated {
        from: started.digest,
        to: after.started.digest,
        difference: migration(&base.carried, &after.library.root, expressions),
        answers: fates(answers, before, after, expressions),
        checkpoint: None,
        continued: None,
        replayed: false,
    })
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
