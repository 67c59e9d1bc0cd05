//! Rows 36 and 37: components that are small to hand in and much to compile, and types that are
//! much to go through.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{bombs, echo_named};
use crate::tally::{Tally, detail, reason};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 36,
        attack: "code that takes a compiler minutes or all memory",
        defence: "what is counted before, and a process with limits to compile in",
        settings: &[("LIMITS__ADMISSION__COMPILE_CPU_MS_MAX", "1000")],
        make: code,
        control: Control::Set(&[
            ("LIMITS__ADMISSION__FUNCTIONS_MAX", "1000000"),
            ("LIMITS__ADMISSION__FUNCTION_BLOCKS_MAX", "1000000"),
            ("LIMITS__ADMISSION__BLOCK_DEPTH_MAX", "1000000"),
            ("LIMITS__ADMISSION__JUMP_TARGETS_MAX", "10000000"),
            ("LIMITS__ADMISSION__FUNCTION_LOCALS_MAX", "1000000"),
            ("LIMITS__ADMISSION__NESTED_MAX", "1000000"),
            ("LIMITS__ADMISSION__COMPILE_CPU_MS_MAX", "600000"),
            // Nobody has to wait for what gets through.
            ("LIMITS__ADMISSION__COMPILE_WALL_MS_MAX", "5000"),
        ]),
        trace: Trace::Stopped { what: "plugin", code: "compile_limit" },
    },
    Fixture {
        row: 37,
        attack: "types without number, wide ones and deep ones",
        defence: "what is counted before a component is validated",
        settings: &[],
        make: types,
        control: Control::Set(&[
            ("LIMITS__ADMISSION__TYPES_MAX", "10000000"),
            ("LIMITS__ADMISSION__TYPE_PARTS_MAX", "1000000"),
            ("LIMITS__ADMISSION__TYPE_DEPTH_MAX", "1000000"),
        ]),
        trace: Trace::Stopped { what: "plugin", code: "compile_limit" },
    },
];

/// The longest that a refusal may take; the servers' clients are not as patient.
const REFUSAL_MAX: Duration = Duration::from_secs(30);

/// What stands behind a whole component, and the limit that is for it.
struct Bomb {
    what: &'static str,
    section: Vec<u8>,
    limit: &'static str,
}

fn code(arena: &Arena) -> Result<Outcome> {
    let bomb = |what, section, limit| Bomb { what, section, limit };
    explode(
        arena,
        &[
            bomb("20,000 empty loops", bombs::loops(20_000), "function_blocks_max"),
            bomb("100,000 functions", bombs::functions(100_000), "functions_max"),
            bomb("15,000 blocks in each other", bombs::chain(15_000), "function_blocks_max"),
            bomb("a jump table of a million", bombs::jump_table(1_000_000), "jump_targets_max"),
            bomb("40,000 local variables", bombs::locals(40_000), "function_locals_max"),
            bomb("600 modules", bombs::modules(600), "nested_max"),
            // Within every limit on its shape.
            bomb("6,000 long functions", bombs::busy_functions(6_000), "compile_cpu_ms_max"),
        ],
    )
}

fn types(arena: &Arena) -> Result<Outcome> {
    let bomb = |what, section, limit| Bomb { what, section, limit };
    explode(
        arena,
        &[
            bomb("a variant of 1,001 cases", bombs::variant(1_001), "type_parts_max"),
            bomb("a list of a list, 100 deep", bombs::lists(100), "type_depth_max"),
            bomb("100,000 types", bombs::core_types(100_000), "types_max"),
            // Who reads these has no stack left, and that is only the compiler's own process.
            bomb("500,000 in each other", bombs::types_of_components(500_000), "memory_bytes_max"),
        ],
    )
}

fn explode(arena: &Arena, bombs: &[Bomb]) -> Result<Outcome> {
    let name = format!("mallory/bomb-{}", arena.number());
    let mut tally = Tally::default();
    for (number, bomb) in bombs.iter().enumerate() {
        let whole = echo_named(&format!("{name}-{number}"));
        let outcome = handed_in(arena, &[whole, bomb.section.clone()].concat(), bomb.limit);
        tally.way(bomb.what, outcome.context(bomb.what)?);
    }
    tally.outcome()
}

/// Refused in time and for that limit. Where that one is out of the way, it is let in or stopped by
/// another.
fn handed_in(arena: &Arena, bytes: &[u8], limit: &str) -> Result<Outcome> {
    let began = Instant::now();
    let reply = arena.install(bytes)?;
    let took = began.elapsed();
    if reply.status == 201 {
        return Outcome::through(format!("let in after {} ms", took.as_millis()));
    }
    anyhow::ensure!(reply.status == 422, "{}: {}", reply.status, reply.short());
    if reason(&reply)? != "compile_limit" || !reply.text.contains(limit) {
        return Outcome::through(detail(&reply)?);
    }
    anyhow::ensure!(took < REFUSAL_MAX, "it took {} ms to say no", took.as_millis());
    Outcome::held(format!("{limit} in {} ms", took.as_millis()))
}
