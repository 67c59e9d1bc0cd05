//! Row 49: a task that asks for something else when it runs again.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::exchanges::LOOPBACK;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::stand_in::{StandIn, send};

pub(super) const FIXTURES: &[Fixture] = &[Fixture {
    row: 49,
    attack: "another question when it runs again",
    defence: "a request is held against its record",
    settings: LOOPBACK,
    make: wavers,
    control: Control::Without("divergence"),
    trace: Trace::Stopped { what: "run", code: "nondeterminism" },
}];

/// What a language's own HTTP client brings is not recorded, and the server says another amount
/// each time: somebody who agreed to the first would have agreed to the second.
fn wavers(arena: &Arena) -> Result<Outcome> {
    let times = AtomicU64::new(0);
    let server = StandIn::start("127.0.0.1:0", move |_, stream| {
        let amount = 10_u64.pow(times.fetch_add(1, Ordering::SeqCst) as u32 % 9);
        send(stream, "200 OK", &[], format!("pay {amount}?").as_bytes())
    })?;
    let asked = arena.raw("wavers", server.port())?;
    let id = asked.run.get("id").and_then(Value::as_str).context("a run")?;
    anyhow::ensure!(asked.run.to_string().contains("pay 1?"), "it asked nothing: {}", asked.run);
    let resume = format!("/v1/runs/{id}/resume?wait=30s");
    let ended =
        arena.mallory.post(&resume, &json!({ "answers": [{ "answer": "yes" }] }))?.json()?;
    let status = ended.get("status").and_then(Value::as_str).unwrap_or_default();
    anyhow::ensure!(server.arrived() == 2, "it ran {} times: {ended}", server.arrived());
    match status {
        "blocked" => Outcome::held("blocked, both questions are shown"),
        "completed" => Outcome::through("\"yes\" to 1 was taken for a yes to 10"),
        "waiting" if ended.to_string().contains("pay 10?") => {
            Outcome::through("it went on, with 10 in place of 1")
        }
        _ => anyhow::bail!("{ended}"),
    }
}
