//! How many runs begin at once.
//!
//! To begin a run waits for nothing but the host itself: its first steps are decided and made
//! durable. So by Little's law (throughput = inside / time) a fixed number at once is enough for
//! all that a machine can do, and what begins beyond it only waits, for everybody longer. Whoever
//! comes to a full door waits in a line. Lines that come and go are bursts; where there has been
//! one for much of the time lately, more is asked for than the machine can do, and then it is told
//! at once when to come back (as `CoDel` does with packets, RFC 8289 §3.1, but by a balance of the
//! time: a line where all are refused empties, and would at once be a burst again). So a run that
//! is let in is served at nearly the usual speed, however many ask.
//!
//! A tenant that has few of those at the door may wait longer, so that one that asks for too much
//! takes little from the others.
//!
//! Whoever starts a run for a client holds the place until the answer is made, unless the run is on
//! a thread: to read what came of it is work too, and would otherwise pile up behind the door.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wforge_model::{TenantId, Timestamp};
use wforge_ports::Clock;

use crate::request::EngineError;

/// How long a line may be there in a burst, in milliseconds, beyond a third of the time.
const BURST_MS: u64 = 100;
/// How long one waits in a line of a burst, in milliseconds.
const PATIENCE_MS: u64 = 1_000;
/// How long one waits in a line that stands, in milliseconds.
const STANDING_MS: u64 = 2;
/// When whoever is refused may come again, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// Lets so many runs begin at once.
#[derive(Debug, Clone)]
pub(crate) struct Door(Arc<Frame>);

#[derive(Debug)]
struct Frame {
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    places_max: usize,
    /// Those that are inside or wait where the line stands: a quarter more than there are places,
    /// so that none stays empty.
    standing_max: usize,
    line: Mutex<Line>,
    refused: AtomicU64,
}

#[derive(Debug, Default)]
struct Line {
    /// Twice the time in which there was a line, less the time in which there was none, from 0 to
    /// [`Line::BALANCE_MAX_MS`].
    balance_ms: u64,
    /// When that was so.
    at: Timestamp,
    /// Those that are inside or wait.
    len: usize,
    /// Those of each tenant.
    tenants: BTreeMap<TenantId, usize>,
}

impl Line {
    const BALANCE_MAX_MS: u64 = 4 * BURST_MS;

    /// The balance at a later time, where nobody came or went.
    fn balance_ms(&self, now: Timestamp, places: usize) -> u64 {
        let passed_ms = now.0.saturating_sub(self.at.0);
        if self.len > places {
            self.balance_ms.saturating_add(passed_ms.saturating_mul(2)).min(Self::BALANCE_MAX_MS)
        } else {
            self.balance_ms.saturating_sub(passed_ms)
        }
    }

    fn is_burst(&self, now: Timestamp, places: usize) -> bool {
        self.balance_ms(now, places) < 2 * BURST_MS
    }

    /// Before anybody comes or goes.
    fn pass(&mut self, now: Timestamp, places: usize) {
        self.balance_ms = self.balance_ms(now, places);
        self.at = now;
    }

    fn come(&mut self, tenant: &TenantId) {
        self.len += 1;
        *self.tenants.entry(tenant.clone()).or_insert(0) += 1;
    }

    fn go(&mut self, tenant: &TenantId) {
        self.len = self.len.saturating_sub(1);
        match self.tenants.get_mut(tenant) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.tenants.remove(tenant)),
        }
    }

    /// Fewer than half of what each would have if all had the same.
    fn is_modest(&self, tenant: &TenantId) -> bool {
        let own = self.tenants.get(tenant).copied().unwrap_or(0);
        own * self.tenants.len() * 2 < self.len
    }
}

/// The place of a run that begins; dropping it, and what was cloned from it, makes room.
#[derive(Debug, Clone)]
pub struct PlaceToBegin {
    _inside: Arc<(OwnedSemaphorePermit, Counted)>,
}

