//! Rows 2 and 12: the ways into a guest beside its function, and a way back into it.

use anyhow::Result;
use serde_json::{Value, json};

use super::{MUCH_CPU, PATIENT, stopped_by};
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{Guest, LOG, REPLY, fixture};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 2,
        attack: "a loop in start, in realloc, in post-return",
        defence: "the same budget on every way in",
        settings: PATIENT,
        make: spins_on_each_way_in,
        control: MUCH_CPU,
        trace: Trace::Stopped { what: "task", code: "cpu_limit" },
    },
    Fixture {
        row: 12,
        attack: "a host call while the host is inside",
        defence: "a component is not left there",
        settings: &[],
        make: calls_from_realloc,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "task", code: "trap" },
    },
    Fixture {
        row: 12,
        attack: "an agent that calls itself as a tool",
        defence: "how deep agents may call",
        settings: &[],
        make: calls_itself,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "host_call", code: "tool_depth" },
    },
];

const SPIN: &str = "(loop $on (br $on))";

fn spins_on_each_way_in(arena: &Arena) -> Result<Outcome> {
    let in_start = fixture(REPLY).items(format!("(func $spin {SPIN}) (start $spin)"));
    let in_realloc = fixture(REPLY).allocating(SPIN);
    let in_post_return = fixture(REPLY).items(format!(
        "(func (export \"cabi_post_workflowforge:plugin/agent@0.1.0#invoke\") (param i32) {SPIN})"
    ));
    let ways: [(&str, Guest); 3] =
        [("start", in_start), ("realloc", in_realloc), ("post-return", in_post_return)];
    let mut came = Vec::new();
    for (way, guest) in ways {
        let name = format!("test/spins-in-{way}");
        let ran = arena.call(&name, || guest.named(&name).build(), &Value::Null)?;
        came.push((way, stopped_by(&ran, "cpu_limit")?));
    }
    Outcome::of_all(came)
}

/// The host has the guest allocate room for the arguments; there the guest calls the host.
fn calls_from_realloc(arena: &Arena) -> Result<Outcome> {
    let (name, allocating) = if arena.harmless {
        ("test/allocates", "")
    } else {
        let log = "(call $log (i32.const 2) (i32.const 16) (i32.const 2) (i32.const 0)
                              (i32.const 0))";
        ("test/calls-from-realloc", log)
    };
    let guest = || fixture(REPLY).named(name).imports(LOG).allocating(allocating).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "trap")
}

fn calls_itself(arena: &Arena) -> Result<Outcome> {
    let tool = "wforge__hostile__act";
    let mut deeds = json!([{ "do": "say", "value": "at the bottom" }]);
    for _ in 0..if arena.harmless { 2 } else { 7 } {
        deeds = json!([{ "do": "tool", "name": tool, "input": { "deeds": deeds } }]);
    }
    let ran = arena.act(&deeds)?;
    let said = ran.result().to_string();
    if said.contains("tool_depth") {
        return Outcome::held("tool_depth");
    }
    anyhow::ensure!(said.contains("at the bottom"), "{}", ran.run);
    Outcome::through("it came to the bottom")
}
