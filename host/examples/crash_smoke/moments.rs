//! When to kill: one moment in each of N equal parts of a run, at a place that the seed decides.

use anyhow::{Context, Result};

/// The seed from the first argument, else from the clock.
pub(crate) fn seed() -> Result<u64> {
    #[expect(clippy::disallowed_methods, reason = "this program is its own composition root")]
    let (given, now) = (std::env::args().nth(1), std::time::SystemTime::now());
    match given.filter(|text| !text.is_empty()) {
        Some(text) => text.parse().with_context(|| format!("\"{text}\" is no seed: a number")),
        None => Ok(now.duration_since(std::time::UNIX_EPOCH)?.as_secs()),
    }
}

/// Fractions of a run's duration, in a random order.
pub(crate) struct Moments {
    state: u64,
    left: Vec<u32>,
    parts: u32,
}

impl Moments {
    pub(crate) fn new(seed: u64, parts: u32) -> Self {
        Self { state: seed, left: (0..parts).collect(), parts }
    }

    /// `SplitMix64`.
    fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn next_below_one(&mut self) -> f64 {
        f64::from((self.next_u64() >> 32) as u32) / f64::from(u32::MAX)
    }
}

impl Iterator for Moments {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        let count = u64::try_from(self.left.len()).ok().filter(|count| *count > 0)?;
        let place = usize::try_from(self.next_u64() % count).ok()?;
        let part = self.left.swap_remove(place);
        Some((f64::from(part) + self.next_below_one()) / f64::from(self.parts))
    }
}
