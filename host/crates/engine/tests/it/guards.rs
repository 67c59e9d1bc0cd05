//! What keeps one plugin from harming the rest: breakers, panics caught, quarantine, cancelling.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use wforge_engine::{CancelRun, Circuit, EngineError, EngineOptions, StartRun, WaitFor};
use wforge_model::agent::AgentCall;
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::limits::BreakerLimits;
use wforge_model::tenancy::AskedQuotas;
use wforge_model::{Digest, Failure, Problem, RunId, TenantId};

use crate::harness::{Answer, CHAIN, World, admitted, request, tenant};

const ONE: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  a: { agent: t/a, in: {}, out: { x: result } }
edges: [{ from: START, to: a }]
";

async fn settled(world: &World, tenant: &TenantId, run: RunId) -> RunHead {
    world.handle.wait(tenant, run, WaitFor::Settled).await.unwrap()
}

async fn ran(world: &World, request: StartRun) -> RunHead {
    let run = world.handle.start(&tenant(), request).await.unwrap().run;
    settled(world, &tenant(), run).await
}

fn code(head: &RunHead) -> String {
    let error = head.error.as_ref().unwrap();
    error.failure.as_ref().map_or(error.code.clone(), |failure| failure.code().to_owned())
}

fn component() -> Digest {
    admitted("t/a").component
}

/// An engine whose agent traps as long as the switch is on, and opens a breaker at the third.
fn trapping() -> (World, Arc<AtomicBool>) {
    let breaker = BreakerLimits { failures_max: 3, ..BreakerLimits::default() };
    let traps = Arc::new(AtomicBool::new(true));
    let is_on = traps.clone();
    let world =
        World::with(EngineOptions { breaker, ..EngineOptions::default() }, move |_: &AgentCall| {
            if is_on.load(Ordering::SeqCst) {
                Answer::Fail(Failure::Trap(Problem::new("unreachable", "the agent aborted")))
            } else {
                Answer::Reply(json!(1))
            }
        });
    (world, traps)
}

#[tokio::test]
async fn a_plugin_that_keeps_trapping_is_left_alone_for_a_while() {
    let (world, traps) = trapping();
    for _ in 0..3 {
        assert_eq!(code(&ran(&world, request(ONE)).await), "unreachable");
    }
    let refused = ran(&world, request(ONE)).await;
    assert_eq!(code(&refused), "circuit_open");
    let failure = refused.error.unwrap().failure.unwrap();
    let problem = failure.problem().unwrap();
    assert!(problem.retryable);
    assert_eq!(problem.retry_after_ms, Some(5_000));
    assert_eq!(world.calls().len(), 3, "it was called once more");
    let figures = world.handle.figures();
    assert_eq!((figures.breakers_open, figures.circuit_refusals), (1, 1));

    world.advance(5_000);
    assert_eq!(code(&ran(&world, request(ONE)).await), "unreachable");
    world.advance(9_999);
    assert_eq!(code(&ran(&world, request(ONE)).await), "circuit_open");
    world.advance(1);
    traps.store(false, Ordering::SeqCst);
    assert_eq!(ran(&world, request(ONE)).await.status, RunStatus::Completed);
    assert_eq!(world.handle.figures().breakers_open, 0);
}

#[tokio::test]
async fn what_one_tenant_feeds_a_plugin_opens_no_breaker_of_another() {
    let (world, _) = trapping();
    for _ in 0..4 {
        ran(&world, request(ONE)).await;
    }
    let other: TenantId = "other".parse().unwrap();
    let run = world.handle.start(&other, request(ONE)).await.unwrap().run;
    assert_eq!(code(&settled(&world, &other, run).await), "unreachable");
}

#[tokio::test]
async fn an_open_breaker_is_retried_and_replaced_as_any_failure_that_may_pass() {
    let (world, _) = trapping();
    for _ in 0..3 {
        ran(&world, request(ONE)).await;
    }
    let fallback = ONE.replace("out: { x: result }", "out: { x: result }, fallback: mock");
    let head = ran(&world, request(&fallback)).await;
    assert_eq!((head.status, head.degraded), (RunStatus::Completed, true));

    let retry = ONE.replace(
        "out: { x: result }",
        "out: { x: result }, retry: [{ max_attempts: 2, initial: 1ms, jitter: false }]",
    );
    let run = world.handle.start(&tenant(), request(&retry)).await.unwrap().run;
    world.idle().await;
    let head = world.handle.head(&tenant(), run).await.unwrap();
    let waits = matches!(head.waiting_for[0].waiting, WaitReason::Timer { .. });
    assert!(waits, "it does not wait until the breaker may close: {:?}", head.waiting_for);
}

