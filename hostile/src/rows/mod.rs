//! The attacks, by what they are aimed at.

mod bulk;
mod crossing;
mod declared;
mod entries;
mod handles;
mod host_calls;
mod leftovers;
mod processor;
mod surroundings;
mod voice;

use anyhow::{Result, ensure};

use crate::arena::Ran;
use crate::fixture::{Control, Fixture, Outcome, Setting};
use crate::table;

/// What the operator of every server granted.
pub(crate) const GRANTS: &str = "
[[grant]]
plugin = \"wforge/hostile\"
capabilities = [\"http:*\", \"kv:plugin\", \"kv:run\", \"secret:*\", \"ask\", \"tool:*\", \"llm:*\"]
reason = \"what is stopped shall be stopped by something else than a missing grant\"
";

/// For attacks that end with their CPU time: on a machine that has much to do it takes longer than
/// a call may take otherwise.
const PATIENT: &[Setting] = &[("LIMITS__SANDBOX__WALL_MS_MAX", "10000")];
/// Their control: much CPU time, and an end that comes soon all the same.
const MUCH_CPU: Control = Control::Set(&[
    ("LIMITS__SANDBOX__CPU_MS_MAX", "60000"),
    ("LIMITS__SANDBOX__WALL_MS_MAX", "2000"),
]);

/// A setting that is none of the server's: the lines of `/etc/hosts` that it sees.
pub(crate) const HOSTS: &str = "HOSTS";

/// All of them, in the order of the list.
fn all() -> Vec<Fixture> {
    let mut all: Vec<Fixture> = [
        processor::FIXTURES,
        entries::FIXTURES,
        host_calls::FIXTURES,
        bulk::FIXTURES,
        declared::FIXTURES,
        crossing::FIXTURES,
        voice::FIXTURES,
        handles::FIXTURES,
        surroundings::FIXTURES,
        leftovers::FIXTURES,
    ]
    .concat();
    all.sort_by_key(|fixture| fixture.row);
    all
}

/// It was stopped with that code; or it was not.
fn stopped_by(ran: &Ran, code: &str) -> Result<Outcome> {
    if ran.code == code {
        return Outcome::held(format!("{code} in {} ms", ran.took.as_millis()));
    }
    Outcome::through(if ran.completed { "it completed".to_owned() } else { ran.code.clone() })
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
