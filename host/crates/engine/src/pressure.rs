//! Whether the machine keeps up with the runs that were let in; where it does not, fewer begin.
//!
//! A machine with more to do than it can is late: what is ready waits for its turn on the engine's
//! threads. A probe asks for a turn every few milliseconds and measures how long it waits. A queue
//! that was empty at no moment of a window stands there, and is no burst (`CoDel`, RFC 8289 §3.1),
//! so the smallest wait of a window is what counts. Where that is above the target, the share of
//! runs that may begin shrinks by a part; else it grows by a step. What has begun goes on: a run
//! that was let in is served at nearly the usual speed, and the others are told at once when to
//! come back.
//!
//! A tenant that has few of the runs in memory is let in all the same, so one that asks for too
//! much takes nothing from the others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::registry::Crowd;
use crate::request::EngineError;
use crate::service::Shared;

/// Between two turns that the probe asks for, in milliseconds.
const PROBE_MS: u64 = 2;
/// Turns of one window.
const WINDOW: u32 = 10;
/// Millionths: all that ask are let in.
const ALL: u64 = 1_000_000;
/// Never fewer, or a machine that is slow by itself would let nobody in to be measured.
const LEAST: u64 = ALL / 50;
/// By how much the share grows in a window.
const GROWTH: u64 = ALL / 50;
/// When whoever is refused may come again, in milliseconds.
const RETRY_MS: u64 = 500;

/// How late the machine is, and how many are let in for that.
#[derive(Debug)]
pub(crate) struct Pressure {
    /// The longest wait that a window may end with, in microseconds; 0: nobody looks.
    late_us_max: u64,
    late_us: AtomicU64,
    door: Mutex<Door>,
}

/// The share of runs that may begin, and what is left of the last ones that asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Door {
    share: u64,
    /// What those that asked have saved up: each brings the share, and whoever gets in pays
    /// [`ALL`]. So of any few in a row the same part gets in.
    saved: u64,
    refused: u64,
}

impl Door {
    const OPEN: Self = Self { share: ALL, saved: 0, refused: 0 };

    /// The window ended with that wait as its smallest.
    fn moves(&mut self, late_us: u64, late_us_max: u64) {
        self.share = if late_us > late_us_max {
            (self.share - self.share / 10).max(LEAST)
        } else {
            (self.share + GROWTH).min(ALL)
        };
    }

    fn lets_in(&mut self) -> bool {
        self.saved += self.share;
        let is_in = self.saved >= ALL;
        if is_in {
            self.saved -= ALL;
        } else {
            self.refused += 1;
        }
        is_in
    }
}

impl Pressure {
    pub(crate) fn new(late_us_max: u64) -> Self {
        Self { late_us_max, late_us: AtomicU64::new(0), door: Mutex::new(Door::OPEN) }
    }

    /// The smallest wait of the last window, in microseconds.
    pub(crate) fn late_us(&self) -> u64 {
        self.late_us.load(Ordering::Relaxed)
    }

    /// Runs that were not let in because the machine was late.
    pub(crate) fn refused(&self) -> u64 {
        self.door().refused
    }

    /// Lets a run begin, of a tenant that has so many of the runs in memory.
    ///
    /// # Errors
    /// The machine is late, and this one is not among the share that gets in.
    pub(crate) fn admit(&self, crowd: Crowd) -> Result<(), EngineError> {
        let mut door = self.door();
        // Fewer than half of what each would have if all had the same.
        let is_modest = crowd.of_tenant * crowd.tenants * 2 < crowd.of_all;
        if door.share == ALL || is_modest || door.lets_in() {
            return Ok(());
        }
        let message = format!(
            "the server is busy: what is ready waits {} ms for its turn; try again shortly",
            self.late_us().div_ceil(1_000)
        );
        Err(EngineError::Busy { message, retry_after_ms: RETRY_MS })
    }

    fn ends_window(&self, late_us: u64) {
        self.late_us.store(late_us, Ordering::Relaxed);
        self.door().moves(late_us, self.late_us_max);
    }

    /// Numbers that are changed without a call between, so a poisoned lock still holds true ones.
    fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Measures for as long as the engine runs, where it was asked to.
pub(crate) fn watch(shared: &Arc<Shared>) {
    if shared.pressure.late_us_max == 0 {
        return;
    }
    let (watched, shutdown) = (shared.clone(), shared.shutdown.clone());
    let work = async move {
        loop {
            let mut least = u64::MAX;
            for _ in 0..WINDOW {
                least = least.min(turn(&watched).await);
            }
            watched.pressure.ends_window(least);
        }
    };
    let work = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    };
    shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
}

/// Waits for one turn; gives how long it came late, in microseconds.
async fn turn(shared: &Shared) -> u64 {
    let clock = &shared.parts.clock;
    let asked_ns = clock.monotonic_ns();
    clock.sleep_until(clock.now().after_ms(PROBE_MS)).await;
    tokio::task::yield_now().await;
    let took_us = clock.monotonic_ns().saturating_sub(asked_ns) / 1_000;
    took_us.saturating_sub(PROBE_MS * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Crowd = Crowd { of_tenant: 50, of_all: 50, tenants: 1 };

    /// Of a hundred that ask after so many windows of that wait, how many get in.
    fn check(windows: &[(usize, u64)]) -> usize {
        let pressure = Pressure::new(5_000);
        for &(count, late_us) in windows {
            (0..count).for_each(|_| pressure.ends_window(late_us));
        }
        (0..100).filter(|_| pressure.admit(ALONE).is_ok()).count()
    }

    #[test]
    fn a_machine_that_keeps_up_lets_everybody_in() {
        assert_eq!(check(&[]), 100);
        assert_eq!(check(&[(1_000, 5_000)]), 100);
    }

    #[test]
    fn one_that_is_late_lets_fewer_in_and_never_nobody() {
        assert_eq!(check(&[(1, 5_001)]), 90);
        assert_eq!(check(&[(7, 9_000)]), 47);
        assert_eq!(check(&[(1_000, 1_000_000)]), 2);
    }

    #[test]
    fn one_that_keeps_up_again_opens_step_by_step() {
        assert_eq!(check(&[(1_000, 9_000), (24, 0)]), 50);
        assert_eq!(check(&[(1_000, 9_000), (49, 0)]), 100);
    }

    #[test]
    fn a_tenant_with_few_runs_gets_in_beside_one_with_many() {
        let pressure = Pressure::new(5_000);
        (0..1_000).for_each(|_| pressure.ends_window(50_000));
        let all_of = |of_tenant| {
            let crowd = Crowd { of_tenant, of_all: 100, tenants: 2 };
            (0..100).filter(|_| pressure.admit(crowd).is_ok()).count()
        };
        assert_eq!((all_of(24), all_of(25), all_of(75)), (100, 2, 2));
        assert_eq!(pressure.refused(), 196);
    }

    #[test]
    fn whoever_is_refused_is_told_why_and_when_to_come_again() {
        let pressure = Pressure::new(5_000);
        (0..1_000).for_each(|_| pressure.ends_window(7_400));
        let refused = pressure.admit(ALONE).unwrap_err();
        assert!(refused.to_string().contains("waits 8 ms for its turn"), "{refused}");
        assert!(matches!(refused, EngineError::Busy { retry_after_ms: RETRY_MS, .. }));
    }
}
