//! Rows 6 and 11: one instruction that takes long, and a stack without an end.

use anyhow::{Result, ensure};
use serde_json::Value;

use super::{PATIENT, stopped_by};
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{REPLY, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 6,
        attack: "one memory.copy over all there is",
        defence: "the limit of memory bounds it",
        settings: PATIENT,
        make: copies,
        control: Control::Set(&[("LIMITS__SANDBOX__MEMORY_BYTES_MAX", "2130706432")]),
        trace: Trace::Stopped { what: "task", code: "cpu_limit" },
    },
    Fixture {
        row: 11,
        attack: "recursion without an end",
        defence: "the limit of a sandbox's stack",
        settings: &[],
        make: recurses,
        control: Control::Set(&[("LIMITS__SANDBOX__STACK_BYTES_MAX", "33554432")]),
        trace: Trace::Stopped { what: "task", code: "stack_overflow" },
    },
];

/// Takes all memory that it gets, then copies one half over the other again and again. Nothing
/// interrupts a single copy.
const COPIES: &str = "
  (local $half i32)
  (if (i32.eq (memory.grow (i32.const 32000)) (i32.const -1))
    (then (drop (memory.grow (i32.const 900)))))
  (local.set $half (i32.shl (i32.shr_u (memory.size) (i32.const 1)) (i32.const 16)))
  (loop $on
    (memory.copy (local.get $half) (i32.const 0) (local.get $half))
    (br $on))
  unreachable";
/// The CPU time of a call on these servers, and by how much it may be passed.
const CPU_MS: (u64, u64) = (200, 50);

/// Measured by the CPU time of the plugins' threads: what else the machine does is no matter.
fn copies(arena: &Arena) -> Result<Outcome> {
    let name = "test/copies";
    let before = arena.server().plugins_cpu_ms()?;
    let ran = arena.call(name, || fixture(COPIES).named(name).build(), &Value::Null)?;
    let used = arena.server().plugins_cpu_ms()?.saturating_sub(before);
    let seen = format!("{} after {used} ms of CPU time", ran.code);
    if used > CPU_MS.0 + CPU_MS.1 {
        return Outcome::through(seen);
    }
    ensure!(ran.code == "cpu_limit", "{}", ran.run);
    Outcome::held(seen)
}

fn recurses(arena: &Arena) -> Result<Outcome> {
    let deep = "
      (func $deep (param $left i32) (result i32)
        (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
        (i32.add (call $deep (i32.sub (local.get $left) (i32.const 1))) (i32.const 1)))";
    let body = format!("(drop (call $deep (i32.const 100000))) {REPLY}");
    let name = "test/recurses";
    let guest = || fixture(body).named(name).items(deep).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "stack_overflow")
}
