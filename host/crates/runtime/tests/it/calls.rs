//! A call that goes well, and what is the same about every call.

use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use wforge_model::agent::AgentCall;
use wforge_ports::{AgentRuntime, EffectAnswer, RuntimeError};
use wforge_runtime::Allocator;
use wforge_testkit::SimClock;

use crate::components::{echo, fixture};
use crate::harness::{NOON, Script, StillClock, call_of, sandbox, sandbox_with, tenant, told};

#[tokio::test]
async fn an_agent_replies_with_its_input() {
    let input = json!({ "b": [1, 2.5, null], "a": "grüße" });
    let reply = sandbox().run(echo().build(), input.clone(), &mut Script::default()).await;
    assert_eq!(told(&reply), format!("replied {input}"));
}

#[tokio::test]
async fn every_call_gets_a_fresh_sandbox() {
    let counts = fixture(
        "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
         (i32.store8 (i32.const 3072) (i32.add (i32.const 48) (global.get $calls)))
         (call $reply (i32.const 3072) (i32.const 1))",
    )
    .items("(global $calls (mut i32) (i32.const 0))")
    .build();
    let sandbox = sandbox();
    let admitted = sandbox.admit(counts).await.unwrap();
    for _ in 0..3 {
        let mut script = Script::default();
        let reply = sandbox.call(admitted.component, json!(null), &mut script).await.unwrap();
        assert_eq!(told(&reply), "replied 1");
    }
    assert_eq!(sandbox.runtime.figures().calls, 3);
    assert_eq!(sandbox.runtime.figures().sandboxes, 0);
}

#[tokio::test]
async fn components_that_are_called_once_leave_no_more_warm_memories_than_are_kept() {
    // So few that the pool is in one piece.
    let sandbox = sandbox_with(|options| options.sandboxes_max = 60, StillClock::default());
    for number in 0..40 {
        let item = format!("(global $number (mut i32) (i32.const {number}))");
        let component = echo().items(&item).build();
        let reply = sandbox.run(component, json!(1), &mut Script::default()).await;
        assert_eq!(told(&reply), "replied 1");
    }
    let kept = sandbox.runtime.figures().kept;
    let of = |what: &str| *kept.iter().find(|kept| kept.what == what).unwrap();
    assert_eq!(of("components").entries, 40);
    assert!(of("components").bytes > Some(0));
    assert!((1..=16).contains(&of("pool_memories").entries), "{kept:?}");
    assert!(of("pool_memories").bytes <= Some(16 * (2 << 20)), "{kept:?}");
}

