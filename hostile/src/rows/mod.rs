//! The attacks, by what they are aimed at.

mod addresses;
mod answers;
mod archives;
mod artefacts;
mod bulk;
mod bytes;
mod claims;
mod compiler;
mod crossing;
mod declared;
mod entries;
mod exchanges;
mod files;
mod growth;
mod gzip;
mod handles;
mod host_calls;
mod json;
mod leftovers;
mod memory;
mod processor;
mod replay;
mod secrets;
mod surroundings;
mod voice;

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use self::processor::stopped_by;
use crate::fixture::{Control, Fixture, Setting};
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

/// For attacks that end with their CPU time: on a machine that has much to do it takes longer than
/// a call may take otherwise.
const PATIENT: &[Setting] = &[("LIMITS__SANDBOX__WALL_MS_MAX", "10000")];
/// Their control: much CPU time, and an end that comes soon all the same.
const MUCH_CPU: Control = Control::Set(&[
    ("LIMITS__SANDBOX__CPU_MS_MAX", "60000"),
    ("LIMITS__SANDBOX__WALL_MS_MAX", "2000"),
]);

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
        artefacts::FIXTURES,
        bulk::FIXTURES,
        bytes::FIXTURES,
        claims::FIXTURES,
        compiler::FIXTURES,
        crossing::FIXTURES,
        declared::FIXTURES,
        entries::FIXTURES,
        exchanges::FIXTURES,
        files::FIXTURES,
        growth::FIXTURES,
        handles::FIXTURES,
        host_calls::FIXTURES,
        json::FIXTURES,
        leftovers::FIXTURES,
        memory::FIXTURES,
        processor::FIXTURES,
        replay::FIXTURES,
        secrets::FIXTURES,
        surroundings::FIXTURES,
        voice::FIXTURES,
    ]
    .concat();
    all.sort_by_key(|fixture| fixture.row);
    all
}

/// The rows of the list that plugins and workflow files can be; 50, what others can be told from how
/// long something takes, is not shut, and the page on security says so.
fn rows() -> impl Iterator<Item = u8> {
    (1..=49).chain([51]).chain(57..=60)
}

/// Each row of the list is there, and no attack twice.
pub(crate) fn complete() -> Result<()> {
    let mut found: Vec<u8> = all().iter().map(|fixture| fixture.row).collect();
    found.sort_unstable();
    let count = |row: u8| found.iter().filter(|found| **found == row).count();
    let missing: Vec<u8> = rows().filter(|row| count(*row) == 0).collect();
    let attacks = |row: u8| all().into_iter().filter(move |it| it.row == row).map(|it| it.attack);
    let is_twice = |row: &u8| attacks(*row).collect::<BTreeSet<_>>().len() < count(*row);
    let twice: Vec<u8> = rows().filter(is_twice).collect();
    let strange: Vec<u8> =
        found.iter().copied().filter(|row| !rows().any(|it| it == *row)).collect();
    ensure!(
        missing.is_empty() && twice.is_empty() && strange.is_empty(),
        "the list is not whole: missing {missing:?}, twice {twice:?}, not in it {strange:?}"
    );
    Ok(())
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
