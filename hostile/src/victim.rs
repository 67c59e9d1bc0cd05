//! The neighbour: short calls of another tenant, timed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::fixture::Outcome;
use crate::guests::fixture;
use crate::probe::percentile;

/// What one call of the neighbour computes, in time on the processor.
const WORK: Duration = Duration::from_millis(20);
/// Calls of one measurement.
const CALLS: usize = 11;

/// Counts as far as its input says, one million for each unit of `given`.
const COUNTS: &str = "
  (local $at i32) (local $left i64) (local $c i32)
  (local.set $at (i32.load offset=72 (local.get $call)))
  ;; The input is {\"given\":N}: the digits begin at its ninth byte.
  (local.set $at (i32.add (local.get $at) (i32.const 9)))
  (block $read (loop $digit
    (local.set $c (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
    (br_if $read (i32.gt_u (local.get $c) (i32.const 9)))
    (local.set $left (i64.add (i64.mul (local.get $left) (i64.const 10))
                              (i64.extend_i32_u (local.get $c))))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br $digit)))
  (local.set $left (i64.mul (local.get $left) (i64.const 100000)))
  (block $done (loop $count
    (br_if $done (i64.eqz (local.get $left)))
    (local.set $left (i64.sub (local.get $left) (i64.const 1)))
    (br $count)))
  (call $reply (i32.const 16) (i32.const 2))";

/// A neighbour whose call takes so long, and what it takes where nobody disturbs it.
#[derive(Debug)]
pub(crate) struct Victim {
    units: u64,
    alone: Duration,
}

impl Victim {
    /// Finds out how far it has to count, and how long that takes here.
    pub(crate) fn settle(arena: &Arena) -> Result<Self> {
        let bytes = || Ok(fixture(COUNTS).named("acme/counts").build());
        arena.installed(&arena.acme, "acme/counts", bytes)?;
        let mut victim = Self { units: 1, alone: Duration::ZERO };
        // The first call loads the component.
        victim.call(arena)?;
        let (few, many) = (victim.best_of(arena, 1)?, victim.best_of(arena, 400)?);
        let each = many.saturating_sub(few) / 399;
        let units = WORK.as_nanos() / each.as_nanos().max(1);
        victim.units = u64::try_from(units).unwrap_or(1).max(1);
        victim.alone = victim.median(arena, CALLS)?;
        Ok(victim)
    }

    /// Without a disturbance.
    pub(crate) const fn alone(&self) -> Duration {
        self.alone
    }

    /// The median of its calls while so many attackers attack, as often as they can; and how often
    /// they did.
    pub(crate) fn beside(
        &self,
        arena: &Arena,
        attackers: usize,
        make: fn(&Arena) -> Result<Outcome>,
    ) -> Result<(Duration, usize)> {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let attack = || {
                let mut made = 0;
                while !stop.load(Ordering::Relaxed) {
                    // What comes of it was judged before.
                    let _ = make(arena);
                    made += 1;
                }
                made
            };
            let threads: Vec<_> = (0..attackers).map(|_| scope.spawn(attack)).collect();
            let median = self.median(arena, CALLS);
            stop.store(true, Ordering::Relaxed);
            let made = threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum();
            Ok((median?, made))
        })
    }

    fn best_of(&mut self, arena: &Arena, units: u64) -> Result<Duration> {
        self.units = units;
        let took: Result<Vec<Duration>> = (0..5).map(|_| self.call(arena)).collect();
        took?.into_iter().min().context("five calls")
    }

    fn median(&self, arena: &Arena, calls: usize) -> Result<Duration> {
        let took: Result<Vec<Duration>> = (0..calls).map(|_| self.call(arena)).collect();
        Ok(percentile(&mut took?, 50))
    }

    fn call(&self, arena: &Arena) -> Result<Duration> {
        let began = Instant::now();
        let input: Value = json!(self.units);
        let ran = arena.call_main(&arena.acme, "acme/counts", &input)?;
        anyhow::ensure!(ran.completed, "the neighbour failed: {}", ran.run);
        Ok(began.elapsed())
    }
}
