//! Figures that more than one part counts: how long things take, what goes out, and what is kept in
//! memory.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// Upper bounds of the buckets in microseconds; the last bucket has none. One list for all, so that
/// what is measured in one place can be laid beside what is measured in another.
pub const BOUNDS_US: [u64; 18] = [
    50,
    100,
    250,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    1_000_000,
    5_000_000,
    30_000_000,
    120_000_000,
    600_000_000,
    3_600_000_000,
];

/// Durations that are being counted; never waits.
#[derive(Debug, Default)]
pub struct Durations {
    /// How many fell between the bound before and the bound of the same place.
    buckets: [AtomicU64; BOUNDS_US.len()],
    longer: AtomicU64,
    sum_ns: AtomicU64,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DurationFigures {
    /// How many were at most as long as the bound of the same place in [`BOUNDS_US`].
    pub within: [u64; BOUNDS_US.len()],
    /// How many there were.
    pub count: u64,
    /// All of them together, in nanoseconds.
    pub sum_ns: u64,
}

impl Durations {
    /// Counts one.
    pub fn count_ns(&self, ns: u64) {
        let us = ns.div_ceil(1_000);
        let place = BOUNDS_US.partition_point(|bound_us| *bound_us < us);
        self.buckets.get(place).unwrap_or(&self.longer).fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// The same of a duration in milliseconds.
    pub fn count_ms(&self, ms: u64) {
        self.count_ns(ms.saturating_mul(1_000_000));
    }

    /// What was counted until now.
    #[must_use]
    pub fn read(&self) -> DurationFigures {
        let mut count = 0;
        let within = std::array::from_fn(|place| {
            count += self.buckets.get(place).map_or(0, |bucket| bucket.load(Ordering::Relaxed));
            count
        });
        let count = count + self.longer.load(Ordering::Relaxed);
        DurationFigures { within, count, sum_ns: self.sum_ns.load(Ordering::Relaxed) }
    }
}

/// What went out to servers of others since the start, by what it was for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct EgressFigures {
    /// Requests: for what, how they ended (`ok`, or why not), how many.
    pub requests: Vec<(&'static str, &'static str, u64)>,
    /// Bytes of bodies that were sent.
    pub sent_bytes: Vec<(&'static str, u64)>,
    /// Bytes of bodies that were received.
    pub received_bytes: Vec<(&'static str, u64)>,
}

/// What a part has in memory beyond the work that it does now, and lets go of by a rule of its own:
/// whoever looks for what grows looks here first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// What it is; one of few words.
    pub what: &'static str,
    /// How many there are.
    pub entries: u64,
    /// What they take, roughly; none where nobody counts it.
    pub bytes: Option<u64>,
}

impl Kept {
    /// So many, of which nobody knows what they take.
    #[must_use]
    pub fn entries(what: &'static str, entries: usize) -> Self {
        Self { what, entries: count(entries), bytes: None }
    }

    /// So many, which take so much.
    #[must_use]
    pub fn bytes(what: &'static str, entries: usize, bytes: usize) -> Self {
        Self { what, entries: count(entries), bytes: Some(count(bytes)) }
    }
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_counts_everything_up_to_its_bound_and_none_is_lost() {
        let durations = Durations::default();
        for ns in [0, 50_000, 50_001, 1_000_000, u64::MAX / 2] {
            durations.count_ns(ns);
        }
        let figures = durations.read();
        assert_eq!(figures.within[..5], [2, 3, 3, 3, 4]);
        assert_eq!((figures.within[17], figures.count), (4, 5));
    }
}
