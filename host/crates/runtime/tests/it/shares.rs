//! What tenants share: CPU time, memory, places; and what of it one call may have.

use expect_test::{Expect, expect};
use futures::future::{Either, join_all, select};
use serde_json::json;
use wforge_model::TenantId;
use wforge_model::agent::AgentCall;
use wforge_model::limits::SandboxLimits;
use wforge_ports::{AdmissionError, AgentRuntime};
use wforge_runtime::Allocator;

use crate::components::{Fixture, LOG, TIMERS, asker, echo, fixture};
use crate::harness::{Sandbox, Script, StillClock, call_of, limited, sandbox_with, tenant, told};

fn other() -> TenantId {
    "other".parse().unwrap()
}

async fn check(fixture: &Fixture, limit: impl FnOnce(&mut SandboxLimits), expected: Expect) {
    let sandbox = limited(limit);
    let execution = sandbox.run(fixture.build(), json!({}), &mut Script::default()).await;
    expected.assert_eq(&told(&execution));
}

async fn spinning(sandbox: &Sandbox) -> AgentCall {
    let spins = fixture("(loop $again (br $again)) unreachable").build();
    call_of(sandbox.admit(spins).await.unwrap().component, json!(null))
}

#[tokio::test]
async fn a_guest_gets_as_much_as_all_of_another_tenants_together() {
    let sandbox = limited(|limits| limits.cpu_ms_max = 200);
    let attack = spinning(&sandbox).await;
    let mut scripts: Vec<Script> = (0..5).map(|_| Script::default()).collect();
    let attackers = scripts.iter_mut().map(|script| sandbox.runtime.call(&attack, script));
    let victim = AgentCall { tenant: other(), ..attack.clone() };
    let mut script = Script::default();
    let victim = sandbox.runtime.call(&victim, &mut script);
    let Either::Right((ended, _)) = select(join_all(attackers), victim).await else {
        panic!("five calls that spin were done before one")
    };
    assert!(told(&ended.unwrap()).starts_with("limit (cpu_limit)"));
    let (attackers_ms, victim_ms) =
        (sandbox.runtime.cpu_ms(&tenant()), sandbox.runtime.cpu_ms(&other()));
    assert!(victim_ms >= 200, "{victim_ms}");
    // One slice more or less; slices are 10 ms, and more where the machine is busy.
    assert!((150..=250).contains(&attackers_ms), "{attackers_ms} beside {victim_ms}");
}

#[tokio::test]
async fn a_guest_that_spins_makes_room_for_one_that_does_not() {
    let sandbox = limited(|limits| limits.cpu_ms_max = 10_000);
    let attack = spinning(&sandbox).await;
    let mut script = Script::default();
    let mut attacker = sandbox.runtime.call(&attack, &mut script);
    assert!(futures::poll!(&mut attacker).is_pending());
    let echoes = sandbox.admit(echo().build()).await.unwrap().component;
    let victim = AgentCall { tenant: other(), ..call_of(echoes, json!(7)) };
    let mut script = Script::default();
    let victim = sandbox.runtime.call(&victim, &mut script);
    let Either::Right((reply, _)) = select(attacker, victim).await else {
        panic!("ten seconds were over first")
    };
    assert_eq!(told(&reply.unwrap()), "replied 7");
}

#[tokio::test]
async fn memory_is_shared_by_all_sandboxes_of_a_tenant() {
    let sandbox = limited(|limits| limits.memory_per_tenant_bytes_max = 3 << 16);
    let asks = sandbox.admit(asker().build()).await.unwrap().component;
    let call = call_of(asks, json!(null));
    let mut script = Script::default();
    let mut first = sandbox.runtime.call(&call, &mut script);
    assert!(futures::poll!(&mut first).is_pending());
    let echoes = call_of(sandbox.admit(echo().build()).await.unwrap().component, json!(1));
    let mut script = Script::default();
    let refused = sandbox.runtime.call(&echoes, &mut script).await.unwrap();
    expect![[
        "limit (tenant_memory): the tenant's agents together needed more than 0 MiB of memory \
         after 0 effects"
    ]]
    .assert_eq(&told(&refused));
    let elsewhere = AgentCall { tenant: other(), ..echoes.clone() };
    let reply = sandbox.runtime.call(&elsewhere, &mut Script::default()).await.unwrap();
    assert_eq!(told(&reply), "replied 1");
    drop(first);
    let reply = sandbox.runtime.call(&echoes, &mut Script::default()).await.unwrap();
    assert_eq!(told(&reply), "replied 1");
}

