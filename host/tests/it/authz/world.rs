//! A server with two tenants, a key of each role for both, and one of each thing for one of them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wforge_api::{Access, ROUTES, Role, Route};

use crate::harness::{Cli, Reply, TestHost, component};

/// The tenants of the matrix.
pub(super) const TENANTS: [&str; 3] = ["acme", "other", "asleep"];
/// What stands in every thing of acme.
const CANARY: &str = "canary-of-acme";
/// The secret of tokens.
pub(crate) const SECRET: &str = "9f2b7c1de8a04365b1f7c09ad2e4865331d0b7fae91c2d48675fa0b3c1e2d497";

pub(super) struct World {
    host: TestHost,
    keys: BTreeMap<String, String>,
    narrow: BTreeMap<String, String>,
    /// The parts of acme's paths.
    parts: BTreeMap<&'static str, String>,
    canaries: Vec<String>,
}

fn waits() -> String {
    format!(
        "
apiVersion: workflowforge/v1
name: {CANARY}
version: 1.0.0
state: {{ said: {{}} }}
input: []
output: [said]
nodes:
  ask: {{ ask: {{ prompt: '{CANARY}?', schema: {{ type: string }} }}, out: {{ said: result }} }}
edges: [{{ from: START, to: ask }}]
"
    )
}

impl World {
    pub(super) fn start() -> Self {
        let cli = Cli::new()
            .with("WFORGE_JWT_SECRET", SECRET)
            .with("WFORGE_JWT_ISSUER", "https://id.example")
            .with("WFORGE_JWT_AUDIENCE", "wforge")
            .with("WFORGE_LIMITS__API__AUTH_FAILURES_PER_MINUTE_MAX", "1_000_000_000")
            .with("WFORGE_LIMITS__TENANT__REQUESTS_PER_SECOND_MAX", "1_000_000")
            .with("WFORGE_LIMITS__TENANT__REQUESTS_BURST_MAX", "1_000_000");
        let host = TestHost::on(cli);
        let mut world = Self {
            host,
            keys: BTreeMap::new(),
            narrow: BTreeMap::new(),
            parts: BTreeMap::new(),
            canaries: vec![CANARY.to_owned()],
        };
        world.make_keys();
        world.make_things();
        let suspend = world.host.post("/v1/tenants/asleep/suspend", &json!({}));
        suspend.status(200);
        world
    }

    fn make_keys(&mut self) {
        for tenant in TENANTS {
            self.host.post("/v1/tenants", &json!({ "id": tenant })).status(201);
            for role in Role::ALL {
                let key = self.make_key(tenant, &json!({ "name": role.as_str(), "role": role }));
                self.keys.insert(format!("{tenant}/{role}"), key);
            }
        }
        let scopes: std::collections::BTreeSet<String> = ROUTES
            .iter()
            .filter_map(|route| match route.access {
                Access::Open => None,
                Access::Role { scope, .. } => Some(scope.noun.as_str()),
            })
            .flat_map(|noun| [format!("{noun}:read"), format!("{noun}:write")])
            .collect();
        for scope in scopes {
            let body = json!({ "name": scope, "role": "platform", "scopes": [scope] });
            let key = self.make_key("acme", &body);
            self.narrow.insert(scope, key);
        }
    }

    fn make_key(&self, tenant: &str, body: &Value) -> String {
        let made = self.host.post(&format!("/v1/tenants/{tenant}/keys"), body).status(201).json();
        made["key"].as_str().expect("a key").to_owned()
    }

