//! Row 39: native code that the host did not make.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::fixture;
use crate::tally::{Tally, refused};

pub(super) const FIXTURES: &[Fixture] = &[Fixture {
    row: 39,
    attack: "the native code of one component under the name of another",
    defence: "native code carries the host's MAC over what it was made of",
    settings: &[],
    make: poison,
    control: Control::Without("seal"),
    trace: Trace::Counted("wforge_artefacts_tampered_total"),
}];

/// Replies with that word.
fn says(name: &str, word: &str) -> Vec<u8> {
    let text = format!("\"{word}\"");
    fixture(format!("(call $reply (i32.const 3072) (i32.const {}))", text.len()))
        .items(format!("(data (i32.const 3072) \"\\\"{word}\\\"\")"))
        .named(name)
        .build()
}

/// Where the host keeps what it compiled.
fn artefacts(arena: &Arena) -> Result<PathBuf> {
    let root = arena.server().data().join("aot");
    let mut folders = fs_err::read_dir(&root)?.filter_map(Result::ok).map(|entry| entry.path());
    folders.next().context("no folder of artefacts")
}

/// One component is there already. Under the digest of another, which is still to come, somebody
/// who can write to the data directory leaves the first one's code.
fn poison(arena: &Arena) -> Result<Outcome> {
    let number = arena.number();
    let theirs = says(&format!("mallory/theirs-{number}"), "theirs");
    arena.install(&theirs)?.of(201)?;
    let folder = artefacts(arena)?;
    let code = folder.join(hex(&theirs));
    let mut tally = Tally::default();
    for (what, plant) in [("copied", copied as fn(&Path, &Path) -> Result<()>), ("linked", linked)]
    {
        let name = format!("mallory/own-{number}-{what}");
        let own = says(&name, "own");
        for part in ["cwasm", "seal"] {
            let (from, to) = (code.with_extension(part), folder.join(hex(&own)));
            plant(&from, &to.with_extension(part))?;
        }
        arena.install(&own)?.of(201)?;
        tally.way(what, answered(arena, &name)?);
    }
    let code = fs_err::read(code.with_extension("cwasm"))?;
    tally.way("handed in itself", refused(&arena.install(&code)?)?);
    tally.outcome()
}

fn copied(from: &Path, to: &Path) -> Result<()> {
    fs_err::copy(from, to)?;
    Ok(())
}

fn linked(from: &Path, to: &Path) -> Result<()> {
    Ok(symlink(from, to)?)
}

/// Whose code runs under that name.
fn answered(arena: &Arena, name: &str) -> Result<Outcome> {
    let ran = arena.call_main(&arena.mallory, name, &json!(0))?;
    match ran.result().as_str() {
        Some("own") => Outcome::held("compiled anew"),
        Some("theirs") => Outcome::through("another plugin's code answered"),
        _ => anyhow::bail!("{name} said nothing: {}", ran.run),
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
