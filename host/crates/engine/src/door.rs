//! How many runs begin at once.
//!
//! To begin a run waits for nothing but the host itself: its first steps are decided and made
//! durable. So by Little's law (throughput = inside / time) a fixed number at once is enough for
//! all that a machine can do, and what begins beyond it only waits, for everybody longer. Whoever
//! comes to a full door waits in a line. A line that has been there for a while is no burst but
//! more than the machine can do; then it is told at once when to come back (as `CoDel` does with
//! packets, RFC 8289 §3.1). So a run that is let in is served at nearly the usual speed, however
//! many ask.
//!
//! A tenant that has few of those at the door may wait longer, so that one that asks for too much
//! takes little from the others.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures::future::{Either, select};
use tokio::sync::{Semaphore, SemaphorePermit};
use wforge_model::{TenantId, Timestamp};
use wforge_ports::Clock;

use crate::request::EngineError;

/// A line that is older than this is no burst, in milliseconds.
const BURST_MS: u64 = 100;
/// How long one waits in a line of a burst, in milliseconds.
const PATIENCE_MS: u64 = 1_000;
/// How long one waits in a line that stands, in milliseconds.
const STANDING_MS: u64 = 2;
/// When whoever is refused may come again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// Lets so many runs begin at once.
#[derive(Debug)]
pub(crate) struct Door {
    places: Semaphore,
    /// Those that are inside or wait where the line stands: a quarter more than there are places,
    /// so that none stays empty.
    standing_max: usize,
    line: Mutex<Line>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Line {
    /// Since when nobody found a free place; none: the last one that came did.
    since: Option<Timestamp>,
    /// Those of each tenant that are inside or wait.
    tenants: BTreeMap<TenantId, usize>,
}

impl Line {
    fn is_burst(&self, now: Timestamp) -> bool {
        self.since.is_none_or(|since| now < since.after_ms(BURST_MS))
    }

    fn len(&self) -> usize {
        self.tenants.values().sum()
    }

    /// Fewer than half of what each would have if all had the same.
    fn is_modest(&self, tenant: &TenantId) -> bool {
        let own = self.tenants.get(tenant).copied().unwrap_or(0);
        own * self.tenants.len() * 2 < self.len()
    }
}

/// The place of a run that begins; dropping it makes room.
#[derive(Debug)]
pub(crate) struct Inside<'a> {
    _place: SemaphorePermit<'a>,
    _counted: Counted<'a>,
}

#[derive(Debug)]
struct Counted<'a> {
    door: &'a Door,
    tenant: &'a TenantId,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let mut line = self.door.line();
        match line.tenants.get_mut(self.tenant) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(line.tenants.remove(self.tenant)),
        }
    }
}

impl Door {
    pub(crate) fn new(at_once_max: usize) -> Self {
        let places = at_once_max.clamp(1, Semaphore::MAX_PERMITS);
        let standing_max = places + places.div_ceil(4);
        let (line, refused) = Default::default();
        Self { places: Semaphore::new(places), standing_max, line, refused }
    }

    /// Runs that were told to come back.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Those that are inside or wait.
    pub(crate) fn len(&self) -> usize {
        self.line().len()
    }

    /// Whether one more would be refused: before anything is done for it.
    ///
    /// # Errors
    /// [`EngineError::Busy`]
    pub(crate) fn check(&self, now: Timestamp, tenant: &TenantId) -> Result<(), EngineError> {
        let line = self.line();
        let fits = line.len() < self.standing_max || line.is_burst(now) || line.is_modest(tenant);
        drop(line);
        if fits { Ok(()) } else { Err(self.refuse()) }
    }

