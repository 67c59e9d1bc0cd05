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
    let (mut good, mut bad, mut peak) = (0.0, f64::INFINITY, 0.0_f64);
    let (mut rate, mut halvings) = (FIRST_PER_SECOND, 0);
    while halvings < HALVINGS {
        let stretch = both(site, rate, step, seed ^ rate.to_bits()).await?;
        say(&stretch.line("looking for the knee"));
        peak = peak.max(stretch.heard.goodput());
        if keeps_up(&stretch) {
            good = rate;
        } else {
            bad = rate;
        }
        if bad.is_finite() {
            halvings += 1;
            rate = f64::midpoint(good, bad);
        } else {
            rate *= GROWTH;
        }
        ensure!(rate < PER_SECOND_MAX, "no knee up to {PER_SECOND_MAX} runs a second");
    }
    ensure!(good > 0.0, "the server keeps up with no rate that was tried");
    Ok(Knee { per_second: good, peak })
}

fn keeps_up(stretch: &Stretch) -> bool {
    stretch.heard.unsent == 0 && stretch.heard.goodput() >= KEPT_UP * stretch.heard.rate()
}