#[derive(Debug)]
struct Counted {
    door: Door,
    tenant: TenantId,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Self { door, tenant } = self;
        let mut line = door.line();
        line.pass(door.0.clock.now(), door.0.places_max);
        line.go(tenant);
    }
}

impl Door {
    pub(crate) fn new(at_once_max: usize, clock: Arc<dyn Clock>) -> Self {
        let places_max = at_once_max.clamp(1, Semaphore::MAX_PERMITS);
        let standing_max = places_max + places_max.div_ceil(4);
        let places = Arc::new(Semaphore::new(places_max));
        let (line, refused) = Default::default();
        Self(Arc::new(Frame { clock, places, places_max, standing_max, line, refused }))
    }

    /// Runs that were told to come back.
    pub(crate) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Those that are inside or wait.
    pub(crate) fn len(&self) -> usize {
        self.line().len
    }

    /// Whether one more would be refused: before anything is done for it.
    ///
    /// # Errors
    /// [`EngineError::Busy`]
    pub(crate) fn check(&self, tenant: &TenantId) -> Result<(), EngineError> {
        let Frame { clock, places_max, standing_max, .. } = self.0.as_ref();
        let line = self.line();
        let fits = line.len < *standing_max
            || line.is_burst(clock.now(), *places_max)
            || line.is_modest(tenant);
        drop(line);
        if fits { Ok(()) } else { Err(self.refuse()) }
    }

