//! The runs that are in memory, and those that sleep.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use wforge_model::{RunId, TenantId, Timestamp};

use crate::actor::Message;

type RunKey = (TenantId, RunId);

/// The runs that are in memory, and when those that are not must be looked at.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    inner: Mutex<Inner>,
    /// Told when a sleeper was added that may be the next.
    pub(crate) changed: Notify,
    /// Told when a run has left memory.
    left: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    live: HashMap<RunKey, mpsc::Sender<Message>>,
    /// How many of them each tenant has.
    of_tenants: HashMap<TenantId, usize>,
    /// Places that are kept for runs that are about to begin.
    kept: HashMap<TenantId, usize>,
    sleepers: BTreeSet<(Timestamp, RunKey)>,
}

/// How many runs may be in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Of one tenant.
    pub(crate) of_tenant: usize,
    /// Of all together.
    pub(crate) of_all: usize,
}

/// Why no place was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The tenant has as many as it may.
    Tenant,
    /// All tenants together have.
    All,
}

/// What taking a place in the registry gave.
#[derive(Debug)]
pub(crate) enum Place {
    /// The run is in memory already.
    Taken,
    /// The run was not in memory; the given inbox is now its own.
    Ours,
    /// As many runs are in memory as may be.
    Full(Full),
}

impl Registry {
    /// The inbox of a run that is in memory.
    pub(crate) fn inbox(&self, tenant: &TenantId, run: RunId) -> Option<mpsc::Sender<Message>> {
        self.lock().live.get(&(tenant.clone(), run)).cloned()
    }

    /// Enters a run under an inbox, unless it is there already.
    pub(crate) fn enter(
        &self,
        tenant: &TenantId,
        run: RunId,
        inbox: mpsc::Sender<Message>,
        room: Room,
    ) -> Place {
        let mut inner = self.lock();
        let key = (tenant.clone(), run);
        if inner.live.contains_key(&key) {
            return Place::Taken;
        }
        if let Err(full) = room.fits(inner.of_tenant(tenant), inner.live.len()) {
            return Place::Full(full);
        }
        inner.sleepers.retain(|(_, sleeper)| *sleeper != key);
        *inner.of_tenants.entry(tenant.clone()).or_insert(0) += 1;
        inner.live.insert(key, inbox);
        Place::Ours
    }

    /// Keeps a place for a run that is about to begin: what is live and what is kept stay together
    /// within the room. To be given back by [`Registry::give_back`].
    ///
    /// # Errors
    /// Which room is used up.
    pub(crate) fn keep_place(&self, tenant: &TenantId, room: Room) -> Result<(), Full> {
        let mut inner = self.lock();
        let kept = inner.kept.get(tenant).copied().unwrap_or(0);
        let all_kept: usize = inner.kept.values().sum();
        room.fits(inner.of_tenant(tenant) + kept, inner.live.len() + all_kept)?;
        inner.kept.insert(tenant.clone(), kept + 1);
        Ok(())
    }

    /// Gives a kept place back: the run has entered, or does not come.
    pub(crate) fn give_back(&self, tenant: &TenantId) {
        count_out(&mut self.lock().kept, tenant);
    }

    /// Takes a run out of memory; it sleeps until then at the latest.
    pub(crate) fn leave(&self, tenant: &TenantId, run: RunId, wake_at: Option<Timestamp>) {
        let key = (tenant.clone(), run);
        let mut inner = self.lock();
        if inner.live.remove(&key).is_some() {
            count_out(&mut inner.of_tenants, tenant);
        }
        if let Some(wake_at) = wake_at {
            inner.sleepers.insert((wake_at, key));
        }
        drop(inner);
        self.changed.notify_one();
        self.left.notify_waiters();
    }

    /// Notes when a run that is not in memory must be looked at.
    pub(crate) fn sleep(&self, tenant: TenantId, run: RunId, wake_at: Timestamp) {
        self.lock().sleepers.insert((wake_at, (tenant, run)));
        self.changed.notify_one();
    }

    /// The next moment at which a sleeper must be looked at.
    pub(crate) fn next_wake(&self) -> Option<Timestamp> {
        self.lock().sleepers.first().map(|(at, _)| *at)
    }

    /// Takes the sleepers whose moment has come.
    pub(crate) fn take_due(&self, now: Timestamp) -> Vec<RunKey> {
        let mut inner = self.lock();
        let mut due = Vec::new();
        while inner.sleepers.first().is_some_and(|(at, _)| *at <= now) {
            due.extend(inner.sleepers.pop_first().map(|(_, key)| key));
        }
        due
    }

    /// How many runs are in memory.
    pub(crate) fn live(&self) -> usize {
        self.lock().live.len()
    }

    /// How many runs are looked at again at a moment.
    pub(crate) fn asleep(&self) -> usize {
        self.lock().sleepers.len()
    }

    /// How many runs of a tenant are in memory.
    pub(crate) fn live_of(&self, tenant: &TenantId) -> usize {
        self.lock().of_tenant(tenant)
    }

    /// Waits until no run of a tenant is in memory.
    pub(crate) async fn emptied(&self, tenant: &TenantId) {
        loop {
            let left = self.left.notified();
            let mut left = std::pin::pin!(left);
            // Before looking, so that nobody leaves unseen in between.
            left.as_mut().enable();
            if self.live_of(tenant) == 0 {
                return;
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn of_tenant(&self, tenant: &TenantId) -> usize {
        self.of_tenants.get(tenant).copied().unwrap_or(0)
    }
}

impl Room {
    const fn fits(self, of_tenant: usize, of_all: usize) -> Result<(), Full> {
        if of_tenant >= self.of_tenant {
            return Err(Full::Tenant);
        }
        if of_all >= self.of_all {
            return Err(Full::All);
        }
        Ok(())
    }
}

/// One fewer; no tenant stands with none.
fn count_out(counts: &mut HashMap<TenantId, usize>, tenant: &TenantId) {
    if let Some(count) = counts.get_mut(tenant) {
        *count -= 1;
        if *count == 0 {
            counts.remove(tenant);
        }
    }
}