    /// Lets a run of that tenant begin, after a while where there is a line.
    ///
    /// # Errors
    /// [`EngineError::Busy`]: no place was free in that while.
    pub(crate) async fn enter<'a>(
        &'a self,
        clock: &dyn Clock,
        tenant: &'a TenantId,
    ) -> Result<Inside<'a>, EngineError> {
        let now = clock.now();
        self.check(now, tenant)?;
        let (place, patience_ms) = {
            let mut line = self.line();
            let place = self.places.try_acquire().ok();
            line.since = if place.is_some() { None } else { Some(line.since.unwrap_or(now)) };
            let waits_long = line.is_burst(now) || line.is_modest(tenant);
            *line.tenants.entry(tenant.clone()).or_insert(0) += 1;
            (place, if waits_long { PATIENCE_MS } else { STANDING_MS })
        };
        let counted = Counted { door: self, tenant };
        if let Some(place) = place {
            return Ok(Inside { _place: place, _counted: counted });
        }
        let until = clock.sleep_until(now.after_ms(patience_ms));
        match select(Box::pin(self.places.acquire()), until).await {
            Either::Left((Ok(place), _)) => Ok(Inside { _place: place, _counted: counted }),
            Either::Left((Err(_), _)) | Either::Right(_) => Err(self.refuse()),
        }
    }

    fn refuse(&self) -> EngineError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let message = "more runs begin than the machine can do; try again shortly".to_owned();
        EngineError::Busy { message, retry_after_ms: RETRY_MS }
    }

    /// Changed without a call between, so a poisoned lock still holds what is true.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use wforge_testkit::SimClock;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        name.parse().unwrap()
    }

    fn sim() -> SimClock {
        SimClock::at(Timestamp(0))
    }

    #[test]
    fn whoever_finds_a_place_goes_in_and_leaving_makes_room() {
        let (door, clock, acme) = (Door::new(2), sim(), tenant("acme"));
        let enter = || door.enter(&clock, &acme).now_or_never();
        let first = enter().unwrap().unwrap();
        let second = enter().unwrap().unwrap();
        assert!(enter().is_none(), "the third waits");
        assert_eq!(door.len(), 2, "whoever left the line is not counted");
        drop(first);
        let third = enter().unwrap().unwrap();
        drop((second, third));
        assert_eq!((door.len(), door.refused()), (0, 0));
    }

    #[test]
    fn a_burst_waits_for_its_turn_and_is_told_after_a_second() {
        let (door, clock, acme) = (Door::new(1), sim(), tenant("acme"));
        let inside = door.enter(&clock, &acme).now_or_never().unwrap().unwrap();
        let mut early = Box::pin(door.enter(&clock, &acme));
        let mut late = Box::pin(door.enter(&clock, &acme));
        assert!(early.as_mut().now_or_never().is_none());
        assert!(late.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(PATIENCE_MS - 1));
        drop(inside);
        let inside = early.as_mut().now_or_never().unwrap().unwrap();
        assert!(late.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(1));
        let refused = late.as_mut().now_or_never().unwrap().unwrap_err();
        assert!(matches!(refused, EngineError::Busy { retry_after_ms: RETRY_MS, .. }), "{refused}");
        drop(inside);
        assert_eq!(door.refused(), 1);
    }

    #[test]
    fn in_a_line_that_stands_only_a_tenant_with_few_waits_long() {
        let (door, clock) = (Door::new(4), sim());
        let (acme, globex) = (tenant("acme"), tenant("globex"));
        let enter = |tenant| Box::pin(door.enter(&clock, tenant));
        let inside: Vec<_> =
            (0..4).map(|_| enter(&acme).now_or_never().unwrap().unwrap()).collect();
        let mut burst = enter(&acme);
        assert!(burst.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(BURST_MS));
        assert!(enter(&acme).now_or_never().unwrap().is_err(), "five are there already");
        let mut modest = enter(&globex);
        assert!(modest.as_mut().now_or_never().is_none());
        drop(burst);
        drop(modest);
        let mut greedy = enter(&acme);
        assert!(greedy.as_mut().now_or_never().is_none(), "there is room in the line");
        let mut modest = enter(&globex);
        assert!(modest.as_mut().now_or_never().is_none());
        clock.advance(Duration::from_millis(STANDING_MS));
        assert!(greedy.as_mut().now_or_never().unwrap().is_err());
        assert!(modest.as_mut().now_or_never().is_none());
        drop(inside);
        assert!(modest.as_mut().now_or_never().unwrap().is_ok());
    }
}
