//! The inbox over real runs: put to somebody, escalated by time, answered once.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use wforge_engine::{
    Assign, EngineError, InboxEntry, InboxFilter, InboxQuery, InboxWants, InterruptId, PutTo,
    StartRun, WaitFor,
};
use wforge_model::head::RunStatus;
use wforge_model::{RunId, Timestamp};
use wforge_ports::Entropy;
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{Crash, FaultyStore, SimClock, SimEntropy};

use crate::harness::{World, ok, request, tenant};

const ASK: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  approve:
    ask:
      prompt: 'Go on?'
      schema: { type: boolean }
      assignee: ann
      deadline: 1h
      on_deadline: { answer: false }
      escalate: { after: 10m, to: bob }
    out: { x: result }
edges: [{ from: START, to: approve }]
";

async fn asked(world: &World) -> (RunId, InterruptId) {
    let run = world.handle.start(&tenant(), request(ASK)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    (run, open(world, InboxFilter::default()).await[0].id)
}

async fn open(world: &World, filter: InboxFilter) -> Vec<InboxEntry> {
    let query = InboxQuery { filter, limit: 9, ..InboxQuery::default() };
    world.handle.inbox(&tenant(), &query).await.unwrap().0
}

async fn put_to(world: &World, name: &str) -> usize {
    let assignee = Some(PutTo::Name(name.into()));
    open(world, InboxFilter { assignee, ..InboxFilter::default() }).await.len()
}

/// Until a question was put to that name: the store has threads of its own.
async fn becomes(world: &World, name: &str) {
    for _ in 0..10_000 {
        if put_to(world, name).await == 1 {
            return;
        }
        world.idle().await;
    }
    panic!("it never was for {name}");
}

fn to(assignee: Option<&str>) -> Assign {
    Assign {
        assignee: assignee.map(str::to_owned),
        note: Some("you know them".into()),
        by: "ada".into(),
    }
}

async fn actions(world: &World) -> Vec<String> {
    let audit = world.store().audit(&tenant(), 0, 99).await.unwrap();
    let entries = audit.into_iter().map(|entry| entry.entry);
    let assigned = entries.filter(|entry| entry.action.starts_with("interrupt."));
    assigned.map(|it| format!("{} {}: {}", it.actor, it.action, it.resource)).collect()
}

#[tokio::test]
async fn a_question_is_put_to_somebody_durably_and_the_audit_log_says_by_whom() {
    let world = World::new(ok);
    let (run, ask) = asked(&world).await;
    let entry = world.handle.assign(&tenant(), ask, to(Some("cid"))).await.unwrap();
    assert_eq!(entry.assignee.as_deref(), Some("cid"));
    assert_eq!(entry.note.as_deref(), Some("you know them"));
    let world = world.restart(ok).await;
    assert_eq!((put_to(&world, "ann").await, put_to(&world, "cid").await), (0, 1));
    world.handle.assign(&tenant(), ask, to(Some("cid"))).await.unwrap();
    assert_eq!(actions(&world).await, [format!("ada interrupt.assign: {run} {ask} to cid")]);
    let other = "other".parse().unwrap();
    let hidden = world.handle.assign(&other, ask, to(None)).await;
    assert!(matches!(hidden, Err(EngineError::NotFound { .. })), "{hidden:?}");
    let empty = world.handle.assign(&tenant(), ask, to(Some(" "))).await;
    assert!(matches!(empty, Err(EngineError::Invalid { code: "assign", .. })), "{empty:?}");
}

#[tokio::test]
async fn time_alone_gives_an_unanswered_question_to_whom_its_workflow_says() {
    let world = World::new(ok);
    let (run, ask) = asked(&world).await;
    assert!(!open(&world, InboxFilter::default()).await[0].overdue);
    world.advance(10 * 60_000);
    becomes(&world, "bob").await;
    assert_eq!(put_to(&world, "ann").await, 0);
    assert!(world.handle.interrupt(&tenant(), ask).await.unwrap().overdue);
    let escalated = format!("host interrupt.escalate: {run} {ask} to bob");
    assert_eq!(actions(&world).await, std::slice::from_ref(&escalated));
    // Over a restart as well, it does so once.
    world.handle.assign(&tenant(), ask, to(Some("ann"))).await.unwrap();
    let world = world.restart(ok).await;
    world.advance(20 * 60_000);
    world.idle().await;
    assert_eq!(put_to(&world, "ann").await, 1);
    let assigned = format!("ada interrupt.assign: {run} {ask} to ann");
    assert_eq!(actions(&world).await, [escalated, assigned]);
    world.advance(30 * 60_000);
    for _ in 0..10_000 {
        if world.handle.head(&tenant(), run).await.unwrap().status == RunStatus::Completed {
            return;
        }
        world.idle().await;
    }
    panic!("its deadline has passed");
}

/// The commit in which it escalates is lost, or kept while nobody hears of it.
#[tokio::test]
async fn the_audit_log_has_an_escalation_once_also_over_a_crash() {
    for durable in [true, false] {
        let entropy: Arc<dyn Entropy> = Arc::new(SimEntropy::new(1));
        let store = Arc::new(MemoryStore::new(StoreParts { entropy }));
        let clock = SimClock::at(Timestamp(1_700_000_000_000));
        let before = World::simulated(store.clone(), clock.clone(), 1, ok);
        let (run, ask) = asked(&before).await;
        before.stop().await;

        clock.advance(Duration::from_secs(600));
        let faulty = Arc::new(FaultyStore::new(store.clone(), Some(Crash { commit: 1, durable })));
        let crashing = World::simulated(faulty.clone(), clock.clone(), 2, ok);
        crashing.until(|_| faulty.is_down()).await;
        crashing.stop().await;

        let after = World::simulated(store, clock, 3, ok);
        becomes(&after, "bob").await;
        let escalated = format!("host interrupt.escalate: {run} {ask} to bob");
        assert_eq!(actions(&after).await, [escalated], "durable {durable}");
        after.stop().await;
    }
}

#[tokio::test]
async fn a_question_is_answered_by_its_id_alone_and_only_once() {
    let world = World::new(ok);
    let (run, ask) = asked(&world).await;
    let wrong = world.handle.answer(&tenant(), ask, json!("perhaps"), "ada").await;
    assert!(matches!(wrong, Err(EngineError::Invalid { .. })), "{wrong:?}");
    world.handle.answer(&tenant(), ask, json!(true), "ada").await.unwrap();
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let late = world.handle.answer(&tenant(), ask, json!(false), "bob").await;
    assert!(matches!(late, Err(EngineError::NotFound { .. })), "{late:?}");
    let paused = StartRun { steps: Some(0), ..request(ASK) };
    let run = world.handle.start(&tenant(), paused).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    let held = world.handle.interrupt(&tenant(), InterruptId::Run(run)).await.unwrap();
    assert!(matches!(held.wants, InboxWants::Resume { .. }));
    let refused = world.handle.answer(&tenant(), held.id, json!(true), "ada").await;
    let code = "not_a_question";
    assert!(matches!(refused, Err(EngineError::Conflict { code: c, .. }) if c == code));
}
