//! Host calls as the effects session sees them, and what its answers do to the guest.

use expect_test::expect;
use serde_json::json;
use wforge_model::agent::Divergence;
use wforge_model::effect::Waiting;
use wforge_model::{Denial, Failure, Timestamp};
use wforge_ports::effects::EffectsError;
use wforge_ports::{EffectAnswer, RuntimeError};

use crate::components::{asker, fixture};
use crate::harness::{NOON, Script, sandbox, told};

#[tokio::test]
async fn a_question_suspends_the_guest_and_its_answer_lets_it_go_on() {
    let sandbox = sandbox();
    let admitted = sandbox.admit(asker().build()).await.unwrap();
    let waiting = Waiting::Timer { until: Timestamp(5) };
    let mut script = Script::of([EffectAnswer::Suspend(waiting)]);
    let execution = sandbox.call(admitted.component, json!({}), &mut script).await.unwrap();
    expect!["suspended Timer { until: Timestamp(5) }"].assert_eq(&told(&execution));
    let asked =
        r#"{"assignee":null,"deadline_ms":null,"options":{},"prompt":"go on?","schema":null}"#;
    assert_eq!(script.asked, [format!("human.ask [{asked}]")]);
    let answer = EffectAnswer::Answered(vec![Ok(json!({ "approved": true }))]);
    let mut script = Script::of([answer]);
    let execution = sandbox.call(admitted.component, json!({}), &mut script).await.unwrap();
    expect![[r#"replied {"approved":true}"#]].assert_eq(&told(&execution));
}

#[tokio::test]
async fn a_denial_is_a_value_that_the_guest_can_act_on() {
    let denial = Denial {
        capability: "ask".to_owned(),
        resource: String::new(),
        hint: "grant it".to_owned(),
    };
    for answer in [
        EffectAnswer::Refused(Failure::Denied(denial.clone())),
        EffectAnswer::Answered(vec![Err(Failure::Denied(denial.clone()))]),
    ] {
        let mut script = Script::of([answer]);
        let execution = sandbox().run(asker().build(), json!({}), &mut script).await;
        expect!["failed (answer): answer after 1 effects"].assert_eq(&told(&execution));
    }
}

#[tokio::test]
async fn a_divergence_unwinds_the_guest() {
    let divergence =
        Divergence { position: 3, recorded: "sleep".to_owned(), asked: "ask".to_owned() };
    let mut script = Script::of([EffectAnswer::Diverged(divergence)]);
    let execution = sandbox().run(asker().build(), json!({}), &mut script).await;
    expect![[r#"diverged Divergence { position: 3, recorded: "sleep", asked: "ask" }"#]]
        .assert_eq(&told(&execution));
}

#[tokio::test]
async fn a_fault_of_the_host_is_no_failure_of_the_guest() {
    let sandbox = sandbox();
    let admitted = sandbox.admit(asker().build()).await.unwrap();
    let mut script = Script::of([EffectAnswer::Fault(EffectsError::LeaseLost)]);
    let error = sandbox.call(admitted.component, json!({}), &mut script).await.unwrap_err();
    let RuntimeError::Host(source) = error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(EffectsError::LeaseLost)));
}

#[tokio::test]
async fn an_answer_of_another_shape_is_the_hosts_failure_and_not_a_trap() {
    let mut script = Script::of([EffectAnswer::Answered(Vec::new())]);
    let execution = sandbox().run(asker().build(), json!({}), &mut script).await;
    // The list is empty, and the guest reads its first element: its own fault, and contained.
    assert!(told(&execution).starts_with("replied") || told(&execution).starts_with("bad_output"));
}

const CLOCK: &str = r#"
  (import "wasi:clocks/wall-clock@0.2.6" "now" (func $now (param i32)))
  (import "wasi:random/random@0.2.6" "get-random-u64" (func $random (result i64)))
  (import "workflowforge:plugin/timer@0.1.0" "sleep" (func $sleep (param i64 i32)))"#;

/// Writes a number in decimal at 3072, from its end at 3100, and replies with it.
const DECIMAL: &str = "
  (func $decimal (param $number i64) (result i32)
    (local $at i32)
    (local.set $at (i32.const 3100))
    (loop $digit
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at)
        (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10)))))
      (local.set $number (i64.div_u (local.get $number) (i64.const 10)))
      (br_if $digit (i64.ne (local.get $number) (i64.const 0))))
    (call $reply (local.get $at) (i32.sub (i32.const 3100) (local.get $at))))";

#[tokio::test]
async fn the_guests_clock_stands_still_and_moves_with_answers() {
    let seconds_after_sleep = fixture(
        "(call $now (i32.const 2048))
         (if (i64.ne (i64.load (i32.const 2048)) (i64.const 1700000000)) (then unreachable))
         (call $sleep (i64.const 42000) (i32.const 2560))
         (call $now (i32.const 2048))
         (call $decimal (i64.load (i32.const 2048)))",
    )
    .imports(CLOCK)
    .items(DECIMAL);
    let mut script = Script::of([EffectAnswer::Answered(vec![Ok(json!(null))])]);
    let sandbox = sandbox();
    let admitted = sandbox.admit(seconds_after_sleep.build()).await.unwrap();
    let mut moving = MovingOnAnswer(&mut script);
    let call = crate::harness::call_of(admitted.component, json!({}));
    let execution =
        wforge_ports::AgentRuntime::call(&sandbox.runtime, &call, &mut moving).await.unwrap();
    assert_eq!(told(&execution), format!("replied {}", NOON.0 / 1_000 + 42));
    assert_eq!(script.asked, [r#"timer.sleep [{"ms":42000}]"#]);
}

/// Its time is 42 s later once it was asked something.
#[derive(Debug)]
struct MovingOnAnswer<'a>(&'a mut Script);

impl wforge_ports::EffectSession for MovingOnAnswer<'_> {
    fn perform(
        &mut self,
        request: wforge_ports::EffectRequest,
    ) -> wforge_ports::BoxFuture<'_, EffectAnswer> {
        self.0.later_ms = 42_000;
        self.0.perform(request)
    }
    fn exchange(
        &mut self,
        request: wforge_ports::RawRequest,
    ) -> wforge_ports::BoxFuture<'static, Result<wforge_ports::RawResponse, wforge_ports::RawFailure>>
    {
        self.0.exchange(request)
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }
    fn random_seed(&self) -> [u8; 32] {
        self.0.random_seed()
    }
    fn position(&self) -> u32 {
        self.0.position()
    }
    fn log(&mut self, line: wforge_ports::effects::GuestLine) {
        self.0.log(line);
    }
    fn emit(&mut self, topic: String, payload: wforge_model::Value) {
        self.0.emit(topic, payload);
    }
}

#[tokio::test]
async fn chance_is_the_same_for_the_same_seed_and_another_for_another() {
    let dice = fixture("(call $decimal (call $random))").imports(CLOCK).items(DECIMAL).build();
    let sandbox = sandbox();
    let admitted = sandbox.admit(dice).await.unwrap();
    let mut thrown = Vec::new();
    for seed in [[1; 32], [1; 32], [2; 32]] {
        let mut script = Script { seed, ..Script::default() };
        let execution = sandbox.call(admitted.component, json!({}), &mut script).await.unwrap();
        thrown.push(told(&execution));
    }
    assert_eq!(thrown[0], thrown[1]);
    assert_ne!(thrown[0], thrown[2]);
}
