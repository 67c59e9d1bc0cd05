//! Rows 40 to 42 and 44: what one call leaves to the next one of the same plugin.

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::stopped_by;
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::fixture;

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 40,
        attack: "a plugin that breaks at each call",
        defence: "the circuit breaker",
        settings: &[("LIMITS__BREAKER__FAILURES_MAX", "5")],
        make: breaks_always,
        control: Control::Set(&[("LIMITS__BREAKER__FAILURES_MAX", "0")]),
        trace: Trace::Stopped { what: "task", code: "circuit_open" },
    },
    Fixture {
        row: 41,
        attack: "a sandbox that broke, entered again",
        defence: "a fresh one for each call",
        settings: &[],
        make: marks,
        control: Control::Without("fresh"),
        trace: Trace::Stopped { what: "task", code: "unreachable" },
    },
    Fixture {
        row: 42,
        attack: "a call dropped in flight, then another",
        defence: "its sandbox is dropped with it",
        settings: &[],
        make: is_dropped,
        control: Control::Harmless,
        trace: Trace::Stopped { what: "task", code: "timeout" },
    },
    Fixture {
        row: 44,
        attack: "`__proto__`, for all calls to come",
        defence: "a fresh sandbox for each call",
        settings: &[],
        make: pollutes,
        control: Control::Without("fresh"),
        trace: Trace::Inert("a key like any other"),
    },
];

fn breaks_always(arena: &Arena) -> Result<Outcome> {
    let name = "test/breaks-always";
    let call = || arena.call(name, || fixture("unreachable").named(name).build(), &Value::Null);
    for _ in 0..8 {
        let ran = call()?;
        ensure!(["unreachable", "circuit_open"].contains(&ran.code.as_str()), "{}", ran.run);
    }
    stopped_by(&call()?, "circuit_open")
}

/// The first call, whose input is 1, leaves a mark and breaks; any other says whether it sees one.
const MARKS: &str = "
  (if (i32.eq (i32.load8_u offset=9 (i32.load offset=72 (local.get $call))) (i32.const 49))
    (then (i32.store (i32.const 4000) (i32.const 1)) unreachable))
  (if (i32.load (i32.const 4000)) (then (return (call $reply (i32.const 3072) (i32.const 4)))))
  (call $reply (i32.const 3088) (i32.const 5))";
const ANSWERS: &str = "(data (i32.const 3072) \"true\") (data (i32.const 3088) \"false\")";

fn marks(arena: &Arena) -> Result<Outcome> {
    let name = "test/marks";
    let call = |input: u8| {
        arena.call(name, || fixture(MARKS).named(name).items(ANSWERS).build(), &json!(input))
    };
    let broke = call(1)?;
    ensure!(broke.code == "unreachable", "{}", broke.run);
    let next = call(0)?;
    match (next.completed, next.result()) {
        (true, Value::Bool(false)) => Outcome::held("the next call found nothing"),
        (true, Value::Bool(true)) => Outcome::through("the next call found the mark"),
        // wasmtime itself does not let anybody into what trapped; a host that tries has reused it.
        (false, _) if next.code == "cannot_enter" => {
            Outcome::through("the next call was put into the sandbox that had broken")
        }
        _ => bail!("{}", next.run),
    }
}

fn is_dropped(arena: &Arena) -> Result<Outcome> {
    let (ms, timeout) = if arena.harmless { (10, "20s") } else { (10_000, "100ms") };
    let node = format!(", timeout: {{ run: {timeout} }}");
    let dropped = arena.act_with(&json!([{ "do": "wait", "ms": ms }]), &node)?;
    let next = arena.act(&json!([{ "do": "say", "value": 1 }]))?;
    ensure!(next.deed(0) == &json!({ "ok": 1 }), "the next call: {}", next.run);
    match stopped_by(&dropped, "timeout")? {
        Outcome::Held(seen) => Outcome::held(format!("{seen}, and the next call is served")),
        through @ Outcome::Through(_) => Ok(through),
    }
}

fn pollutes(arena: &Arena) -> Result<Outcome> {
    arena.installed(&arena.mallory, "wforge/hostile-js", || {
        arena.component("proofs/wforge-hostile-js.wasm")
    })?;
    let call = |input: &Value| arena.call_main(&arena.mallory, "wforge/hostile-js", input);
    let sting = json!({ "__proto__": { "polluted": true }, "constructor": { "prototype": 1 } });
    let first = call(&sting)?;
    ensure!(first.completed, "{}", first.run);
    ensure!(first.result().get("given") == Some(&sting), "other keys came back: {}", first.run);
    ensure!(first.result().get("common") == Some(&json!(true)), "no sting: {}", first.run);
    let next = call(&json!({}))?;
    match next.result().get("common") {
        Some(Value::Null) => Outcome::held("the next call has objects as they were"),
        Some(Value::Bool(true)) => Outcome::through("the next call's objects are polluted"),
        _ => bail!("{}", next.run),
    }
}
