//! Schedules: runs that the clock starts.
//!
//! Kept as documents, known from memory; each is in one queue under the moment at which something
//! is to be done about it, and one timer sleeps until the first of them. A start goes under an
//! idempotency key that follows from schedule and time, so a crash between the start and its note
//! neither loses a run nor starts it twice. Never here: how a moment follows from an expression
//! (`cron`), and which times count after an absence (`due`); both are pure.

mod change;
mod cron;
mod due;
mod fire;
mod record;

pub use cron::{BadTimes, CronTimes};
pub use due::CATCH_UP_MAX;
pub use record::{
    FiringError, FiringOutcome, LastFiring, Missed, Overlap, Schedule, ScheduleCounts,
    ScheduleSpec, ScheduledThread, ScheduledWorkflow,
};

pub(crate) use change::{preview, put, remove, set_paused, trigger, upcoming};
pub(crate) use fire::at_their_times;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::Notify;
use tracing::error;
use wforge_model::{ScheduleName, TenantId, Timestamp};
use wforge_ports::store::Collection;

use crate::request::EngineError;
use crate::service::Shared;
use crate::tenancy::PageOf;

/// What schedules may be, and whether this process fires them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduleOptions {
    /// Whether the engine starts what is due.
    pub fires: bool,
    /// Schedules of one tenant.
    pub count_max: usize,
}

impl Default for ScheduleOptions {
    fn default() -> Self {
        Self { fires: true, count_max: 1_000 }
    }
}

/// What becomes of a name where a schedule of it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutSchedule {
    /// It is a conflict.
    Create,
    /// It does from now on what is said.
    CreateOrReplace,
}

/// A moment at which a schedule is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DueTime {
    /// By the expression.
    pub scheduled_at: Timestamp,
    /// With jitter: when the run is started.
    pub fires_at: Timestamp,
    /// The first of the two as the zone's clock shows it.
    pub local: String,
}

type Place = (TenantId, ScheduleName);

/// A schedule with its expression read.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) schedule: Schedule,
    times: CronTimes,
}

impl Known {
    /// What it does next.
    pub(crate) fn next(&self, tenant: &TenantId) -> Option<DueTime> {
        self.schedule.next.map(|next| self.due_time(tenant, next))
    }

    fn due_time(&self, tenant: &TenantId, scheduled_at: Timestamp) -> DueTime {
        let fires_at = self.schedule.fires_at(tenant, scheduled_at);
        DueTime { scheduled_at, fires_at, local: self.times.local(scheduled_at) }
    }
}

/// All schedules that are known.
#[derive(Debug, Default)]
pub(crate) struct Schedules {
    inner: Mutex<Inner>,
    /// Held by whoever writes one.
    changing: tokio::sync::Mutex<()>,
    /// Told when a schedule came that may be the next.
    changed: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    known: BTreeMap<Place, Entry>,
    queue: BTreeSet<(Timestamp, Place)>,
}

#[derive(Debug)]
struct Entry {
    known: Arc<Known>,
    /// Where it stands in the queue.
    queued: Option<Timestamp>,
    /// The time whose start is being tried again.
    tried: Option<Timestamp>,
}

impl Schedules {
    /// Reads those of a tenant.
    pub(crate) async fn load(&self, shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
        let found: Vec<Schedule> = PageOf(Collection::Schedules).all(shared, tenant).await?;
        for schedule in found {
            match CronTimes::parse(&schedule.spec.cron, &schedule.spec.zone) {
                Ok(times) => self.know(tenant, Known { schedule, times }),
                // A version of the host before this one could read it.
                Err(error) => error!(%tenant, name = %schedule.name, %error, "a schedule is lost"),
            }
        }
        Ok(())
    }

    /// From now on it is like that.
    fn know(&self, tenant: &TenantId, known: Known) {
        let place = (tenant.clone(), known.schedule.name.clone());
        let at = known.schedule.next.map(|next| known.schedule.fires_at(tenant, next));
        let mut inner = self.lock();
        inner.unqueue(&place);
        // Whoever changes something else leaves the time that is being tried.
        let tried = inner.known.get(&place).and_then(|before| before.tried);
        let tried = tried.filter(|tried| known.schedule.next == Some(*tried));
        let entry = Entry { known: Arc::new(known), queued: None, tried };
        inner.known.insert(place.clone(), entry);
        if let Some(at) = at {
            inner.enqueue(&place, at);
        }
        drop(inner);
        self.changed.notify_one();
    }