    fn make_things(&mut self) {
        let admin = self.key("acme", Role::Admin).to_owned();
        let post = |path: &str, body: &Value| self.host.post_as(path, body, &admin);
        let workflow =
            self.host.post_text_as("/v1/workflows", "application/yaml", &waits(), &admin);
        workflow.status(201);
        let wasm = fs_err::read(component("wforge/outline")).expect("a component");
        let plugin = self.host.post_bytes_as("/v1/plugins", "application/wasm", &wasm, &admin);
        let plugin = plugin.status(201).json();
        let digest = plugin["component"].as_str().expect("a digest").to_owned();
        let probe = fs_err::read(component("wforge/probe")).expect("a component");
        self.host.post_bytes_as("/v1/plugins", "application/wasm", &probe, &admin).status(201);
        let grant = json!({ "plugin": "wforge/probe", "capability": "ask", "reason": CANARY });
        let grant = post("/v1/grants", &grant).status(201).json();
        let grant = grant["id"].as_str().expect("an id").to_owned();
        self.host.post_bytes_as("/v1/components", "application/wasm", &wasm, &admin).status(201);
        let thread = "thread_00000000000000000000000000000abc";
        let start = json!({ "workflow": { "name": CANARY }, "thread": thread });
        let run = post("/v1/runs?wait=30s", &start).status(200).json();
        let run = run["id"].as_str().expect("a run").to_owned();
        post("/v1/members", &json!({ "subject": CANARY, "role": "viewer" })).status(200);
        let key = post("/v1/keys", &json!({ "name": CANARY, "role": "viewer" })).status(201).json();
        let key = key["id"].as_str().expect("an id").to_owned();
        let secret = json!({ "value": format!("value-{CANARY}") }).to_string();
        let path = format!("/v1/secrets/{CANARY}");
        let put = self.host.send_by("PUT", &path, "application/json", &secret, Some(&admin));
        put.status(200);
        let cron = json!({ "name": CANARY, "workflow": CANARY, "cron": "0 0 1 1 *" });
        post("/v1/schedules", &cron).status(201);
        let signer = wforge_testkit::SigningKey::of(9);
        let trusted = json!({ "name": CANARY, "public": signer.public_line() });
        post("/v1/trust/keys", &trusted).status(201);
        let signer = signer.id();
        let delivery = self.make_hooks(&admin);
        let (interrupt, space, blob) = self.make_held(thread, &admin);
        self.canaries.extend([run.clone(), thread.to_owned(), key.clone()]);
        self.parts = [
            ("publisher", "wforge".to_owned()),
            ("plugin", "outline".to_owned()),
            ("digest", digest),
            ("workflow", CANARY.to_owned()),
            ("run", run),
            ("interrupt", interrupt),
            ("space", space),
            ("entry", CANARY.to_owned()),
            ("blob", blob),
            ("thread", thread.to_owned()),
            ("grant", grant),
            ("key", key),
            ("schedule", CANARY.to_owned()),
            ("secret", CANARY.to_owned()),
            ("signer", signer),
            ("webhook", CANARY.to_owned()),
            ("delivery", delivery),
            ("hook", CANARY.to_owned()),
            ("expires", "0".to_owned()),
            ("signature", "none".to_owned()),
            ("subject", CANARY.to_owned()),
            ("tenant", "acme".to_owned()),
        ]
        .into();
    }

    /// An open question, an entry of a memory, and a blob.
    fn make_held(&self, thread: &str, admin: &str) -> (String, String, String) {
        let open = self.host.get_as("/v1/interrupts", Some(admin)).status(200).json();
        let interrupt = open["items"][0]["id"].as_str().expect("a question").to_owned();
        let space = format!("thread:{thread}");
        let held = json!({ "value": CANARY }).to_string();
        let path = format!("/v1/kv/{space}/{CANARY}");
        let put = self.host.send_by("PUT", &path, "application/json", &held, Some(admin));
        put.status(200);
        let bytes = ("/v1/blobs", "application/octet-stream", CANARY.as_bytes());
        let blob = self.host.post_bytes_as(bytes.0, bytes.1, bytes.2, admin).status(201).json();
        let blob = blob["id"].as_str().expect("a digest").to_owned();
        (interrupt, space, blob)
    }

    /// A webhook that was told something, and an inbound one.
    fn make_hooks(&self, admin: &str) -> String {
        let webhook = json!({
            "name": CANARY, "url": "https://hooks.invalid/x", "events": ["run.completed"],
        });
        self.host.post_as("/v1/webhooks", &webhook, admin).status(201);
        let ping = format!("/v1/webhooks/{CANARY}/test");
        let delivery = self.host.post_as(&ping, &json!({}), admin).status(202).json();
        let hook = json!({ "name": CANARY, "action": { "start": { "workflow": CANARY } } });
        self.host.post_as("/v1/hooks", &hook, admin).status(201);
        delivery["id"].as_str().expect("an id").to_owned()
    }

    pub(super) fn key(&self, tenant: &str, role: Role) -> &str {
        &self.keys[&format!("{tenant}/{role}")]
    }

    pub(super) fn narrow(&self, scope: &str) -> &str {
        &self.narrow[scope]
    }

    pub(super) fn suspended(&self) -> &str {
        self.key("asleep", Role::Platform)
    }

    pub(super) fn canaries(&self) -> &[String] {
        &self.canaries
    }

    pub(super) fn get_as(&self, path: &str, authorization: &[String]) -> Reply {
        self.host.get_with(path, authorization)
    }

    /// A change by whoever runs the server.
    pub(super) fn platform(&self, path: &str, body: &Value) {
        self.host.post(path, body).status(200);
    }

    pub(super) fn head(&self, path: &str, key: &str) -> u16 {
        self.host.head(path, key)
    }

    pub(super) fn address(&self) -> &str {
        self.host.address()
    }

