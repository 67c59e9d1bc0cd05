//! One tenant asks a hundred times as often as another, which must hardly notice.

use std::time::Duration;

use anyhow::Result;

use crate::arrivals::{Heard, Source};
use crate::figures::{ms, percentile};
use crate::measure::each;
use crate::site::Site;
use crate::verdict::{Verdict, say};

/// The neighbour's rate, of the knee. A hundred times that is twice the knee.
const NEIGHBOUR: f64 = 0.02;
/// The greedy one's rate, of the neighbour's.
const GREED: f64 = 100.0;
/// What is left of the neighbour's throughput.
const THROUGHPUT_MIN: f64 = 0.9;
/// Of what it is when the neighbour is alone.
const P99_MAX: u32 = 2;

/// With the rates of requests that are shipped, and without any for the table: then only the doors
/// and the engine's own fairness stand between the two.
pub(crate) async fn prove(
    site: &Site,
    knee: f64,
    lasts: Duration,
    seed: u64,
    verdict: &mut Verdict,
) -> Result<()> {
    let rate = knee * NEIGHBOUR;
    site.limit_requests(true).await?;
    let before = run(site, rate, 0.0, lasts, seed ^ 0xa).await?;
    let beside = run(site, rate, rate * GREED, lasts, seed ^ 0xb).await?;
    let after = run(site, rate, 0.0, lasts, seed ^ 0xc).await?;
    let alone = before.then(after);
    judge(&alone, &beside, verdict);
    site.limit_requests(false).await?;
    let unlimited = run(site, rate, rate * GREED, lasts, seed ^ 0xd).await?;
    say(&format!(
        "       not judged, without a limit of requests: goodput {:.1}/s, p99 {}",
        unlimited.goodput(),
        ms(percentile(&unlimited.done, 99))
    ));
    Ok(())
}

/// What the neighbour heard.
async fn run(site: &Site, rate: f64, greed: f64, lasts: Duration, seed: u64) -> Result<Heard> {
    let [greedy, neighbour] = site.tenants.clone();
    let mut sources = vec![Source { client: neighbour, per_second: rate }];
    if greed > 0.0 {
        sources.push(Source { client: greedy, per_second: greed });
    }
    let (mut stretch, heard) = each(site, &sources, lasts, seed).await?;
    let mut heard = heard.into_iter();
    let neighbours = heard.next().unwrap_or_default();
    if let Some(greedy) = heard.next() {
        stretch.heard = greedy;
        say(&stretch.line("a greedy tenant"));
    }
    let wrong: usize = neighbours.wrong.values().sum();
    say(&format!(
        "{:<26} offered {:>7.1}/s  goodput {:>7.1}/s  p50 {:>8}  p99 {:>8}  refused {}  wrong {wrong}",
        if greed > 0.0 { "its neighbour" } else { "the neighbour alone" },
        neighbours.rate(),
        neighbours.goodput(),
        ms(percentile(&neighbours.done, 50)),
        ms(percentile(&neighbours.done, 99)),
        neighbours.refused.len(),
    ));
    Ok(neighbours)
}

fn judge(alone: &Heard, beside: &Heard, verdict: &mut Verdict) {
    // Of what each was offered: chance offers a little more at one time than at another.
    let share = |heard: &Heard| heard.goodput() / heard.rate();
    let left = share(beside) / share(alone);
    verdict.check(
        left >= THROUGHPUT_MIN,
        "a tenant that asks 100 times as often costs another at most 10 % of its throughput",
        &format!("{:.1} % is left", 100.0 * left),
    );
    let [alone, beside] = [alone, beside].map(|heard| percentile(&heard.done, 99));
    verdict.check(
        alone.zip(beside).is_some_and(|(alone, beside)| beside <= alone * P99_MAX),
        "and at most twice its p99",
        &format!("{} and {} alone", ms(beside), ms(alone)),
    );
}
