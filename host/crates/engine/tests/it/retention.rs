//! What has ended long enough ago goes, with the thread that it is of, and nothing else does.

use serde_json::json;
use wforge_engine::{
    AnswerGiven, AnswerTo, CancelRun, EngineError, EngineOptions, ForkPoint, Idempotency,
    KeepBorders, RetentionOptions, Retired, StartRun, WaitFor,
};
use wforge_model::head::{RunStatus, WaitReason, WaitingFor};
use wforge_model::{Epoch, RunId, Seq, TaskId, ThreadId};
use wforge_ports::store::{Commit, KvSpace, KvWrite, QueueChange, Remember};
use wforge_ports::threads::{Forget, ForgetThread, Forgotten, ThreadForgotten};

use crate::harness::{CHAIN, World, now, ok, request, tenant, upstream};
use crate::steering::breaks;
use crate::thread_world::{ASKS, checkpoint, go_on, run, story, thread, word};

const DAY_MS: u64 = 86_400_000;
const KEPT_MS: u64 = 30 * DAY_MS;

fn options(runs_ms: u64, runs_max: u64, sweep_ms: u64) -> EngineOptions {
    let retention = RetentionOptions { runs_ms, runs_max, sweep_ms };
    EngineOptions { retention, ..EngineOptions::default() }
}

fn world() -> World {
    World::with(options(KEPT_MS, 0, 0), ok)
}

async fn start(world: &World, wanted: StartRun) -> RunId {
    let run = world.handle.start(&tenant(), wanted).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    run
}

async fn on(world: &World, thread: ThreadId, wanted: StartRun) -> RunId {
    start(world, StartRun { thread: Some(thread), ..wanted }).await
}

async fn remember(world: &World, thread: ThreadId) {
    let write = KvWrite::of(KvSpace::Thread(thread), "k".into(), Some(json!(1)));
    let remember = Remember { tenant: tenant(), write, at: now(world), audit: Vec::new() };
    world.store().remember(remember).await.unwrap();
}

async fn remembers(world: &World, thread: ThreadId) -> bool {
    let space = KvSpace::Thread(thread);
    world.store().memory(&tenant(), &space, "k").await.unwrap().entry.is_some()
}

async fn forget_thread(world: &World) -> ThreadForgotten {
    let expected = world.store().thread(&tenant(), thread(1)).await.unwrap().unwrap().version;
    let forget = ForgetThread { tenant: tenant(), thread: thread(1), expected };
    world.store().forget_thread(forget).await.unwrap()
}

/// Runs and threads that went.
async fn retire(world: &World) -> (u64, u64) {
    let Retired { runs, threads, .. } = world.handle.retire(&tenant()).await.unwrap();
    (runs, threads)
}

