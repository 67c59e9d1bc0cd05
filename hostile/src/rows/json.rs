//! Row 43: JSON that is deep, wide, ambiguous or out of range, from guests and from clients.

use anyhow::{Context as _, Result};
use serde_json::json;

use super::processor::stopped_by;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{echo_with, fixture};
use crate::tally::{Tally, refused};

pub(super) const FIXTURES: &[Fixture] = &[Fixture {
    row: 43,
    attack: "JSON that is deep, wide, said twice or infinite",
    defence: "depth and values are counted before anything is parsed",
    settings: &[],
    make: bad_json,
    control: Control::Set(&[
        ("LIMITS__SANDBOX__JSON_DEPTH_MAX", "120"),
        ("LIMITS__SANDBOX__JSON_VALUES_MAX", "2000000"),
        ("LIMITS__API__JSON_DEPTH_MAX", "120"),
    ]),
    trace: Trace::Stopped { what: "task", code: "json_depth" },
}];

/// Behind the fixture's own data.
const AT: usize = 65_536;

/// Replies with that text, which is taken apart by letters so that long ones are small to write.
fn replies(name: &str, parts: &[(&str, usize)]) -> Vec<u8> {
    let text: String = parts.iter().map(|(part, times)| part.repeat(*times)).collect();
    let escaped: String = text.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let pages = text.len().div_ceil(65_536);
    // The bytes are a segment of their own, put in place once there is memory for them.
    fixture(format!(
        "(drop (memory.grow (i32.const {pages})))
         (memory.init $text (i32.const {AT}) (i32.const 0) (i32.const {len}))
         (call $reply (i32.const {AT}) (i32.const {len}))",
        len = text.len()
    ))
    .items(format!("(data $text \"{escaped}\")"))
    .named(name)
    .build()
}

fn bad_json(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    for (number, Said { what, parts, code }) in said().iter().enumerate() {
        let name = format!("mallory/json-{number}");
        let ran = arena.call(&name, || replies(&name, parts), &json!(0)).context(*what)?;
        tally.way(what, stopped_by(&ran, code)?);
    }
    for (what, body) in bodies() {
        let reply = arena.mallory.send("/v1/runs", "application/json", &[], body.as_bytes())?;
        tally.way(what, refused(&reply)?);
    }
    tally.way("two names in a manifest", twice(arena)?);
    tally.outcome()
}

/// A reply in parts, each so often, and the code that it is stopped with.
struct Said {
    what: &'static str,
    parts: &'static [(&'static str, usize)],
    code: &'static str,
}

fn said() -> [Said; 6] {
    let said = |what, parts, code| Said { what, parts, code };
    [
        // Not deeper than a parser takes whose own limit is 128, so that only ours can say no.
        said("100 deep", &[("[", 100), ("]", 100)], "json_depth"),
        said("a million deep", &[("[", 1_000_000)], "json_depth"),
        said("a million values", &[("[0", 1), (",0", 999_999), ("]", 1)], "json_width"),
        said("1e400", &[("1e400", 1)], "bad_json"),
        said("NaN", &[("NaN", 1)], "bad_json"),
        said("half a letter", &[("\"\\ud800\"", 1)], "bad_json"),
    ]
}

/// Takes whatever it is given.
const TAKES: &str = "apiVersion: workflowforge/v1
name: takes
version: 1.0.0
state: { given: {}, done: { default: false } }
input: [given]
output: [done]
nodes: { it: { set: { done: 'true' } } }
edges: [{ from: START, to: it }]
";

/// Bodies that start a run.
fn bodies() -> [(&'static str, String); 5] {
    let body =
        |given: &str| format!("{{\"workflow\":{},\"input\":{{\"given\":{given}}}}}", json!(TAKES));
    [
        ("a body 100 deep", body(&format!("{}{}", "[".repeat(100), "]".repeat(100)))),
        ("a body a million deep", "[".repeat(1_000_000)),
        ("1e400 in a body", body("1e400")),
        ("NaN in a body", body("NaN")),
        ("a field of a body twice", "{\"workflow\":\"a\",\"workflow\":\"b\"}".to_owned()),
    ]
}

/// A component whose manifest names it twice: which of the two was granted something?
fn twice(arena: &Arena) -> Result<Outcome> {
    let name = format!("mallory/twice-{}", arena.number());
    let manifest = format!(
        "{{\"name\":\"wforge/hostile\",\"name\":\"{name}\",\"version\":\"1.0.0\",\
         \"agents\":[{{\"name\":\"main\"}}]}}"
    );
    refused(&arena.install(&echo_with(&manifest))?)
}