    fn forget(&self, tenant: &TenantId, name: &ScheduleName) {
        let place = (tenant.clone(), name.clone());
        let mut inner = self.lock();
        inner.unqueue(&place);
        inner.known.remove(&place);
    }

    /// Forgets those of a tenant, whose rows go.
    pub(crate) fn forget_tenant(&self, tenant: &TenantId) {
        let mut inner = self.lock();
        inner.known.retain(|(of, _), _| of != tenant);
        inner.queue.retain(|(_, (of, _))| of != tenant);
    }

    /// Those of a tenant, by name.
    pub(crate) fn of_tenant(&self, tenant: &TenantId) -> Vec<Arc<Known>> {
        let inner = self.lock();
        let all = inner.known.iter().filter(|((of, _), _)| of == tenant);
        all.map(|(_, entry)| entry.known.clone()).collect()
    }

    /// The one of that name.
    pub(crate) fn find(&self, tenant: &TenantId, name: &str) -> Result<Arc<Known>, EngineError> {
        let missing = || EngineError::NotFound { kind: "schedule", name: name.to_owned() };
        let name = name.parse::<ScheduleName>().map_err(|_| missing())?;
        self.get(&(tenant.clone(), name)).ok_or_else(missing)
    }

    fn get(&self, place: &Place) -> Option<Arc<Known>> {
        self.lock().known.get(place).map(|entry| entry.known.clone())
    }

    /// How many there are, of all tenants.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.lock().known.len()).unwrap_or(u64::MAX)
    }

    fn next_wake(&self) -> Option<Timestamp> {
        self.lock().queue.first().map(|(at, _)| *at)
    }

    /// At most `limit` whose moment has come. They are in the queue again once something was done
    /// about them, or their tenant goes on.
    fn take_due(&self, now: Timestamp, limit: usize) -> Vec<Place> {
        let mut inner = self.lock();
        let due = inner.queue.iter().take_while(|(at, _)| *at <= now).take(limit);
        let due: Vec<Place> = due.map(|(_, place)| place.clone()).collect();
        due.iter().for_each(|place| inner.unqueue(place));
        due
    }

    /// Looks at it again then; a start that may still succeed is tried until it must be given up.
    fn again_at(&self, place: &Place, at: Timestamp, tried: Option<Timestamp>) {
        let mut inner = self.lock();
        if let Some(entry) = inner.known.get_mut(place) {
            entry.tried = tried;
            inner.enqueue(place, at);
        }
        drop(inner);
        self.changed.notify_one();
    }

    fn tried(&self, place: &Place) -> Option<Timestamp> {
        self.lock().known.get(place).and_then(|entry| entry.tried)
    }

    /// The tenant goes on: what its schedules missed is looked at.
    pub(crate) fn wake_tenant(&self, tenant: &TenantId) {
        let mut inner = self.lock();
        let of_tenant = inner.known.iter().filter(|((of, _), _)| of == tenant);
        let due: Vec<(Place, Timestamp)> = of_tenant
            .filter_map(|(place, entry)| {
                let schedule = &entry.known.schedule;
                Some((place.clone(), schedule.fires_at(tenant, schedule.next?)))
            })
            .collect();
        due.iter().for_each(|(place, at)| inner.enqueue(place, *at));
        drop(inner);
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn unqueue(&mut self, place: &Place) {
        let queued = self.known.get_mut(place).and_then(|entry| entry.queued.take());
        if let Some(at) = queued {
            self.queue.remove(&(at, place.clone()));
        }
    }

    fn enqueue(&mut self, place: &Place, at: Timestamp) {
        self.unqueue(place);
        if let Some(entry) = self.known.get_mut(place) {
            entry.queued = Some(at);
            self.queue.insert((at, place.clone()));
        }
    }
}
