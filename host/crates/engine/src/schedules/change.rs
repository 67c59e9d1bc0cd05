//! Schedules are made, changed, paused, removed, asked for their next times, and fired by hand.

use std::sync::Arc;

use wforge_model::{ScheduleName, TenantId, ThreadId, Timestamp, Value, Version};
use wforge_ports::store::{AuditDraft, Change, Collection, Put};

use super::cron::{BadTimes, CronTimes};
use super::record::{Schedule, ScheduleCounts, ScheduleSpec, ScheduledThread};
use super::{DueTime, Known, PutSchedule};
use crate::handle::Handle;
use crate::request::{EngineError, Idempotency, StartRun, Started, WorkflowChoice};
use crate::service::{Shared, check_open};
use crate::tenancy::{Entry, invalid, to_value, within_storage, write};

/// The most that a start is put off, in seconds.
const JITTER_S_MAX: u32 = 86_400;
/// Next times that are asked for at once.
const UPCOMING_MAX: usize = 100;

/// Makes a schedule, or has it do something else from now on.
pub(crate) async fn put(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    (name, mode): (ScheduleName, PutSchedule),
    (spec, paused): (ScheduleSpec, Option<bool>),
    by: &str,
) -> Result<Arc<Known>, EngineError> {
    let times = checked(shared, tenant, &spec).await?;
    let _turn = shared.schedules.changing.lock().await;
    check_open(shared, tenant)?;
    within_storage(shared, tenant)?;
    let before = shared.schedules.get(&(tenant.clone(), name.clone()));
    if before.is_some() && mode == PutSchedule::Create {
        let message = format!("there is a schedule {name} already; PUT changes it");
        return Err(EngineError::Conflict { code: "schedule_exists", message });
    }
    if before.is_none() {
        admit(shared, tenant)?;
    }
    let now = shared.parts.clock.now();
    let (before, by) = (before.as_ref().map(|known| &known.schedule), by.to_owned());
    let schedule = Schedule {
        name,
        spec,
        paused: paused.unwrap_or_else(|| before.is_some_and(|before| before.paused)),
        created_at: before.map_or(now, |before| before.created_at),
        created_by: before.map_or_else(|| by.clone(), |before| before.created_by.clone()),
        changed_at: now,
        changed_by: by.clone(),
        revision: before.map_or(1, |before| before.revision.saturating_add(1)),
        next: None,
        counts: before.map_or_else(ScheduleCounts::default, |before| before.counts),
        last: before.and_then(|before| before.last.clone()),
        last_run: before.and_then(|before| before.last_run),
        last_error: before.and_then(|before| before.last_error.clone()),
    };
    let action = if before.is_some() { "schedule.change" } else { "schedule.create" };
    save(shared, tenant, planned(schedule, &times, now), times, (action, &by)).await
}

/// Removes a schedule. Runs that it started go on.
pub(crate) async fn remove(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    by: &str,
) -> Result<Arc<Known>, EngineError> {
    let _turn = shared.schedules.changing.lock().await;
    let known = shared.schedules.find(tenant, name)?;
    let entry = Entry {
        tenant,
        expected: None,
        collection: Collection::Schedules,
        key: name.to_owned(),
        value: None,
        also: Vec::new(),
        action: "schedule.delete",
        resource: title(&known.schedule),
        by,
    };
    write(shared, entry).await?;
    shared.schedules.forget(tenant, &known.schedule.name);
    Ok(known)
}

/// Has it start nothing, or again something: from now on, and nothing for the time between.
pub(crate) async fn set_paused(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    name: &str,
    paused: bool,
    by: &str,
) -> Result<Arc<Known>, EngineError> {
    let _turn = shared.schedules.changing.lock().await;
    let known = shared.schedules.find(tenant, name)?;
    if known.schedule.paused == paused {
        return Ok(known);
    }
    let mut schedule = known.schedule.clone();
    schedule.paused = paused;
    schedule.revision = schedule.revision.saturating_add(1);
    let now = shared.parts.clock.now();
    let action = if paused { "schedule.pause" } else { "schedule.continue" };
    let schedule = planned(schedule, &known.times, now);
    save(shared, tenant, schedule, known.times.clone(), (action, by)).await
}

/// Starts a run of it now, whatever its expression, its overlap or a pause says.
pub(crate) async fn trigger(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    name: &str,
    idempotency: Option<Idempotency>,
    by: &str,
) -> Result<Started, EngineError> {
    let known = shared.schedules.find(tenant, name)?;
    let now = shared.parts.clock.now();
    let mut request = request(&known.schedule, now, fresh_thread(shared));
    request.idempotency = idempotency;
    by.clone_into(&mut request.by);
    let started = Box::pin(Handle::new(shared.clone()).start(tenant, request)).await?;
    if started.replayed {
        return Ok(started);
    }
    let _turn = shared.schedules.changing.lock().await;
    // It may have been removed meanwhile; the run goes on.
    if let Ok(known) = shared.schedules.find(tenant, name) {
        let mut schedule = known.schedule.clone();
        schedule.last_run = Some(started.run);
        save(shared, tenant, schedule, known.times.clone(), ("schedule.trigger", by)).await?;
    }
    Ok(started)
}

/// Its next times, whether it is paused or not.
pub(crate) fn upcoming(
    shared: &Shared,
    tenant: &TenantId,
    name: &str,
    count: usize,
) -> Result<Vec<DueTime>, EngineError> {
    let known = shared.schedules.find(tenant, name)?;
    let Known { schedule, times } = known.as_ref();
    let now = shared.parts.clock.now();
    let first = schedule.next.or_else(|| schedule.within(times.next(now)));
    let next = |at: &Timestamp| schedule.within(times.next(*at));
    let all = std::iter::successors(first, next).take(count.min(UPCOMING_MAX));
    Ok(all.map(|at| known.due_time(tenant, at)).collect())
}

