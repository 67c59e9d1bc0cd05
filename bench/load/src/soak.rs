//! A long time at a load that can be borne: nothing may grow.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::figures::slope;
use crate::measure::both;
use crate::overload;
use crate::process;
use crate::server::Setting;
use crate::site::Site;
use crate::verdict::{Verdict, say};

/// Of what the server takes for long.
const LOAD: f64 = 0.7;
/// Each rate on the way to the knee, and the knee itself.
const STEP: Duration = Duration::from_secs(4);
const AT_THE_KNEE: Duration = Duration::from_secs(8);
/// Of the knee: with this as many runs are removed as come. Until that is so it takes the first of
/// these times.
const EASY: f64 = 1.0 / 3.0;
const UNTIL_REMOVED: Duration = Duration::from_secs(150);
const WHILE_REMOVED: Duration = Duration::from_secs(60);
/// Between two looks at the server.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Load is sent in pieces, of which each has its line.
const PIECE: Duration = Duration::from_secs(60);
const PIECE_MIN: Duration = Duration::from_secs(2);
/// Of the time that is judged; so long before it caches and what is retained may grow.
const SETTLES: f64 = 0.1;
/// A run is kept for so long after its end, and what is older is looked for so often, so that what
/// is kept is steady before anything is judged. In milliseconds.
const RETENTION: [(&str, &str); 2] =
    [("LIMITS__RETENTION__RUNS_MS", "60000"), ("LIMITS__RETENTION__SWEEP_MS", "2000")];
/// MiB an hour.
const GROWTH_MAX: f64 = 1.0;
/// What the line through the descriptors may rise by, from where it is settled to the end.
const DESCRIPTORS_MAX: f64 = 4.0;
/// Less than this says nothing about an hour: memory goes up and down by more.
const JUDGED_FROM: Duration = Duration::from_secs(3_000);

/// The settings of the server, unless they are given.
pub(crate) fn settings(given: &[Setting]) -> Vec<Setting> {
    let shipped = RETENTION.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let is_given = |(name, _): &Setting| given.iter().any(|(other, _)| other == name);
    given.iter().cloned().chain(shipped.into_iter().filter(|one| !is_given(one))).collect()
}

/// What was seen of the server, and when.
#[derive(Debug)]
struct Look {
    hours: f64,
    mib: f64,
    descriptors: f64,
}

/// The whole proof.
pub(crate) async fn prove(
    site: &Site,
    per_second: Option<f64>,
    lasts: Duration,
    seed: u64,
    verdict: &mut Verdict,
) -> Result<()> {
    let rate = match per_second {
        Some(rate) => rate,
        None => LOAD * for_long(site, seed).await?,
    };
    let settles = lasts.mul_f64(SETTLES);
    say(&format!(
        "{rate:.0} runs a second for {} s, and for {} s before that",
        lasts.as_secs(),
        settles.as_secs()
    ));
    let whole = settles + lasts;
    let begun = Instant::now();
    let (mut wrong, mut refused, mut done) = (0, 0, 0);
    let load = async {
        let mut piece = 0;
        while begun.elapsed() < whole {
            let left = whole.saturating_sub(begun.elapsed()).max(PIECE_MIN);
            let stretch = both(site, rate, left.min(PIECE), seed.wrapping_add(piece)).await?;
            piece += 1;
            wrong += stretch.heard.wrong.values().sum::<usize>();
            refused += stretch.heard.refused.len();
            done += stretch.heard.done.len();
            let disk = process::bytes_below(&site.server.data())? >> 20;
            say(&stretch.line(&format!("{:>5} s, {disk} MiB on disk", begun.elapsed().as_secs())));
        }
        anyhow::Ok(())
    };
    let mut looks = Vec::new();
    tokio::select! {
        ended = load => ended?,
        error = watch(site.server.pid(), begun, &mut looks) => return Err(error),
    }
    ensure!(done > 0, "no run completed");
    verdict.check(
        wrong == 0 && refused * 1_000 <= done,
        "every run completes, but for one refusal in a thousand",
        &format!("{done} completed, {refused} refused, {wrong} neither"),
    );
    judge(&looks, settles, begun.elapsed(), verdict);
    Ok(())
}

