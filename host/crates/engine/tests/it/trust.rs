//! Trust without a sandbox: what the platform signs and revokes, what goes on from an old
//! checkpoint, and what a policy counts.

use serde_json::json;
use wforge_engine::{
    ContinueFrom, EngineError, ForkPoint, NewTrustedKey, PluginUpload, PolicyChange, StartRun,
};
use wforge_model::TenantId;
use wforge_model::head::RunStatus;
use wforge_testkit::SigningKey;

use crate::harness::{Answer, World, ok, request, tenant};

const ONE: &str = "
state: { x: {} }
input: []
output: [x]
nodes:
  a: { agent: t/a, in: {}, out: { x: result } }
edges: [{ from: START, to: a }]
";

fn platform() -> TenantId {
    "platform".parse().unwrap()
}

async fn trusts(world: &World, tenant: &TenantId, name: &str, key: &SigningKey) {
    let key = NewTrustedKey {
        name: name.parse().unwrap(),
        public: key.public_line(),
        note: String::new(),
    };
    world.handle.trust_key(tenant, key, "ann").await.unwrap();
}

async fn revokes(world: &World, tenant: &TenantId, name: &str) {
    let why = (name, "stolen".to_owned());
    world.handle.revoke_trusted_key(tenant, why, "ann").await.unwrap();
}

/// The harness makes a component of a text such as `t/a@1.0.0`.
async fn installs(
    world: &World,
    tenant: &TenantId,
    text: &str,
    key: Option<&SigningKey>,
) -> Result<(), &'static str> {
    let bytes = text.as_bytes().to_vec();
    let signature = key.map(|key| key.sign(&bytes).into_bytes());
    let upload = PluginUpload { bytes, signature };
    world
        .handle
        .install_plugin(tenant, upload, "ann")
        .await
        .map(|_| ())
        .map_err(|error| why(&error))
}

fn why(error: &EngineError) -> &'static str {
    match error {
        EngineError::Invalid { code, .. } | EngineError::Conflict { code, .. } => code,
        other => panic!("{other}"),
    }
}

/// A run of whatever is installed.
async fn runs(world: &World) -> Result<(), &'static str> {
    let request = StartRun { plugins: None, ..request(ONE) };
    world.handle.start(&tenant(), request).await.map(|_| ()).map_err(|error| why(&error))
}

async fn asks(world: &World, change: PolicyChange) {
    world.handle.change_trust_policy(&tenant(), change, "ann").await.unwrap();
}

fn signed_only() -> PolicyChange {
    PolicyChange { require_signed: Some(true), ..PolicyChange::default() }
}

/// A tenant that is offered the platform's t/a, signed by a key of the platform.
async fn offered() -> (World, SigningKey) {
    let (world, key) = (World::new(ok), SigningKey::of(1));
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    trusts(&world, &platform(), "vendor", &key).await;
    installs(&world, &platform(), "t/a@1.0.0", Some(&key)).await.unwrap();
    let plugins = vec!["t/a".parse().unwrap()];
    world.handle.set_platform_plugins(&tenant(), plugins, "me").await.unwrap();
    (world, key)
}

#[tokio::test]
async fn what_the_platform_signed_counts_for_those_who_are_offered_it() {
    let (world, key) = offered().await;
    asks(&world, signed_only()).await;
    assert_eq!(runs(&world).await, Ok(()));
    let shown = world.handle.plugin(&tenant(), "t/a").await.unwrap();
    assert_eq!(shown.signer.unwrap().key.to_string(), key.id());
    revokes(&world, &platform(), "vendor").await;
    assert_eq!(runs(&world).await, Err("revoked_key"));
}

#[tokio::test]
async fn a_tenant_holds_the_platforms_plugins_to_its_own_rules_too() {
    let (world, key) = offered().await;
    let minimum = [("t/a".parse().unwrap(), Some("1.1.0".parse().unwrap()))].into();
    asks(&world, PolicyChange { minimum, ..PolicyChange::default() }).await;
    assert_eq!(runs(&world).await, Err("below_minimum"));
    let minimum = [("t/a".parse().unwrap(), None)].into();
    asks(&world, PolicyChange { minimum, ..PolicyChange::default() }).await;
    assert_eq!(runs(&world).await, Ok(()));
    trusts(&world, &tenant(), "theirs", &key).await;
    revokes(&world, &tenant(), "theirs").await;
    assert_eq!(runs(&world).await, Err("revoked_key"));
}

