//! Rows 18 and 19: handles, very many of them and wrong ones.

use anyhow::Result;
use serde_json::Value;

use super::stopped_by;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{DROP_STREAM, REPLY, STDOUT, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 18,
        attack: "10 000 handles that are never dropped",
        defence: "the count of handles",
        settings: &[],
        make: hoards,
        control: Control::Set(&[("LIMITS__SANDBOX__HANDLES_MAX", "100000")]),
        trace: Trace::Stopped { what: "task", code: "handles" },
    },
    Fixture {
        row: 19,
        attack: "handles that were dropped, or never were",
        defence: "a table for each sandbox",
        settings: &[],
        make: forges,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "task", code: "trap" },
    },
];

fn hoards(arena: &Arena) -> Result<Outcome> {
    let body = "
      (loop $on
        (drop (call $stream))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 10000))))";
    let name = "test/hoards";
    let guest = || fixture(format!("{body} {REPLY}")).named(name).imports(STDOUT).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "handles")
}

/// Writes to stdout by a handle that those instructions leave in `$n`.
fn writes(arena: &Arena, way: &'static str, spoil: &str) -> Result<(&'static str, Outcome)> {
    let (spoil, name) = if arena.harmless {
        ("", "test/writes".to_owned())
    } else {
        (spoil, format!("test/writes-{way}"))
    };
    let body = format!(
        "(local.set $n (call $stream))
         {spoil}
         (call $write (local.get $n) (i32.const 16) (i32.const 2) (i32.const 2048))
         {REPLY}"
    );
    let imports = format!("{STDOUT} {DROP_STREAM}");
    let guest = || fixture(body).named(&name).imports(imports).build();
    Ok((way, stopped_by(&arena.call(&name, guest, &Value::Null)?, "trap")?))
}

fn forges(arena: &Arena) -> Result<Outcome> {
    Outcome::of_all([
        writes(arena, "dropped", "(call $drop_stream (local.get $n))")?,
        writes(
            arena,
            "twice",
            "(call $drop_stream (local.get $n)) (call $drop_stream (local.get $n))",
        )?,
        writes(arena, "forged", "(local.set $n (i32.const 77777))")?,
        writes(arena, "zero", "(local.set $n (i32.const 0))")?,
        writes(arena, "next", "(local.set $n (i32.add (local.get $n) (i32.const 1)))")?,
    ])
}
