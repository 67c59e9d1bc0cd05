//! Every surface that reaches out goes through the one filter: the address of instance metadata is
//! refused at each of them, whatever was granted.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use wforge_effects::llm::{ModelLimits, Models, ModelsConfig, ModelsParts, SecretText};
use wforge_effects::mcp::{McpLimits, McpServer, McpServers};
use wforge_effects::outbound::{Breaker, BreakerOptions, Egress, EgressOptions, Outbound};
use wforge_effects::{
    BlobLimits, Blobs, EffectsParts, FetchLimits, KvLimits, Outside, RecordedEffects, Secrets,
    Tools,
};
use wforge_model::Epoch;
use wforge_model::agent::AgentCall;
use wforge_model::effect::Operation;
use wforge_model::limits::SandboxLimits;
use wforge_ports::effects::TaskContext;
use wforge_ports::grants::Unrevoked;
use wforge_ports::{Clock, EffectSession, Effects as _, RawRequest, Schemas, TokenMeter};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{SimClock, SimEntropy, plant_secret};

use crate::llm::stage::{Spec, Tokens};
use crate::world::{NOON, Output, call, request, tell};

const METADATA: &str = "169.254.169.254";

/// What becomes of a host call.
async fn told(grants: &[&str], operation: Operation, element: Value) -> String {
    tell(&session(grants).await.perform(request(operation, element)).await)
}

/// The world as a deployment has it, with nothing faked between a guest and the network.
async fn session(grants: &[&str]) -> Box<dyn EffectSession> {
    let store = Arc::new(MemoryStore::new(StoreParts { entropy: Arc::new(SimEntropy::new(1)) }));
    let clock: Arc<dyn Clock> = Arc::new(SimClock::at(NOON));
    let egress = Arc::new(Egress::new(EgressOptions::default()).unwrap());
    let outbound: Arc<dyn Outbound> =
        Arc::new(Breaker::new(egress, clock.clone(), BreakerOptions::default()));
    let secrets = Secrets::new(store.clone());
    let blobs = Blobs::new(store.clone(), BlobLimits::default());
    let call = AgentCall { is_idempotent: true, ..call(grants) };
    plant_secret(
        &*store,
        &call.tenant,
        "token",
        &[Some("any-secret")],
        &["http://169.254.169.254"],
    )
    .await
    .unwrap();
    let server =
        json!({ "name": "inner", "url": format!("http://{METADATA}/mcp"), "tools": ["*"] });
    let server: McpServer = serde_json::from_value(server).unwrap();
    let mcp =
        McpServers::new(vec![server], &outbound, &clock, McpLimits::default(), &|_| None).unwrap();
    let outside = Outside {
        outbound: outbound.clone(),
        fetch: FetchLimits::default(),
        bodies: Arc::new(blobs.clone()),
        models: models(&outbound, &clock, &secrets, &blobs),
        secrets: secrets.clone(),
        counts: Arc::default(),
    };
    let effects = RecordedEffects::new(EffectsParts {
        store,
        clock,
        output: Arc::new(Output::default()),
        tools: Arc::new(Tools::new(mcp)),
        host_key: [9; 32],
        limits: Arc::new(SandboxLimits::default()),
        kv: KvLimits::default(),
        blobs,
        grants: Arc::new(Unrevoked),
        world: Arc::new(outside),
        secrets,
        threads: tokio::runtime::Handle::current(),
        flights: TaskTracker::new(),
        failpoints: None,
        at_once_max: 4,
    });
    effects.open(TaskContext { call: &call, lease: Epoch(1), may_have_run: false }).await.unwrap()
}

fn models(
    outbound: &Arc<dyn Outbound>,
    clock: &Arc<dyn Clock>,
    secrets: &Secrets,
    blobs: &Blobs,
) -> Models {
    let config = format!(
        "[[model]]\nname = \"inner\"\nprovider = \"openai\"\nmodel = \"x\"\nretries_max = 0\n\
         base_url = \"http://{METADATA}/v1\""
    );
    let config: ModelsConfig = toml::from_str(&config).unwrap();
    let (schemas, meter): (Arc<dyn Schemas>, Arc<dyn TokenMeter>) =
        (Arc::new(Spec(wforge_spec::Schemas::new())), Arc::<Tokens>::default());
    let parts = ModelsParts {
        outbound: outbound.clone(),
        clock: clock.clone(),
        meter,
        schemas,
        secrets: secrets.clone(),
        files: Arc::new(blobs.clone()),
        limits: ModelLimits::default(),
        keys: BTreeMap::<String, SecretText>::new(),
        cassettes: BTreeMap::new(),
        recorder: None,
    };
    Models::new(config, parts).unwrap()
}

async fn refused(grants: &[&str], operation: Operation, element: Value) {
    let told = told(grants, operation, element).await;
    assert!(told.contains("is not a public address"), "{operation}: {told}");
}

#[tokio::test]
async fn http_refuses_it() {
    for host in [METADATA, "2852039166", "[::ffff:a9fe:a9fe]", "0xa9fea9fe", "169.254.43518"] {
        let element = json!({ "method": "GET", "url": format!("http://{host}/latest/meta-data") });
        refused(&["http:*"], Operation::HttpFetch, element).await;
    }
}

#[tokio::test]
async fn http_with_a_credential_refuses_it() {
    let credential = json!({ "header": "x", "template": "{}", "secret": "token" });
    let url = format!("http://{METADATA}/");
    let element = json!({ "method": "GET", "url": url, "credentials": [credential] });
    refused(&["http:*", "secret:token:hold"], Operation::HttpFetch, element).await;
}

#[tokio::test]
async fn the_guests_own_client_refuses_it() {
    let (method, url) = ("GET".to_owned(), format!("http://{METADATA}/"));
    let (headers, body, timeout) = (Vec::new(), Vec::new(), None);
    let request = RawRequest { method, url, headers, body, timeout };
    let failure = session(&["http.raw:*"]).await.exchange(request).await.unwrap_err();
    assert!(failure.to_string().contains("is not a public address"), "{failure}");
}

#[tokio::test]
async fn models_refuse_it() {
    let part = json!({ "type": "text", "text": "hi" });
    let element = json!({
        "model": "inner", "messages": [{ "role": "user", "parts": [part] }], "tools": [],
        "options": {},
    });
    refused(&["llm:inner"], Operation::LlmComplete, element).await;
}

#[tokio::test]
async fn tools_refuse_it() {
    let element = json!({ "name": "mcp__inner__search", "input": {}, "options": {} });
    refused(&["tool:*"], Operation::ToolsCall, element).await;
}