/// The next times of an expression that no schedule has yet.
pub(crate) fn preview(
    shared: &Shared,
    cron: &str,
    zone: &str,
    count: usize,
) -> Result<Vec<DueTime>, EngineError> {
    let times = read(cron, zone)?;
    let first = times.next(shared.parts.clock.now());
    let all = std::iter::successors(first, |at| times.next(*at)).take(count.min(UPCOMING_MAX));
    let due = |at| DueTime { scheduled_at: at, fires_at: at, local: times.local(at) };
    Ok(all.map(due).collect())
}

/// What is started for a time.
pub(super) fn request(schedule: &Schedule, at: Timestamp, new: ThreadId) -> StartRun {
    let ScheduleSpec { workflow, input, context, time_key, thread, .. } = &schedule.spec;
    let (name, version) = (workflow.name.clone(), workflow.version.clone());
    let choice = WorkflowChoice::Registered { name, version };
    let time = time_key.iter().map(|key| (key.clone(), Value::String(at.to_string())));
    StartRun {
        input: input.clone().into_iter().chain(time).collect(),
        context: context.clone(),
        thread: match thread {
            ScheduledThread::None => None,
            ScheduledThread::New => Some(new),
            ScheduledThread::Fixed(thread) => Some(*thread),
        },
        ..StartRun::of(choice, actor(&schedule.name))
    }
}

/// How runs and the audit log call it.
pub(super) fn actor(name: &ScheduleName) -> String {
    format!("schedule:{name}")
}

fn fresh_thread(shared: &Shared) -> ThreadId {
    let mut bytes = [0; 16];
    shared.parts.entropy.fill(&mut bytes);
    ThreadId::from_bytes(bytes)
}

/// The times of a schedule that may be kept.
async fn checked(
    shared: &Arc<Shared>,
    tenant: &TenantId,
    spec: &ScheduleSpec,
) -> Result<CronTimes, EngineError> {
    let times = read(&spec.cron, &spec.zone)?;
    if spec.jitter_s > JITTER_S_MAX {
        return Err(invalid("bad_schedule", format!("jitter_s is at most {JITTER_S_MAX}")));
    }
    if spec.runs_max == Some(0) {
        return Err(invalid("bad_schedule", "runs_max is at least 1; a pause starts none"));
    }
    if let Some(key) = spec.time_key.as_ref().filter(|key| spec.input.contains_key(*key)) {
        let message = format!("time_key: \"{key}\" is in input already; name another key");
        return Err(invalid("bad_schedule", message));
    }
    let workflow = &spec.workflow;
    Handle::new(shared.clone()).workflow(tenant, &workflow.name, workflow.version.as_ref()).await?;
    Ok(times)
}

fn read(cron: &str, zone: &str) -> Result<CronTimes, EngineError> {
    CronTimes::parse(cron, zone).map_err(|error| {
        let code = match error {
            BadTimes::Zone { .. } => "bad_zone",
            _ => "bad_cron",
        };
        invalid(code, error.to_string())
    })
}

fn admit(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    let max = shared.options.schedules.count_max;
    if shared.schedules.of_tenant(tenant).len() < max {
        return Ok(());
    }
    let message = format!(
        "the tenant has {max} schedules (limits.schedules.count_max); remove what nobody needs"
    );
    Err(EngineError::Conflict { code: "too_many_schedules", message })
}

/// The same with its next time, seen from now.
fn planned(mut schedule: Schedule, times: &CronTimes, now: Timestamp) -> Schedule {
    let next = times.next(now).filter(|_| !schedule.paused);
    schedule.next = schedule.within(next);
    schedule
}

/// Writes what somebody changed. Only whoever holds `changing` may.
async fn save(
    shared: &Shared,
    tenant: &TenantId,
    schedule: Schedule,
    times: CronTimes,
    (action, by): (&'static str, &str),
) -> Result<Arc<Known>, EngineError> {
    let entry = Entry {
        tenant,
        expected: (action == "schedule.create").then_some(Version(0)),
        collection: Collection::Schedules,
        key: schedule.name.to_string(),
        value: Some(to_value(&schedule)?),
        also: Vec::new(),
        action,
        resource: title(&schedule),
        by,
    };
    write(shared, entry).await?;
    known(shared, tenant, schedule, times)
}

/// Writes what came of a time. Only whoever holds `changing` may.
pub(super) async fn save_firing(
    shared: &Shared,
    tenant: &TenantId,
    schedule: Schedule,
    times: CronTimes,
    audit: Vec<AuditDraft>,
) -> Result<(), EngineError> {
    let key = schedule.name.to_string();
    let put = Put { collection: Collection::Schedules, key, value: Some(to_value(&schedule)?) };
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![put],
        audit,
        idempotent_reply: None,
    };
    let written = shared.parts.store.change(change).await;
    written.map_err(|error| EngineError::Host(Box::new(error)))?;
    known(shared, tenant, schedule, times).map(|_| ())
}

fn known(
    shared: &Shared,
    tenant: &TenantId,
    schedule: Schedule,
    times: CronTimes,
) -> Result<Arc<Known>, EngineError> {
    let name = schedule.name.clone();
    shared.schedules.know(tenant, Known { schedule, times });
    shared.schedules.find(tenant, name.as_str())
}

fn title(schedule: &Schedule) -> String {
    let ScheduleSpec { workflow, cron, zone, .. } = &schedule.spec;
    format!("{} ({} at {cron}, {zone})", schedule.name, workflow.name)
}