#[tokio::test]
async fn calls_over_those_of_a_plugin_or_a_tenant_wait_while_others_go_on() {
    let sandbox = limited(|limits| {
        limits.calls_per_plugin_max = 1;
        limits.calls_per_tenant_max = 2;
    });
    let asks = call_of(sandbox.admit(asker().build()).await.unwrap().component, json!(null));
    let echoes = call_of(sandbox.admit(echo().build()).await.unwrap().component, json!(1));
    let mut scripts: Vec<Script> = (0..2).map(|_| Script::default()).collect();
    let mut asking: Vec<_> =
        scripts.iter_mut().map(|script| sandbox.runtime.call(&asks, script)).collect();
    for call in &mut asking {
        assert!(futures::poll!(call).is_pending());
    }
    assert_eq!(sandbox.runtime.figures().sandboxes, 1);
    let reply = sandbox.runtime.call(&echoes, &mut Script::default()).await.unwrap();
    assert_eq!(told(&reply), "replied 1");
    drop(asking.remove(0));
    assert!(futures::poll!(&mut asking[0]).is_pending());
    assert_eq!(sandbox.runtime.figures().sandboxes, 1, "the second one has its place");
}

/// What admission says with a pool, and what the call says without one.
async fn check_count(
    fixture: Fixture,
    limit: impl Fn(&mut SandboxLimits),
    says: &str,
    expected: Expect,
) {
    let pooled = limited(&limit);
    match pooled.admit(fixture.build()).await.unwrap_err() {
        AdmissionError::Refused { code, message } => {
            assert_eq!(code, "too_large", "{message}");
            assert!(message.contains(says), "no \"{says}\" in: {message}");
        }
        AdmissionError::Host(error) => panic!("the host's own fault: {error}"),
    }
    let mapped = |options: &mut wforge_runtime::RuntimeOptions| {
        options.allocator = Allocator::OnDemand;
        limit(&mut options.limits);
    };
    let sandbox = sandbox_with(mapped, StillClock::default());
    let execution = sandbox.run(fixture.build(), json!({}), &mut Script::default()).await;
    expected.assert_eq(&told(&execution));
}

#[tokio::test]
async fn instances_memories_and_tables_are_counted() {
    check_count(
        echo().imports(LOG),
        |limits| limits.instances_max = 2,
        "core module instances",
        expect!["limit (instance_limit): the agent has more than 2 core instances after 0 effects"],
    )
    .await;
    check_count(
        echo().items("(memory 1)"),
        |limits| limits.memories_max = 1,
        "linear memories",
        expect!["limit (memory_limit): the agent has more than 1 memories after 0 effects"],
    )
    .await;
    check_count(
        echo().items("(table 1 funcref) (table 1 funcref)"),
        |limits| limits.tables_max = 1,
        "tables",
        expect!["limit (table_limit): the agent has more than 1 tables after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn a_smaller_stack_overflows_earlier() {
    let deep =
        fixture("(drop (call $deep (i32.const 4000))) (call $reply (i32.const 16) (i32.const 2))")
            .items(
                "(func $deep (param i32) (result i32)
               (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
               (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))",
            );
    check(&deep, |_| {}, expect!["replied {}"]).await;
    check(
        &deep,
        |limits| limits.stack_bytes_max = 64 << 10,
        expect!["trap (stack_overflow): wasm trap: call stack exhausted after 0 effects"],
    )
    .await;
}

#[tokio::test]
async fn a_reply_with_too_many_values_is_bad_output() {
    let wide = fixture("(call $reply (i32.const 3072) (i32.const 7))")
        .items(r#"(data (i32.const 3072) "[1,2,3]")"#);
    check(&wide, |limits| limits.json_values_max = 4, expect!["replied [1,2,3]"]).await;
    check(
        &wide,
        |limits| limits.json_values_max = 3,
        expect![
            "bad_output (json_width): the agent's output: the JSON has more than 3 values after 0 \
             effects"
        ],
    )
    .await;
}

#[tokio::test]
async fn timers_are_counted_until_they_are_dropped() {
    check(
        &fixture(
            "(loop $again
               (drop (call $after (i64.const 1000000000)))
               (drop (call $at (i64.const 0)))
               (br $again))
             unreachable",
        )
        .imports(TIMERS),
        |limits| limits.timers_max = 5,
        expect![
            "limit (timers): the agent had more than 5 timers at the same time after 0 effects"
        ],
    )
    .await;
    let waits = "(local.set $n (i32.const 100))
         (loop $again
           (call $wait (call $after (i64.const 0)))
           (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
         (call $reply (i32.const 16) (i32.const 2))";
    let waits = fixture(waits)
        .imports(TIMERS)
        .items("(func $wait (param i32) (call $block (local.get 0)) (call $drop (local.get 0)))");
    check(&waits, |limits| limits.timers_max = 1, expect!["replied {}"]).await;
    check(
        &waits,
        |limits| limits.host_calls_max = 150,
        expect!["limit (host_calls): the agent made more than 150 host calls after 0 effects"],
    )
    .await;
}