async fn is_kept(world: &World, run: RunId) -> bool {
    match world.handle.head(&tenant(), run).await {
        Ok(_) => true,
        Err(EngineError::NotFound { kind: "run", .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn check_kept(world: &World, runs: &[(RunId, bool)]) {
    for (place, (run, kept)) in runs.iter().enumerate() {
        assert_eq!(is_kept(world, *run).await, *kept, "run {place}");
    }
}

#[tokio::test]
async fn a_run_goes_when_it_was_kept_long_enough_and_not_a_moment_before() {
    let world = world();
    let before = world.store().stored_bytes(&tenant());
    let old = start(&world, request(CHAIN)).await;
    let ended_at = world.handle.head(&tenant(), old).await.unwrap().updated_at;
    world.advance(DAY_MS);
    let young = start(&world, request(CHAIN)).await;
    let full = world.store().stored_bytes(&tenant());
    world.advance(KEPT_MS - DAY_MS - 1);
    let retired = world.handle.retire(&tenant()).await.unwrap();
    assert_eq!((retired.runs, retired.oldest_ended_at), (0, Some(ended_at)));
    world.advance(1);
    let retired = world.handle.retire(&tenant()).await.unwrap();
    let of_young = world.handle.head(&tenant(), young).await.unwrap().updated_at;
    assert_eq!((retired.runs, retired.oldest_ended_at), (1, Some(of_young)));
    check_kept(&world, &[(old, false), (young, true)]).await;
    assert_eq!(world.handle.events(&tenant(), old, Seq(0), 9).await.unwrap(), []);
    let left = world.store().stored_bytes(&tenant());
    assert!(before < left && left < full, "its bytes are the tenant's again");
    assert_eq!(retire(&world).await, (0, 0), "and once more there is nothing to do");
    let world = world.restart_with(options(0, 0, 0), ok).await;
    world.advance(9 * KEPT_MS);
    assert_eq!(retire(&world).await, (0, 0), "0 keeps them for ever");
    check_kept(&world, &[(young, true)]).await;
}

/// Nodes one after another: a log too long to be removed beside those of others.
fn long_chain() -> String {
    let of = |node: usize| format!("  n{node}: {{ set: {{ at: \"{node}\" }} }}\n");
    let nodes: String = (0..40).map(of).collect();
    let edges: String =
        (1..40).map(|to| format!("  - {{ from: n{}, to: n{to} }}\n", to - 1)).collect();
    format!(
        "state: {{ at: {{}} }}\ninput: []\noutput: [at]\nnodes:\n{nodes}edges:\n  - {{ from: \
         START, to: n0 }}\n{edges}"
    )
}

#[tokio::test]
async fn many_small_runs_go_at_once_and_a_long_one_with_them() {
    let world = world();
    let empty = world.store().stored_bytes(&tenant());
    let mut runs = Vec::new();
    for _ in 0..70 {
        runs.push((start(&world, request(CHAIN)).await, false));
    }
    let long = start(&world, request(&long_chain())).await;
    let events = world.handle.head(&tenant(), long).await.unwrap().seq;
    assert!(events > Seq(64), "{events} are few");
    runs.push((long, false));
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (71, 0));
    check_kept(&world, &runs).await;
    assert_eq!(world.store().leaving(&tenant(), 9).await.unwrap(), []);
    let full = world.store().stored_bytes(&tenant());
    assert!(full < empty + 64 * 1_024, "what is left are workflows: {empty} and {full}");
}

#[tokio::test]
async fn what_has_not_ended_stays_however_old_it_is() {
    let world = world();
    let waits = start(&world, request(ASKS)).await;
    let paused = start(&world, StartRun { steps: Some(1), ..request(CHAIN) }).await;
    let ended = start(&world, request(CHAIN)).await;
    for status in [RunStatus::Waiting, RunStatus::Paused] {
        let heads = world.handle.heads(&tenant(), None, 9).await.unwrap();
        assert!(heads.iter().any(|head| head.status == status), "{status:?}");
    }
    world.advance(9 * KEPT_MS);
    assert_eq!(retire(&world).await, (1, 0));
    check_kept(&world, &[(waits, true), (paused, true), (ended, false)]).await;
    let cancel = CancelRun { reason: "enough".into(), roll_back: false, by: "ada".into() };
    world.handle.cancel(&tenant(), waits, cancel).await.unwrap();
    world.handle.wait(&tenant(), waits, WaitFor::Settled).await.unwrap();
    assert_eq!(retire(&world).await, (0, 0), "its time begins with its end");
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (1, 0));
}

#[tokio::test]
async fn of_more_ended_runs_than_may_be_kept_the_oldest_go() {
    let world = World::with(options(0, 3, 0), ok);
    let mut runs = Vec::new();
    for _ in 0..6 {
        runs.push(start(&world, request(CHAIN)).await);
        start(&world, request(ASKS)).await;
        world.advance(1);
    }
    assert_eq!(retire(&world).await, (0, 0), "all of them ended just now");
    world.advance(600_000);
    assert_eq!(retire(&world).await, (3, 0), "those that wait are not counted");
    let kept = [false, false, false, true, true, true];
    let expected: Vec<_> = runs.iter().copied().zip(kept).collect();
    check_kept(&world, &expected).await;
    assert_eq!(world.handle.heads(&tenant(), None, 99).await.unwrap().len(), 9);
}

#[tokio::test]
async fn a_thread_stays_whole_until_its_newest_run_is_due_and_goes_whole() {
    let world = world();
    let first = run(&world, word("x")).await;
    let after_a = checkpoint(&world, 1).await;
    let branch = go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    remember(&world, thread(1)).await;
    world.advance(KEPT_MS);
    let last = run(&world, word("y")).await;
    let whole = story(&world, thread(1)).await;
    assert_eq!(retire(&world).await, (0, 0));
    assert_eq!(story(&world, thread(1)).await, whole);
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (3, 1));
    check_kept(&world, &[(first, false), (branch, false), (last, false)]).await;
    let gone = world.handle.thread(&tenant(), thread(1)).await;
    assert!(matches!(gone, Err(EngineError::NotFound { kind: "thread", .. })), "{gone:?}");
    assert!(!remembers(&world, thread(1)).await, "its memory goes with it");
    run(&world, word("z")).await;
    let story = story(&world, thread(1)).await;
    assert_eq!(story.first().unwrap(), "loop 2 [\"a:z\",\"b:z\"] -> ", "it begins anew");
}

#[tokio::test]
async fn a_thread_in_which_a_run_waits_stays() {
    let world = world();
    let ended = run(&world, request(ASKS)).await;
    let answers = vec![AnswerGiven { to: AnswerTo::Only, answer: json!("yes") }];
    world.handle.resume(&tenant(), ended, answers, "ada").await.unwrap();
    world.handle.wait(&tenant(), ended, WaitFor::Settled).await.unwrap();
    let waits = run(&world, request(ASKS)).await;
    world.advance(9 * KEPT_MS);
    assert_eq!(retire(&world).await, (0, 0));
    check_kept(&world, &[(ended, true), (waits, true)]).await;
}

#[tokio::test]
async fn a_fork_keeps_the_runs_from_which_it_goes_on() {
    let world = world();
    let origin = run(&world, word("x")).await;
    let at = world.handle.copy_thread(&tenant(), thread(1), thread(2), "ada").await.unwrap();
    let later = run(&world, word("y")).await;
    world.advance(KEPT_MS);
    let fork = on(&world, thread(2), word("w")).await;
    assert_eq!(retire(&world).await, (1, 1), "the thread, and what the fork does not need");
    check_kept(&world, &[(origin, true), (later, false), (at.run, true), (fork, true)]).await;
    let world = world.restart_with(options(KEPT_MS, 0, 0), ok).await;
    let state = world.handle.state(&tenant(), fork).await.unwrap();
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:w", "b:w"]));
    // Under the id of the thread that went another may begin, which knows nothing of that one.
    let anew = run(&world, word("z")).await;
    let shown = story(&world, thread(1)).await;
    assert!(shown.iter().all(|border| !border.contains("a:x")), "{shown:?}");
    assert_eq!(retire(&world).await, (0, 0));
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (3, 2), "the fork and the new thread");
    assert_eq!(retire(&world).await, (1, 0), "then nothing needs the origin");
    check_kept(&world, &[(origin, false), (fork, false), (anew, false)]).await;
}

