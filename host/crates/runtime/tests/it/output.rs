//! What a guest writes: log lines, stdout, events.

use expect_test::expect;
use serde_json::json;

use crate::components::{LOG, STDOUT, fixture};
use crate::harness::{Script, limited, sandbox, told};

#[tokio::test]
async fn stdout_becomes_log_lines() {
    let prints = fixture(
        "(local.set $n (call $stream))
         (call $write (local.get $n) (i32.const 3072) (i32.const 11) (i32.const 2560))
         (call $write (local.get $n) (i32.const 3083) (i32.const 15) (i32.const 2560))
         (call $reply (i32.const 16) (i32.const 2))",
    )
    .imports(STDOUT)
    .items(r#"(data (i32.const 3072) "first\0asecond half\1b[31m\0aend")"#);
    let mut script = Script::default();
    let execution = sandbox().run(prints.build(), json!({}), &mut script).await;
    assert_eq!(told(&execution), "replied {}");
    expect![[r#"
        [
            "Info first",
            "Info second half\\u{1b}[31m",
            "Info end",
        ]
    "#]]
    .assert_debug_eq(&script.log());
}

#[tokio::test]
async fn a_flood_of_lines_is_dropped_and_counted() {
    let floods = fixture(
        "(local.set $n (i32.const 100))
         (loop $again
           (call $log (i32.const 2) (i32.const 3072) (i32.const 5) (i32.const 0) (i32.const 0))
           (local.set $n (i32.sub (local.get $n) (i32.const 1)))
           (br_if $again (local.get $n)))
         (call $reply (i32.const 16) (i32.const 2))",
    )
    .imports(LOG)
    .items(r#"(data (i32.const 3072) "water")"#);
    let mut script = Script::default();
    let sandbox = limited(|limits| limits.log_lines_max = 3);
    sandbox.run(floods.build(), json!({}), &mut script).await;
    expect![[r#"
        [
            "Info water",
            "Info water",
            "Info water",
            "Warn 97 log lines over the budget of this call were dropped",
        ]
    "#]]
    .assert_debug_eq(&script.log());
}

#[tokio::test]
async fn a_line_that_is_too_long_is_cut() {
    let long = fixture(
        "(call $log (i32.const 4) (i32.const 3072) (i32.const 12) (i32.const 0) (i32.const 0))
         (call $reply (i32.const 16) (i32.const 2))",
    )
    .imports(LOG)
    .items(r#"(data (i32.const 3072) "abcdefghijkl")"#);
    let mut script = Script::default();
    let sandbox = limited(|limits| limits.log_line_bytes_max = 5);
    sandbox.run(long.build(), json!({}), &mut script).await;
    assert_eq!(script.log(), ["Error abcde"]);
}

#[tokio::test]
async fn events_are_published_until_their_budget_is_used_up() {
    let emits = fixture(
        "(local.set $n (i32.const 3))
         (loop $again
           (call $emit (i32.const 3072) (i32.const 4) (i32.const 16) (i32.const 2) (i32.const 2560))
           (local.set $n (i32.sub (local.get $n) (i32.const 1)))
           (br_if $again (local.get $n)))
         ;; The last one was refused with `limit`.
         (if (i32.ne (i32.load8_u (i32.const 2560)) (i32.const 1)) (then unreachable))
         (if (i32.ne (i32.load8_u (i32.const 2568)) (i32.const 2)) (then unreachable))
         (call $reply (i32.const 16) (i32.const 2))",
    )
    .imports(
        r#"(import "workflowforge:plugin/events@0.1.0" "emit"
             (func $emit (param i32 i32 i32 i32 i32)))"#,
    )
    .items(r#"(data (i32.const 3072) "tick")"#);
    let mut script = Script::default();
    let sandbox = limited(|limits| limits.emits_max = 2);
    let execution = sandbox.run(emits.build(), json!({}), &mut script).await;
    assert_eq!(told(&execution), "replied {}");
    assert_eq!(script.events, ["tick {}", "tick {}"]);
}
