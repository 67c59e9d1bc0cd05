//! What is sent without a record: who may, and that it leaves none.

use wforge_model::limits::SandboxLimits;
use wforge_ports::effects::TaskContext;
use wforge_ports::{Effects as _, RawFailure, RawRequest};

use crate::outside::Fate;
use crate::world::{World, another_task, sleep, world, world_with};

fn get(url: &str) -> RawRequest {
    let (method, url) = ("GET".to_owned(), url.to_owned());
    RawRequest { method, url, headers: Vec::new(), body: b"body".to_vec(), timeout: None }
}

/// The world of a task whose node may be run twice.
fn idempotent(grants: &[&str]) -> World {
    let mut world = world(grants);
    world.call.is_idempotent = true;
    world
}

async fn check(world: &World, request: RawRequest, expected: Result<u16, &str>) {
    let outcome = world.open().await.exchange(request).await;
    let told = outcome.map(|response| response.status).map_err(|failure| failure.to_string());
    match (&told, expected) {
        (Err(told), Err(expected)) => assert!(told.contains(expected), "{told}"),
        _ => assert_eq!(told.as_ref().copied().ok(), expected.ok(), "{told:?}"),
    }
}

#[tokio::test]
async fn it_takes_the_grant_and_a_node_that_is_declared_idempotent() {
    let url = "https://a.example/v1";
    check(&idempotent(&["http.raw:a.example"]), get(url), Ok(200)).await;
    let line = "wforge grants approve test/fixture http.raw:";
    check(&idempotent(&["http:*", "llm:*"]), get(url), Err(line)).await;
    let line = format!("{line}GET@b.example/;");
    check(&idempotent(&["http.raw:a.example"]), get("https://b.example"), Err(&line)).await;
    let declare = "declare effects: {idempotent: true} on the node \"n\"";
    let undeclared = world(&["http.raw:*"]);
    check(&undeclared, get(url), Err(declare)).await;
    assert_eq!(undeclared.outside.done(), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_checked_is_what_is_sent() {
    let world = idempotent(&["http.raw:a.example/v1/"]);
    check(&world, get("HTTPS://A.example:443/x/../v1/y?z#w"), Ok(200)).await;
    assert_eq!(world.outside.done(), ["acme: GET https://a.example/v1/y?z"]);
    check(&world, get("https://a.example/v1/../x"), Err("wforge grants approve")).await;
    check(&world, get("https://u@a.example/v1/"), Err("user information")).await;
    let connect = RawRequest { method: "CONNECT".to_owned(), ..get("https://a.example/v1/") };
    check(&world, connect, Err("CONNECT and TRACE are not sent")).await;
    assert_eq!(world.outside.done().len(), 1);
}

#[tokio::test]
async fn it_leaves_no_record_and_a_rerun_sends_it_again() {
    let world = idempotent(&["http.raw:*"]);
    for _ in 0..2 {
        let mut session = world.open().await;
        session.perform(sleep(0)).await;
        let (position, now) = (session.position(), session.now());
        session.exchange(get("https://a.example")).await.unwrap();
        assert_eq!((session.position(), session.now()), (position, now));
    }
    assert_eq!(world.outside.done().len(), 2);
}

#[tokio::test]
async fn in_a_replay_nothing_is_sent() {
    let world = idempotent(&["http.raw:*"]);
    let context =
        TaskContext { call: &world.call, lease: wforge_model::Epoch(0), may_have_run: false };
    let mut session = world.effects.replay(context).await.unwrap();
    let failure = session.exchange(get("https://a.example")).await.unwrap_err();
    assert_eq!(failure, RawFailure::Replayed);
    assert_eq!(world.outside.done(), Vec::<String>::new());
}

#[tokio::test]
async fn it_waits_for_a_place_of_its_tenant_and_gives_it_back_when_nobody_waits() {
    let mut world = world_with(&["http.raw:*"], SandboxLimits::default());
    world.call.is_idempotent = true;
    world.outside.will(&[Fate::Hangs, Fate::Hangs, Fate::Hangs, Fate::Hangs]);
    let mut session = world.open().await;
    let hung: Vec<_> = (0..4).map(|_| session.exchange(get("https://a.example"))).collect();
    let mut other = world.open_as(&another_task(&world.call, 9)).await;
    let mut next = other.exchange(get("https://b.example"));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(futures::FutureExt::now_or_never(&mut next).is_none());
    assert_eq!(world.outside.done().len(), 4);
    drop(hung);
    assert_eq!(next.await.unwrap().status, 200);
}
