//! Secrets that a guest holds and sees: what is recorded, what a rerun gets, what leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use expect_test::{Expect, expect};
use serde_json::{Value, json};
use wforge_model::agent::{Divergence, Execution, Exit, Reply};
use wforge_model::effect::{Operation, Waiting, question_id};
use wforge_model::{Failure, Problem};
use wforge_ports::effects::{GuestLevel, GuestLine};
use wforge_ports::{EffectRequest, Effects as _, Store};
use wforge_store::MemoryStore;
use wforge_testkit::plant_secret;

use crate::world::{KeepLimits, World, ask, keeping_world, request};

const VALUE: &str = "s3cr3t/value+1";
const BOTH: [&str; 4] = ["secret:token:hold", "secret:token:reveal", "kv:run", "ask"];

fn get() -> EffectRequest {
    request(Operation::SecretsGet, json!({ "name": "token" }))
}

fn reveal(version: u64) -> EffectRequest {
    request(Operation::SecretsReveal, json!({ "name": "token", "version": version }))
}

async fn plant(world: &World<MemoryStore>, values: &[Option<&str>]) {
    plant_secret(&*world.store, &world.call.tenant, "token", values, &[]).await.unwrap();
}

async fn with_secret(grants: &[&str]) -> World<MemoryStore> {
    let world = keeping_world(grants, KeepLimits::default());
    plant(&world, &[Some(VALUE)]).await;
    world
}

/// All that is recorded of the task, as text.
async fn recorded(world: &World<MemoryStore>) -> String {
    let records = world.store.records(&world.call.tenant, world.call.task).await.unwrap();
    serde_json::to_string(&records).unwrap()
}

