//! How many of each a deployment and a tenant may have, and how long their names are.

use wforge_engine::{EngineError, NewKey};
use wforge_model::tenancy::{AskedQuotas, KeyKind};
use wforge_model::{Digest, PluginName, Role, Scopes, TenantId};

use crate::harness::{World, ok, tenant};

async fn made() -> World {
    let world = World::new(ok);
    world.handle.load_directory().await.unwrap();
    world.handle.create_tenant(tenant(), AskedQuotas::default(), "me").await.unwrap();
    world
}

fn key(name: String) -> NewKey {
    NewKey {
        id: name.clone(),
        mac: Digest::from_bytes([7; 32]),
        role: Role::Viewer,
        scopes: Scopes::default(),
        kind: KeyKind::Person,
        name,
        expires_at: None,
    }
}

/// The name of what was over.
fn over<T: std::fmt::Debug>(result: Result<T, EngineError>) -> &'static str {
    match result.unwrap_err() {
        EngineError::Conflict { code, .. } | EngineError::Invalid { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_tenant_has_1_000_keys_and_no_more() {
    let world = made().await;
    for number in 0..1_000 {
        world.handle.add_key(&tenant(), key(format!("k{number}")), "me").await.unwrap();
    }
    let one_more = world.handle.add_key(&tenant(), key("last".to_owned()), "me").await;
    assert_eq!(over(one_more), "too_many_keys");
    world.handle.revoke_key(&tenant(), "k7", "me").await.unwrap();
    world.handle.add_key(&tenant(), key("last".to_owned()), "me").await.unwrap();
}

#[tokio::test]
async fn a_tenant_has_10_000_members_and_no_more() {
    let world = made().await;
    for number in 0..10_000 {
        let subject = format!("p{number}");
        world.handle.put_member(&tenant(), (&subject, Role::Viewer), "me").await.unwrap();
    }
    let one_more = world.handle.put_member(&tenant(), ("last", Role::Viewer), "me").await;
    assert_eq!(over(one_more), "too_many_members");
    // Who is one already can be given another role.
    world.handle.put_member(&tenant(), ("p7", Role::Operator), "me").await.unwrap();
}

#[tokio::test]
async fn a_deployment_has_10_000_tenants_and_no_more() {
    let world = made().await;
    let create = |number: usize| {
        let id: TenantId = format!("t{number}").parse().unwrap();
        world.handle.create_tenant(id, AskedQuotas::default(), "me")
    };
    for number in 1..10_000 {
        create(number).await.unwrap();
    }
    assert_eq!(over(create(10_000).await), "too_many_tenants");
}

#[tokio::test]
async fn a_tenant_is_offered_1_000_plugins_and_no_more() {
    let world = made().await;
    let names = |count: usize| -> Vec<PluginName> {
        (0..count).map(|number| format!("acme/p{number}").parse().unwrap()).collect()
    };
    let offered = world.handle.set_platform_plugins(&tenant(), names(1_000), "me").await.unwrap();
    assert_eq!(offered.plugins.len(), 1_000);
    let one_more = world.handle.set_platform_plugins(&tenant(), names(1_001), "me").await;
    assert_eq!(over(one_more), "too_many_plugins");
}

#[tokio::test]
async fn names_of_keys_and_people_have_a_longest() {
    let world = made().await;
    world.handle.add_key(&tenant(), key("n".repeat(128)), "me").await.unwrap();
    let longer = world.handle.add_key(&tenant(), key("n".repeat(129)), "me").await;
    assert_eq!(over(longer), "bad_key_name");
    let put = async |bytes: usize| {
        world.handle.put_member(&tenant(), (&"s".repeat(bytes), Role::Viewer), "me").await
    };
    put(256).await.unwrap();
    assert_eq!(over(put(257).await), "bad_subject");
}
