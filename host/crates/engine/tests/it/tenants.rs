//! Tenants: suspended while they run, erased over a restart, counted and limited.

use std::collections::BTreeSet;

use serde_json::json;
use wforge_engine::{EngineError, EngineOptions, WaitFor};
use wforge_model::TenantId;
use wforge_model::agent::AgentCall;
use wforge_model::head::RunStatus;
use wforge_model::tenancy::{AskedQuotas, Quotas, TenantState};
use wforge_ports::TokenMeter as _;
use wforge_ports::store::{Change, Collection, Put};
use wforge_testkit::call;

use crate::harness::{Answer, CHAIN, World, ok, request, tenant};

/// Agents that never answer.
fn hang(_: &wforge_model::agent::AgentCall) -> Answer {
    Answer::Hang
}

async fn made(world: &World) {
    world.handle.load_directory().await.unwrap();
    world.handle.create_tenant(tenant(), AskedQuotas::default(), "me").await.unwrap();
}

#[tokio::test]
async fn a_suspended_tenant_drops_its_sandboxes_and_goes_on_where_it_stood() {
    let world = World::new(hang);
    made(&world).await;
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.until(|world| world.agents.running_now() == 1).await;
    world.handle.suspend_tenant(&tenant(), "me").await.unwrap();
    assert_eq!(world.handle.figures().runs_live, 0);
    world.until(|world| world.agents.running_now() == 0).await;
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert!(matches!(error, EngineError::Conflict { code: "tenant_suspended", .. }), "{error}");
    // Nor does a start of the process take it up again.
    let world = world.restart(ok).await;
    world.idle().await;
    assert_eq!(world.calls(), Vec::<String>::new());
    world.handle.resume_tenant(&tenant(), "me").await.unwrap();
    let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
}

#[tokio::test]
async fn an_erasure_that_was_begun_is_gone_on_with_at_the_next_start() {
    let world = World::new(ok);
    made(&world).await;
    let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
    world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
    // As a process leaves it that ends right after the acknowledgement.
    let platform: TenantId = "platform".parse().unwrap();
    let mut row = serde_json::to_value(&*world.handle.tenant(&tenant()).unwrap()).unwrap();
    row["state"] = json!("erasing");
    let put = Put { collection: Collection::Tenants, key: "acme".into(), value: Some(row) };
    let change = Change {
        tenant: platform,
        expected: None,
        puts: vec![put],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    world.store().change(change).await.unwrap();
    let world = world.restart(ok).await;
    let is_erased = |world: &World| {
        world.handle.tenant(&tenant()).is_ok_and(|tenant| tenant.state == TenantState::Erased)
    };
    world.until(is_erased).await;
    assert!(world.store().heads(&tenant(), None, 9).await.unwrap().is_empty());
    assert_eq!(world.store().stored_bytes(&tenant()), 0);
}

#[tokio::test]
async fn an_erased_tenant_takes_a_running_task_with_it() {
    let world = World::new(hang);
    made(&world).await;
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    world.until(|world| world.agents.running_now() == 1).await;
    let gone = world.handle.erase_tenant(&tenant(), "me").await.unwrap();
    assert_eq!(gone.state, TenantState::Erased);
    world.until(|world| world.agents.running_now() == 0).await;
    world.idle().await;
    assert_eq!(world.store().stored_bytes(&tenant()), 0);
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert!(matches!(error, EngineError::Conflict { code: "tenant_erased", .. }), "{error}");
}

fn quota(error: EngineError) -> &'static str {
    match error {
        EngineError::Quota { quota, .. } => quota,
        other => panic!("{other}"),
    }
}

async fn over(quotas: Quotas) -> World {
    let world = World::with(EngineOptions { quotas, ..EngineOptions::default() }, hang);
    made(&world).await;
    world
}

#[tokio::test]
async fn each_quota_holds_and_says_its_name() {
    let world = over(Quotas { runs_live_max: 1, ..Quotas::default() }).await;
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert_eq!(quota(error), "runs_live_max");
    let other: TenantId = "other".parse().unwrap();
    world.handle.start(&other, request(CHAIN)).await.unwrap();

    let world = over(Quotas { tokens_per_day_max: 100, ..Quotas::default() }).await;
    world.handle.charge_tokens(&tenant(), 99).await.unwrap();
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    world.handle.charge_tokens(&tenant(), 1).await.unwrap();
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert_eq!(quota(error), "tokens_per_day_max");

    let world = over(Quotas { cpu_seconds_per_day_max: 2, ..Quotas::default() }).await;
    world.agents.use_cpu_ms(1_999);
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    world.agents.use_cpu_ms(1);
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert_eq!(quota(error), "cpu_seconds_per_day_max");
}

#[tokio::test]
async fn what_was_used_today_outlives_a_restart_and_not_the_day() {
    let world = World::new(ok);
    made(&world).await;
    world.handle.charge_tokens(&tenant(), 40).await.unwrap();
    world.agents.use_cpu_ms(0);
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    world.agents.use_cpu_ms(70);
    let before = world.handle.usage(&tenant()).await.unwrap().today;
    assert_eq!((before.tokens, before.runs, before.cpu_ms), (40, 1, 70));
    let world = world.restart(ok).await;
    let after = world.handle.usage(&tenant()).await.unwrap().today;
    assert_eq!(after, before, "the sandbox counts from nothing again");
    world.advance(86_400_000);
    let next = world.handle.usage(&tenant()).await.unwrap().today;
    assert_eq!((next.tokens, next.runs, next.cpu_ms), (0, 0, 0));
}