#[tokio::test]
async fn what_a_pruned_thread_hides_goes_by_itself_once_nothing_needs_it() {
    let world = world();
    run(&world, word("x")).await;
    let after_a = checkpoint(&world, 1).await;
    let branch = go_on(&world, ForkPoint::Checkpoint(after_a)).await;
    let first = checkpoint(&world, 4).await;
    world.handle.copy_thread(&tenant(), thread(1), thread(2), "ada").await.unwrap();
    go_on(&world, ForkPoint::Checkpoint(first)).await;
    let newest = KeepBorders::Newest(std::num::NonZeroU32::MIN);
    world.handle.prune_thread(&tenant(), thread(1), newest, "ada").await.unwrap();
    assert!(is_kept(&world, branch).await, "the fork goes on from it");
    world.advance(KEPT_MS);
    run(&world, word("y")).await;
    assert_eq!(retire(&world).await, (1, 1), "the thread of the fork");
    assert_eq!(retire(&world).await, (1, 0));
    assert!(!is_kept(&world, branch).await);
    let state = world.handle.thread(&tenant(), thread(1)).await.unwrap().state;
    assert_eq!(state["log"], json!(["a:x", "b:x", "a:y", "b:y"]));
}

#[tokio::test]
async fn whoever_is_interrupted_leaves_nothing_that_is_broken_and_the_rest_goes_later() {
    let world = world();
    let alone = start(&world, request(CHAIN)).await;
    let of_thread = run(&world, word("x")).await;
    remember(&world, thread(1)).await;
    world.advance(KEPT_MS);
    // The thread has gone, its run has not.
    assert_eq!(forget_thread(&world).await, ThreadForgotten::Whole);
    // Of the other run a part has gone.
    let tasks = vec![TaskId::from_bytes([7; 16]); 300];
    let forget = Forget { tenant: tenant(), run: alone, at: None, listed: None, tasks };
    let forgotten = world.store().forget(forget).await.unwrap();
    assert_eq!(forgotten, Forgotten::Part { tasks_left: 44 });
    let world = world.restart_with(options(KEPT_MS, 0, 0), ok).await;
    check_kept(&world, &[(alone, false), (of_thread, true)]).await;
    assert!(world.handle.state(&tenant(), of_thread).await.is_ok());
    assert_eq!(retire(&world).await, (1, 0));
    check_kept(&world, &[(alone, false), (of_thread, false)]).await;
    let events = world.handle.events(&tenant(), alone, Seq(0), 9).await.unwrap();
    assert_eq!((events, world.store().leaving(&tenant(), 9).await.unwrap()), (vec![], vec![]));
}

