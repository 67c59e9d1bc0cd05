//! Rows 28 and 29: what a sandbox shows of the machine around it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::server::CANARY;

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 28,
        attack: "files, by paths of every kind",
        defence: "no folder is opened",
        settings: &[],
        make: reads,
        control: Control::Without("files"),
        trace: Trace::Inert("there are no files"),
    },
    Fixture {
        row: 29,
        attack: "environment, arguments, input, clocks",
        defence: "nothing is inherited",
        settings: &[],
        make: looks_around,
        control: Control::Without("environment"),
        trace: Trace::Inert("there is nothing to be seen"),
    },
];

fn reads(arena: &Arena) -> Result<Outcome> {
    let data = arena.server().data();
    let planted = data.join(format!("planted-{}", arena.number()));
    let planted = planted.to_str().context("a path")?;
    let keys = data.join("keys");
    let keys = keys.to_str().context("a path")?;
    let read = |path: &str| json!({ "do": "read", "path": path });
    let rename = |keep: bool| json!({ "do": "rename", "path": keys, "to": planted, "keep": keep });
    let ran = arena.act(&json!([
        read("/"),
        read("/etc/passwd"),
        read("etc/passwd"),
        read("../../../../../../etc/passwd"),
        read("/proc/self/environ"),
        read("/proc/self/root/etc/passwd"),
        read("."),
        read(keys),
        read("/etc/passwd\0.txt"),
        { "do": "write", "path": planted },
        rename(false),
        rename(true),
    ]))?;
    ensure!(ran.completed, "{}", ran.run);
    let results = ran.result().get("results").and_then(Value::as_array).context("results")?;
    ensure!(results.len() == 12, "{}", ran.run);
    ensure!(data.join("keys").exists() && !data.join(planted).exists(), "a file was changed");
    match results.iter().position(|result| result.get("ok").is_some()) {
        Some(first) => Outcome::through(format!("way {first} of 12: {:?}", results.get(first))),
        None => Outcome::held("12 ways, all errors"),
    }
}

fn looks_around(arena: &Arena) -> Result<Outcome> {
    let ran = arena.act(&json!([{ "do": "environment" }]))?;
    ensure!(ran.completed, "{}", ran.run);
    let seen = ran.deed(0).get("ok").with_context(|| ran.run.to_string())?;
    let number = |name: &str| seen.get(name).and_then(Value::as_u64);
    ensure!(number("read") == Some(0), "stdin has something to read: {seen}");
    ensure!(number("below_ms_ns") == Some(0), "a clock finer than a millisecond: {seen}");
    ensure!(number("elapsed_ns") == Some(0), "a clock that runs by itself: {seen}");
    ensure!(seen.get("arguments") == Some(&json!([])), "arguments: {seen}");
    let variables = seen.get("variables").and_then(Value::as_array).context("variables")?;
    if variables.is_empty() {
        return Outcome::held("no variables, arguments or input, and a clock that stands still");
    }
    let canary = seen.to_string().contains(CANARY);
    Outcome::through(format!("{} variables, the canary among them: {canary}", variables.len()))
}
