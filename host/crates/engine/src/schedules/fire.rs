//! Starts what is due, and notes what came of it.
//!
//! A start and its note are two operations of the store. Between them a crash may lie: the time is
//! due again at the next start of the process then, and its idempotency key answers with the run
//! that it started. Of such times there is one at most, the schedule's next: those that are passed
//! over before it are noted first, and the next after it is started only when it is noted. Nobody
//! else fires a schedule: on an embedded store there is one process.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::StreamExt as _;
use tracing::{error, info, warn};
use wforge_model::{RunId, ThreadId, Timestamp};
use wforge_ports::store::AuditDraft;

use super::change::{actor, request, save_firing};
use super::due::{Due, TRY_MS, due};
use super::record::{FiringError, FiringOutcome, LastFiring, Overlap, Schedule};
use super::{Known, Place};
use crate::handle::Handle;
use crate::request::{EngineError, Idempotency};
use crate::service::Shared;
use crate::start::replied;

/// Schedules that are looked at in one go.
const BATCH: usize = 256;
/// Starts under way at the same time.
const STARTS_MAX: usize = 16;
/// Between two tries, where nothing else is said, in milliseconds.
const RETRY_MS: u64 = 5_000;
/// How long the key of a start is kept, in milliseconds: longer than anybody leaves a host off
/// that stopped between a start and its note.
const KEY_MS: u64 = 400 * 86_400_000;

/// Starts what is due, again and again, until the process stops.
pub(crate) fn at_their_times(shared: &Arc<Shared>) {
    if shared.options.schedules.fires {
        let work = fire_all(shared.clone());
        shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
    }
}

