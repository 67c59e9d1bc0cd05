//! The API on the bench: one engine, keys of two tenants, a clock that stands.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use wforge_api::{
    ApiLimits, ApiParts, BuildInfo, Credential, Credentials, DiskFigures, HostNames, IssuedKey,
    KeyIds, KeyTable, Machine, MachineFigures, MemoryFigures, Origins, Pepper, Phase, Readiness,
    Role, Standing, SystemInfo, TokenRules, TokenSecret, router,
};
use wforge_engine::{Engine, EngineOptions, EngineParts, Lanes, RunBus, TraceHooks};
use wforge_model::tenancy::Quotas;
use wforge_model::{Digest, Scopes, TenantId, Timestamp};
use wforge_store::{MemoryStore, StoreParts};
use wforge_testkit::{SimClock, SimEntropy};

use crate::ports::{DraftsOnly, Echo, ManifestsOnly, NoEffects};

thread_local! {
    static JOINED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Remembers for the thread of a test in which traces requests go on.
const TRACES: TraceHooks = TraceHooks {
    join: |_, parent| JOINED.with_borrow_mut(|joined| joined.push(parent.to_owned())),
    parent_of: |_| None,
};

/// The traces in which requests of this thread went on since this was asked before.
pub(crate) fn joined() -> Vec<String> {
    JOINED.take()
}

/// Keys by `tenant/role`, and one whose lookup panics.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    table: KeyTable,
    texts: BTreeMap<String, String>,
}

impl Keys {
    fn of(tenants: &[&str]) -> Self {
        let (mut keys, entropy) = (Self::default(), SimEntropy::new(7));
        for tenant in tenants {
            for role in Role::ALL {
                let key = IssuedKey::issue(&entropy, &pepper());
                let credential = Credential {
                    mac: key.mac,
                    tenant: tenant.parse().unwrap(),
                    role,
                    scopes: Scopes::default(),
                    name: format!("{tenant}-{role}"),
                    expires_at: None,
                    is_passing: false,
                };
                keys.table.0.insert(key.id, credential);
                keys.texts.insert(format!("{tenant}/{role}"), key.text);
            }
        }
        keys
    }
}

/// The id of a key whose lookup panics.
pub(crate) const PANICS: &str = "dead00000000";

/// A machine with little memory, of which nothing else is known.
#[derive(Debug)]
struct SmallMachine;

impl Machine for SmallMachine {
    fn read(&self) -> MachineFigures {
        let memory = MemoryFigures {
            resident_bytes: Some(640 << 10),
            resident_by_kind: vec![("anonymous", 512 << 10), ("file", 128 << 10)],
            allocator_bytes: vec![("allocated", 256 << 10)],
            ..MemoryFigures::default()
        };
        let disk = Some(DiskFigures::default());
        MachineFigures { memory, disk, cpu_ms: Some(1_500), ..MachineFigures::default() }
    }

    fn data_bytes(&self) -> Option<u64> {
        Some(7)
    }
}

/// What the keys are hashed with.
pub(crate) fn pepper() -> Pepper {
    Pepper::new([5; 32])
}

impl Credentials for Keys {
    fn find(&self, id: &str) -> Option<Credential> {
        assert_ne!(id, PANICS, "the lookup panics: secret");
        self.table.find(id)
    }

    fn standing(&self, tenant: &TenantId) -> Standing {
        match tenant.as_str() {
            "asleep" => Standing::Suspended,
            "gone" => Standing::Unknown,
            _ => Standing::Active,
        }
    }

    fn tokens_since(&self, tenant: &TenantId) -> Timestamp {
        Timestamp(if tenant.as_str() == "other" { 1_700_000_001_000 } else { 0 })
    }

    fn member(&self, tenant: &TenantId, subject: &str) -> Option<Role> {
        (tenant.as_str() == "acme" && subject == "ann").then_some(Role::Operator)
    }
}

