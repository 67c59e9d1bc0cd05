//! Which call gets a sandbox: a place for each, waited for in turn.
//!
//! A place is free where the pool, the tenant and the component have one left. The next one goes to
//! the tenant that holds the fewest, and there to an agent that another one called, since its
//! caller holds a place until it has ended; else to the call that has waited longest.
//!
//! Never here: a clock, or who of those in a sandbox runs: that is `turns`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use wforge_model::{Digest, TenantId};

/// All places, and who waits for one.
#[derive(Debug, Clone)]
pub(crate) struct Places(Arc<Mutex<Taken>>);

/// For which call a place is wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) tenant: TenantId,
    pub(crate) component: Digest,
    /// Places of the tenant, and of the component for this tenant.
    pub(crate) tenant_max: u32,
    pub(crate) plugin_max: u32,
    /// Whether another call waits for this one, and holds a place.
    pub(crate) is_nested: bool,
}

/// A place, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    wanted: Wanted,
}

impl Places {
    /// So many places over all tenants.
    pub(crate) fn new(max: u32) -> Self {
        Self(Arc::new(Mutex::new(Taken { max, taken: 0, tickets: 0, tenants: HashMap::new() })))
    }

    /// Waits for a place. Whoever stops waiting has none.
    pub(crate) async fn take(&self, wanted: &Wanted) -> Place {
        let (sender, receiver) = oneshot::channel();
        let ticket = self.lock().wait(wanted, sender);
        // Dropped before the receiver, with which a place that has come nevertheless goes back.
        let _waits = Waits { places: self, wanted, ticket };
        self.grant();
        match receiver.await {
            Ok(place) => place,
            // A sender is dropped only once it has sent, or with whoever waits.
            Err(_) => std::future::pending().await,
        }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u32 {
        self.lock().taken
    }

    /// How many there are.
    pub(crate) fn max(&self) -> u32 {
        self.lock().max
    }

    /// How many calls wait for one.
    pub(crate) fn waiting(&self) -> u64 {
        let taken = self.lock();
        let plugins = taken.tenants.values().flat_map(|tenant| tenant.plugins.values());
        plugins.map(|plugin| (plugin.nested.len() + plugin.queue.len()) as u64).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands out what is free. Places that nobody waits for any more come back by their drop,
    /// outside the lock.
    fn grant(&self) {
        loop {
            let Some((wanted, sender)) = self.lock().next() else { return };
            drop(sender.send(Place { places: self.clone(), wanted }));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().give_back(&self.wanted);
        self.places.grant();
    }
}

/// One that waits.
struct Waits<'a> {
    places: &'a Places,
    wanted: &'a Wanted,
    ticket: Ticket,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.places.lock().leave(self.wanted, self.ticket);
    }
}

type Ticket = u64;
type Sender = oneshot::Sender<Place>;

#[derive(Debug)]
struct Taken {
    max: u32,
    taken: u32,
    tickets: Ticket,
    tenants: HashMap<TenantId, Tenant>,
}

#[derive(Debug, Default)]
struct Tenant {
    taken: u32,
    plugins: HashMap<Digest, Plugin>,
}

#[derive(Debug, Default)]
struct Plugin {
    taken: u32,
    nested: VecDeque<Waiting>,
    queue: VecDeque<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    ticket: Ticket,
    wanted: Wanted,
    sender: Sender,
}

/// Who goes first: those of whoever holds least, those that others wait for, those that came first.
type Rank = (u32, bool, Ticket);

impl Taken {
    fn wait(&mut self, wanted: &Wanted, sender: Sender) -> Ticket {
        self.tickets += 1;
        let waiting = Waiting { ticket: self.tickets, wanted: wanted.clone(), sender };
        let tenant = self.tenants.entry(wanted.tenant.clone()).or_default();
        let plugin = tenant.plugins.entry(wanted.component).or_default();
        plugin.queue_of(wanted).push_back(waiting);
        self.tickets
    }

    fn leave(&mut self, wanted: &Wanted, ticket: Ticket) {
        let Some(tenant) = self.tenants.get_mut(&wanted.tenant) else { return };
        let Some(plugin) = tenant.plugins.get_mut(&wanted.component) else { return };
        let queue = plugin.queue_of(wanted);
        if let Ok(at) = queue.binary_search_by_key(&ticket, |waiting| waiting.ticket) {
            queue.remove(at);
        }
        self.forget(wanted);
    }

    /// Takes a place for whoever is next, if there is one.
    fn next(&mut self) -> Option<(Wanted, Sender)> {
        if self.taken >= self.max {
            return None;
        }
        let ranked = self.tenants.values_mut().filter_map(Tenant::first);
        let (_, plugin) = ranked.min_by_key(|(rank, _)| *rank)?;
        let Waiting { wanted, sender, .. } = plugin.pop()?;
        self.taken += 1;
        let tenant = self.tenants.get_mut(&wanted.tenant)?;
        tenant.taken += 1;
        tenant.plugins.get_mut(&wanted.component)?.taken += 1;
        Some((wanted, sender))
    }

    fn give_back(&mut self, wanted: &Wanted) {
        self.taken = self.taken.saturating_sub(1);
        let Some(tenant) = self.tenants.get_mut(&wanted.tenant) else { return };
        tenant.taken = tenant.taken.saturating_sub(1);
        if let Some(plugin) = tenant.plugins.get_mut(&wanted.component) {
            plugin.taken = plugin.taken.saturating_sub(1);
        }
        self.forget(wanted);
    }

    /// Keeps nothing of those that neither hold nor want anything.
    fn forget(&mut self, wanted: &Wanted) {
        let Some(tenant) = self.tenants.get_mut(&wanted.tenant) else { return };
        if tenant.plugins.get(&wanted.component).is_some_and(Plugin::is_idle) {
            tenant.plugins.remove(&wanted.component);
        }
        if tenant.plugins.is_empty() {
            self.tenants.remove(&wanted.tenant);
        }
    }
}

impl Tenant {
    /// Which of its plugins goes first.
    fn first(&mut self) -> Option<(Rank, &mut Plugin)> {
        let taken = self.taken;
        let ranked = self.plugins.values_mut().filter_map(|plugin| {
            let waiting = plugin.first()?;
            let wanted = &waiting.wanted;
            let fits = taken < wanted.tenant_max && plugin.taken < wanted.plugin_max;
            let rank = (taken, !wanted.is_nested, waiting.ticket);
            fits.then_some((rank, plugin))
        });
        ranked.min_by_key(|(rank, _)| *rank)
    }
}

impl Plugin {
    fn queue_of(&mut self, wanted: &Wanted) -> &mut VecDeque<Waiting> {
        if wanted.is_nested { &mut self.nested } else { &mut self.queue }
    }

    fn first(&self) -> Option<&Waiting> {
        self.nested.front().or_else(|| self.queue.front())
    }

    fn pop(&mut self) -> Option<Waiting> {
        self.nested.pop_front().or_else(|| self.queue.pop_front())
    }

    fn is_idle(&self) -> bool {
        self.taken == 0 && self.nested.is_empty() && self.queue.is_empty()
    }
}

#[cfg(test)]
mod tests;