    /// The names of the variable parts of a route, in its order.
    fn names(route: &Route) -> Vec<&'static str> {
        let parts = route.path.split('/').filter_map(|part| {
            let name = part.strip_prefix('{')?.strip_suffix('}')?;
            Some(name)
        });
        let of = |name: &'static str| match (route.path, name) {
            (path, "name") if path.starts_with("/v1/plugins/") => "plugin",
            (path, "name") if path.starts_with("/v1/workflows/") => "workflow",
            (_, name) => name,
        };
        parts.map(of).collect()
    }

    fn path(route: &Route, part: impl Fn(&'static str) -> String) -> String {
        let mut names = Self::names(route).into_iter();
        let parts = route.path.split('/').map(|text| {
            if text.starts_with('{') {
                part(names.next().expect("a name for each"))
            } else {
                text.to_owned()
            }
        });
        parts.collect::<Vec<_>>().join("/")
    }

    /// A path of the route to things that are not there.
    pub(super) fn missing(&self, route: &Route) -> String {
        Self::path(route, |name| {
            assert!(self.parts.contains_key(name), "{}: no sample of {name}", route.path);
            match name {
                "run" => "run_00000000000000000000000000000001".to_owned(),
                "thread" => "thread_00000000000000000000000000000001".to_owned(),
                "digest" => format!("sha256:{}", "0".repeat(64)),
                _ => "nothing".to_owned(),
            }
        })
    }

    /// The path of the route to acme's thing; none where the route has no variable part.
    pub(super) fn of_acme(&self, route: &Route) -> Option<String> {
        let has_parts = route.path.contains('{');
        has_parts.then(|| Self::path(route, |name| self.parts[name].clone()))
    }

    /// A body that the route reads, with its media type.
    pub(super) fn body(&self, route: &Route) -> (&'static str, String) {
        const JSON: &str = "application/json";
        let last = route.path.rsplit('/').next().unwrap_or_default();
        match (route.path, last) {
            ("/v1/plugins" | "/v1/platform/plugins" | "/v1/components", _) => {
                ("application/wasm", "no wasm".to_owned())
            }
            ("/v1/workflows" | "/v1/workflows/validate", _) => {
                ("application/yaml", "no workflow".to_owned())
            }
            (_, "answer") => (JSON, json!({ "answer": "said" }).to_string()),
            (_, "use") => (JSON, json!({ "reason": "a test" }).to_string()),
            (_, "fork") => (JSON, json!({ "at": format!("{}@1", self.parts["run"]) }).to_string()),
            (_, "state") => (JSON, json!({ "writes": { "said": "x" } }).to_string()),
            (_, "migrate") => {
                (JSON, json!({ "to": { "name": CANARY }, "dry_run": true }).to_string())
            }
            _ => (JSON, "{}".to_owned()),
        }
    }

    /// A request of the route.
    pub(super) fn call(&self, route: &Route, path: &str, key: Option<&str>) -> Reply {
        if route.method == "GET" {
            return self.host.get_as(path, key);
        }
        let (media_type, body) = self.body(route);
        if let (method @ ("PUT" | "DELETE"), Some(key)) = (route.method, key) {
            return self.host.send_by(method, path, media_type, &body, Some(key));
        }
        if let method @ ("PUT" | "DELETE") = route.method {
            return self.host.send_by(method, path, media_type, &body, Some(""));
        }
        self.host.send_text(path, media_type, &body, key)
    }

    pub(super) fn post(&self, path: &str, body: &Value, key: &str) -> Reply {
        self.host.post_as(path, body, key)
    }

    /// Requests of another tenant that name acme's things in their bodies.
    pub(super) fn smuggled(&self) -> Vec<(&'static str, String, Value, &'static str)> {
        let runs = || "/v1/runs".to_owned();
        let own = "/v1/threads/thread_00000000000000000000000000000def";
        let file = waits().replace(CANARY, "mine");
        let digest = &self.parts["digest"];
        let at = format!("{}@1", self.parts["run"]);
        vec![
            ("its workflow", runs(), json!({ "workflow": { "name": CANARY } }), "404"),
            ("its component", runs(), json!({ "workflow": file, "plugins": [digest] }), "404"),
            ("its checkpoint", format!("{own}/fork"), json!({ "at": at }), "404"),
            ("its checkpoint, replayed", format!("{own}/replay"), json!({ "at": at }), "404"),
            (
                "its workflow, to migrate to",
                format!("{own}/migrate"),
                json!({ "to": { "name": CANARY } }),
                "404",
            ),
            (
                "its workflow, at times",
                "/v1/schedules".to_owned(),
                json!({ "name": "mine", "workflow": CANARY, "cron": "@daily" }),
                "404",
            ),
            ("its name as tenant", runs(), json!({ "workflow": file, "tenant": "acme" }), "422"),
        ]
    }
}