async fn fire_all(shared: Arc<Shared>) {
    let schedules = &shared.schedules;
    while !shared.shutdown.is_cancelled() {
        let wake = async {
            match schedules.next_wake() {
                Some(at) => shared.parts.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = shared.shutdown.cancelled() => return,
            () = schedules.changed.notified() => {}
            () = wake => {
                let due = schedules.take_due(shared.parts.clock.now(), BATCH);
                let fire = |place| Box::pin(look_at(&shared, place));
                futures::stream::iter(due).for_each_concurrent(STARTS_MAX, fire).await;
            }
        }
    }
}

/// Does what is due about one schedule.
async fn look_at(shared: &Arc<Shared>, place: Place) {
    let Some(known) = shared.schedules.get(&place) else { return };
    // Its tenant's resumption looks at it again.
    if !shared.directory.is_open(&place.0) {
        return;
    }
    let (now, tried) = (shared.parts.clock.now(), shared.schedules.tried(&place));
    let due = due(&known.schedule, &known.times, &place.0, now, tried);
    if due.fire.is_none() && due.passed.is_none() {
        // The wall clock was set back.
        if let Some(next) = known.next(&place.0) {
            shared.schedules.again_at(&place, next.fires_at, None);
        }
        return;
    }
    let turn = match turn(shared, &place, &known.schedule, &due, now).await {
        Ok(turn) => turn,
        Err(Later { after_ms }) => {
            let tried = due.fire;
            return shared.schedules.again_at(&place, now.after_ms(after_ms), tried);
        }
    };
    if let Err(error) = note(shared, &place, &known, turn).await {
        error!(tenant = %place.0, schedule = %place.1, %error, "a firing cannot be noted");
        shared.schedules.again_at(&place, now.after_ms(RETRY_MS), due.fire);
    }
}

/// What came of the time of a schedule, and what it has to do next.
struct Turn {
    last: Option<LastFiring>,
    run: Option<RunId>,
    started: u64,
    failure: Option<FiringError>,
    missed: u64,
    next: Option<Timestamp>,
}

/// It cannot be said yet.
struct Later {
    after_ms: u64,
}

async fn turn(
    shared: &Arc<Shared>,
    place: &Place,
    schedule: &Schedule,
    due: &Due,
    now: Timestamp,
) -> Result<Turn, Later> {
    let mut turn = Turn {
        last: None,
        run: None,
        started: 0,
        failure: None,
        missed: due.missed,
        next: due.next,
    };
    let mut outcome = due.passed_last.map(|at| (at, FiringOutcome::Missed));
    if let Some(at) = due.passed {
        // The process may have stopped after it had started the first of them, and no other.
        if let Some(run) = begun_before(shared, place, at).await? {
            turn.run = Some(run);
            turn.started += 1;
            turn.missed = turn.missed.saturating_sub(1);
            outcome = Some((at, FiringOutcome::Started));
        }
    }
    if let Some(at) = due.fire {
        outcome = Some(match start(shared, place, schedule, at, now).await? {
            Came::Run(run) => {
                turn.run = Some(run);
                turn.started += 1;
                (at, FiringOutcome::Started)
            }
            Came::Skipped => (at, FiringOutcome::Skipped),
            Came::Failed(failure) => {
                turn.failure = Some(failure);
                (at, FiringOutcome::Failed)
            }
        });
    }
    turn.last =
        outcome.map(|(scheduled_at, outcome)| LastFiring { scheduled_at, at: now, outcome });
    Ok(turn)
}

async fn begun_before(
    shared: &Shared,
    place: &Place,
    at: Timestamp,
) -> Result<Option<RunId>, Later> {
    match replied(shared, &place.0, &key_of(place, at)).await {
        Ok(started) => Ok(started.map(|started| started.run)),
        Err(_) => Err(Later { after_ms: RETRY_MS }),
    }
}

/// What came of a start.
enum Came {
    Run(RunId),
    Skipped,
    Failed(FiringError),
}

async fn start(
    shared: &Arc<Shared>,
    place: &Place,
    schedule: &Schedule,
    at: Timestamp,
    now: Timestamp,
) -> Result<Came, Later> {
    let (tenant, _) = place;
    let key = key_of(place, at);
    if schedule.spec.overlap == Overlap::Skip
        && begun_before(shared, place, at).await?.is_none()
        && is_under_way(shared, place, schedule).await?
    {
        return Ok(Came::Skipped);
    }
    let mut request = request(schedule, at, thread_of(place, at));
    request.idempotency = Some(key);
    let failure = match Box::pin(Handle::new(shared.clone()).start(tenant, request)).await {
        Ok(started) => return Ok(Came::Run(started.run)),
        Err(failure) => failure,
    };
    let may_try = now < schedule.fires_at(tenant, at).after_ms(TRY_MS);
    match failure {
        EngineError::Busy { retry_after_ms, .. } if may_try => {
            Err(Later { after_ms: retry_after_ms.clamp(1, RETRY_MS) })
        }
        EngineError::Host(error) if may_try => {
            warn!(%tenant, schedule = %schedule.name, %error, "a run cannot be started yet");
            Err(Later { after_ms: RETRY_MS })
        }
        // Suspended in this moment: it is looked at again when the tenant is resumed.
        _ if !shared.directory.is_open(tenant) => Err(Later { after_ms: RETRY_MS }),
        failure => match begun_before(shared, place, at).await {
            // It is durable, though whoever made it so was told otherwise.
            Ok(Some(run)) => Ok(Came::Run(run)),
            Ok(None) | Err(_) => Ok(Came::Failed(failed(&failure, now))),
        },
    }
}

/// Whether the run before has not ended.
async fn is_under_way(shared: &Shared, place: &Place, schedule: &Schedule) -> Result<bool, Later> {
    let Some(run) = schedule.last_run else { return Ok(false) };
    match shared.parts.store.head(&place.0, run).await {
        Ok(head) => Ok(head.is_some_and(|head| !head.status.is_final())),
        Err(_) => Err(Later { after_ms: RETRY_MS }),
    }
}

/// No client's key is the same, since theirs have no space.
fn key_of((tenant, name): &Place, at: Timestamp) -> Idempotency {
    Idempotency {
        key: format!("schedule {name} {}", at.0),
        fingerprint: format!("{tenant} {name} {}", at.0),
        expires_at: at.after_ms(KEY_MS),
    }
}

/// The thread of a run that gets a new one; the same after a crash.
fn thread_of((tenant, name): &Place, at: Timestamp) -> ThreadId {
    let hasher = wforge_model::id::IdHasher::new("wforge.schedule.thread.v1");
    let hasher = hasher.field(tenant.as_str().as_bytes()).field(name.as_str().as_bytes());
    ThreadId::from_bytes(hasher.number(at.0).finish())
}

fn failed(failure: &EngineError, at: Timestamp) -> FiringError {
    let code = match failure {
        EngineError::NotFound { .. } => "not_found",
        EngineError::Invalid { code, .. } | EngineError::Conflict { code, .. } => code,
        EngineError::Busy { .. } => "busy",
        EngineError::Quota { .. } => "quota",
        EngineError::Host(_) => "host",
    };
    FiringError { at, code: code.to_owned(), message: failure.to_string() }
}

/// Keeps what came of a turn. Where somebody changed the schedule meanwhile, its next time is
/// theirs.
async fn note(shared: &Shared, place: &Place, seen: &Known, turn: Turn) -> Result<(), EngineError> {
    let (tenant, name) = place;
    let _turn = shared.schedules.changing.lock().await;
    // Another one may have its name by now.
    let is_seen = |known: &Arc<Known>| known.schedule.created_at == seen.schedule.created_at;
    let Some(known) = shared.schedules.get(place).filter(is_seen) else { return Ok(()) };
    let mut schedule = known.schedule.clone();
    let outcome = turn.last.as_ref().map(|last| last.outcome);
    let counts = &mut schedule.counts;
    counts.missed += turn.missed;
    counts.started += turn.started;
    counts.skipped += u64::from(outcome == Some(FiringOutcome::Skipped));
    counts.failed += u64::from(outcome == Some(FiringOutcome::Failed));
    if schedule.revision == seen.schedule.revision {
        schedule.next = schedule.within(turn.next);
    }
    schedule.last_run = turn.run.or(schedule.last_run);
    let audit = turn.failure.iter().map(|failure| refusal(&schedule, failure)).collect();
    let told = turn.last.clone();
    schedule.last = turn.last.or(schedule.last);
    schedule.last_error = turn.failure.or(schedule.last_error);
    save_firing(shared, tenant, schedule, known.times.clone(), audit).await?;
    count(shared, turn.missed, turn.started, outcome);
    if let Some(LastFiring { scheduled_at, outcome, .. }) = told {
        let (outcome, missed) = (outcome.as_str(), turn.missed);
        info!(%tenant, schedule = %name, at = %scheduled_at, outcome, missed, "schedule");
    }
    Ok(())
}

fn count(shared: &Shared, missed: u64, started: u64, outcome: Option<FiringOutcome>) {
    let stats = &shared.stats;
    stats.schedules_missed.fetch_add(missed, Ordering::Relaxed);
    stats.schedules_fired.fetch_add(started, Ordering::Relaxed);
    match outcome {
        Some(FiringOutcome::Skipped) => stats.schedules_skipped.fetch_add(1, Ordering::Relaxed),
        Some(FiringOutcome::Failed) => stats.schedules_failed.fetch_add(1, Ordering::Relaxed),
        Some(FiringOutcome::Started | FiringOutcome::Missed) | None => 0,
    };
}

fn refusal(schedule: &Schedule, failure: &FiringError) -> AuditDraft {
    AuditDraft {
        at: failure.at,
        actor: actor(&schedule.name),
        action: "schedule.fire".into(),
        resource: format!("{} ({})", schedule.name, schedule.spec.workflow.name),
        outcome: failure.code.clone(),
    }
}
