//! Half of what a server can take, all of it, and twice as much.

use std::time::Duration;

use anyhow::Result;

use crate::figures::{ms, percentile};
use crate::greedy;
use crate::knee::{self, Knee};
use crate::measure::{Stretch, both};
use crate::site::Site;
use crate::verdict::{Verdict, say};

/// Of the peak.
const GOODPUT_MIN: f64 = 0.9;
/// Of the unloaded server's.
const P99_MAX: u32 = 3;
/// The 99th percentile.
const REFUSAL_MAX: Duration = Duration::from_millis(10);
/// What twice the load may cost in memory over the load that can be borne.
const MORE_KIB_MAX: u64 = 128 << 10;
/// Of one processor: a generator that needs more is measured itself.
const OWN_CPU_MAX: f64 = 0.8;
/// Before anything is measured, caches and pools are filled.
const WARM_UP: (f64, Duration) = (50.0, Duration::from_secs(3));

/// How long things are measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Each rate on the way to the knee.
    pub(crate) step: Duration,
    /// Each load that is judged.
    pub(crate) stretch: Duration,
}

/// Finds the knee of a server that has just been started.
pub(crate) async fn knee(site: &Site, step: Duration, seed: u64) -> Result<Knee> {
    both(site, WARM_UP.0, WARM_UP.1, seed).await?;
    let knee = knee::find(site, step, seed).await?;
    say(&format!(
        "the knee is at {:.0} runs a second; the highest goodput seen is {:.0}",
        knee.per_second, knee.peak
    ));
    Ok(knee)
}

/// The whole proof.
pub(crate) async fn prove(
    site: &Site,
    times: Times,
    seed: u64,
    verdict: &mut Verdict,
) -> Result<()> {
    let knee = knee(site, times.step, seed).await?;
    let mut loads = Vec::new();
    for factor in [0.5, 1.0, 2.0] {
        let seed = seed.wrapping_add(loads.len() as u64 + 1);
        let stretch = both(site, knee.per_second * factor, times.stretch, seed).await?;
        say(&stretch.line(&format!("{factor} x the knee")));
        for (what, count) in &stretch.heard.wrong {
            say(&format!("       {count} times: {what}"));
        }
        loads.push(stretch);
    }
    if let [half, knee_itself, twice] = loads.as_slice() {
        let peak = knee.peak.max(knee_itself.heard.goodput());
        judge(half, knee_itself, twice, peak, verdict);
        let longest = half.done(99).unwrap_or_default() * P99_MAX;
        say(&format!(
            "       by Little's law {:.0} requests inside are what the server serves in {}",
            knee.per_second * longest.as_secs_f64(),
            ms(Some(longest))
        ));
    }
    greedy::prove(site, knee.per_second, times.stretch, seed, verdict).await
}

fn judge(half: &Stretch, knee: &Stretch, twice: &Stretch, peak: f64, verdict: &mut Verdict) {
    let goodput = twice.heard.goodput();
    verdict.check(
        goodput >= GOODPUT_MIN * peak,
        "goodput at 2 x the knee is at least 90 % of the peak",
        &format!("{goodput:.0}/s of {peak:.0}/s, {:.0} %", 100.0 * goodput / peak),
    );
    let (unloaded, loaded) = (half.done(99), twice.done(99));
    verdict.check(
        unloaded.zip(loaded).is_some_and(|(unloaded, loaded)| loaded <= unloaded * P99_MAX),
        "p99 of what is accepted at 2 x is at most 3 times that at 0.5 x, the unloaded server",
        &format!("{} and {}", ms(loaded), ms(unloaded)),
    );
    let refused = &twice.heard.refused;
    verdict.check(
        percentile(refused, 99).is_some_and(|took| took < REFUSAL_MAX),
        "p99 of the refusals at 2 x, by 429 or 503 with Retry-After, is under 10 ms",
        &format!("{} of {}", ms(percentile(refused, 99)), refused.len()),
    );
    let more = twice.resident_kib.saturating_sub(knee.resident_kib);
    verdict.check(
        more <= MORE_KIB_MAX,
        "2 x the knee costs at most 128 MiB more memory than the knee",
        &format!("{} MiB over {} MiB", more >> 10, knee.resident_kib >> 10),
    );
    let wrong = |stretch: &Stretch| stretch.heard.wrong.values().sum::<usize>();
    let wrongs = [wrong(half), wrong(knee), wrong(twice)];
    verdict.check(
        wrongs == [0; 3],
        "every request is either a run that completes or a refusal with Retry-After",
        &format!("{wrongs:?} are neither"),
    );
    verdict.check(
        twice.own_cpu <= OWN_CPU_MAX && twice.heard.unsent == 0,
        "the generator is not what is slow: under 80 % of one processor at 2 x, nothing unsent",
        &format!("{:.0} %, {} unsent", 100.0 * twice.own_cpu, twice.heard.unsent),
    );
}
