//! Whether a plugin that keeps breaking is called once more.
//!
//! Pure: it is told the time and how calls ended. Closed, it lets every call through and counts
//! those that broke in a row; open, it lets none through until a moment; then one call finds out
//! whether the plugin is well again. Each time it is not, the wait doubles.
//!
//! Never here: whose breaker it is, and what a refused call becomes; that is [`crate::breakers`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use wforge_model::Timestamp;
use wforge_model::limits::BreakerLimits;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Closed,
    /// Nobody is let through until then.
    Open { until: Timestamp, wait_ms: u64 },
    /// One call finds out.
    Probing { wait_ms: u64 },
}

/// The breaker of one plugin.
#[derive(Debug, Clone, Default)]
pub(crate) struct Breaker {
    state: State,
    /// When the last calls in a row broke, the oldest first.
    broke_at: VecDeque<Timestamp>,
}

/// What a call was let through as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pass {
    Usual,
    Probe,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    /// A trap, an exception or no end in time.
    Broke,
    /// Dropped before its end.
    Unknown,
}

/// How the calls of a plugin stand, where they break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Circuit {
    /// Calls are made; so many broke in a row.
    Closed {
        /// How many.
        failures: u32,
    },
    /// No call is made until then.
    Open {
        /// The moment.
        until: Timestamp,
    },
    /// One call finds out whether the plugin is well again.
    HalfOpen,
}

impl Breaker {
    /// Lets a call through, or says until when none is.
    pub(crate) fn enter(&mut self, now: Timestamp) -> Result<Pass, Timestamp> {
        match self.state {
            State::Closed => Ok(Pass::Usual),
            State::Open { until, .. } if now < until => Err(until),
            State::Open { wait_ms, .. } => {
                self.state = State::Probing { wait_ms };
                Ok(Pass::Probe)
            }
            // Whoever finds out takes as long as a call may; others look again in a moment.
            State::Probing { .. } => Err(now.after_ms(1_000)),
        }
    }

    /// Is told how a call ended that was let through.
    pub(crate) fn ended(
        &mut self,
        pass: Pass,
        ended: Ended,
        now: Timestamp,
        limits: &BreakerLimits,
    ) {
        match (self.state, pass, ended) {
            (State::Probing { .. }, Pass::Probe, Ended::Well) => *self = Self::default(),
            (State::Probing { wait_ms }, Pass::Probe, Ended::Broke) => {
                self.open(wait_ms.saturating_mul(2), now, limits);
            }
            // Nobody knows, so the next one may find out at once.
            (State::Probing { wait_ms }, Pass::Probe, Ended::Unknown) => {
                self.state = State::Open { until: now, wait_ms };
            }
            (State::Closed, _, Ended::Well) => self.broke_at.clear(),
            (State::Closed, _, Ended::Broke) => self.count(now, limits),
            // What was let through before it opened says nothing new.
            (State::Open { .. } | State::Probing { .. } | State::Closed, _, _) => {}
        }
    }

