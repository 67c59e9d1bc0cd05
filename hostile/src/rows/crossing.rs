//! Rows 13, 14, 15 and 45: what crosses between a guest and its host, by its size and its letters.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::stopped_by;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{LOG, REPLY, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 13,
        attack: "a string of 50 MiB to the host",
        defence: "the bytes of one host call",
        settings: &[],
        make: says_much,
        control: Control::Set(&[("LIMITS__SANDBOX__HOST_CALL_BYTES_MAX", "134217728")]),
        trace: Trace::Stopped { what: "task", code: "host_call_bytes" },
    },
    Fixture {
        row: 14,
        attack: "a list of a million empty strings",
        defence: "the same, as the host holds it",
        settings: &[],
        make: says_nothing_often,
        control: Control::Set(&[("LIMITS__SANDBOX__HOST_CALL_BYTES_MAX", "1073741824")]),
        trace: Trace::Stopped { what: "task", code: "host_call_bytes" },
    },
    Fixture {
        row: 15,
        attack: "a result of 5 MiB",
        defence: "the bytes of a reply",
        settings: &[],
        make: returns_much,
        control: Control::Set(&[("LIMITS__SANDBOX__OUTPUT_BYTES_MAX", "7000000")]),
        trace: Trace::Stopped { what: "task", code: "output_too_large" },
    },
    Fixture {
        row: 45,
        attack: "text that is no UTF-8",
        defence: "each string is validated",
        settings: &[],
        make: misspells,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "task", code: "trap" },
    },
    Fixture {
        row: 45,
        attack: "half a surrogate pair in JSON",
        defence: "JSON is parsed at the border",
        settings: &[],
        make: halves,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "task", code: "bad_json" },
    },
];

/// Logs a message and fields that begin behind the first two pages, which are all zeros.
fn logs(arena: &Arena, name: &str, message: usize, fields: usize) -> Result<Outcome> {
    let body = format!(
        "(if (i32.eq (memory.grow (i32.const 850)) (i32.const -1)) (then unreachable))
         (call $log (i32.const 2) (i32.const 131072) (i32.const {message})
                    (i32.const 131072) (i32.const {fields}))
         {REPLY}"
    );
    let guest = || fixture(body).named(name).imports(LOG).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "host_call_bytes")
}

fn says_much(arena: &Arena) -> Result<Outcome> {
    logs(arena, "test/says-much", 50 << 20, 0)
}

fn says_nothing_often(arena: &Arena) -> Result<Outcome> {
    logs(arena, "test/says-nothing-often", 0, 1_000_000)
}

fn returns_much(arena: &Arena) -> Result<Outcome> {
    let ran = arena.act(&json!([{ "do": "repeat", "text": "a", "times": 5 << 20 }]))?;
    let outcome = stopped_by(&ran, "output_too_large")?;
    let got = ran.deed(0).pointer("/ok").and_then(Value::as_str).map_or(0, str::len);
    ensure!(!ran.completed || got == 5 << 20, "{got} bytes came back");
    Ok(outcome)
}

/// Replies with these bytes, written as WebAssembly text writes them.
fn replies(arena: &Arena, way: &str, bytes: &str, code: &str) -> Result<Outcome> {
    let way = if arena.harmless { "whole" } else { way };
    let bytes = if arena.harmless { r"\22gr\c3\bc\c3\9f\22" } else { bytes };
    let name = format!("test/spells-{way}");
    let length = bytes.split('\\').skip(1).map(|it| it.len() - 1).sum::<usize>();
    let body = format!("(call $reply (i32.const 3072) (i32.const {length}))");
    let data = format!("(data (i32.const 3072) \"{bytes}\")");
    let guest = || fixture(body).named(&name).items(data).build();
    stopped_by(&arena.call(&name, guest, &Value::Null)?, code)
}

fn misspells(arena: &Arena) -> Result<Outcome> {
    let ways = [
        ("overlong", r"\22\c0\af\22"),
        ("surrogate", r"\22\ed\a0\80\22"),
        ("cut", r"\22\e2\82\22"),
        ("foreign", r"\22\ff\fe\22"),
        ("beyond", r"\22\f4\90\80\80\22"),
    ];
    let came: Result<Vec<(&str, Outcome)>> = ways
        .into_iter()
        .map(|(way, bytes)| Ok((way, replies(arena, way, bytes, "trap")?)))
        .collect();
    Outcome::of_all(came?)
}

/// Good UTF-8, but an escape that stands for no character.
fn halves(arena: &Arena) -> Result<Outcome> {
    replies(arena, "half", r"\22\5cud800\22", "bad_json")
}