    /// Lets a run of that tenant begin, after a while where there is a line.
    ///
    /// # Errors
    /// [`EngineError::Busy`]: no place was free in that while.
    pub(crate) async fn enter(&self, tenant: &TenantId) -> Result<PlaceToBegin, EngineError> {
        self.check(tenant)?;
        let Frame { clock, places, places_max, .. } = self.0.as_ref();
        let now = clock.now();
        let patience_ms = {
            let mut line = self.line();
            line.pass(now, *places_max);
            let waits_long = line.is_burst(now, *places_max) || line.is_modest(tenant);
            line.come(tenant);
            if waits_long { PATIENCE_MS } else { STANDING_MS }
        };
        let counted = Counted { door: self.clone(), tenant: tenant.clone() };
        let inside = |place| Ok(PlaceToBegin { _inside: Arc::new((place, counted)) });
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return inside(place);
        }
        let until = clock.sleep_until(now.after_ms(patience_ms));
        match select(Box::pin(Arc::clone(places).acquire_owned()), until).await {
            Either::Left((Ok(place), _)) => inside(place),
            Either::Left((Err(_), _)) | Either::Right(_) => Err(self.refuse()),
        }
    }

    fn refuse(&self) -> EngineError {
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        let message = "more runs begin than the machine can do; try again shortly".to_owned();
        EngineError::Busy { message, retry_after_ms: RETRY_MS }
    }

    /// Changed without a call between, so a poisoned lock still holds what is true.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn door(places: usize) -> (Door, SimClock) {
        let clock = SimClock::at(Timestamp(0));
        (Door::new(places, Arc::new(clock.clone())), clock)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn whoever_finds_a_place_goes_in_and_leaving_makes_room() {
        let ((door, _clock), acme) = (door(2), tenant("acme"));
        let enter = || door.enter(&acme).now_or_never();
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
    fn a_place_is_free_when_the_last_that_has_it_is_gone() {
        let ((door, _clock), acme) = (door(1), tenant("acme"));
        let place = door.enter(&acme).now_or_never().unwrap().unwrap();
        let of_the_answer = place.clone();
        drop(place);
        assert!(door.enter(&acme).now_or_never().is_none());
        drop(of_the_answer);
        assert!(door.enter(&acme).now_or_never().is_some());
    }

    #[test]
    fn a_burst_waits_for_its_turn_and_is_told_after_a_second() {
        let ((door, clock), acme) = (door(1), tenant("acme"));
        let inside = door.enter(&acme).now_or_never().unwrap().unwrap();
        let mut early = Box::pin(door.enter(&acme));
        let mut late = Box::pin(door.enter(&acme));
        assert!(early.as_mut().now_or_never().is_none());
        assert!(late.as_mut().now_or_never().is_none());
        clock.advance(ms(PATIENCE_MS - 1));
        drop(inside);
        let inside = early.as_mut().now_or_never().unwrap().unwrap();
        assert!(late.as_mut().now_or_never().is_none());
        clock.advance(ms(1));
        let refused = late.as_mut().now_or_never().unwrap().unwrap_err();
        assert!(matches!(refused, EngineError::Busy { retry_after_ms: RETRY_MS, .. }), "{refused}");
        drop(inside);
        assert_eq!(door.refused(), 1);
    }

    #[test]
    fn in_a_line_that_stands_only_a_tenant_with_few_waits_long() {
        let (door, clock) = door(4);
        let (acme, globex) = (tenant("acme"), tenant("globex"));
        let enter = |tenant| Box::pin(door.enter(tenant));
        let inside: Vec<_> =
            (0..4).map(|_| enter(&acme).now_or_never().unwrap().unwrap()).collect();
        let mut burst = enter(&acme);
        assert!(burst.as_mut().now_or_never().is_none());
        clock.advance(ms(BURST_MS));
        assert!(enter(&acme).now_or_never().unwrap().is_err(), "five are there already");
        let mut modest = enter(&globex);
        assert!(modest.as_mut().now_or_never().is_none());
        drop(burst);
        drop(modest);
        let mut greedy = enter(&acme);
        assert!(greedy.as_mut().now_or_never().is_none(), "there is room in the line");
        let mut modest = enter(&globex);
        assert!(modest.as_mut().now_or_never().is_none());
        clock.advance(ms(STANDING_MS));
        assert!(greedy.as_mut().now_or_never().unwrap().is_err());
        assert!(modest.as_mut().now_or_never().is_none());
        drop(inside);
        assert!(modest.as_mut().now_or_never().unwrap().is_ok());
    }

    /// Whether a line that is there for so long of every hundred milliseconds is still a burst
    /// after ten seconds.
    fn is_burst(line_ms: u64) -> bool {
        let ((door, clock), acme) = (door(1), tenant("acme"));
        for _ in 0..100 {
            let inside = door.enter(&acme).now_or_never().unwrap().unwrap();
            let mut waiting = Box::pin(door.enter(&acme));
            assert!(waiting.as_mut().now_or_never().is_none());
            clock.advance(ms(line_ms));
            drop((waiting, inside));
            clock.advance(ms(100 - line_ms));
        }
        let (_inside, mut waiting) = (door.enter(&acme).now_or_never(), door.enter(&acme).boxed());
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(ms(STANDING_MS));
        waiting.now_or_never().is_none()
    }

    #[test]
    fn lines_for_more_than_a_third_of_the_time_are_no_bursts() {
        assert!(is_burst(20) && is_burst(33));
        assert!(!is_burst(60) && !is_burst(90));
    }

    #[test]
    fn after_a_while_without_a_line_there_may_be_a_burst_again() {
        let ((door, clock), acme) = (door(1), tenant("acme"));
        let inside = door.enter(&acme).now_or_never().unwrap().unwrap();
        let mut waiting = Box::pin(door.enter(&acme));
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(ms(10 * PATIENCE_MS));
        drop((waiting, inside));
        clock.advance(ms(Line::BALANCE_MAX_MS));
        let _inside = door.enter(&acme).now_or_never().unwrap().unwrap();
        let mut waiting = Box::pin(door.enter(&acme));
        assert!(waiting.as_mut().now_or_never().is_none());
        clock.advance(ms(STANDING_MS));
        assert!(waiting.as_mut().now_or_never().is_none());
    }
}