    /// Whether there is nothing to remember.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state == State::Closed && self.broke_at.is_empty()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    pub(crate) fn circuit(&self, now: Timestamp) -> Circuit {
        match self.state {
            State::Closed => {
                Circuit::Closed { failures: u32::try_from(self.broke_at.len()).unwrap_or(u32::MAX) }
            }
            State::Open { until, .. } if now < until => Circuit::Open { until },
            State::Open { .. } | State::Probing { .. } => Circuit::HalfOpen,
        }
    }

    fn count(&mut self, now: Timestamp, limits: &BreakerLimits) {
        self.broke_at.push_back(now);
        let oldest = Timestamp(now.0.saturating_sub(limits.window_ms));
        while self.broke_at.front().is_some_and(|at| *at < oldest) {
            self.broke_at.pop_front();
        }
        let max = usize::try_from(limits.failures_max).unwrap_or(usize::MAX);
        if max > 0 && self.broke_at.len() >= max {
            self.open(limits.open_ms, now, limits);
        }
    }

    fn open(&mut self, wait_ms: u64, now: Timestamp, limits: &BreakerLimits) {
        let wait_ms = wait_ms.min(limits.open_ms_max);
        self.state = State::Open { until: now.after_ms(wait_ms), wait_ms };
        self.broke_at.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: BreakerLimits =
        BreakerLimits { failures_max: 3, window_ms: 1_000, open_ms: 100, open_ms_max: 300 };

    /// Plays moments and what happens at them: `b` a call breaks, `w` one ends well, `?` one is
    /// dropped, `.` nothing; then says how it stands.
    fn check(story: &[(u64, &str)], expected: Circuit) {
        let mut breaker = Breaker::default();
        let mut now = Timestamp(0);
        for (ms, calls) in story {
            now = Timestamp(*ms);
            for call in calls.chars() {
                let ended = match call {
                    'b' => Ended::Broke,
                    'w' => Ended::Well,
                    '?' => Ended::Unknown,
                    _ => continue,
                };
                if let Ok(pass) = breaker.enter(now) {
                    breaker.ended(pass, ended, now, &LIMITS);
                }
            }
        }
        assert_eq!(breaker.circuit(now), expected, "{story:?}");
    }

    fn open(until: u64) -> Circuit {
        Circuit::Open { until: Timestamp(until) }
    }

    #[test]
    fn it_opens_when_calls_break_in_a_row() {
        check(&[(0, "bb")], Circuit::Closed { failures: 2 });
        check(&[(0, "bbb")], open(100));
        check(&[(0, "bbwbb")], Circuit::Closed { failures: 2 });
    }

    #[test]
    fn what_is_long_ago_does_not_count() {
        check(&[(0, "bb"), (1_001, "b")], Circuit::Closed { failures: 1 });
        check(&[(0, "bb"), (1_000, "b")], open(1_100));
    }

    #[test]
    fn one_call_finds_out_whether_it_is_well_again() {
        check(&[(0, "bbb"), (99, "w")], open(100));
        check(&[(0, "bbb"), (100, ".")], Circuit::HalfOpen);
        check(&[(0, "bbb"), (100, "w")], Circuit::Closed { failures: 0 });
    }

    #[test]
    fn each_time_it_is_not_the_wait_doubles_up_to_the_most() {
        check(&[(0, "bbb"), (100, "b")], open(300));
        check(&[(0, "bbb"), (100, "b"), (300, "b")], open(600));
        check(&[(0, "bbb"), (100, "b"), (300, "b"), (600, "b")], open(900));
    }

    #[test]
    fn after_it_was_well_again_the_wait_is_short_again() {
        check(&[(0, "bbb"), (100, "b"), (300, "w"), (301, "bbb")], open(401));
    }

    #[test]
    fn whoever_was_dropped_while_finding_out_leaves_it_to_the_next() {
        check(&[(0, "bbb"), (100, "?")], Circuit::HalfOpen);
        check(&[(0, "bbb"), (100, "?w")], Circuit::Closed { failures: 0 });
    }

    #[test]
    fn while_one_finds_out_no_other_is_let_through() {
        let mut breaker = Breaker::default();
        for _ in 0..3 {
            let pass = breaker.enter(Timestamp(0)).unwrap();
            breaker.ended(pass, Ended::Broke, Timestamp(0), &LIMITS);
        }
        assert_eq!(breaker.enter(Timestamp(100)), Ok(Pass::Probe));
        assert!(breaker.enter(Timestamp(100)).is_err());
        // A call of before that ends now changes nothing.
        breaker.ended(Pass::Usual, Ended::Well, Timestamp(100), &LIMITS);
        assert_eq!(breaker.circuit(Timestamp(100)), Circuit::HalfOpen);
    }

    #[test]
    fn without_a_limit_it_never_opens() {
        let limits = BreakerLimits { failures_max: 0, ..LIMITS };
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            let pass = breaker.enter(Timestamp(0)).unwrap();
            breaker.ended(pass, Ended::Broke, Timestamp(0), &limits);
        }
        assert!(!breaker.is_open());
    }
}
