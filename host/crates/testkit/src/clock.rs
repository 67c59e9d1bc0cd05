//! A clock whose time passes when a test says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::watch;
use wforge_model::Timestamp;
use wforge_ports::{BoxFuture, Clock};

/// Virtual time. Clones show the same time.
#[derive(Debug, Clone)]
pub struct SimClock {
    now: Arc<watch::Sender<Timestamp>>,
    passed_ns: Arc<Mutex<u64>>,
    sleepers: Arc<Mutex<Vec<Timestamp>>>,
}

impl SimClock {
    /// A clock that stands at that moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(watch::Sender::new(now)),
            passed_ns: Arc::default(),
            sleepers: Arc::default(),
        }
    }

    /// Lets time pass; every sleep that is due ends.
    pub fn advance(&self, duration: Duration) {
        {
            let mut passed = self.passed_ns.lock().unwrap_or_else(PoisonError::into_inner);
            let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
            *passed = passed.saturating_add(ns);
        }
        self.now.send_modify(|now| *now = now.after(duration));
    }

    /// Sets the wall clock, forwards or back, as an operator or NTP may; no measured time passes.
    pub fn set(&self, now: Timestamp) {
        self.now.send_replace(now);
    }

    /// Lets time pass until the earliest sleep is due, and says until when; none where nobody
    /// sleeps.
    #[must_use]
    pub fn advance_to_next_sleeper(&self) -> Option<Timestamp> {
        let due = {
            let sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
            sleepers.iter().min().copied()?
        };
        self.advance(due.since(self.now()));
        Some(due)
    }
}

/// A sleep that leaves the list when it ends or is dropped.
struct Sleeper {
    at: Timestamp,
    sleepers: Arc<Mutex<Vec<Timestamp>>>,
}

impl Sleeper {
    fn new(at: Timestamp, sleepers: Arc<Mutex<Vec<Timestamp>>>) -> Self {
        sleepers.lock().unwrap_or_else(PoisonError::into_inner).push(at);
        Self { at, sleepers }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = sleepers.iter().position(|at| *at == self.at) {
            sleepers.swap_remove(place);
        }
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn monotonic_ns(&self) -> u64 {
        *self.passed_ns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.now.subscribe();
        // On the list from now on, not from the first poll: a test may look before that.
        let sleeper = (self.now() < at).then(|| Sleeper::new(at, Arc::clone(&self.sleepers)));
        async move {
            // The clock may be dropped while somebody sleeps; then no time passes any more.
            if now.wait_for(|now| *now >= at).await.is_err() {
                futures::future::pending::<()>().await;
            }
            drop(sleeper);
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_ends_when_its_time_has_come_and_not_before() {
        let clock = SimClock::at(Timestamp(1_000));
        let mut sleep = clock.sleep_until(Timestamp(1_500));
        assert_eq!((&mut sleep).now_or_never(), None);
        clock.advance(Duration::from_millis(499));
        assert_eq!((&mut sleep).now_or_never(), None);
        clock.advance(Duration::from_millis(1));
        assert_eq!((&mut sleep).now_or_never(), Some(()));
    }

    #[test]
    fn time_can_skip_to_the_earliest_sleeper() {
        let clock = SimClock::at(Timestamp(0));
        let (late, early) = (clock.sleep_until(Timestamp(9)), clock.sleep_until(Timestamp(5)));
        assert_eq!(clock.advance_to_next_sleeper(), Some(Timestamp(5)));
        assert_eq!(early.now_or_never(), Some(()));
        assert_eq!(clock.advance_to_next_sleeper(), Some(Timestamp(9)));
        assert_eq!(late.now_or_never(), Some(()));
        assert_eq!(clock.advance_to_next_sleeper(), None);
    }

    #[test]
    fn setting_the_wall_clock_back_passes_no_measured_time() {
        let clock = SimClock::at(Timestamp(1_000));
        clock.advance(Duration::from_nanos(7_000_000));
        clock.set(Timestamp(3));
        assert_eq!((clock.now(), clock.monotonic_ns()), (Timestamp(3), 7_000_000));
    }
}
