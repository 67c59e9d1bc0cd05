//! How often somebody may be wrong about a credential: by where they come from, and by which key
//! they claim to have. Whoever is right is never held up by others who are not.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use wforge_ports::Clock;

use crate::rates::{ClockOf, wait_ms};

/// Of how many addresses and keys failures are remembered at once.
const REMEMBERED_MAX: usize = 65_536;
/// After so many failures what is old is forgotten.
const FORGET_EVERY: u64 = 4_096;

type Keyed<K> = RateLimiter<K, HashMapStateStore<K>, ClockOf, NoOpMiddleware<Nanos>>;

/// Counts failures.
pub(crate) struct Failures {
    clock: ClockOf,
    of_addresses: Keyed<IpAddr>,
    of_keys: Keyed<String>,
    count: AtomicU64,
}

impl std::fmt::Debug for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Failures").finish_non_exhaustive()
    }
}

impl Failures {
    /// So many in a minute.
    pub(crate) fn new(per_minute_max: u32, clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute_max).unwrap_or(NonZeroU32::MIN));
        let clock = ClockOf(clock);
        Self {
            of_addresses: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            of_keys: RateLimiter::new(quota, HashMapStateStore::default(), clock.clone()),
            clock,
            count: AtomicU64::new(0),
        }
    }

    /// Counts one; when to come back where there were too many.
    pub(crate) fn count(&self, address: Option<IpAddr>, key: Option<&str>) -> Option<u64> {
        self.forget_old();
        let has_room = self.of_keys.len() < REMEMBERED_MAX;
        let of_address = address.and_then(|address| {
            let over = self.of_addresses.check_key(&address).err()?;
            Some(wait_ms(&over, &self.clock))
        });
        // Whoever makes up so many ids is slowed down by their address alone.
        let of_key = key.filter(|_| has_room).and_then(|key| {
            let over = self.of_keys.check_key(&key.to_owned()).err()?;
            Some(wait_ms(&over, &self.clock))
        });
        of_address.max(of_key)
    }

    /// Now and then: to look at all that is remembered costs too much for each failure.
    fn forget_old(&self) {
        if !self.count.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            return;
        }
        if self.of_addresses.len() > REMEMBERED_MAX {
            self.of_addresses.retain_recent();
        }
        if self.of_keys.len() > REMEMBERED_MAX {
            self.of_keys.retain_recent();
        }
    }
}