#[tokio::test]
async fn without_a_pool_memory_is_mapped_for_each_call() {
    let options = |options: &mut wforge_runtime::RuntimeOptions| {
        options.allocator = Allocator::OnDemand;
    };
    let sandbox = sandbox_with(options, StillClock::default());
    assert_eq!(sandbox.runtime.figures().allocator, "on-demand");
    let reply = sandbox.run(echo().build(), json!(1), &mut Script::default()).await;
    assert_eq!(told(&reply), "replied 1");
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_see_each_other() {
    let sandbox = sandbox();
    let admitted = sandbox.admit(echo().build()).await.unwrap();
    let calls = (0..8).map(|n| {
        let call = call_of(admitted.component, json!(n));
        let runtime = &sandbox.runtime;
        async move { told(&runtime.call(&call, &mut Script::default()).await.unwrap()) }
    });
    let replies = join_all(calls).await;
    let expected: Vec<String> = (0..8).map(|n| format!("replied {n}")).collect();
    assert_eq!(replies, expected);
}

#[tokio::test]
async fn a_component_that_was_never_let_in_is_no_component() {
    let digest = format!("sha256:{}", "ab".repeat(32)).parse().unwrap();
    let error = sandbox().call(digest, json!(1), &mut Script::default()).await.unwrap_err();
    assert!(matches!(error, RuntimeError::NoComponent { component } if component == digest));
}

#[tokio::test]
async fn when_all_sandboxes_are_taken_the_call_waits_for_one() {
    let sandbox = sandbox_with(|options| options.sandboxes_max = 1, StillClock::default());
    let admitted = sandbox.admit(crate::components::asker().build()).await.unwrap();
    let call = call_of(admitted.component, json!(null));
    // The first call waits for an answer that its script does not have.
    let mut first_script = Script::default();
    let mut first = sandbox.runtime.call(&call, &mut first_script);
    assert!(futures::poll!(&mut first).is_pending());
    assert_eq!(sandbox.runtime.figures().sandboxes, 1);
    let mut second_script = Script::of([EffectAnswer::Answered(vec![Ok(json!("yes"))])]);
    let mut second = sandbox.runtime.call(&call, &mut second_script);
    assert!(futures::poll!(&mut second).is_pending());
    drop(first);
    assert_eq!(told(&second.await.unwrap()), "replied \"yes\"");
    assert_eq!(sandbox.runtime.figures().sandboxes, 0);
}

#[tokio::test]
async fn an_agent_that_another_one_called_waits_for_a_moment_only() {
    let clock = SimClock::at(NOON);
    let sandbox = sandbox_with(|options| options.sandboxes_max = 1, clock.clone());
    let admitted = sandbox.admit(crate::components::asker().build()).await.unwrap();
    let call = call_of(admitted.component, json!(null));
    let mut first_script = Script::default();
    let mut first = sandbox.runtime.call(&call, &mut first_script);
    assert!(futures::poll!(&mut first).is_pending());
    let nested = AgentCall { depth: 1, ..call.clone() };
    let mut second_script = Script::default();
    let mut second = sandbox.runtime.call(&nested, &mut second_script);
    assert!(futures::poll!(&mut second).is_pending());
    clock.advance(Duration::from_millis(20));
    assert!(matches!(second.await, Err(RuntimeError::Busy)));
}

#[tokio::test]
async fn preparing_at_the_same_time_does_the_work_once() {
    let sandbox = sandbox();
    let admitted = sandbox.admit(echo().build()).await.unwrap();
    let again = crate::harness::sandbox_in(sandbox.dir, |_| {}, StillClock::default());
    fs_err::remove_dir_all(again.dir.path().join("aot")).unwrap();
    let fresh = crate::harness::sandbox_in(again.dir, |_| {}, StillClock::default());
    let tenant = tenant();
    let prepared =
        join_all((0..5).map(|_| fresh.runtime.prepare(&tenant, admitted.component))).await;
    assert!(prepared.iter().all(Result::is_ok));
    assert_eq!(fresh.runtime.figures().compiled, 1);
}

#[tokio::test]
async fn after_a_trap_the_next_call_has_a_fresh_sandbox() {
    let traps_twice = fixture(
        "(if (global.get $called) (then (return (call $reply (i32.const 16) (i32.const 2)))))
         (global.set $called (i32.const 1))
         unreachable",
    )
    .items("(global $called (mut i32) (i32.const 0))")
    .build();
    let sandbox = sandbox_with(|options| options.sandboxes_max = 1, StillClock::default());
    let admitted = sandbox.admit(traps_twice).await.unwrap();
    for _ in 0..20 {
        let reply =
            sandbox.call(admitted.component, json!(1), &mut Script::default()).await.unwrap();
        assert!(told(&reply).starts_with("trap (unreachable)"), "{}", told(&reply));
    }
    assert_eq!(sandbox.runtime.figures().sandboxes, 0);
}

#[tokio::test]
async fn cancelling_a_thousand_calls_in_a_host_call_leaks_no_permit_and_no_slot() {
    let sandbox = sandbox();
    assert_eq!(sandbox.runtime.figures().allocator, "pooling");
    let asks = sandbox.admit(crate::components::asker().build()).await.unwrap().component;
    let call = call_of(asks, json!(null));
    for _ in 0..125 {
        let mut scripts: Vec<Script> = (0..8).map(|_| Script::default()).collect();
        let mut calls: Vec<_> =
            scripts.iter_mut().map(|script| sandbox.runtime.call(&call, script)).collect();
        // A guest yields now and then on its way there.
        for _ in 0..50 {
            for call in &mut calls {
                assert!(futures::poll!(call).is_pending());
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(sandbox.runtime.figures().sandboxes, 8);
        drop(calls);
        assert!(scripts.iter().all(|script| script.asked.len() == 1), "it was in its host call");
    }
    assert_eq!(sandbox.runtime.figures().sandboxes, 0);
    // Every place of the pool is free again: as many calls as it has go to their end.
    let answer = || EffectAnswer::Answered(vec![Ok(json!("yes"))]);
    let mut scripts: Vec<Script> = (0..8).map(|_| Script::of([answer()])).collect();
    let calls = scripts.iter_mut().map(|script| sandbox.runtime.call(&call, script));
    for reply in join_all(calls).await {
        assert_eq!(told(&reply.unwrap()), "replied \"yes\"");
    }
}
