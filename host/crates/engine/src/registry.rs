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
    sleepers: BTreeSet<(Timestamp, RunKey)>,
}

/// What taking a place in the registry gave.
#[derive(Debug)]
pub(crate) enum Place {
    /// The run is in memory already.
    Taken,
    /// The run was not in memory; the given inbox is now its own.
    Ours,
    /// As many runs are in memory as may be.
    Full,
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
        max: usize,
    ) -> Place {
        let mut inner = self.lock();
        let key = (tenant.clone(), run);
        if inner.live.contains_key(&key) {
            return Place::Taken;
        }
        if inner.live.len() >= max {
            return Place::Full;
        }
        inner.sleepers.retain(|(_, sleeper)| *sleeper != key);
        *inner.of_tenants.entry(tenant.clone()).or_insert(0) += 1;
        inner.live.insert(key, inbox);
        Place::Ours
    }

    /// Takes a run out of memory; it sleeps until then at the latest.
    pub(crate) fn leave(&self, tenant: &TenantId, run: RunId, wake_at: Option<Timestamp>) {
        let key = (tenant.clone(), run);
        let mut inner = self.lock();
        if inner.live.remove(&key).is_some() {
            inner.count_out(tenant);
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

    /// How many runs of a tenant are in memory.
    pub(crate) fn live_of(&self, tenant: &TenantId) -> usize {
        self.lock().of_tenants.get(tenant).copied().unwrap_or(0)
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
    fn count_out(&mut self, tenant: &TenantId) {
        if let Some(count) = self.of_tenants.get_mut(tenant) {
            *count -= 1;
            if *count == 0 {
                self.of_tenants.remove(tenant);
            }
        }
    }
}