#[tokio::test]
async fn after_a_restart_the_days_tokens_count_before_any_run_begins() {
    let options = EngineOptions {
        quotas: Quotas { tokens_per_day_max: 100, ..Quotas::default() },
        ..EngineOptions::default()
    };
    let world = World::with(options.clone(), ok);
    made(&world).await;
    world.handle.charge_tokens(&tenant(), 90).await.unwrap();
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    let world = world.restart_with(options, ok).await;
    let call = AgentCall { tenant: tenant(), ..call() };
    let over = world.tokens.reserve(&call, 11).await.unwrap_err();
    assert_eq!(over.code(), "tokens_per_day_max");
    world.tokens.reserve(&call, 10).await.unwrap();
    world.tokens.settle(&call, 10, 7);
    assert_eq!(world.handle.usage(&tenant()).await.unwrap().today.tokens, 97);
    // Nor does a day that began meanwhile wait for a run.
    world.advance(86_400_000);
    world.tokens.reserve(&call, 100).await.unwrap();
    world.tokens.settle(&call, 100, 1);
    assert_eq!(world.handle.usage(&tenant()).await.unwrap().today.tokens, 1);
}

#[tokio::test]
async fn an_erasure_takes_what_is_in_memory_of_the_tenant_as_well() {
    let world = World::new(ok);
    made(&world).await;
    world.handle.erase_tenant(&tenant(), "me").await.unwrap();
    assert_eq!(*world.effects.forgotten.lock().unwrap(), [tenant()]);
}

#[tokio::test]
async fn quotas_of_its_own_go_before_those_for_all() {
    let world = over(Quotas { runs_live_max: 1, ..Quotas::default() }).await;
    let own = AskedQuotas { runs_live_max: Some(2), ..AskedQuotas::default() };
    world.handle.set_quotas(&tenant(), own, "me").await.unwrap();
    for _ in 0..2 {
        world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    }
    let error = world.handle.start(&tenant(), request(CHAIN)).await.unwrap_err();
    assert_eq!(quota(error), "runs_live_max");
}

/// How many of so many starts at the same moment are let in, and why the others are not.
async fn let_in(world: &World, starts: usize) -> (usize, BTreeSet<&'static str>) {
    let (id, handle) = (tenant(), &world.handle);
    let all = (0..starts).map(|_| handle.start(&id, request(CHAIN)));
    let (begun, refused): (Vec<_>, Vec<_>) =
        futures::future::join_all(all).await.into_iter().partition(Result::is_ok);
    (begun.len(), refused.into_iter().map(|refused| quota(refused.unwrap_err())).collect())
}

#[tokio::test]
async fn starts_at_the_same_moment_take_no_place_twice() {
    let world = World::with(EngineOptions { quotas: live(3), ..EngineOptions::default() }, hang);
    made(&world).await;
    assert_eq!(let_in(&world, 50).await, (3, ["runs_live_max"].into()));
    let per_day = Quotas { runs_per_day_max: 7, ..Quotas::default() };
    let world = over(per_day).await;
    assert_eq!(let_in(&world, 50).await, (7, ["runs_per_day_max"].into()));
}

fn live(runs_live_max: u32) -> Quotas {
    Quotas { runs_live_max, ..Quotas::default() }
}

#[tokio::test]
async fn a_start_that_is_refused_is_not_counted() {
    let world = over(Quotas { runs_per_day_max: 1, ..Quotas::default() }).await;
    let mut wrong = request(CHAIN);
    wrong.input.insert("nobody reads it".to_owned(), json!(1));
    world.handle.start(&tenant(), wrong).await.unwrap_err();
    assert_eq!(world.handle.usage(&tenant()).await.unwrap().today.runs, 0);
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    assert_eq!(world.handle.usage(&tenant()).await.unwrap().today.runs, 1);
}

#[tokio::test]
async fn a_resume_in_the_middle_of_a_suspension_strands_no_run() {
    let world = World::new(|_: &wforge_model::agent::AgentCall| Answer::Reply(json!({})));
    made(&world).await;
    for _ in 0..20 {
        let run = world.handle.start(&tenant(), request(CHAIN)).await.unwrap().run;
        let (id, handle) = (tenant(), &world.handle);
        let both = futures::future::join(
            handle.suspend_tenant(&id, "me"),
            handle.resume_tenant(&id, "me"),
        );
        let (suspended, resumed) = both.await;
        suspended.unwrap();
        resumed.unwrap();
        // Whichever came last, it goes on in the end.
        world.handle.resume_tenant(&tenant(), "me").await.unwrap();
        let head = world.handle.wait(&tenant(), run, WaitFor::Settled).await.unwrap();
        assert!(head.status.is_final(), "{:?}", head.status);
    }
}
