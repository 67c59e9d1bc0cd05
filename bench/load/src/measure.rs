//! One stretch of load, with what the server and the generator spent on it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Result;

use crate::arrivals::{Heard, Source, drive};
use crate::figures::{ms, percentile};
use crate::process;
use crate::site::Site;

/// How often the server's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a server may rest between two stretches.
const REST: Duration = Duration::from_secs(1);

/// What a stretch came to.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) heard: Heard,
    /// The server's largest resident memory meanwhile.
    pub(crate) resident_kib: u64,
    /// Of one processor.
    server_cpu: f64,
    pub(crate) own_cpu: f64,
}

impl Stretch {
    /// What the runs that completed took.
    pub(crate) fn done(&self, percent: usize) -> Option<Duration> {
        percentile(&self.heard.done, percent)
    }

    /// Processors that the server and the generator kept busy together.
    pub(crate) fn cpu(&self) -> f64 {
        self.server_cpu + self.own_cpu
    }

    /// As a line.
    pub(crate) fn line(&self, what: &str) -> String {
        let refused = &self.heard.refused;
        let wrong: usize = self.heard.wrong.values().sum();
        format!(
            "{what:<26} offered {:>7.1}/s  goodput {:>7.1}/s  p50 {:>8}  p99 {:>8}  \
             refused {:>6} (p99 {})  wrong {wrong}  RSS {} MiB  \
             CPU: server {:.0} %, generator {:.0} %, late {}",
            self.heard.rate(),
            self.heard.goodput(),
            ms(self.done(50)),
            ms(self.done(99)),
            refused.len(),
            ms(percentile(refused, 99)),
            self.resident_kib >> 10,
            self.server_cpu * 100.0,
            self.own_cpu * 100.0,
            ms(self.heard.late()),
        )
    }
}

/// The load of both tenants together.
pub(crate) async fn both(
    site: &Site,
    per_second: f64,
    lasts: Duration,
    seed: u64,
) -> Result<Stretch> {
    let [one, other] = site.tenants.clone();
    let half = |client| Source { client, per_second: per_second / 2.0 };
    let sources = [half(one), half(other)];
    let mut stretch = each(site, &sources, lasts, seed).await?;
    let heard = std::mem::take(&mut stretch.1).into_iter().reduce(Heard::with);
    Ok(Stretch { heard: heard.unwrap_or_default(), ..stretch.0 })
}

/// The load of each source apart; the stretch has heard nothing yet.
pub(crate) async fn each(
    site: &Site,
    sources: &[Source],
    lasts: Duration,
    seed: u64,
) -> Result<(Stretch, Vec<Heard>)> {
    tokio::time::sleep(REST).await;
    let (server, own) = (site.server.pid(), std::process::id());
    let before = (process::cpu(server)?, process::cpu(own)?);
    let largest = Rc::new(Cell::new(process::resident_kib(server)?));
    let heard = tokio::select! {
        heard = drive(sources, lasts, seed) => heard?,
        error = watch(server, &largest) => return Err(error),
    };
    let spent = |now: Duration, before| (now - before).as_secs_f64() / lasts.as_secs_f64();
    let stretch = Stretch {
        heard: Heard::default(),
        resident_kib: largest.get(),
        server_cpu: spent(process::cpu(server)?, before.0),
        own_cpu: spent(process::cpu(own)?, before.1),
    };
    Ok((stretch, heard))
}

/// Looks at the server's memory on and on; comes back only where the server is gone.
async fn watch(server: u32, largest: &Cell<u64>) -> anyhow::Error {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        match process::resident_kib(server) {
            Ok(kib) => largest.set(largest.get().max(kib)),
            Err(error) => return error.context("the server is gone"),
        }
    }
}
