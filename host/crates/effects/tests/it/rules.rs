//! The rules by number.

use std::time::Duration;

use expect_test::expect;
use serde_json::json;
use wforge_model::agent::EVERY_EFFECT;
use wforge_model::effect::{Operation, question_id};
use wforge_model::limits::SandboxLimits;
use wforge_model::{Epoch, Timestamp};
use wforge_ports::effects::TaskContext;
use wforge_ports::{EffectAnswer, EffectRequest, Effects};

use crate::world::{NOON, World, ask, ask_until, request, sleep, tell, world, world_with};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn rule_2_an_answer_is_recorded_before_the_guest_sees_it_and_replayed_after() {
    let world = world(&[]);
    let calls = [sleep(0), sleep(1_000)];
    expect![[r#"["[null]", "sleeps until noon + 1000 ms"]"#]]
        .assert_eq(&format!("{:?}", world.execute(&calls).await));
    world.clock.advance(MINUTE);
    expect![[r#"["[null]", "[null]"]"#]].assert_eq(&format!("{:?}", world.execute(&calls).await));
    expect![[r#"
        [
            "1/0 intends timer.sleep 0 ms",
            "1/0 timer.sleep 0 ms -> null",
            "1/1 intends timer.sleep 1000 ms",
            "1/1 timer.sleep 1000 ms -> null",
        ]
    "#]]
    .assert_debug_eq(&world.store.told());
}

#[tokio::test]
async fn rule_2_the_first_writer_wins_and_the_later_one_gets_its_answer() {
    let world = world(&[]);
    let (mut first, mut second) = (world.open().await, world.open().await);
    // Both have read the empty record before either writes.
    tell(
        &first.perform(EffectRequest { operation: Operation::TimerSleep, elements: vec![] }).await,
    );
    tell(
        &second.perform(EffectRequest { operation: Operation::TimerSleep, elements: vec![] }).await,
    );
    first.perform(sleep(0)).await;
    world.clock.advance(MINUTE);
    second.perform(sleep(0)).await;
    assert_eq!(second.now(), first.now());
    assert_eq!(world.store.told().len(), 2);
}

#[tokio::test]
async fn rule_2_a_denial_is_recorded_and_replayed() {
    let mut world = world(&[]);
    let first = world.execute(&[ask("go on?")]).await;
    assert!(first[0].contains("wforge grants approve test/fixture ask;"), "{first:?}");
    // What was granted later does not change what the task has already seen.
    world.call.grants = ["ask".parse().unwrap()].into_iter().collect();
    assert_eq!(world.execute(&[ask("go on?")]).await, first);
    assert_eq!(world.store.told(), ["1/0 human.ask \"go on?\" -> denied"]);
}

#[tokio::test]
async fn rule_2_each_element_of_a_list_takes_a_position_of_its_own() {
    let world = world(&[]);
    let both = EffectRequest {
        operation: Operation::LlmComplete,
        elements: vec![json!({ "model": "fast" }), json!({ "model": "deep" })],
    };
    let mut session = world.open().await;
    session.perform(both).await;
    assert_eq!(session.position(), 2);
    expect![[r#"
        [
            "1/0 llm.complete {\"model\":\"fast\"} -> denied",
            "1/1 llm.complete {\"model\":\"deep\"} -> denied",
        ]
    "#]]
    .assert_debug_eq(&world.store.told());
}

#[tokio::test]
async fn rule_2_a_task_has_a_limited_number_of_effects() {
    let world = world_with(&[], SandboxLimits { effects_max: 2, ..SandboxLimits::default() });
    let told = world.execute(&[sleep(0), sleep(0), sleep(0)]).await;
    expect![[
        r#"["[null]", "[null]", "refused: limit (effects): a task may have at most 2 effects"]"#
    ]]
    .assert_eq(&format!("{told:?}"));
}

#[tokio::test]
async fn rule_3_a_retry_keeps_everything_before_the_answer_that_failed() {
    let mut world = world(&["ask"]);
    let calls = [sleep(0), ask_until("go on?", Some(5))];
    world.answer(&calls, None).await;
    let first = world.execute(&calls).await;
    assert_eq!(first[1], "[upstream (deadline): nobody answered before the question's deadline]");
    world.call.attempt = 2;
    world.call.kept_effects = 1;
    world.call.answers.clear();
    let second = world.execute(&calls).await;
    assert_eq!(second, ["[null]", "asks \"go on?\", deadline Some(5)"]);
    // The kept sleep was neither slept nor recorded again.
    assert_eq!(world.store.told().last().unwrap(), "2/1 intends human.ask \"go on?\"");
    assert!(!world.store.told().iter().any(|line| line.starts_with("2/0")));
}

#[tokio::test]
async fn rule_3_a_third_attempt_keeps_what_the_second_kept_of_the_first() {
    let mut world = world(&["ask"]);
    let calls = [sleep(0), ask_until("go on?", Some(5))];
    world.answer(&calls, None).await;
    world.execute(&calls).await;
    for attempt in [2, 3] {
        world.call.attempt = attempt;
        world.call.kept_effects = 1;
        let told = world.execute(&calls).await;
        assert!(told[1].starts_with("[upstream (deadline)"), "{told:?}");
    }
    let sleeps = world.store.told().iter().filter(|line| line.contains("sleep")).count();
    assert_eq!(sleeps, 2, "one intent and one answer, of the first attempt");
}

#[tokio::test]
async fn rule_3_nothing_is_kept_of_an_attempt_whose_last_answer_was_no_failure() {
    let mut world = world(&[]);
    world.execute(&[sleep(0), sleep(0)]).await;
    world.call.attempt = 2;
    world.call.kept_effects = 1;
    world.execute(&[sleep(0)]).await;
    assert!(world.store.told().iter().any(|line| line.starts_with("2/0")));
}

#[tokio::test]
async fn rule_3_unless_everything_is_to_be_kept() {
    let mut world = world(&["ask"]);
    world.execute(&[sleep(0), sleep(0)]).await;
    world.call.attempt = 2;
    world.call.kept_effects = EVERY_EFFECT;
    world.execute(&[sleep(0), sleep(0)]).await;
    assert!(!world.store.told().iter().any(|line| line.starts_with("2/")));
    // A last answer that failed is asked for again all the same.
    let calls = [sleep(0), sleep(0), ask_until("go on?", Some(5))];
    world.answer(&calls, None).await;
    world.execute(&calls).await;
    world.call.attempt = 3;
    world.call.answers.clear();
    assert_eq!(world.execute(&calls).await[2], "asks \"go on?\", deadline Some(5)");
}

#[tokio::test]
async fn rule_3_peoples_answers_are_kept_over_attempts_by_their_request() {
    let mut world = world(&["ask"]);
    world.answer(&[ask("colour?")], Some(json!("red"))).await;
    world.call.attempt = 2;
    // Asked second now, so it is another question; but the same request.
    let told = world.execute(&[sleep(0), ask("colour?"), ask("size?")]).await;
    assert_eq!(told, ["[null]", "[\"red\"]", "asks \"size?\", deadline None"]);
    // An answer is used once: asked twice, the second is a question again.
    let told = world.execute(&[sleep(0), ask("colour?"), ask("colour?")]).await;
    assert_eq!(told[1], "[\"red\"]");
    assert!(told[2].starts_with("diverged"), "{told:?}");
}

#[tokio::test]
async fn rule_5_another_request_at_a_recorded_position_is_a_divergence() {
    let world = world(&["ask"]);
    world.execute(&[sleep(0)]).await;
    let told = world.execute(&[sleep(7)]).await;
    expect![[r#"["diverged at 0: timer.sleep 0 ms is recorded, timer.sleep 7 ms was asked"]"#]]
        .assert_eq(&format!("{told:?}"));
    let told = world.execute(&[ask("go on?")]).await;
    expect![[r#"["diverged at 0: timer.sleep 0 ms is recorded, human.ask \"go on?\" was asked"]"#]]
        .assert_eq(&format!("{told:?}"));
}

#[tokio::test]
async fn rule_5_so_is_another_request_where_the_task_waits() {
    let world = world(&["ask"]);
    world.execute(&[ask("go on?")]).await;
    let told = world.execute(&[ask("stop?")]).await;
    expect![[
        r#"["diverged at 0: human.ask \"go on?\" is recorded, human.ask \"stop?\" was asked"]"#
    ]]
    .assert_eq(&format!("{told:?}"));
}

#[tokio::test]
async fn rule_6_the_guests_clock_is_that_of_the_last_recorded_answer() {
    let mut world = world(&[]);
    world.clock.advance(MINUTE);
    let mut session = world.open().await;
    assert_eq!(session.now(), NOON, "before any answer it is the attempt's beginning");
    session.perform(sleep(0)).await;
    assert_eq!(session.now(), NOON.after(MINUTE));
    world.clock.advance(MINUTE);
    assert_eq!(session.now(), NOON.after(MINUTE), "it stands still between answers");
    let mut again = world.open().await;
    again.perform(sleep(0)).await;
    assert_eq!(again.now(), NOON.after(MINUTE), "and a rerun sees the same");
    world.clock.set(Timestamp(5));
    world.call.task = "task_00000000000000000000000000000009".parse().unwrap();
    let mut other = world.open().await;
    other.perform(sleep(0)).await;
    assert_eq!(other.now(), NOON, "a wall clock that was set back does not set the guest's back");
}

#[tokio::test]
async fn rule_6_chance_belongs_to_tenant_task_attempt_and_host() {
    let seed = async |world: &World| world.open().await.random_seed();
    let mut world = world(&[]);
    let first = seed(&world).await;
    assert_eq!(seed(&world).await, first);
    let other_host = world.another_process([10; 32]);
    let context = TaskContext { call: &world.call, lease: Epoch(0), may_have_run: false };
    assert_ne!(other_host.open(context).await.unwrap().random_seed(), first);
    world.call.attempt = 2;
    assert_ne!(seed(&world).await, first);
    world.call.attempt = 1;
    world.call.tenant = "other".parse().unwrap();
    assert_ne!(seed(&world).await, first);
}

#[tokio::test]
async fn rule_13_the_nth_question_of_a_task_has_the_id_of_its_number() {
    let mut world = world(&["ask"]);
    let calls = [ask("first?"), sleep(0), ask("second?")];
    assert_eq!(world.question(&calls).await.id, question_id(world.call.task, 0));
    world.answer(&calls, Some(json!(1))).await;
    assert_eq!(world.question(&calls).await.id, question_id(world.call.task, 1));
    world.answer(&calls, Some(json!(2))).await;
    assert_eq!(world.execute(&calls).await, ["[1]", "[null]", "[2]"]);
}

#[tokio::test]
async fn rule_14_a_rerun_does_not_publish_again() {
    let world = world(&["ask"]);
    for _ in 0..3 {
        let mut session = world.open().await;
        session.emit("step".to_owned(), json!(1));
        session.emit("step".to_owned(), json!(2));
        let asked = session.perform(ask("go on?")).await;
        assert!(matches!(asked, EffectAnswer::Suspend(_)));
    }
    assert_eq!(world.output.told(), ["0: step 1", "1: step 2"]);
}

#[tokio::test]
async fn rule_14_another_process_publishes_nothing_that_the_record_has_seen() {
    let world = world(&["ask"]);
    let lives = [&["first"][..], &["first", "second"], &["first", "second", "third"]];
    for (life, steps) in lives.into_iter().enumerate() {
        // Each life has a memory of its own, and the record of all.
        let effects = world.another_process([9; 32]);
        let context = TaskContext { call: &world.call, lease: world.lease, may_have_run: life > 0 };
        let mut session = effects.open(context).await.unwrap();
        for step in steps {
            session.emit("step".to_owned(), json!(step));
        }
        let asked = session.perform(ask("go on?")).await;
        assert!(matches!(asked, EffectAnswer::Suspend(_)));
    }
    // The question stands as it was asked first, after one event.
    let told = world.output.told();
    assert_eq!(
        told,
        ["0: step \"first\"", "1: step \"second\"", "1: step \"second\"", "2: step \"third\""]
    );
}

#[tokio::test]
async fn a_task_that_asks_for_nothing_never_touches_the_store() {
    let world = world(&[]);
    let mut session = world.open().await;
    session.emit("done".to_owned(), json!(null));
    assert_eq!((session.position(), session.now()), (0, NOON));
    drop(session);
    assert_eq!(world.store.reads(), 0);
    world.execute(&[request(Operation::TimerSleep, json!({ "ms": 0 })), sleep(0)]).await;
    assert_eq!(world.store.reads(), 1, "and then reads its record once");
}
