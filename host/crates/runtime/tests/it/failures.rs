//! Every way in which a guest ends badly gives its own failure.

use expect_test::{Expect, expect};
use serde_json::json;
use wforge_model::agent::Execution;
use wforge_model::limits::SandboxLimits;
use wforge_ports::AgentRuntime;

use crate::components::{Fixture, LOG, STDERR, asker, echo, fixture};
use crate::harness::{Script, StillClock, call_of, limited, sandbox_with, told};

async fn check(fixture: Fixture, limit: impl FnOnce(&mut SandboxLimits), expected: Expect) {
    let sandbox = limited(limit);
    let execution = sandbox.run(fixture.build(), json!({}), &mut Script::default()).await;
    expected.assert_eq(&told(&execution));
}

#[tokio::test]
async fn a_loop_without_end_uses_up_its_cpu_time() {
    check(
        fixture("(loop $again (br $again)) unreachable"),
        |limits| limits.cpu_ms_max = 50,
        expect!["limit (cpu_limit): the agent used more than 50 ms of CPU time after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn cpu_time_is_counted_to_the_tenant_that_used_it() {
    let sandbox = limited(|limits| limits.cpu_ms_max = 50);
    let spins = fixture("(loop $again (br $again)) unreachable").build();
    sandbox.run(spins, json!({}), &mut Script::default()).await;
    assert!(sandbox.runtime.cpu_ms(&crate::harness::tenant()) >= 50);
    assert_eq!(sandbox.runtime.cpu_ms(&"other".parse().unwrap()), 0);
}

#[tokio::test]
async fn a_loop_while_the_module_starts_uses_up_its_cpu_time() {
    check(
        echo().items("(func $spin (loop $again (br $again))) (start $spin)"),
        |limits| limits.cpu_ms_max = 50,
        expect!["limit (cpu_limit): the agent used more than 50 ms of CPU time after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn memory_over_its_budget_ends_the_guest() {
    check(
        fixture(
            "(loop $again
               (drop (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 999999)))
               (br $again))
             unreachable",
        ),
        |limits| limits.memory_bytes_max = 8 << 20,
        expect!["limit (memory_limit): the agent needed more than 8 MiB of memory after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn a_manifest_may_ask_for_less_memory_than_a_sandbox_has() {
    check(
        fixture(
            "(drop (call $allocate (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 5000000)))
                 (call $reply (i32.const 16) (i32.const 2))",
        )
        .limits(json!({ "memory_mib_max": 4 })),
        |_| {},
        expect!["limit (memory_limit): the agent needed more than 4 MiB of memory after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn a_table_over_its_budget_ends_the_guest() {
    check(
        fixture(
            "(if (i32.eq (table.grow $t (ref.null func) (i32.const 5000)) (i32.const -1))
               (then unreachable))
             unreachable",
        )
        .items("(table $t 1 funcref)"),
        |limits| limits.table_elements_max = 1_000,
        expect![
            "limit (table_limit): the agent needed more than 1000 table elements after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn deep_recursion_overflows_the_guests_own_stack() {
    check(
        fixture("(call $deep (i32.const 1))").items(
            "(func $deep (param i32) (result i32)
               (i32.add (call $deep (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))",
        ),
        |_| {},
        expect!["trap (stack_overflow): wasm trap: call stack exhausted after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn reading_outside_memory_traps() {
    check(
        fixture("(i32.load (i32.const -8))"),
        |_| {},
        expect![
            "trap (memory_out_of_bounds): wasm trap: out of bounds memory access after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn an_abort_without_a_word_is_a_trap() {
    check(
        fixture("unreachable"),
        |_| {},
        expect!["trap (unreachable): the agent aborted after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn a_panic_names_its_file_and_line() {
    let panics = fixture(
        "(call $write (call $stream) (i32.const 3072) (i32.const 61) (i32.const 2560))
         unreachable",
    )
    .imports(STDERR)
    .items(
        r#"(data (i32.const 3072)
             "thread '<unnamed>' panicked at src/lib.rs:12:5:\0aout of range\0a")"#,
    );
    let sandbox = limited(|_| {});
    let mut script = Script::default();
    let execution = sandbox.run(panics.build(), json!({}), &mut script).await;
    let Execution::Failed { failure, .. } = &execution else { panic!("{execution:?}") };
    assert_eq!(failure.code(), "exception");
    let problem = failure.problem().unwrap();
    assert_eq!(problem.message, "panicked at src/lib.rs:12:5: out of range");
    assert_eq!(problem.details["stderr"][1], "out of range");
    assert!(problem.details["frames"].as_array().is_some_and(|frames| !frames.is_empty()));
    assert_eq!(script.log().len(), 2, "stderr is in the log as well: {:?}", script.log());
}

#[tokio::test]
async fn a_reply_larger_than_its_budget_is_refused() {
    check(
        fixture("(call $reply (i32.const 4096) (i32.const 2000))"),
        |limits| limits.output_bytes_max = 1_000,
        expect![
            "limit (output_too_large): the agent's reply is larger than 1000 bytes after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reply_that_the_host_would_not_even_copy_is_refused() {
    check(
        fixture("(call $reply (i32.const 0) (i32.const 100000))"),
        |limits| limits.host_call_bytes_max = 50_000,
        expect![
            "limit (output_too_large): the agent's reply is larger than 50000 bytes after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reply_that_is_no_json_is_bad_output() {
    check(
        fixture("(call $reply (i32.const 3072) (i32.const 9))")
            .items(r#"(data (i32.const 3072) "{\"a\": 1,}")"#),
        |_| {},
        expect![
            "bad_output (bad_json): the agent's output: no JSON: trailing comma at line 1 column \
             9 after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reply_nested_too_deep_is_bad_output() {
    check(
        fixture("(call $reply (i32.const 3072) (i32.const 8))")
            .items(r#"(data (i32.const 3072) "[[[[]]]]")"#),
        |limits| limits.json_depth_max = 3,
        expect![
            "bad_output (json_depth): the agent's output: the JSON is nested deeper than 3 \
             levels after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_reply_that_is_no_text_breaks_the_contract() {
    check(
        fixture("(call $reply (i32.const 3072) (i32.const 2))")
            .items(r#"(data (i32.const 3072) "\ff\fe")"#),
        |_| {},
        expect!["trap (trap): invalid utf-8 sequence of 1 bytes from index 0 after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn host_calls_without_end_use_up_their_budget() {
    check(
        fixture(
            "(loop $again
               (call $log (i32.const 2) (i32.const 16) (i32.const 2) (i32.const 0) (i32.const 0))
               (br $again))
             unreachable",
        )
        .imports(LOG),
        |limits| limits.host_calls_max = 500,
        expect!["limit (host_calls): the agent made more than 500 host calls after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn an_argument_larger_than_its_budget_ends_the_guest() {
    check(
        fixture(
            "(call $log (i32.const 2) (i32.const 0) (i32.const 100000) (i32.const 0) (i32.const 0))
             unreachable",
        )
        .imports(LOG),
        |limits| limits.host_call_bytes_max = 50_000,
        expect![
            "limit (host_call_bytes): a host call handed over more than 50000 bytes after 0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn an_input_larger_than_its_budget_never_reaches_the_guest() {
    check(
        echo(),
        |limits| limits.input_bytes_max = 5,
        expect![
            "limit (input_too_large): input, config and context have 6 bytes, more than 5 after \
             0 effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn a_host_call_that_never_answers_ends_with_the_wall_clock() {
    let sandbox = sandbox_with(|_| {}, StillClock { is_over: true });
    let execution = sandbox.run(asker().build(), json!({}), &mut Script::default()).await;
    expect![
        "timeout (wall_limit): the call took longer than 180000 ms, as any call may after 1 effects"
    ]
    .assert_eq(&told(&execution));
}

#[tokio::test]
async fn a_nodes_own_timeout_says_so() {
    let sandbox = sandbox_with(|_| {}, StillClock { is_over: true });
    let admitted = sandbox.admit(asker().build()).await.unwrap();
    let mut call = call_of(admitted.component, json!({}));
    call.timeout_ms = Some(20);
    let mut script = Script::default();
    let execution = sandbox.runtime.call(&call, &mut script);
    // On a busy machine the time may be over before the guest has asked for anything.
    let told = told(&execution.await.unwrap());
    let (failure, _effects) = told.split_once(" after ").unwrap();
    expect!["timeout (timeout): the call took longer than 20 ms, as its node allows"]
        .assert_eq(failure);
}