#[tokio::test]
async fn a_panic_of_the_host_fails_its_task_and_nothing_else() {
    let panics = Arc::new(AtomicBool::new(true));
    let does = panics.clone();
    let world = World::new(move |_: &AgentCall| {
        assert!(!does.load(Ordering::SeqCst), "a bug of the host");
        Answer::Reply(json!(1))
    });
    let head = ran(&world, request(ONE)).await;
    assert_eq!((head.status, code(&head).as_str()), (RunStatus::Failed, "host_panic"));
    panics.store(false, Ordering::SeqCst);
    assert_eq!(ran(&world, request(ONE)).await.status, RunStatus::Completed);
    let figures = world.handle.figures();
    assert_eq!((figures.host_panics, figures.tasks_running), (1, 0));
}

/// An engine whose agents hang as long as the switch is on.
fn hanging() -> (World, Arc<AtomicBool>) {
    let hangs = Arc::new(AtomicBool::new(true));
    let is_on = hangs.clone();
    let world = World::new(move |_: &AgentCall| {
        if is_on.load(Ordering::SeqCst) { Answer::Hang } else { Answer::Reply(json!(1)) }
    });
    (world, hangs)
}

async fn put_away(world: &World, scope: Option<&TenantId>) {
    let what = (component(), "mails strangers".to_owned());
    world.handle.quarantine(scope, what, "ada").await.unwrap();
}

#[tokio::test]
async fn what_is_put_away_is_dropped_at_once_and_its_runs_wait_until_it_is_released() {
    let (world, hangs) = hanging();
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.until(|world| world.agents.running_now() == 1).await;
    put_away(&world, None).await;
    world.until(|world| world.agents.running_now() == 0).await;
    let head = settled(&world, &tenant(), run).await;
    assert_eq!(head.status, RunStatus::Blocked);
    let reason =
        WaitReason::Quarantine { component: component(), reason: "mails strangers".to_owned() };
    assert_eq!(head.waiting_for[0].waiting, reason);

    let refused = world.handle.start(&tenant(), request(ONE)).await.unwrap_err();
    let EngineError::Conflict { code, message } = refused else { panic!("{refused}") };
    assert_eq!(code, "plugin_quarantined");
    assert!(message.contains("mails strangers"), "{message}");

    hangs.store(false, Ordering::SeqCst);
    let world = world.restart(|_: &AgentCall| Answer::Reply(json!(1))).await;
    world.idle().await;
    let head = world.handle.head(&tenant(), run).await.unwrap();
    assert_eq!(head.status, RunStatus::Blocked, "a restart lets it go on");
    world.handle.release(None, component(), "ada").await.unwrap();
    assert_eq!(settled(&world, &tenant(), run).await.status, RunStatus::Completed);
    assert_eq!(world.calls(), ["a", "b", "c"]);
    let audit = world.handle.audit(&"platform".parse().unwrap(), 0, 100).await.unwrap();
    let actions: Vec<&str> = audit.iter().map(|entry| entry.entry.action.as_str()).collect();
    assert!(actions.ends_with(&["plugin.quarantine", "plugin.release"]), "{actions:?}");
}

