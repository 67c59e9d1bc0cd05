//! Requests to the world outside: in lists, over attempts, and where the host dies meanwhile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wforge_model::effect::{Operation, Waiting};
use wforge_ports::EffectRequest;

use crate::outside::Fate;
use crate::world::{NOON, World, world};

fn fetch(urls: &[&str]) -> EffectRequest {
    let elements = urls.iter().map(|url| json!({ "method": "GET", "url": url })).collect();
    EffectRequest { operation: Operation::HttpFetch, elements }
}

fn tools(names: &[&str]) -> EffectRequest {
    let element = |name: &&str| json!({ "name": name, "input": {}, "options": {}, "url": name });
    let elements = names.iter().map(element).collect();
    EffectRequest { operation: Operation::ToolsCall, elements }
}

fn granted() -> World {
    world(&["http:*"])
}

#[tokio::test]
async fn rule_2_each_element_of_a_list_has_its_own_place_and_is_done_once() {
    let world = granted();
    let calls = [fetch(&["http://a/", "http://b/"]), fetch(&["http://c/"])];
    let first = world.execute(&calls).await;
    assert_eq!(first, [r#"[{"of":"http://a/"}, {"of":"http://b/"}]"#, r#"[{"of":"http://c/"}]"#]);
    assert_eq!(world.execute(&calls).await, first, "a rerun hears the same");
    assert_eq!(world.outside.done(), ["http://a/", "http://b/", "http://c/"]);
    assert_eq!(world.store.told().len(), 3);
}

#[tokio::test]
async fn rule_2_what_a_list_had_recorded_before_a_crash_is_not_done_again() {
    let world = granted();
    world.outside.will(&[Fate::Works, Fate::Hangs]);
    let calls = [fetch(&["http://a/", "http://b/"])];
    let mut session = world.open().await;
    let crashed =
        tokio::time::timeout(Duration::from_millis(50), session.perform(calls[0].clone()));
    assert!(crashed.await.is_err(), "the second never ends");
    drop(session);
    assert_eq!(world.execute(&calls).await, [r#"[{"of":"http://a/"}, {"of":"http://b/"}]"#]);
    assert_eq!(world.outside.done(), ["http://a/", "http://b/", "http://b/"]);
    let keys = world.outside.keys();
    assert_eq!(keys[1], keys[2], "the one that was under way comes with the same key");
}

#[tokio::test]
async fn rule_3_a_retry_repeats_only_what_failed_of_the_last_list() {
    let mut world = granted();
    world.outside.will(&[Fate::Works, Fate::Works, Fate::Fails, Fate::Works]);
    let calls = [fetch(&["http://a/"]), fetch(&["http://b/", "http://c/", "http://d/"])];
    world.execute(&calls).await;
    // As the policy says after `upstream`: everything before the last of four answers.
    (world.call.attempt, world.call.kept_effects) = (2, 3);
    world.execute(&calls).await;
    let done = world.outside.done();
    assert_eq!(done, ["http://a/", "http://b/", "http://c/", "http://d/", "http://c/"]);
    let keys = world.outside.keys();
    assert_eq!(keys[2], keys[4], "the key is the same over attempts");
}

#[tokio::test]
async fn rule_3_nothing_is_kept_of_an_attempt_whose_last_call_did_not_fail() {
    let mut world = granted();
    world.outside.will(&[Fate::Fails, Fate::Works]);
    let calls = [fetch(&["http://a/"]), fetch(&["http://b/"])];
    world.execute(&calls).await;
    (world.call.attempt, world.call.kept_effects) = (2, 1);
    world.execute(&calls).await;
    assert_eq!(world.outside.done(), ["http://a/", "http://b/", "http://a/", "http://b/"]);
}

#[tokio::test]
async fn rule_4_an_unknown_outcome_ends_a_task_that_says_so_and_is_retried_by_others() {
    for (fails_unknown, expected) in [(true, 1), (false, 2)] {
        let mut world = granted();
        world.call.fails_unknown = fails_unknown;
        world.outside.will(&[Fate::Hangs]);
        let calls = [fetch(&["http://a/"])];
        let mut session = world.open().await;
        let cut =
            tokio::time::timeout(Duration::from_millis(50), session.perform(calls[0].clone()));
        assert!(cut.await.is_err());
        let told = world.execute(&calls).await.join("");
        assert_eq!(told.contains("effect_unknown"), fails_unknown, "{told}");
        assert_eq!(world.outside.done().len(), expected);
    }
}

#[tokio::test]
async fn rule_5_nothing_of_a_list_is_done_where_one_of_it_is_not_what_it_was() {
    let world = granted();
    world.execute(&[fetch(&["http://a/"])]).await;
    let told = world.execute(&[fetch(&["http://other/", "http://b/"])]).await.join("");
    assert!(told.starts_with("diverged at 0"), "{told}");
    assert_eq!(world.outside.done(), ["http://a/"]);
}

#[tokio::test]
async fn a_list_with_a_denial_does_the_rest_and_writes_the_denial_down() {
    let world = world(&["tool:a"]);
    world.outside.take_tools();
    let calls = [tools(&["a", "b"])];
    let told = world.execute(&calls).await.join("");
    assert!(told.contains(r#"{"of":"a"}"#) && told.contains("denied"), "{told}");
    assert_eq!(world.outside.done(), ["a"]);
    assert_eq!(world.store.told().len(), 2);
}

#[tokio::test]
async fn a_tool_that_waits_has_its_caller_wait_and_the_rest_of_the_list_is_kept() {
    let world = world(&["tool:*"]);
    world.outside.take_tools();
    let until = NOON.after_ms(1_000);
    world.outside.will(&[Fate::Waits(Waiting::Timer { until }), Fate::Works]);
    let calls = [tools(&["slow", "quick"])];
    assert_eq!(world.execute(&calls).await, ["sleeps until noon + 1000 ms"]);
    assert_eq!(world.execute(&calls).await, [r#"[{"of":"slow"}, {"of":"quick"}]"#]);
    assert_eq!(world.outside.done(), ["slow", "quick", "slow"]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_ends_after_its_grace() {
    let world = granted();
    world.outside.will(&[Fate::Hangs]);
    let calls = fetch(&["http://a/"]);
    let mut session = world.open().await;
    let cut = tokio::time::timeout(Duration::from_millis(50), session.perform(calls));
    assert!(cut.await.is_err());
    drop(session);
    world.clock.advance(Duration::from_secs(6));
    // The world is let go of by whoever was under way.
    while Arc::strong_count(&world.outside) > 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_part_of_the_host_that_breaks_on_a_request_fails_that_one_and_no_other() {
    let world = granted();
    world.outside.will(&[Fate::Breaks, Fate::Works]);
    let calls = [fetch(&["http://a/"]), fetch(&["http://b/"])];
    let told = world.execute(&calls).await;
    assert!(told[0].contains("host_panic"), "{told:?}");
    assert_eq!(told[1], r#"[{"of":"http://b/"}]"#);
    // It is on record, so that a rerun is told the same.
    assert_eq!(world.execute(&calls).await, told);
    assert_eq!(world.outside.done(), ["http://a/", "http://b/"]);
}

#[tokio::test]
async fn what_an_earlier_execution_was_answered_is_told_from_what_is_new() {
    let world = granted();
    let calls = [fetch(&["http://a/", "http://b/"]), fetch(&["http://c/"])];
    world.execute(&calls[..1]).await;
    let mut session = world.open().await;
    session.perform(calls[0].clone()).await;
    assert_eq!((session.recorded(), session.position()), (2, 2));
    session.perform(calls[1].clone()).await;
    assert_eq!((session.recorded(), session.position()), (2, 3), "the third is new");
}