/// Tokens that a test may change.
pub(crate) fn token_rules() -> TokenRules {
    let secret = TokenSecret::new(b"9f2b7c1de8a04365b1f7c09ad2e48653".to_vec()).unwrap();
    let (issuer, audience) = ("https://id.example".to_owned(), "wforge".to_owned());
    TokenRules { keys: KeyIds::Secret(secret), issuer, audience, ttl_s_max: 86_400 }
}

pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) clock: SimClock,
    pub(crate) readiness: Readiness,
    pub(crate) shutdown: CancellationToken,
    /// Whether agents never answer.
    pub(crate) hangs: Arc<AtomicBool>,
    keys: Keys,
}

pub(crate) fn bench() -> Bench {
    bench_with(ApiLimits::default())
}

pub(crate) fn bench_with(limits: ApiLimits) -> Bench {
    bench_of(Given { limits, ..Given::default() })
}

/// What a bench is given.
pub(crate) struct Given {
    pub(crate) limits: ApiLimits,
    pub(crate) origins: Origins,
    pub(crate) tokens: Option<TokenRules>,
    pub(crate) quotas: Quotas,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            limits: ApiLimits::default(),
            origins: Origins::default(),
            tokens: Some(token_rules()),
            // No test but those about it is about speed, and the clock stands.
            quotas: Quotas { requests_burst_max: 1_000_000, ..Quotas::default() },
        }
    }
}

pub(crate) fn bench_of(Given { limits, origins, tokens, quotas }: Given) -> Bench {
    let clock = SimClock::at(Timestamp(1_700_000_000_000));
    let shutdown = CancellationToken::new();
    let echo = Echo::default();
    let hangs = Arc::clone(&echo.hangs);
    let options = EngineOptions { quotas, ..EngineOptions::default() };
    let engine = Engine::new(engine_parts(&clock, echo), options, shutdown.clone());
    let keys = Keys::of(&["acme", "other", "asleep", "gone"]);
    let readiness = Readiness::default();
    readiness.set(Phase::Ready);
    let router = router(ApiParts {
        engine: engine.handle(),
        reader: Arc::new(DraftsOnly),
        credentials: Arc::new(keys.clone()),
        pepper: pepper(),
        tokens: tokens.map(Arc::new),
        origins,
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(SimEntropy::new(3)),
        hosts: HostNames::of_listener("127.0.0.1:7700".parse().unwrap(), []),
        log: Arc::new(crate::log_level::Words::default()),
        system: SystemInfo {
            version: "0.1.0".into(),
            build: BuildInfo::default(),
            environment: "testing".into(),
            mock: None,
            tls: false,
        },
        machine: Arc::new(SmallMachine),
        readiness: readiness.clone(),
        shutdown: shutdown.clone(),
        tasks: TaskTracker::new(),
        limits,
    });
    TaskTracker::new().spawn(engine.run());
    Bench { router, clock, readiness, shutdown, hangs, keys }
}

fn engine_parts(clock: &SimClock, echo: Echo) -> EngineParts {
    let entropy = Arc::new(SimEntropy::new(1));
    let store = Arc::new(MemoryStore::new(StoreParts { entropy: entropy.clone() }));
    let lane = tokio::runtime::Handle::current();
    EngineParts {
        store: store.clone(),
        driver: store,
        runtime: Arc::new(echo),
        effects: Arc::new(NoEffects),
        admission: Arc::new(ManifestsOnly),
        expressions: Arc::new(wforge_spec::Cel::new()),
        grants: Arc::new(wforge_engine::FixedGrants::default()),
        posts: Arc::new(wforge_ports::NoPosts),
        clock: Arc::new(clock.clone()),
        entropy,
        bus: Arc::new(RunBus::new(1_024)),
        call_log: None,
        failpoints: None,
        digest: |draft| {
            let text = serde_json::to_vec(draft).unwrap();
            let hash = wforge_model::id::IdHasher::new("test").field(&text).finish_wide();
            Ok(Digest::from_bytes(hash))
        },
        traces: TRACES,
        lanes: Lanes { engine: lane.clone(), plugins: lane },
    }
}

