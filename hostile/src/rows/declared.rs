//! Rows 8, 9 and 10: what a component says that it needs before it runs.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::stopped_by;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{REPLY, bombs, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 8,
        attack: "a memory that begins with 256 MiB",
        defence: "it is checked at installation",
        settings: &[],
        make: declares_memory,
        control: Control::Set(&[("LIMITS__SANDBOX__MEMORY_BYTES_MAX", "536870912")]),
        trace: Trace::Stopped { what: "plugin", code: "too_large" },
    },
    Fixture {
        row: 9,
        attack: "a table that begins with 10 million",
        defence: "it is checked at installation",
        settings: &[],
        make: declares_table,
        control: Control::Set(&[("LIMITS__SANDBOX__TABLE_ELEMENTS_MAX", "20000000")]),
        trace: Trace::Stopped { what: "plugin", code: "too_large" },
    },
    Fixture {
        row: 9,
        attack: "a table that grows to 2 million",
        defence: "the limit of one table",
        settings: &[],
        make: grows_table,
        control: Control::Set(&[("LIMITS__SANDBOX__TABLE_ELEMENTS_MAX", "20000000")]),
        trace: Trace::Stopped { what: "task", code: "table_limit" },
    },
    Fixture {
        row: 10,
        attack: "600 instances, 300 tables, 40 memories",
        defence: "how many of each a component has",
        settings: &[],
        make: declares_many,
        control: Control::Set(&[
            ("LIMITS__SANDBOX__INSTANCES_MAX", "1000"),
            ("LIMITS__SANDBOX__TABLES_MAX", "1000"),
            ("LIMITS__SANDBOX__MEMORIES_MAX", "100"),
        ]),
        trace: Trace::Stopped { what: "plugin", code: "too_large" },
    },
];

/// It was refused as too large; or it was taken, and runs.
fn refused(arena: &Arena, name: &str, bytes: &[u8]) -> Result<Outcome> {
    let reply = arena.install(bytes)?;
    if reply.status < 300 {
        let ran = arena.call_main(&arena.mallory, name, &Value::Null)?;
        anyhow::ensure!(ran.completed, "installed, but: {}", ran.run);
        return Outcome::through("it was installed and ran");
    }
    let problem = reply.json()?;
    let code = problem.get("reason").or_else(|| problem.get("code"));
    let code = code.and_then(Value::as_str).context("a code")?.to_owned();
    anyhow::ensure!(reply.status == 422 && code == "too_large", "{problem}");
    Outcome::held(format!("422 {code}"))
}

fn declares_memory(arena: &Arena) -> Result<Outcome> {
    let name = format!("test/declares-memory-{}", arena.number());
    refused(arena, &name, &fixture(REPLY).named(&name).pages(4096).build())
}

fn declares_table(arena: &Arena) -> Result<Outcome> {
    let name = format!("test/declares-table-{}", arena.number());
    let guest = fixture(REPLY).named(&name).items("(table 10000000 funcref)");
    refused(arena, &name, &guest.build())
}

fn grows_table(arena: &Arena) -> Result<Outcome> {
    let body = "
      (if (i32.eq (table.grow $grown (ref.null func) (i32.const 2000000)) (i32.const -1))
        (then unreachable))";
    let name = "test/grows-table";
    let guest =
        || fixture(format!("{body} {REPLY}")).named(name).items("(table $grown 1 funcref)").build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "table_limit")
}

fn declares_many(arena: &Arena) -> Result<Outcome> {
    let ways: [(&str, Vec<u8>, usize); 3] = [
        ("instances", bombs::functions(1), 600),
        ("tables", bombs::tables(4), 75),
        ("memories", bombs::memories(2), 20),
    ];
    let mut came = Vec::new();
    for (way, module, count) in ways {
        let name = format!("test/declares-{way}-{}", arena.number());
        let component = fixture(REPLY).named(&name).build();
        let more = bombs::instances(&component, &module, count);
        came.push((way, refused(arena, &name, &[component, more].concat())?));
    }
    Outcome::of_all(came)
}
