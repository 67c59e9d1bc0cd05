//! Grants over time: they expire, a new version keeps what it needs unchanged, and there are only
//! so many.

use wforge_engine::{EngineError, GrantDecision, GrantRequest};
use wforge_model::grant::{GrantStanding, GrantState};

use crate::harness::{World, now, ok, tenant};

fn asked(plugin: &str, capability: &str, node: Option<&str>) -> GrantRequest {
    GrantRequest {
        plugin: plugin.to_owned(),
        component: None,
        workflow: node.map(|_| "test".to_owned()),
        node: node.map(|node| node.parse().unwrap()),
        capability: capability.parse().unwrap(),
        reason: String::new(),
    }
}

fn approved(ttl_ms: Option<u64>) -> GrantDecision {
    GrantDecision { state: GrantState::Granted, reason: String::new(), ttl_ms }
}

/// A plugin is written `name@version needs…`; the harness makes its component of the text.
async fn installed(world: &World, text: &str) {
    world.handle.install_plugin(&tenant(), text.as_bytes().to_vec(), "ann").await.unwrap();
}

/// Every grant as `component capability standing`, in the order of the components' versions.
fn shown(world: &World) -> Vec<String> {
    let grants = world.handle.grants(&tenant());
    let mut lines: Vec<String> = grants
        .iter()
        .map(|grant| {
            let kept = if grant.kept_from.is_some() { " kept" } else { "" };
            let standing = grant.standing(now(world)).as_str();
            format!("{} {}{kept}", grant.key.capability, standing)
        })
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_grant_ends_at_its_time() {
    let world = World::new(ok);
    installed(&world, "t/a@1.0.0 kv:run").await;
    let grant = world.handle.grants(&tenant())[0].key.id();
    let decided = world.handle.decide_grant(&tenant(), &grant, approved(Some(60_000)), "ann").await;
    assert_eq!(decided.unwrap().standing(now(&world)), GrantStanding::Granted);
    let may = async || {
        let asked = asked("t/a", "kv:run", None);
        world.handle.explain_grant(&tenant(), asked).await.unwrap().may
    };
    assert!(may().await);
    world.advance(59_999);
    assert!(may().await);
    world.advance(1);
    assert!(!may().await);
    assert_eq!(shown(&world), ["kv:run expired"]);
}

#[tokio::test]
async fn a_new_version_keeps_what_it_needs_unchanged_and_asks_for_the_rest() {
    let world = World::new(ok);
    installed(&world, "t/a@1.0.0 kv:run llm:fast").await;
    for grant in world.handle.grants(&tenant()) {
        let id = grant.key.id();
        world.handle.decide_grant(&tenant(), &id, approved(None), "ann").await.unwrap();
    }
    installed(&world, "t/a@2.0.0 kv:run llm:slow").await;
    let expected =
        ["kv:run granted", "kv:run granted kept", "llm:fast granted", "llm:slow requested"];
    assert_eq!(shown(&world), expected);
    // Asked again, nothing changes.
    installed(&world, "t/a@2.0.0 kv:run llm:slow").await;
    assert_eq!(shown(&world), expected);
}

#[tokio::test]
async fn what_was_refused_for_one_version_is_asked_for_again_by_the_next() {
    let world = World::new(ok);
    installed(&world, "t/a@1.0.0 kv:run").await;
    let grant = world.handle.grants(&tenant())[0].key.id();
    let denied = GrantDecision { state: GrantState::Denied, reason: "no".into(), ttl_ms: None };
    world.handle.decide_grant(&tenant(), &grant, denied, "ann").await.unwrap();
    installed(&world, "t/a@1.1.0 kv:run").await;
    assert_eq!(shown(&world), ["kv:run denied", "kv:run requested"]);
}

#[tokio::test]
async fn a_tenant_has_10_000_grants_and_no_more() {
    let world = World::new(ok);
    installed(&world, "t/a@1.0.0 kv:run").await;
    for number in 0..9_999 {
        let asked = asked("t/a", "kv:run", Some(&format!("n{number}")));
        world.handle.request_grant(&tenant(), asked, "ann").await.unwrap();
    }
    let one_more = asked("t/a", "kv:run", Some("last"));
    let refused = world.handle.request_grant(&tenant(), one_more, "ann").await;
    let Err(EngineError::Conflict { code, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(code, "too_many_grants");
    // What is there already can be asked for and decided.
    let again = asked("t/a", "kv:run", Some("n7"));
    let grant = world.handle.request_grant(&tenant(), again, "ann").await.unwrap();
    world.handle.decide_grant(&tenant(), &grant.key.id(), approved(None), "ann").await.unwrap();
}

#[tokio::test]
async fn words_that_are_too_long_or_of_no_place_are_refused() {
    let world = World::new(ok);
    installed(&world, "t/a@1.0.0 kv:run").await;
    let refused = async |change: fn(&mut GrantRequest)| {
        let mut request = asked("t/a", "kv:run", None);
        change(&mut request);
        match world.handle.request_grant(&tenant(), request, "ann").await {
            Err(EngineError::Invalid { code, .. }) => code,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|r| r.reason = "x".repeat(1_025)).await, "bad_reason");
    assert_eq!(refused(|r| r.node = Some("n".parse().unwrap())).await, "node_alone");
    assert_eq!(refused(|r| r.workflow = Some("w@1".into())).await, "bad_workflow");
    assert_eq!(refused(|r| r.capability = "kv:plugin".parse().unwrap()).await, "not_needed");
}