impl Bench {
    /// The key of `tenant/role`.
    pub(crate) fn key(&self, of: &str) -> &str {
        &self.keys.texts[of]
    }

    /// A request that a developer of `acme` makes, until said otherwise.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call {
            bench: self,
            request: Request::builder().method(method).uri(path),
            host: "localhost".into(),
            of: Some("acme/developer".into()),
            body: Body::empty(),
        }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call("GET", path)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call("POST", path).typed("application/json", body.to_string())
    }

    /// Registers a workflow for `acme`.
    pub(crate) async fn registered(&self, draft: &Value) {
        let reply = self.post("/v1/workflows", draft).send().await;
        assert_eq!(reply.status, 201, "{}", reply.text);
    }

    /// Ends a future that waits for time, by letting time pass whenever nothing else is left.
    pub(crate) async fn passing_time<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            tokio::select! {
                biased;
                output = &mut future => return output,
                () = idle() => { let _ = self.clock.advance_to_next_sleeper(); }
            }
        }
    }
}

/// Long enough for everything that can run to run.
pub(crate) async fn idle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[must_use]
pub(crate) struct Call<'a> {
    bench: &'a Bench,
    request: axum::http::request::Builder,
    host: String,
    of: Option<String>,
    body: Body,
}

impl Call<'_> {
    /// With the key of `tenant/role`.
    pub(crate) fn of(mut self, of: &str) -> Self {
        self.of = Some(of.into());
        self
    }

    pub(crate) fn naming_host(mut self, host: &str) -> Self {
        self.host = host.into();
        self
    }

    pub(crate) fn without_key(mut self) -> Self {
        self.of = None;
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn typed(self, media_type: &str, body: impl Into<Body>) -> Self {
        Self { body: body.into(), ..self.header("content-type", media_type) }
    }

    pub(crate) async fn send(self) -> Reply {
        let response = self.response().await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        let text = String::from_utf8(bytes.into()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    /// The response with its body unread.
    pub(crate) async fn response(self) -> axum::response::Response {
        let mut request = self.request.header("host", self.host);
        if let Some(of) = &self.of {
            request = request.header("authorization", format!("Bearer {}", self.bench.key(of)));
        }
        let request = request.body(self.body).unwrap();
        self.bench.router.clone().oneshot(request).await.unwrap()
    }
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `status code`, such as `404 WF0404`; the status alone where there is no problem.
    pub(crate) fn outcome(&self) -> String {
        let json: Value = serde_json::from_str(&self.text).unwrap_or_default();
        match json["code"].as_str() {
            Some(code) => format!("{} {code}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }
}

/// A workflow that greets `who` at once.
pub(crate) fn greet() -> Value {
    json!({
        "name": "greet", "version": "1.0.0",
        "state": { "who": { "schema": { "type": "string" } }, "hello": {} },
        "input": ["who"], "output": ["hello"],
        "nodes": { "hello": { "work": { "set": { "hello": "'hello ' + state.who" } } } },
        "edges": [{ "from": "start", "rule": { "to": { "to": [{ "node": "hello" }] } } }],
    })
}

/// A workflow that asks before it greets.
pub(crate) fn ask() -> Value {
    let mut draft = greet();
    draft["name"] = json!("ask");
    draft["state"]["approval"] = json!({});
    draft["nodes"]["approve"] = json!({
        "work": { "ask": { "prompt": "Greet {{ state.who }}?", "schema": { "type": "boolean" } } },
        "out": { "approval": "result" },
    });
    draft["edges"] = json!([
        { "from": "start", "rule": { "to": { "to": [{ "node": "approve" }] } } },
        { "from": { "node": "approve" }, "rule": { "to": { "to": [{ "node": "hello" }] } } },
    ]);
    draft
}

/// A workflow whose greeting an agent does.
pub(crate) fn agent() -> Value {
    let mut draft = greet();
    draft["name"] = json!("agent");
    draft["nodes"]["hello"] = json!({
        "work": { "agent": "acme/echo" },
        "in": { "who": "state.who" },
        "out": { "hello": "result.who" },
    });
    draft
}