#[tokio::test]
async fn holding_and_seeing_are_grants_of_their_own() {
    let check = async |grants: &[&str], expected: Expect| {
        let world = with_secret(grants).await;
        let told = world.execute(&[get(), reveal(1)]).await;
        expected.assert_eq(&told.join("\n"));
    };
    check(
        &["secret:other:hold", "secret:token:reveal"],
        expect![[r#"
            [denied: secret on token:hold; to grant it: wforge grants approve test/fixture secret:token:hold; the plugin's manifest must name it among its needs]
            ["s3cr3t/value+1"]"#]],
    )
    .await;
    check(
        &["secret:token:hold"],
        expect![[r#"
            [{"version":1}]
            [denied: secret on token:reveal; to grant it: wforge grants approve test/fixture secret:token:reveal; the plugin's manifest must name it among its needs]"#]],
    )
    .await;
}

#[tokio::test]
async fn rule_2_name_and_version_are_recorded_and_never_the_value() {
    let world = with_secret(&BOTH).await;
    assert_eq!(world.execute(&[get(), reveal(1)]).await.len(), 2);
    let recorded = recorded(&world).await;
    assert!(recorded.contains(r#"secrets.get {\"name\":\"token\"}"#), "{recorded}");
    assert!(recorded.contains(r#""version":1"#), "{recorded}");
    assert!(!recorded.contains(VALUE), "{recorded}");
}

#[tokio::test]
async fn a_rerun_gets_the_version_that_it_got_before() {
    let world = with_secret(&BOTH).await;
    let calls = [get(), reveal(1)];
    let first = world.execute(&calls).await;
    plant(&world, &[Some(VALUE), Some("another-value")]).await;
    assert_eq!(world.execute(&calls).await, first);
    // Another task begins with the newest.
    let other = crate::world::another_task(&world.call, 7);
    let told = world.execute_as(&other, &[get(), reveal(2)]).await;
    assert_eq!(told, ["[{\"version\":2}]", "[\"another-value\"]"]);
}

#[tokio::test]
async fn a_version_that_is_not_kept_any_more_ends_the_attempt() {
    let world = with_secret(&BOTH).await;
    world.execute(&[get(), reveal(1)]).await;
    plant(&world, &[None, Some("another-value")]).await;
    let told = world.execute(&[get(), reveal(1)]).await;
    assert!(told[1].starts_with("failed: failed (secret_gone): version 1 of"), "{told:?}");
    // Whoever asks for it the first time is told so, and may go on.
    let other = crate::world::another_task(&world.call, 7);
    let told = world.execute_as(&other, &[get(), reveal(1), reveal(2)]).await;
    assert!(told[1].starts_with("[failed (secret_gone)"), "{told:?}");
    assert_eq!(told[2], "[\"another-value\"]");
}

#[tokio::test]
async fn a_secret_that_nobody_set_says_how_it_is_set() {
    let world = keeping_world(&BOTH, KeepLimits::default());
    let told = world.execute(&[get()]).await;
    assert!(told[0].contains("wforge secrets set token"), "{told:?}");
    // Names that are no names reach no other document.
    let odd = request(Operation::SecretsReveal, json!({ "name": "token@1", "version": 1 }));
    let world = with_secret(&["secret:*"]).await;
    assert!(world.execute(&[odd]).await[0].starts_with("[denied"));
}

#[tokio::test]
async fn another_tenants_secret_is_not_there() {
    let mut world = with_secret(&BOTH).await;
    world.call.tenant = "north".parse().unwrap();
    let told = world.execute(&[get()]).await;
    assert!(told[0].starts_with("[denied"), "{told:?}");
}

#[tokio::test]
async fn what_was_taken_back_is_put_into_no_header_any_more() {
    let world = with_secret(&["http:*", "secret:token:hold"]).await;
    let credential = json!({ "header": "x", "template": "{}", "secret": "token" });
    let url = "https://a.example/";
    let element = json!({ "method": "GET", "url": url, "credentials": [credential] });
    let fetch = request(Operation::HttpFetch, element);
    let told = world.execute(&[get(), fetch.clone()]).await;
    assert!(told[1].contains("a.example"), "{told:?}");
    world.book.take_back("secret:token:hold");
    let other = crate::world::another_task(&world.call, 7);
    let told = world.execute_as(&other, &[fetch]).await;
    assert_eq!(told, ["[denied: secret on token:hold; it was taken back]"]);
    assert_eq!(world.outside.done().len(), 1);
}

#[tokio::test]
async fn of_a_tenant_that_was_erased_nothing_is_opened_any_more() {
    let world = with_secret(&BOTH).await;
    let other = crate::world::another_task(&world.call, 7);
    world.execute(&[get(), reveal(1)]).await;
    world.effects.forget_tenant(&world.call.tenant);
    let told = world.execute_as(&other, &[get(), reveal(1)]).await;
    assert!(told[1].starts_with("[failed (secret_gone)"), "{told:?}");
}

#[tokio::test]
async fn what_a_guest_says_leaves_without_the_secrets_that_were_opened() {
    let world = with_secret(&BOTH).await;
    let mut session = world.open().await;
    session.perform(get()).await;
    session.emit("before".to_owned(), json!(VALUE));
    session.perform(reveal(1)).await;
    let fields = vec![(VALUE.to_owned(), format!("<{VALUE}>"))];
    session.log(GuestLine { level: GuestLevel::Info, message: format!("x {VALUE}"), fields });
    session.emit(VALUE.to_owned(), json!({ VALUE: [format!("y{VALUE}")] }));
    let told = world.output.told().join("\n");
    expect![[r#"
        0: before "s3cr3t/value+1"
        n says x [secret token]
        1: [secret token] {"[secret token]":["y[secret token]"]}"#]]
    .assert_eq(&told);
}

#[tokio::test]
async fn what_a_call_came_to_leaves_without_them() {
    let world = with_secret(&BOTH).await;
    let tenant = world.call.tenant.clone();
    let replied = |text: &str| {
        Execution::Replied(Reply {
            output: json!({ "out": text }),
            exits: vec![Exit { name: text.to_owned(), input: Some(json!([text])) }],
        })
    };
    assert_eq!(world.effects.redacted(&tenant, replied(VALUE)), replied(VALUE), "nobody saw it");
    world.execute(&[get(), reveal(1)]).await;
    let check = |given: Execution, expected: Execution| {
        assert_eq!(world.effects.redacted(&tenant, given), expected);
    };
    let shown = "[secret token]";
    check(replied(VALUE), replied(shown));
    let failed = |text: &str| {
        let mut problem = Problem::new(text, text);
        problem.details = json!({ "why": text });
        Execution::Failed { failure: Failure::Upstream(problem), effects: 2 }
    };
    check(failed(VALUE), failed(shown));
    let diverged = |text: &str| {
        let (recorded, asked) = (text.to_owned(), text.to_owned());
        Execution::Diverged(Divergence { position: 1, recorded, asked })
    };
    check(diverged(VALUE), diverged(shown));
    let waiting = |text: &str| {
        let mut question = wforge_model::effect::Question {
            id: question_id(world.call.task, 0),
            prompt: text.to_owned(),
            schema: Some(json!({ "title": text })),
            deadline: None,
            assignee: Some(text.to_owned()),
            note: None,
            escalation: None,
            request: wforge_model::effect::RequestHash([0; 16]),
        };
        question.prompt.push('?');
        Execution::Suspended(Waiting::Question(question))
    };
    check(waiting(VALUE), waiting(shown));
    let other = "north".parse().unwrap();
    assert_eq!(world.effects.redacted(&other, replied(VALUE)), replied(VALUE), "another tenant");
}

#[tokio::test]
async fn what_is_recorded_and_remembered_is_without_them() {
    let mut world = with_secret(&BOTH).await;
    let set = json!({ "scope": "run", "key": VALUE, "value": { "t": VALUE }, "ttl_ms": null });
    let look = json!({ "scope": "run", "key": VALUE });
    let blob = json!({ "media_type": "text/plain", "base64": STANDARD.encode(VALUE) });
    let calls = [
        get(),
        reveal(1),
        request(Operation::KvSet, set),
        request(Operation::KvGet, look),
        ask(&format!("is it {VALUE}?")),
        request(Operation::BlobsCreate, blob),
    ];
    world.answer(&calls, Some(Value::String(format!("yes, {VALUE}")))).await;
    let told = world.execute(&calls).await;
    assert!(told[3].contains(r#""value":{"t":"[secret token]"}"#), "{told:?}");
    assert_eq!(told[4], "[\"yes, [secret token]\"]");
    let size = "[secret token]".len();
    assert!(told[5].contains(&format!("\"size\":{size}}}")), "{told:?}");
    let recorded = recorded(&world).await;
    assert!(!recorded.contains(VALUE), "{recorded}");
    assert_eq!(world.execute(&calls).await, told, "a rerun gets the same");
}