#[tokio::test]
async fn a_thread_that_begins_anew_before_the_rest_has_gone_knows_nothing_of_it() {
    let world = world();
    let before = run(&world, word("x")).await;
    remember(&world, thread(1)).await;
    world.advance(KEPT_MS);
    assert_eq!(forget_thread(&world).await, ThreadForgotten::Whole);
    // As if some of it had been left.
    remember(&world, thread(1)).await;
    let stopped = run(&world, StartRun { steps: Some(1), ..word("stopped") }).await;
    let roll_back = CancelRun { reason: "no".into(), roll_back: true, by: "ada".into() };
    world.handle.cancel(&tenant(), stopped, roll_back).await.unwrap();
    let row = world.store().thread(&tenant(), thread(1)).await.unwrap().unwrap().row;
    assert_eq!(row.head, None, "it does not go back to a run of the one before");
    let anew = run(&world, word("y")).await;
    assert!(!remembers(&world, thread(1)).await);
    let shown = story(&world, thread(1)).await;
    assert!(shown.iter().all(|border| !border.contains("a:x")), "{shown:?}");
    assert_eq!(retire(&world).await, (1, 0));
    check_kept(&world, &[(before, false), (anew, true)]).await;
    assert_eq!(story(&world, thread(1)).await, shown);
}

#[tokio::test]
async fn a_reply_under_an_idempotency_key_goes_when_it_has_expired() {
    let world = World::with(options(0, 0, 0), ok);
    let expires_at = now(&world).after_ms(DAY_MS);
    let key = Idempotency { key: "k".into(), fingerprint: "f".into(), expires_at };
    let wanted = || StartRun { idempotency: Some(key.clone()), ..request(CHAIN) };
    let run = start(&world, wanted()).await;
    let replies = async || world.handle.retire(&tenant()).await.unwrap().replies;
    world.advance(DAY_MS - 1);
    assert_eq!(replies().await, 0);
    let again = world.handle.start(&tenant(), wanted()).await.unwrap();
    assert_eq!((again.run, again.replayed), (run, true));
    world.advance(1);
    assert_eq!((replies().await, replies().await), (1, 0));
    assert_eq!(world.store().idempotent_reply(&tenant(), "k").await.unwrap(), None);
}

#[tokio::test]
async fn what_a_tenant_used_stays_counted() {
    let world = world();
    world.agents.use_cpu_ms(7);
    start(&world, request(CHAIN)).await;
    let since = now(&world).day();
    let days = wforge_engine::Days { since, until: None };
    let used = world.handle.usage_of_days(&tenant(), &days).await.unwrap();
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (1, 0));
    let still = world.handle.usage_of_days(&tenant(), &days).await.unwrap();
    assert_eq!(still.first(), used.first());
    assert_eq!(still.first().unwrap().used.runs, 1);
}

