//! Rows 1 and 7: time on the processor, and memory.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use super::{MUCH_CPU, PATIENT};
use crate::arena::{Arena, Ran};
use crate::fixture::{Control, Fixture, Outcome, Trace};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 1,
        attack: "a loop without an end",
        defence: "the budget of CPU time, by epochs",
        settings: PATIENT,
        make: spins,
        control: MUCH_CPU,
        trace: Trace::Stopped { what: "task", code: "cpu_limit" },
    },
    Fixture {
        row: 7,
        attack: "memory taken until there is none",
        defence: "the limit over all memories",
        settings: &[],
        make: grows,
        control: Control::Set(&[("LIMITS__SANDBOX__MEMORY_BYTES_MAX", "268435456")]),
        trace: Trace::Stopped { what: "task", code: "memory_limit" },
    },
];

/// It was stopped with that code; or it was not.
pub(super) fn stopped_by(ran: &Ran, code: &str) -> Result<Outcome> {
    if ran.code == code {
        return Outcome::held(format!("{code} in {} ms", ran.took.as_millis()));
    }
    Outcome::through(if ran.completed { "it completed".to_owned() } else { ran.code.clone() })
}

fn spins(arena: &Arena) -> Result<Outcome> {
    let ran = arena.act(&json!([{ "do": "spin" }]))?;
    anyhow::ensure!(ran.took < Duration::from_secs(20), "{:?}", ran.took);
    stopped_by(&ran, "cpu_limit")
}

fn grows(arena: &Arena) -> Result<Outcome> {
    stopped_by(&arena.act(&json!([{ "do": "grow", "mib": 100 }]))?, "memory_limit")
}