/// Runs a second that the server takes for long. The knee is found in seconds, in which hardly any
/// run is removed; later each one that comes costs the removal of another. So much less than at the
/// knee can come as a run costs more of the processors.
async fn for_long(site: &Site, seed: u64) -> Result<f64> {
    let knee = overload::knee(site, STEP, seed).await?.per_second;
    let full = both(site, knee, AT_THE_KNEE, seed).await?;
    say(&full.line("at the knee"));
    both(site, knee * EASY, UNTIL_REMOVED, seed).await?;
    let steady = both(site, knee * EASY, WHILE_REMOVED, seed).await?;
    say(&steady.line("a third, and as many removed"));
    let for_long = full.cpu() * steady.heard.goodput() / steady.cpu();
    say(&format!("for long it takes {for_long:.0} runs a second, each removed later"));
    Ok(for_long)
}

/// Looks on and on; comes back only where the server is gone.
async fn watch(server: u32, begun: Instant, looks: &mut Vec<Look>) -> anyhow::Error {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        match look(server, begun) {
            Ok(look) => looks.push(look),
            Err(error) => return error.context("the server is gone"),
        }
    }
}

fn look(server: u32, begun: Instant) -> Result<Look> {
    let kib = u32::try_from(process::resident_kib(server)?)?;
    let descriptors = u32::try_from(process::descriptors(server)?)?;
    let hours = begun.elapsed().as_secs_f64() / 3_600.0;
    Ok(Look { hours, mib: f64::from(kib) / 1_024.0, descriptors: f64::from(descriptors) })
}

fn judge(looks: &[Look], settles: Duration, whole: Duration, verdict: &mut Verdict) {
    let from = settles.as_secs_f64() / 3_600.0;
    let lasted = whole.saturating_sub(settles);
    let hours = lasted.as_secs_f64() / 3_600.0;
    let settled = || looks.iter().filter(|look| look.hours >= from);
    let growth = |of: fn(&Look) -> f64| {
        let points: Vec<_> = settled().map(|look| (look.hours, of(look))).collect();
        slope(&points).unwrap_or(f64::INFINITY)
    };
    let (memory, descriptors) = (growth(|look| look.mib), growth(|look| look.descriptors));
    let ends =
        |mut looks: Box<dyn Iterator<Item = &Look> + '_>| looks.next().map_or(0.0, |look| look.mib);
    let measured = format!(
        "{memory:+.2} MiB an hour over the last {:.0} min, from {:.0} to {:.0} MiB",
        hours * 60.0,
        ends(Box::new(settled())),
        ends(Box::new(looks.iter().rev())),
    );
    if lasted >= JUDGED_FROM {
        verdict.check(
            memory < GROWTH_MAX,
            "resident memory grows by under 1 MiB an hour",
            &measured,
        );
    } else {
        say(&format!("       memory, not judged in {} s: {measured}", lasted.as_secs()));
    }
    let risen = descriptors * hours;
    verdict.check(
        risen.abs() <= DESCRIPTORS_MAX,
        "descriptors are flat",
        &format!("{risen:+.1} over the same time"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(mib_an_hour: f64) -> Vec<Look> {
        let at = |second: u32| {
            let hours = f64::from(second) / 3_600.0;
            // Until it is settled it grows a lot, and it goes up and down all the time.
            let early = if second < 900 { f64::from(second) / 10.0 } else { 90.0 };
            let noise = f64::from(second % 7) - 3.0;
            let mib = 100.0 + early + mib_an_hour * hours + noise;
            Look { hours, mib, descriptors: f64::from(40 + second % 3) }
        };
        (0..4_500).map(at).collect()
    }

    fn holds(mib_an_hour: f64) -> bool {
        let mut verdict = Verdict::default();
        let (settles, whole) = (Duration::from_secs(900), Duration::from_secs(4_500));
        judge(&looks(mib_an_hour), settles, whole, &mut verdict);
        verdict.finish()
    }

    #[test]
    fn a_leak_of_two_mib_an_hour_is_found_in_the_noise() {
        assert!(holds(0.0));
        assert!(!holds(2.0));
    }
}