#[tokio::test]
async fn a_server_looks_by_itself_and_says_what_went() {
    let world = World::with(options(KEPT_MS, 0, 10_000), ok);
    world.handle.ensure_tenant(tenant(), "test").await.unwrap();
    let old = start(&world, request(CHAIN)).await;
    world.idle().await;
    world.advance(1_000);
    world.idle().await;
    let ended_at = world.handle.head(&tenant(), old).await.unwrap().updated_at;
    assert_eq!(world.handle.figures().oldest_ended_at_ms, ended_at.0);
    world.advance(KEPT_MS);
    world.idle().await;
    assert!(!is_kept(&world, old).await);
    let figures = world.handle.figures();
    assert_eq!((figures.runs_removed, figures.oldest_ended_at_ms), (1, 0));
}

#[tokio::test]
async fn a_clock_that_leaps_makes_nothing_old_at_once() {
    let by_itself = || options(KEPT_MS, 0, 10_000);
    let world = World::with(by_itself(), ok);
    world.handle.ensure_tenant(tenant(), "test").await.unwrap();
    let old = start(&world, request(CHAIN)).await;
    let looks = async |world: &World, after_ms: u64| {
        world.idle().await;
        world.advance(after_ms);
        world.idle().await;
        is_kept(world, old).await
    };
    assert!(looks(&world, 1_000).await);
    world.clock.set(now(&world).after_ms(5_000 * DAY_MS));
    assert!(looks(&world, 0).await, "no time has passed");
    let world = world.restart_with(by_itself(), ok).await;
    assert!(looks(&world, 1_000).await, "nor for another process");
    // An hour for each day, but for the seconds that passed before.
    assert!(looks(&world, KEPT_MS / 24 - 3_000).await);
    assert!(!looks(&world, 10_000).await);
}

#[tokio::test]
async fn what_ended_by_a_clock_that_was_ahead_is_not_old() {
    let world = world();
    let right = now(&world);
    world.clock.set(right.after_ms(9 * KEPT_MS));
    let ahead = start(&world, request(CHAIN)).await;
    world.clock.set(right);
    world.advance(8 * KEPT_MS);
    assert_eq!(retire(&world).await, (0, 0));
    check_kept(&world, &[(ahead, true)]).await;
}

/// The failed run as it stands where the process stopped before it knew of its handler.
async fn owe(world: &World, failed: RunId, owes: bool) {
    let mut head = world.handle.head(&tenant(), failed).await.unwrap();
    let waiting = WaitReason::FailureHandler;
    let owed = owes.then_some(WaitingFor { task: None, node: None, waiting });
    head.waiting_for = owed.into_iter().collect();
    let commit = Commit {
        tenant: tenant(),
        run: failed,
        expected: head.seq,
        lease: Epoch(1),
        events: Vec::new(),
        head,
        thread: None,
        kv: Vec::new(),
        queue: if owes { QueueChange::Live } else { QueueChange::Done },
        audit: Vec::new(),
        outbox: Vec::new(),
        idempotent_reply: None,
    };
    world.store().commit(commit).await.unwrap();
}

#[tokio::test]
async fn what_handled_a_failure_stays_until_the_failed_run_knows_of_it() {
    let world = World::with(options(KEPT_MS, 0, 0), |_| upstream());
    let failed = start(&world, breaks()).await;
    world.idle().await;
    let heads = world.handle.heads(&tenant(), None, 9).await.unwrap();
    let handler = heads.iter().find(|head| head.run != failed).unwrap().run;
    owe(&world, failed, true).await;
    world.advance(KEPT_MS);
    assert_eq!(retire(&world).await, (0, 0), "without it the failure were handled once more");
    check_kept(&world, &[(failed, true), (handler, true)]).await;
    owe(&world, failed, false).await;
    assert_eq!(retire(&world).await, (2, 0));
}

#[tokio::test]
async fn the_first_look_at_a_store_makes_nothing_old() {
    let world = world();
    let old = start(&world, request(CHAIN)).await;
    world.advance(9 * KEPT_MS);
    let world = world.restart_with(options(KEPT_MS, 0, 10_000), ok).await;
    world.handle.ensure_tenant(tenant(), "test").await.unwrap();
    for (after_ms, kept) in [(1_000, true), (9_999, true), (1, false)] {
        world.idle().await;
        world.advance(after_ms);
        world.idle().await;
        assert_eq!(is_kept(&world, old).await, kept, "after {after_ms} ms");
    }
}