#[tokio::test]
async fn what_one_tenant_puts_away_goes_on_for_the_others() {
    let (world, hangs) = hanging();
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    let other: TenantId = "other".parse().unwrap();
    world.handle.create_tenant(other.clone(), AskedQuotas::default(), "me").await.unwrap();
    let mine = world.handle.start(&tenant(), request(ONE)).await.unwrap().run;
    world.handle.start(&other, request(ONE)).await.unwrap();
    world.until(|world| world.agents.running_now() == 2).await;
    put_away(&world, Some(&tenant())).await;
    world.until(|world| world.agents.running_now() == 1).await;
    world.handle.start(&other, request(ONE)).await.unwrap();
    let missing = world.handle.release(Some(&other), component(), "eve").await.unwrap_err();
    assert!(matches!(missing, EngineError::NotFound { .. }), "{missing}");
    hangs.store(false, Ordering::SeqCst);
    world.handle.release(Some(&tenant()), component(), "ada").await.unwrap();
    assert_eq!(settled(&world, &tenant(), mine).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_run_that_is_put_away_can_be_cancelled_and_its_record_is_not_discarded() {
    let (world, _) = hanging();
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    let run = world.handle.start(&tenant(), request(ONE)).await.unwrap().run;
    world.until(|world| world.agents.running_now() == 1).await;
    put_away(&world, Some(&tenant())).await;
    settled(&world, &tenant(), run).await;
    let kept = world.handle.discard_effects(&tenant(), run, "ada").await.unwrap_err();
    assert!(matches!(kept, EngineError::Conflict { code: "quarantined", .. }), "{kept}");
    world.handle.cancel(&tenant(), run, cancelled()).await.unwrap();
    assert_eq!(settled(&world, &tenant(), run).await.status, RunStatus::Cancelled);
}

fn cancelled() -> CancelRun {
    CancelRun { reason: "enough".to_owned(), by: "ada".to_owned(), roll_back: false }
}

#[tokio::test]
async fn cancelling_a_thousand_calls_in_their_middle_leaves_none_under_way() {
    let (world, _) = hanging();
    let mut runs = Vec::new();
    for _ in 0..1_000 {
        runs.push(world.handle.start(&tenant(), request(ONE)).await.unwrap().run);
    }
    world.until(|world| world.agents.running_now() == 1_000).await;
    for run in runs {
        world.handle.cancel(&tenant(), run, cancelled()).await.unwrap();
    }
    world.until(|world| world.agents.running_now() == 0).await;
    world.until(|world| world.handle.figures().tasks_running == 0).await;
    world.until(|world| world.handle.figures().runs_live == 0).await;
}

#[tokio::test]
async fn a_plugin_shows_how_it_stands() {
    let (world, _) = trapping();
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    world.handle.install_plugin(&tenant(), b"t/a".to_vec(), "ada").await.unwrap();
    ran(&world, request(ONE)).await;
    let shown = world.handle.plugin(&tenant(), "t/a").await.unwrap().standing;
    assert_eq!(shown.circuit, Some(Circuit::Closed { failures: 1 }));
    put_away(&world, Some(&tenant())).await;
    let shown = world.handle.plugins(&tenant()).await.unwrap().remove(0).standing;
    assert_eq!(shown.quarantine.unwrap().reason, "mails strangers");
}

#[tokio::test]
async fn what_the_host_stops_is_counted_and_stands_in_the_audit_log() {
    let (world, _) = trapping();
    let head = ran(&world, request(ONE)).await;
    let audit = world.handle.audit(&tenant(), 0, 100).await.unwrap();
    let stops: Vec<_> = audit.iter().filter(|entry| entry.entry.action == "task.stop").collect();
    assert_eq!(stops.len(), 1, "{audit:?}");
    assert_eq!(stops[0].entry.outcome, "unreachable");
    assert!(stops[0].entry.resource.contains(&head.run.to_string()), "{:?}", stops[0].entry);
    let stopped = world.handle.figures().stopped;
    assert!(stopped.contains(&("task", "unreachable", 1)), "{stopped:?}");
}

#[tokio::test]
async fn a_plugin_that_is_stopped_all_the_time_does_not_fill_the_audit_log() {
    let options = EngineOptions { refusals_noted_per_minute_max: 2, ..EngineOptions::default() };
    let world = World::with(options, |_: &AgentCall| {
        Answer::Fail(Failure::Limit(Problem::new("cpu_limit", "too long")))
    });
    for _ in 0..5 {
        ran(&world, request(ONE)).await;
    }
    let stops = || async {
        let audit = world.handle.audit(&tenant(), 0, 100).await.unwrap();
        audit.iter().filter(|entry| entry.entry.action == "task.stop").count()
    };
    assert_eq!(stops().await, 2);
    let figures = world.handle.figures();
    assert_eq!(figures.refusals_not_noted, 3);
    assert!(figures.stopped.contains(&("task", "cpu_limit", 5)), "{:?}", figures.stopped);
    world.advance(60_000);
    ran(&world, request(ONE)).await;
    assert_eq!(stops().await, 3);
}
