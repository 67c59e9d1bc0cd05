//! Rows 35 and 38: bytes that are no component.

use anyhow::Result;

use super::archives;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{bombs, echo_named};
use crate::tally::{Tally, refused};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 35,
        attack: "random, cut off and malformed bytes",
        defence: "components are validated before they are kept",
        settings: &[],
        make: malformed,
        control: Control::Without("validation"),
        trace: Trace::Stopped { what: "plugin", code: "invalid" },
    },
    Fixture {
        row: 38,
        attack: "a component or a file in an archive, a bomb of zeros",
        defence: "nothing is ever unpacked, no encoding of a body is undone",
        settings: &[],
        make: packed,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "plugin", code: "not_wasm" },
    },
];

/// Small, whole, and under a name that nobody had before.
fn component(arena: &Arena) -> Vec<u8> {
    echo_named(&format!("mallory/part-{}", arena.number()))
}

fn malformed(arena: &Arena) -> Result<Outcome> {
    let mut tally = Tally::default();
    for (what, bytes) in malformations(arena) {
        tally.way(what, refused(&arena.install(&bytes)?)?);
    }
    tally.outcome()
}

fn malformations(arena: &Arena) -> Vec<(&'static str, Vec<u8>)> {
    let whole = component(arena);
    let noise = noise(arena.number(), 4_096);
    let magic = b"\0asm\x0d\0\x01\0".as_slice();
    let cut = |part: usize| whole.get(..whole.len() * part / 4).unwrap_or_default().to_vec();
    vec![
        // Its sections are where they belong, and it says what it is: only its code is none.
        ("code that adds nothing to nothing", [whole.as_slice(), &bombs::invalid()].concat()),
        ("random bytes", noise.clone()),
        ("random sections", [magic, &noise].concat()),
        ("random bytes behind it", [whole.as_slice(), &noise].concat()),
        ("a quarter of it", cut(1)),
        ("half of it", cut(2)),
        ("its head", magic.to_vec()),
        ("native code", [b"\x7fELF\x02\x01\x01".as_slice(), &noise].concat()),
        ("a core module", b"\0asm\x01\0\0\0".to_vec()),
        ("text", b"(component)".to_vec()),
        ("nothing", Vec::new()),
    ]
}

/// xorshift64*.
fn noise(seed: u64, bytes: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()
    };
    (0..bytes.div_ceil(8)).flat_map(|_| next()).collect()
}

const WASM: &str = "application/wasm";
const YAML: &str = "application/yaml";
const GZIP: &[(&str, &str)] = &[("content-encoding", "gzip")];

/// A workflow that would be taken as it is.
const WORKFLOW: &str = "apiVersion: workflowforge/v1
name: packed
version: 1.0.0
state: { done: { default: false } }
output: [done]
nodes: { it: { set: { done: 'true' } } }
edges: [{ from: START, to: it }]
";

fn packed(arena: &Arena) -> Result<Outcome> {
    let (whole, workflow) = (component(arena), WORKFLOW.as_bytes());
    let mallory = &arena.mallory;
    if arena.harmless {
        let plain = refused(&mallory.send("/v1/workflows", YAML, &[], workflow)?)?;
        let mut tally = Tally::default();
        tally.way("the component as it is", refused(&arena.install(&whole)?)?);
        tally.way("the file as it is", plain);
        return tally.outcome();
    }
    let plugins = [
        ("gzip", archives::gzip(&whole), &[][..]),
        ("gzip, said in the header", archives::gzip(&whole), GZIP),
        ("zip", archives::zip("../../plugin.wasm", &whole), &[]),
        ("tar", archives::tar("../../plugin.wasm", &whole), &[]),
        ("a layer of an image", archives::gzip(&archives::tar("plugin.wasm", &whole)), &[]),
        ("160 MiB of zeros in one", archives::zeros(1 << 20), GZIP),
    ];
    let mut tally = Tally::default();
    for (what, bytes, headers) in plugins {
        tally.way(what, refused(&mallory.send("/v1/plugins", WASM, headers, &bytes)?)?);
    }
    let files = [
        ("a packed file", archives::gzip(workflow)),
        ("zeros as a file", archives::zeros(500 << 10)),
    ];
    for (what, bytes) in files {
        tally.way(what, refused(&mallory.send("/v1/workflows", YAML, GZIP, &bytes)?)?);
    }
    tally.outcome()
}
