//! The attacks, by what they are aimed at.

mod addresses;
mod answers;
mod claims;
mod exchanges;
mod gzip;
mod memory;
mod processor;
mod replay;
mod secrets;

use anyhow::{Result, ensure};

use crate::fixture::{Fixture, Setting};
use crate::table;

/// What the operator of every server granted.
const GRANTS: &str = "
[[grant]]
plugin = \"wforge/hostile\"
capabilities = [\"http:*\", \"kv:plugin\", \"kv:run\", \"secret:*\", \"ask\", \"tool:*\", \"llm:*\"]
reason = \"what is stopped shall be stopped by something else than a missing grant\"

[[grant]]
plugin = \"wforge/effects-secrets\"
capabilities = [\"secret:*\", \"http:*\", \"kv:plugin\", \"ask\"]

[[grant]]
plugin = \"wforge/raw-rust\"
capabilities = [\"http.raw:*\", \"ask\"]
";

/// That, and what the agents under other names ask for, which is all that they may do.
pub(crate) fn grants() -> String {
    let greedy = (claims::GREEDY, claims::LIAR.1);
    let casts = [memory::SNOOP, exchanges::SCANNER, claims::LIAR, answers::ASSISTANT];
    let casts = casts.into_iter().chain([secrets::GOSSIP, greedy]);
    casts.fold(GRANTS.to_owned(), |text, (name, capabilities)| {
        format!("{text}\n[[grant]]\nplugin = {name:?}\ncapabilities = {capabilities:?}\n")
    })
}

/// A setting that is none of the server's: the lines of `/etc/hosts` that it sees.
pub(crate) const HOSTS: &str = "HOSTS";

/// All of them, in the order of the list.
fn all() -> Vec<Fixture> {
    let mut all: Vec<Fixture> = [
        addresses::FIXTURES,
        answers::FIXTURES,
        claims::FIXTURES,
        exchanges::FIXTURES,
        memory::FIXTURES,
        processor::FIXTURES,
        replay::FIXTURES,
        secrets::FIXTURES,
    ]
    .concat();
    all.sort_by_key(|fixture| fixture.row);
    all
}

/// The settings that are the server's, and the lines of its `/etc/hosts`.
pub(crate) fn hosts_of(settings: &[Setting]) -> (Vec<Setting>, Option<&'static str>) {
    let hosts = settings.iter().find(|(name, _)| *name == HOSTS).map(|(_, lines)| *lines);
    (settings.iter().filter(|(name, _)| *name != HOSTS).copied().collect(), hosts)
}

/// Those that are wanted: by their rows, or so many by chance.
pub(crate) fn drawn(rows: &[u8], sample: Option<usize>, seed: Option<u64>) -> Result<Vec<Fixture>> {
    let mut fixtures = all();
    if !rows.is_empty() {
        fixtures.retain(|fixture| rows.contains(&fixture.row));
        ensure!(!fixtures.is_empty(), "no attack has one of these rows");
    }
    if let Some(count) = sample {
        let seed = seed.unwrap_or_else(today);
        table::say(&format!("{count} of {} attacks, seed {seed}", fixtures.len()));
        shuffle(&mut fixtures, seed);
        fixtures.truncate(count);
        fixtures.sort_by_key(|fixture| fixture.row);
    }
    Ok(fixtures)
}

/// Days since 1970: another sample each day, the same for everybody.
fn today() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs() / 86_400)
}

/// Fisher and Yates, by xorshift64*.
fn shuffle(fixtures: &mut [Fixture], seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for last in (1..fixtures.len()).rev() {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        let drawn = state.wrapping_mul(0x2545_f491_4f6c_dd1d) % (last as u64 + 1);
        fixtures.swap(last, usize::try_from(drawn).unwrap_or(0));
    }
}
