//! Rows 3, 4, 5 and 20: calls into the host that are many, long, or both.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{MUCH_CPU, PATIENT, stopped_by};
use crate::arena::Arena;
use crate::fixture::{Control, Fixture, Outcome, Trace};
use crate::guests::{CLOCK, LOG, POLL, REPLY, TIMERS, fixture};
use crate::probe::Probe;

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        row: 3,
        attack: "cheap host calls without an end",
        defence: "the count of host calls",
        settings: &[],
        make: logs_on,
        control: Control::Set(&[("LIMITS__SANDBOX__HOST_CALLS_MAX", "100000")]),
        trace: Trace::Stopped { what: "task", code: "host_calls" },
    },
    Fixture {
        row: 3,
        attack: "asking for the time without an end",
        defence: "the budget of CPU time",
        settings: PATIENT,
        make: asks_for_the_time,
        control: MUCH_CPU,
        trace: Trace::Stopped { what: "task", code: "cpu_limit" },
    },
    Fixture {
        row: 4,
        attack: "sleeping in WASI",
        defence: "the time of a whole call",
        settings: &[],
        make: sleeps,
        control: Control::Set(&[("LIMITS__SANDBOX__WALL_MS_MAX", "20000")]),
        trace: Trace::Stopped { what: "task", code: "wall_limit" },
    },
    Fixture {
        row: 5,
        attack: "polling a timer that is over, on and on",
        defence: "threads of their own, and yields",
        settings: &[("LIMITS__SANDBOX__HOST_CALLS_MAX", "100000000")],
        make: polls_on,
        control: Control::Without("lanes"),
        trace: Trace::Stopped { what: "task", code: "cpu_limit" },
    },
    Fixture {
        row: 20,
        attack: "a thousand timers at once",
        defence: "the count of timers",
        settings: &[],
        make: sets_timers,
        control: Control::Set(&[("LIMITS__SANDBOX__TIMERS_MAX", "10000")]),
        trace: Trace::Stopped { what: "task", code: "timers" },
    },
];

fn logs_on(arena: &Arena) -> Result<Outcome> {
    let body = "
      (loop $on
        (call $log (i32.const 0) (i32.const 16) (i32.const 2) (i32.const 0) (i32.const 0))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 6000))))";
    let name = "test/logs-on";
    let guest = || fixture(format!("{body} {REPLY}")).named(name).imports(LOG).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "host_calls")
}

fn asks_for_the_time(arena: &Arena) -> Result<Outcome> {
    let name = "test/asks-for-the-time";
    let body = "(loop $on (call $now (i32.const 2048)) (br $on)) unreachable";
    let guest = || fixture(body).named(name).imports(CLOCK).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "cpu_limit")
}

/// Twice as long as a call may take here.
fn sleeps(arena: &Arena) -> Result<Outcome> {
    stopped_by(&arena.act(&json!([{ "do": "wait", "ms": 4_000 }]))?, "wall_limit")
}

/// wasmtime itself makes room where a timer is over when it is first asked, so that one timer is
/// asked over and over.
const POLLS: &str = "
  (i32.store (i32.const 2048) (call $after (i64.const 0)))
  (loop $on
    (call $poll (i32.const 2048) (i32.const 1) (i32.const 2056))
    ;; What the host allocated for the answer is taken back.
    (global.set $heap (i32.const 8192))
    (br $on))
  unreachable";
/// How many do so at once, and how long they go on.
const STORM: (usize, Duration) = (4, Duration::from_secs(2));
/// What a health check may take.
const HEALTH_MAX: Duration = Duration::from_millis(100);

/// The guests themselves are ended either way: what matters is who else has to wait.
fn polls_on(arena: &Arena) -> Result<Outcome> {
    let name = "test/polls-on";
    let call = || {
        let guest = || fixture(POLLS).named(name).imports(format!("{TIMERS}{POLL}")).build();
        arena.call(name, guest, &Value::Null)
    };
    let first = call()?;
    // On a machine that has much to do its time may be over first.
    ensure!(["cpu_limit", "wall_limit"].contains(&first.code.as_str()), "{}", first.run);
    let probe = Probe::start(arena.url());
    let until = Instant::now() + STORM.1;
    let storm = || {
        while Instant::now() < until && call().is_ok() {}
    };
    std::thread::scope(|scope| (0..STORM.0).for_each(|_| drop(scope.spawn(storm))));
    let (p99, checks) = probe.finish();
    let seen = format!("health p99 {} ms of {checks}", p99.as_millis());
    if p99 < HEALTH_MAX { Outcome::held(seen) } else { Outcome::through(seen) }
}

fn sets_timers(arena: &Arena) -> Result<Outcome> {
    let body = "
      (loop $on
        (drop (call $after (i64.const 1000000000)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $on (i32.lt_u (local.get $n) (i32.const 1000))))";
    let name = "test/sets-timers";
    let guest = || fixture(format!("{body} {REPLY}")).named(name).imports(TIMERS).build();
    stopped_by(&arena.call(name, guest, &Value::Null)?, "timers")
}
