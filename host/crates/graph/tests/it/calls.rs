//! How calls end beside a reply: by the node's cache, waiting, or asking something else than
//! before;
//! and what of an attempt's record the next one keeps.

use expect_test::expect;
use serde_json::json;
use wforge_graph::call_of;
use wforge_model::agent::{Divergence, EVERY_EFFECT, Execution, Reply};
use wforge_model::command::{Command, Fact};
use wforge_model::effect::Waiting;
use wforge_model::event::EventKind;
use wforge_model::{Digest, Failure, Problem, Timestamp};
use wforge_spec::Cel;

use crate::harness::{Bench, LIST, Start};

/// Two agents, one after the other; the first as a test wants it.
fn two(more: &str) -> String {
    format!(
        "{LIST}
nodes:
  a: {{ agent: t/a, in: {{}}, out: {{ log: [result] }}{more} }}
  b: {{ agent: t/b, in: {{}}, out: {{ log: [\"'b'\"] }} }}
edges: [{{ from: START, to: a }}, {{ from: a, to: b }}]
"
    )
}

fn begun(more: &str) -> Bench {
    Bench::begin(&two(more), "", Start::default())
}

fn reply(output: serde_json::Value) -> Reply {
    Reply { output, ..Reply::default() }
}

#[test]
fn a_result_of_the_cache_says_that_it_is_one_and_took_no_time() {
    let mut bench = begun(", cache: { ttl: 1h }");
    let (task, attempt) = bench.next_call();
    bench.tell(Fact::Cached { task, attempt, reply: reply(json!("known")) });
    bench.drain();
    expect![[r#"
        step 1: a
          a by cache
        step 2: b
        completed: {"log":["known","b"]}
    "#]]
    .assert_eq(&bench.story());
    assert!(!bench.run.degraded, "nobody stood in");
    let finished = bench.log.iter().find_map(|event| match &event.kind {
        EventKind::TaskFinished(finished) => Some(finished),
        _ => None,
    });
    assert_eq!(finished.unwrap().elapsed_ms, 0);
}

#[test]
fn a_task_that_asks_something_else_than_before_blocks_its_run() {
    let mut bench = begun("");
    let (task, attempt) = bench.next_call();
    let (recorded, asked) = ("kv.get of x".to_owned(), "kv.get of y".to_owned());
    let divergence = Divergence { position: 2, recorded, asked };
    let execution = Execution::Diverged(divergence);
    bench.tell(Fact::executed(task, attempt, execution, 1));
    assert_eq!(bench.run.status.as_str(), "blocked");
    assert_eq!(bench.run.blocked_by, Some(task));
    // Nothing but an operator moves it: neither time nor a late reply.
    bench.now = bench.now.after_ms(1_000);
    bench.tell(Fact::Time);
    bench.tell(Fact::replied(task, attempt, reply(json!("late")), 1));
    expect![[r#"
        step 1: a
        blocked
    "#]]
    .assert_eq(&bench.story());
    bench.tell(Fact::DiscardEffects { by: "ada".into() });
    let again = bench.run.task(task).unwrap();
    assert_eq!((again.attempt, again.kept_effects, again.began_at), (2, 0, bench.now));
    assert_eq!(bench.run.blocked_by, None);
    bench.drain();
    expect![[r#"
        step 2: b
        completed: {"log":[{},"b"]}
    "#]]
    .assert_eq(&bench.story());
}

#[test]
fn a_blocked_run_can_be_cancelled() {
    let mut bench = begun("");
    let (recorded, asked) = (String::new(), String::new());
    bench.end(Execution::Diverged(Divergence { position: 0, recorded, asked }));
    bench.tell(Fact::Cancel { reason: "enough".into(), by: "ada".into(), roll_back: false });
    assert_eq!(bench.run.status.as_str(), "cancelled");
    bench.tell(Fact::DiscardEffects { by: "ada".into() });
    assert_eq!(bench.run.status.as_str(), "cancelled");
}

/// What the second attempt of `a` keeps of five effects.
fn kept(rule: &str, failure: fn(Problem) -> Failure) -> u32 {
    let mut bench = begun(&format!(", retry: [{{ on: [boom], max_attempts: 2{rule} }}]"));
    let failure = failure(Problem::new("boom", "as the test says"));
    bench.end(Execution::Failed { failure, effects: 5 });
    bench.run.all_tasks().next().unwrap().kept_effects
}

#[test]
fn what_came_before_a_failed_answer_is_kept_unless_the_guest_broke_or_the_rule_says_otherwise() {
    let outside = [kept("", Failure::Upstream), kept("", Failure::Limit)];
    let inside = [Failure::Failed, Failure::Trap, Failure::Timeout, Failure::BadOutput];
    assert_eq!((outside, inside.map(|failure| kept("", failure))), ([4, 4], [0; 4]));
    assert_eq!(kept(", effects: keep", Failure::Trap), EVERY_EFFECT);
    assert_eq!(kept(", effects: discard", Failure::Upstream), 0);
}

#[test]
fn a_call_says_since_when_and_for_how_long_and_what_was_kept() {
    let rule = "retry: [{ on: [boom], max_attempts: 2, initial: 3s, jitter: false }]";
    let mut bench = begun(&format!(", timeout: {{ run: 2s }}, config: {{ k: 1 }}, {rule}"));
    let call = |bench: &Bench| {
        let task = bench.run.tasks()[0].id;
        let call = call_of(&bench.run, &"acme".parse().unwrap(), task, &Cel::default()).unwrap();
        let since = call.began_at.0 - Timestamp(1_000_000).0;
        format!(
            "{} step {} attempt {} after {since} ms, {:?}, {}, keeps {}",
            call.workflow, call.step, call.attempt, call.timeout_ms, call.config, call.kept_effects
        )
    };
    expect![[r#"test@1.0.0 step 1 attempt 1 after 0 ms, Some(2000), {"k":1}, keeps 0"#]]
        .assert_eq(&call(&bench));
    let failure = Failure::Upstream(Problem::new("boom", "as the test says"));
    bench.end(Execution::Failed { failure, effects: 3 });
    bench.wait_only();
    expect![[r#"test@1.0.0 step 1 attempt 2 after 3007 ms, Some(2000), {"k":1}, keeps 2"#]]
        .assert_eq(&call(&bench));
}

#[test]
fn an_answer_of_an_earlier_attempt_counts_for_nothing() {
    let mut bench = begun(", retry: [{ on: [boom], max_attempts: 2, initial: 0ms }]");
    let (task, attempt) = bench.next_call();
    let failed = Failure::Upstream(Problem::new("boom", "as the test says"));
    bench.tell(Fact::failed(task, attempt, failed.clone(), 1));
    bench.tell(Fact::replied(task, attempt, reply(json!("late")), 1));
    bench.tell(Fact::failed(task, attempt, failed, 1));
    assert_eq!(bench.next_call(), (task, 2));
    bench.tell(Fact::replied(task, 2, reply(json!("in time")), 1));
    bench.tell(Fact::replied(task, 2, reply(json!("twice")), 1));
    bench.drain();
    expect![[r#"{"items":[],"log":["in time","b"]}"#]].assert_eq(&bench.state());
}

#[test]
fn an_agent_that_sleeps_is_called_again_in_the_same_attempt() {
    let mut bench = begun("");
    let until = bench.now.after_ms(500);
    bench.end(Execution::Suspended(Waiting::Timer { until }));
    assert_eq!(bench.run.standing().as_str(), "waiting");
    let task = bench.run.tasks()[0].id;
    bench.tell(Fact::Time);
    assert!(bench.run.task(task).unwrap().slept == 0, "it is not due yet");
    bench.wait_only();
    assert_eq!(bench.next_call(), (task, 1));
    assert_eq!(bench.run.task(task).unwrap().slept, 1);
}

#[test]
fn an_agent_that_was_put_away_is_called_again_in_the_same_attempt_once_it_is_released() {
    let mut bench = begun("");
    let (component, other) = (Digest::from_bytes([1; 32]), Digest::from_bytes([2; 32]));
    let reason = "sends mail to strangers".to_owned();
    bench.end(Execution::Suspended(Waiting::Quarantine { component, reason }));
    assert_eq!(bench.run.standing().as_str(), "blocked");
    let task = bench.run.tasks()[0].id;
    bench.tell(Fact::Released { component: other });
    assert_eq!(bench.run.standing().as_str(), "blocked");
    bench.tell(Fact::Released { component });
    assert_eq!(bench.next_call(), (task, 1));
    assert_eq!(bench.run.task(task).unwrap().slept, 0, "it was no sleep of the agent's");
}

#[test]
fn a_restart_starts_what_is_open_once() {
    let mut bench = begun("");
    let first = bench.next_call();
    bench.restart();
    assert_eq!(bench.next_call(), first);
    let again = wforge_graph::settle(&mut bench.run, &[Fact::Loaded], bench.now, &Cel::default());
    let starts = again.commands.iter().filter(|c| matches!(c, Command::Start { .. })).count();
    assert_eq!((again.events.len(), starts), (0, 1));
}
