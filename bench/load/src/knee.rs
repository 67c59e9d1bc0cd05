//! Up to which rate a server keeps up.

use std::time::Duration;

use anyhow::{Result, ensure};

use crate::measure::{Stretch, both};
use crate::site::Site;
use crate::verdict::say;

/// Where it is begun: every machine keeps up with this.
const FIRST_PER_SECOND: f64 = 40.0;
/// By how much the rate grows while the server keeps up.
const GROWTH: f64 = 1.5;
/// How often the space between the last rate that was kept up with and the first that was not is
/// halved.
const HALVINGS: usize = 3;
/// No server on one machine makes so many runs durable.
const PER_SECOND_MAX: f64 = 50_000.0;
/// A rate is kept up with where so many of the requests come back as completed runs in time.
const KEPT_UP: f64 = 0.95;

/// What was found.
#[derive(Debug)]
pub(crate) struct Knee {
    /// The highest rate that the server keeps up with.
    pub(crate) per_second: f64,
    /// The highest goodput that was seen at any rate.
    pub(crate) peak: f64,
}

/// Finds the knee: the rate grows until the server does not keep up; then the space between is
/// halved.
pub(crate) async fn find(site: &Site, step: Duration, seed: u64) -> Result<Knee> {
    let (mut search, mut peak) = (Search::new(), 0.0_f64);
    while !search.is_over() {
        ensure!(search.rate < PER_SECOND_MAX, "no knee up to {PER_SECOND_MAX} runs a second");
        let stretch = both(site, search.rate, step, seed ^ search.rate.to_bits()).await?;
        say(&stretch.line("looking for the knee"));
        peak = peak.max(stretch.heard.goodput());
        search.tried(keeps_up(&stretch));
    }
    ensure!(search.good > 0.0, "the server keeps up with no rate that was tried");
    Ok(Knee { per_second: search.good, peak })
}

fn keeps_up(stretch: &Stretch) -> bool {
    stretch.heard.unsent == 0 && stretch.heard.goodput() >= KEPT_UP * stretch.heard.rate()
}

/// Where the search stands.
#[derive(Debug)]
struct Search {
    /// The highest rate that was kept up with.
    good: f64,
    /// The lowest that was not.
    bad: Option<f64>,
    /// The next to try.
    rate: f64,
    halved: usize,
}

impl Search {
    const fn new() -> Self {
        Self { good: 0.0, bad: None, rate: FIRST_PER_SECOND, halved: 0 }
    }

    fn is_over(&self) -> bool {
        self.halved > HALVINGS
    }

    fn tried(&mut self, kept_up: bool) {
        if kept_up {
            self.good = self.rate;
        } else {
            self.bad = Some(self.rate);
        }
        self.rate = match self.bad {
            None => self.rate * GROWTH,
            Some(bad) => {
                self.halved += 1;
                f64::midpoint(self.good, bad)
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_is_found_from_below_and_closely() {
        for capacity in [45.0, 333.0, 1_234.0, 9_000.0] {
            let (mut search, mut tries) = (Search::new(), 0);
            while !search.is_over() {
                search.tried(search.rate <= capacity);
                tries += 1;
            }
            let found = search.good;
            assert!(found <= capacity && found > 0.93 * capacity, "{found} of {capacity}");
            assert!(tries < 20, "{tries}");
        }
    }
}
