//! Webhooks are told of what happens to runs: once it is durable, until they answer, or for a day.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Mutex;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::json;
use wforge_engine::{EngineError, EngineOptions, StartRun, WebhookPut};
use wforge_model::webhook::{
    Delivery, DeliveryStatus, HookEvent, OffReason, Webhook, WebhookLimits,
};
use wforge_model::{Labels, TenantId, Timestamp, Value};
use wforge_ports::posts::{Post, PostError, Posted, Posts};

use crate::harness::{CHAIN, World, now, ok, request, tenant};

/// Answers as a test says, in turn; then with 200.
#[derive(Debug, Default)]
pub(crate) struct Receiver {
    answers: Mutex<VecDeque<Result<Posted, PostError>>>,
    got: Mutex<Vec<Got>>,
    hangs: Mutex<bool>,
}

#[derive(Debug, Clone)]
struct Got {
    url: String,
    headers: BTreeMap<String, String>,
    body: Value,
}

impl Receiver {
    fn answer(&self, answers: impl IntoIterator<Item = Result<Posted, PostError>>) {
        self.answers.lock().unwrap().extend(answers);
    }

    fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    fn types(&self) -> Vec<String> {
        self.got().iter().map(|got| got.body["type"].as_str().unwrap().to_owned()).collect()
    }
}

impl Posts for Receiver {
    fn canonical(&self, url: &str) -> Result<String, String> {
        if url.starts_with("http") { Ok(url.to_owned()) } else { Err("it is no URL".into()) }
    }

    fn send<'a>(
        &'a self,
        _tenant: &'a TenantId,
        post: Post,
    ) -> BoxFuture<'a, Result<Posted, PostError>> {
        self.got.lock().unwrap().push(Got {
            url: post.url,
            headers: post.headers.into_iter().collect(),
            body: serde_json::from_slice(&post.body).unwrap(),
        });
        if *self.hangs.lock().unwrap() {
            return futures::future::pending().boxed();
        }
        let answer = self.answers.lock().unwrap().pop_front();
        futures::future::ready(answer.unwrap_or_else(|| status(200))).boxed()
    }
}

fn status(status: u16) -> Result<Posted, PostError> {
    Ok(Posted { status, retry_after_ms: None })
}

fn put(name: &str, events: &[HookEvent]) -> WebhookPut {
    WebhookPut {
        name: name.to_owned(),
        url: format!("https://hooks.example/{name}"),
        events: events.iter().copied().collect(),
        workflow: None,
        labels: Labels::default(),
        include_output: false,
        active: true,
        is_new: false,
    }
}

async fn hook(world: &World, put: WebhookPut) {
    world.handle.ensure_tenant(tenant(), "ann").await.unwrap();
    world.handle.put_webhook(&tenant(), put, "ann").await.unwrap();
}

async fn run(world: &World) {
    world.handle.start(&tenant(), request(CHAIN)).await.unwrap();
    // The run, its deliveries, and what follows from their answers.
    for _ in 0..3 {
        world.idle().await;
    }
}

async fn deliveries(world: &World, name: &str) -> Vec<Delivery> {
    world.handle.deliveries(&tenant(), name).await.unwrap()
}

async fn shown(world: &World, name: &str) -> std::sync::Arc<Webhook> {
    world.handle.webhook(&tenant(), name).await.unwrap()
}

#[tokio::test]
async fn a_run_that_ends_is_told_once_and_signed() {
    let world = World::new(ok);
    let wanted = WebhookPut { include_output: true, ..put("ci", &[HookEvent::RunCompleted]) };
    hook(&world, wanted).await;
    hook(&world, put("bad-news", &[HookEvent::RunFailed])).await;
    run(&world).await;
    let got = world.receiver.got();
    assert_eq!(got.len(), 1, "{got:?}");
    let Got { url, headers, body } = &got[0];
    assert_eq!(
        (url.as_str(), &body["type"]),
        ("https://hooks.example/ci", &json!("run.completed"))
    );
    assert_eq!(body["data"]["output"], json!({ "log": ["a", "b", "c"] }));
    assert_eq!(body["timestamp"], Timestamp(now(&world).0).to_string());
    assert!(headers["webhook-signature"].starts_with("v1,"), "{headers:?}");
    assert_eq!(headers["webhook-timestamp"], (now(&world).0 / 1_000).to_string());
    let delivery = &deliveries(&world, "ci").await[0];
    assert_eq!(delivery.id.to_string(), headers["webhook-id"]);
    assert_eq!((delivery.status, delivery.attempts_made), (DeliveryStatus::Delivered, 1));
    assert!(deliveries(&world, "bad-news").await.is_empty());
}