#[tokio::test]
async fn the_newest_version_that_is_trusted_serves() {
    let (world, key) = (World::new(ok), SigningKey::of(1));
    trusts(&world, &tenant(), "ours", &key).await;
    installs(&world, &tenant(), "t/a@1.0.0", Some(&key)).await.unwrap();
    installs(&world, &tenant(), "t/a@2.0.0", None).await.unwrap();
    let version = async || {
        let request = StartRun { plugins: None, ..request(ONE) };
        let run = world.handle.start(&tenant(), request).await.unwrap().run;
        let view = world.handle.view(&tenant(), run).await.unwrap();
        view.tasks[0].agent.clone().unwrap()
    };
    assert_eq!(version().await, "t/a@2.0.0");
    asks(&world, signed_only()).await;
    assert_eq!(version().await, "t/a@1.0.0");
}

#[tokio::test]
async fn nobody_stands_in_for_what_is_not_trusted() {
    let options = wforge_engine::EngineOptions {
        mock_mode: Some(wforge_model::mock::MockMode::Fallback),
        require_signed: true,
        ..Default::default()
    };
    let world = World::with(options, ok);
    let refused = world.handle.start(&tenant(), request(ONE)).await;
    assert_eq!(refused.map_err(|error| why(&error)), Err("unsigned"));
    let missing = StartRun { plugins: Some(Vec::new()), ..request(ONE) };
    world.handle.start(&tenant(), missing).await.unwrap();
}

#[tokio::test]
async fn a_thief_s_version_blocks_no_later_one_of_the_owner() {
    let (world, stolen, key) = (World::new(ok), SigningKey::of(1), SigningKey::of(2));
    trusts(&world, &tenant(), "stolen", &stolen).await;
    trusts(&world, &tenant(), "ours", &key).await;
    installs(&world, &tenant(), "t/a@99.0.0", Some(&stolen)).await.unwrap();
    let older = async || installs(&world, &tenant(), "t/a@1.0.0", Some(&key)).await;
    assert_eq!(older().await, Err("below_minimum"));
    revokes(&world, &tenant(), "stolen").await;
    assert_eq!(older().await, Ok(()));
    assert_eq!(runs(&world).await, Ok(()));
}

#[tokio::test]
async fn what_goes_on_from_an_old_checkpoint_is_held_to_what_holds_now() {
    let (world, key) = (World::new(|_| Answer::Reply(json!(1))), SigningKey::of(1));
    world.handle.ensure_tenant(tenant(), "me").await.unwrap();
    trusts(&world, &tenant(), "ours", &key).await;
    installs(&world, &tenant(), "t/a@1.0.0", Some(&key)).await.unwrap();
    let thread = "thread_00000000000000000000000000000abc".parse().unwrap();
    let request = StartRun { plugins: None, thread: Some(thread), ..request(ONE) };
    let run = world.handle.start(&tenant(), request).await.unwrap().run;
    let wait = wforge_engine::WaitFor::Settled;
    let head = world.handle.wait(&tenant(), run, wait).await.unwrap();
    assert_eq!(head.status, RunStatus::Completed);
    let go_on = async || {
        let from = ContinueFrom {
            at: ForkPoint::Thread(thread),
            answers: Default::default(),
            durability: Default::default(),
            steps: None,
            idempotency: None,
            by: "ann".to_owned(),
        };
        world.handle.continue_from(&tenant(), from).await.map(|_| ()).map_err(|error| why(&error))
    };
    assert_eq!(go_on().await, Ok(()));
    revokes(&world, &tenant(), "ours").await;
    assert_eq!(go_on().await, Err("revoked_key"));
}

#[tokio::test]
async fn signing_a_version_again_is_no_new_version() {
    let (world, key, later) = (World::new(ok), SigningKey::of(1), SigningKey::of(2));
    for (name, key) in [("ours", &key), ("later", &later)] {
        trusts(&world, &tenant(), name, key).await;
    }
    installs(&world, &tenant(), "t/a@1.0.0", None).await.unwrap();
    installs(&world, &tenant(), "t/a@2.0.0", Some(&key)).await.unwrap();
    // Older than what is signed, but installed before.
    installs(&world, &tenant(), "t/a@1.0.0", Some(&key)).await.unwrap();
    installs(&world, &tenant(), "t/a@1.0.0", Some(&later)).await.unwrap();
    let shown = world.handle.plugin(&tenant(), "t/a@1.0.0").await.unwrap();
    assert_eq!(shown.signer.unwrap().name.as_str(), "later");
    assert_eq!(world.handle.plugins(&tenant()).await.unwrap().len(), 2);
    let world = world.restart(ok).await;
    let shown = world.handle.plugin(&tenant(), "t/a@1.0.0").await.unwrap();
    assert_eq!(shown.signer.unwrap().name.as_str(), "later");
}