#[tokio::test]
async fn a_webhook_with_labels_is_told_of_the_runs_that_carry_them() {
    let world = World::new(ok);
    let labels = |pairs: &[&str]| Labels::of_pairs(pairs.iter().copied()).unwrap();
    let wanted = WebhookPut { labels: labels(&["env=prod"]), ..put("ci", &HookEvent::ALL) };
    hook(&world, wanted).await;
    for pairs in [&[][..], &["env=test"], &["env=prod", "team=search"]] {
        let start = StartRun { labels: labels(pairs), ..request(CHAIN) };
        world.handle.start(&tenant(), start).await.unwrap();
        world.idle().await;
    }
    world.idle().await;
    let told = deliveries(&world, "ci").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0].data["labels"], json!({ "env": "prod", "team": "search" }));
    assert_eq!(shown(&world, "ci").await.labels, labels(&["env=prod"]));
}

#[tokio::test]
async fn a_delivery_comes_again_under_its_id_until_it_is_taken() {
    let world = World::new(ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    let later = Ok(Posted { status: 503, retry_after_ms: Some(60_000) });
    world.receiver.answer([status(500), later, Err(PostError::Failed("no route".into()))]);
    run(&world).await;
    for (advance_ms, attempts) in [(3_000, 1), (2_100, 2), (50_000, 2), (10_100, 3), (80_000, 4)] {
        world.advance(advance_ms);
        world.idle().await;
        assert_eq!(world.receiver.got().len(), attempts, "after {advance_ms} ms more");
    }
    let ids: Vec<_> =
        world.receiver.got().iter().map(|got| got.headers["webhook-id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let delivery = &deliveries(&world, "ci").await[0];
    let seen: Vec<_> = delivery.attempts.iter().map(|it| (it.status, it.error.clone())).collect();
    let no_route = (None, Some("no route".to_owned()));
    assert_eq!(seen, [(Some(500), None), (Some(503), None), no_route, (Some(200), None)]);
    assert_eq!(delivery.status, DeliveryStatus::Delivered);
}

#[tokio::test]
async fn a_server_that_rests_was_not_asked() {
    let world = World::new(ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    world.receiver.answer([Err(PostError::Resting { retry_after_ms: 30_000 })]);
    run(&world).await;
    assert_eq!(deliveries(&world, "ci").await[0].attempts_made, 0);
    world.advance(30_000);
    world.idle().await;
    let delivery = &deliveries(&world, "ci").await[0];
    assert_eq!((delivery.status, delivery.attempts_made), (DeliveryStatus::Delivered, 1));
}

/// A day in the life of a delivery that nobody takes.
async fn a_day(world: &World) {
    for _ in 0..400 {
        world.advance(300_000);
        world.idle().await;
    }
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_after_several_the_webhook_is_off() {
    let webhooks = WebhookLimits { given_up_in_row_max: 2, ..WebhookLimits::default() };
    let world = World::with(EngineOptions { webhooks, ..EngineOptions::default() }, ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    world.receiver.answer((0..100).map(|_| status(500)));
    run(&world).await;
    a_day(&world).await;
    let delivery = &deliveries(&world, "ci").await[0];
    assert_eq!((delivery.status, delivery.next_at), (DeliveryStatus::GivenUp, None));
    assert!((10..20).contains(&delivery.attempts_made), "{}", delivery.attempts_made);
    assert!(shown(&world, "ci").await.off.is_none());
    run(&world).await;
    a_day(&world).await;
    assert_eq!(shown(&world, "ci").await.off.map(|off| off.reason), Some(OffReason::Failing));
    run(&world).await;
    assert_eq!(deliveries(&world, "ci").await.len(), 2, "told while it is off");
    let audit = world.store().audit(&tenant(), 0, 99).await.unwrap();
    let last = &audit.last().unwrap().entry;
    let noted = (last.action.as_str(), last.actor.as_str(), last.resource.as_str());
    assert_eq!(noted, ("webhook.switch_off", "host", "ci failing"));
}

#[tokio::test]
async fn whoever_says_gone_is_told_nothing_more_until_it_is_switched_on() {
    let world = World::new(ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    world.receiver.answer([status(410)]);
    run(&world).await;
    assert_eq!(shown(&world, "ci").await.off.map(|off| off.reason), Some(OffReason::Gone));
    let off = world.handle.ping_webhook(&tenant(), "ci").await;
    assert!(matches!(off, Err(EngineError::Conflict { code: "webhook_off", .. })), "{off:?}");
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    let gone = deliveries(&world, "ci").await[0].id.to_string();
    world.handle.redeliver(&tenant(), "ci", &gone).await.unwrap();
    world.idle().await;
    world.handle.ping_webhook(&tenant(), "ci").await.unwrap();
    world.idle().await;
    assert_eq!(world.receiver.types(), ["run.completed", "run.completed", "ping"]);
}

#[tokio::test]
async fn what_was_not_sent_is_sent_after_a_restart() {
    let world = World::new(ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    *world.receiver.hangs.lock().unwrap() = true;
    run(&world).await;
    assert_eq!(world.receiver.got().len(), 1, "one is under way and nobody hears its end");
    let id = world.receiver.got()[0].headers["webhook-id"].clone();
    let world = world.restart(ok).await;
    world.idle().await;
    let got = world.receiver.got();
    assert_eq!(got.iter().map(|it| &it.headers["webhook-id"]).collect::<Vec<_>>(), [&id]);
    assert_eq!(deliveries(&world, "ci").await[0].status, DeliveryStatus::Delivered);
    let world = world.restart(ok).await;
    world.idle().await;
    assert!(world.receiver.got().is_empty(), "told once more though it was delivered");
}

#[tokio::test]
async fn too_many_that_wait_switch_the_webhook_off() {
    let webhooks = WebhookLimits { pending_max: 2, ..WebhookLimits::default() };
    let world = World::with(EngineOptions { webhooks, ..EngineOptions::default() }, ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    *world.receiver.hangs.lock().unwrap() = true;
    for _ in 0..3 {
        run(&world).await;
    }
    let off = shown(&world, "ci").await.off.map(|off| off.reason);
    assert_eq!(off, Some(OffReason::TooManyPending));
    let figures = world.handle.figures().webhooks;
    assert_eq!((figures.pending, figures.dropped, figures.switched_off), (2, 1, 1));
}

#[tokio::test]
async fn only_the_newest_of_those_that_ended_are_kept_and_none_of_a_removed_webhook() {
    let webhooks = WebhookLimits { kept_max: 2, ..WebhookLimits::default() };
    let world = World::with(EngineOptions { webhooks, ..EngineOptions::default() }, ok);
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    for _ in 0..4 {
        run(&world).await;
        world.advance(10);
    }
    let kept = deliveries(&world, "ci").await;
    assert_eq!(kept.len(), 2);
    assert!(kept[0].at > kept[1].at);
    world.handle.remove_webhook(&tenant(), "ci", "ann").await.unwrap();
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    assert!(deliveries(&world, "ci").await.is_empty());
}

#[tokio::test]
async fn nobody_sees_the_webhook_of_another_tenant() {
    let world = World::new(ok);
    let other: TenantId = "other".parse().unwrap();
    hook(&world, put("ci", &[HookEvent::RunCompleted])).await;
    world.handle.ensure_tenant(other.clone(), "bob").await.unwrap();
    let seen = world.handle.webhook(&other, "ci").await;
    assert!(matches!(seen, Err(EngineError::NotFound { kind: "webhook", .. })), "{seen:?}");
    assert!(world.handle.webhooks(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_a_webhook_is_refused_with_its_place() {
    let world = World::new(ok);
    world.handle.ensure_tenant(tenant(), "ann").await.unwrap();
    let all = put("ci", &[HookEvent::RunCompleted]);
    for (put, code) in [
        (WebhookPut { name: "No Name".into(), ..all.clone() }, "bad_name"),
        (WebhookPut { url: "ftp://x".into(), ..all.clone() }, "bad_url"),
        (put("ci", &[]), "bad_events"),
        (put("ci", &[HookEvent::Ping]), "bad_events"),
        (WebhookPut { workflow: Some("a@1".into()), ..all.clone() }, "bad_workflow"),
    ] {
        let refused = world.handle.put_webhook(&tenant(), put, "ann").await;
        let Err(EngineError::Invalid { code: found, .. }) = refused else {
            panic!("{code}: {refused:?}")
        };
        assert_eq!(found, code);
    }
}
