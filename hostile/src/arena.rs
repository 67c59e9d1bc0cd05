//! One server with two tenants, as an attack sees it: `mallory` attacks, `acme` goes about its
//! business.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::http::{Client, Reply};
use crate::server::{Server, Start};

/// Only a server that hangs takes so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests in a second and at once, while the neighbour is timed: half of what a tenant may by
/// default. On two cores the attackers' own work, and that of answering them, is all there is.
const PACE: (u32, u32) = (100, 10);
/// The same at other times.
const UNPACED: (u32, u32) = (100_000, 100_000);

/// The server and who is on it.
#[derive(Debug)]
pub(crate) struct Arena {
    server: Mutex<Server>,
    url: String,
    /// The attacker: an admin of his own tenant.
    pub(crate) mallory: Client,
    /// The neighbour: an admin of his own.
    pub(crate) acme: Client,
    /// Who runs the server.
    pub(crate) operator: Client,
    plugins: std::path::PathBuf,
    /// Whether the attack leaves its sting out.
    pub(crate) harmless: bool,
    installed: Mutex<HashMap<String, String>>,
    made: AtomicU64,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    /// The whole run, as the API shows it.
    pub(crate) run: Value,
    /// Whether it completed.
    pub(crate) completed: bool,
    /// The code of what went wrong: the failure's of its task, else the run's own, else its status.
    pub(crate) code: String,
    /// From the request to the answer.
    pub(crate) took: Duration,
}

impl Ran {
    /// Its output's field `result`.
    pub(crate) fn result(&self) -> &Value {
        self.run.pointer("/output/result").unwrap_or(&Value::Null)
    }

    /// What came of the deed of that place.
    pub(crate) fn deed(&self, place: usize) -> &Value {
        self.result().pointer(&format!("/results/{place}")).unwrap_or(&Value::Null)
    }
}

impl Arena {
    pub(crate) fn open(start: &Start<'_>, plugins: &Path, harmless: bool) -> Result<Self> {
        let server = Server::start(start)?;
        let operator = Client::new(&server.url, Some(&server.key), PATIENCE);
        let admin = |tenant: &str| -> Result<Client> {
            operator.post("/v1/tenants", &json!({ "id": tenant }))?.of(201)?;
            let key = json!({ "name": "admin", "role": "admin" });
            let key = operator.post(&format!("/v1/tenants/{tenant}/keys"), &key)?.of(201)?;
            let key = key.get("key").and_then(Value::as_str).context("a key")?;
            Ok(Client::new(&server.url, Some(key), PATIENCE))
        };
        Ok(Self {
            mallory: admin("mallory")?,
            acme: admin("acme")?,
            url: server.url.clone(),
            operator,
            plugins: plugins.to_owned(),
            harmless,
            server: Mutex::new(server),
            installed: Mutex::default(),
            made: AtomicU64::new(0),
        })
    }

    /// Gives the attacker the rate of a tenant like any other, or lets him ask as often as he can.
    pub(crate) fn pace(&self, is_paced: bool) -> Result<()> {
        let (rate, burst) = if is_paced { PACE } else { UNPACED };
        let quotas = json!({ "requests_per_second_max": rate, "requests_burst_max": burst });
        self.operator.post("/v1/tenants/mallory/quotas", &quotas)?.of(200).map(drop)
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The server itself.
    pub(crate) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that nobody had before.
    pub(crate) fn number(&self) -> u64 {
        self.made.fetch_add(1, Ordering::Relaxed)
    }

    /// A component of our own, such as `proofs/wforge-hostile.wasm`.
    pub(crate) fn component(&self, path: &str) -> Result<Vec<u8>> {
        Ok(fs_err::read(self.plugins.join(path))?)
    }

    /// Hands a component in, as the attacker.
    pub(crate) fn install(&self, bytes: &[u8]) -> Result<Reply> {
        self.mallory.send("/v1/plugins", "application/wasm", &[], bytes)
    }

    /// Installs it for that tenant, once, and gives its digest.
    pub(crate) fn installed(
        &self,
        client: &Client,
        name: &str,
        bytes: impl FnOnce() -> Result<Vec<u8>>,
    ) -> Result<String> {
        let mut installed = self.installed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(digest) = installed.get(name) {
            return Ok(digest.clone());
        }
        let reply = client.send("/v1/plugins", "application/wasm", &[], &bytes()?)?.of(201)?;
        let digest = reply.get("component").and_then(Value::as_str).context("a digest")?;
        installed.insert(name.to_owned(), digest.to_owned());
        Ok(digest.to_owned())
    }

    /// Runs a workflow file to its end, as that tenant.
    pub(crate) fn run(&self, client: &Client, workflow: &str, input: &Value) -> Result<Ran> {
        let began = Instant::now();
        let body = json!({ "workflow": workflow, "input": input });
        let reply = client.post("/v1/runs?wait=30s", &body)?;
        let took = began.elapsed();
        if reply.status >= 400 {
            let problem = reply.json()?;
            let code = problem.get("reason").or_else(|| problem.get("code"));
            let code = code.and_then(Value::as_str).unwrap_or("refused").to_owned();
            return Ok(Ran { run: problem, completed: false, code, took });
        }
        Ok(ran(reply.json()?, took))
    }

    /// Has the attacker's agent do these deeds in one task.
    pub(crate) fn act(&self, deeds: &Value) -> Result<Ran> {
        self.act_with(deeds, "")
    }

    /// The same at a node that says more, such as `, effects: { idempotent: true }`.
    pub(crate) fn act_with(&self, deeds: &Value, node: &str) -> Result<Ran> {
        self.act_as(&self.mallory, "mallory", deeds, node)
    }

    /// The same as whoever that is.
    pub(crate) fn act_as(
        &self,
        client: &Client,
        tenant: &str,
        deeds: &Value,
        node: &str,
    ) -> Result<Ran> {
        self.installed(client, &format!("{tenant}/hostile"), || {
            self.component("proofs/wforge-hostile.wasm")
        })?;
        let workflow = format!(
            "apiVersion: workflowforge/v1
name: attack
version: 1.0.0
state: {{ deeds: {{}}, result: {{}} }}
input: [deeds]
output: [result]
nodes:
  it: {{ agent: wforge/hostile.act, in: {{ deeds: state.deeds }}, out: {{ result: result }}{node} }}
edges: [{{ from: START, to: it }}]
"
        );
        self.run(client, &workflow, &json!({ "deeds": deeds }))
    }

    /// Has the agent of that name, which speaks HTTP by its own language's client, call a server on
    /// this machine.
    pub(crate) fn raw(&self, agent: &str, port: u16) -> Result<Ran> {
        self.installed(&self.mallory, "mallory/raw-rust", || {
            self.component("proofs/wforge-raw-rust.wasm")
        })?;
        let workflow = format!(
            "apiVersion: workflowforge/v1
name: raw
version: 1.0.0
state: {{ authority: {{}}, result: {{}} }}
input: [authority]
output: [result]
nodes:
  it:
    agent: wforge/raw-rust.{agent}
    in: {{ authority: state.authority }}
    out: {{ result: result }}
    effects: {{ idempotent: true }}
edges: [{{ from: START, to: it }}]
"
        );
        let input = json!({ "authority": format!("127.0.0.1:{port}") });
        self.run(&self.mallory, &workflow, &input)
    }

    /// Calls a component that is made of text once, with that input. It is named so.
    pub(crate) fn call(
        &self,
        name: &str,
        bytes: impl FnOnce() -> Vec<u8>,
        input: &Value,
    ) -> Result<Ran> {
        self.installed(&self.mallory, name, || Ok(bytes()))?;
        self.call_main(&self.mallory, name, input)
    }

    /// Calls the agent `main` of that plugin once.
    pub(crate) fn call_main(&self, client: &Client, plugin: &str, input: &Value) -> Result<Ran> {
        let workflow = format!(
            "apiVersion: workflowforge/v1
name: call
version: 1.0.0
state: {{ given: {{}}, result: {{}} }}
input: [given]
output: [result]
nodes:
  it: {{ agent: {plugin}.main, in: {{ given: state.given }}, out: {{ result: result }} }}
edges: [{{ from: START, to: it }}]
"
        );
        self.run(client, &workflow, &json!({ "given": input }))
    }

    /// How often something was stopped with that code.
    pub(crate) fn stopped(&self, what: &str, code: &str) -> Result<u64> {
        self.metric(&format!("wforge_stopped_total{{what=\"{what}\",code=\"{code}\"}}"))
    }

    /// A figure of `/metrics` by its whole name, labels included; 0 where it is not there.
    pub(crate) fn metric(&self, name: &str) -> Result<u64> {
        let text = self.operator.get("/metrics")?.text;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.map(str::trim).and_then(|value| value.parse::<f64>().ok());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts are whole and positive"
        )]
        Ok(value.unwrap_or(0.0) as u64)
    }

    /// Entries of the attacker's audit log with that action and outcome.
    pub(crate) fn audited(&self, action: &str, outcome: &str) -> Result<usize> {
        let mut cursor = String::new();
        let mut found = 0;
        loop {
            let page = self.mallory.get(&format!("/v1/audit?limit=200{cursor}"))?.of(200)?;
            let items = page.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
            let is_it = |item: &&Value| {
                let field = |name: &str| {
                    item.pointer(&format!("/entry/{name}"))
                        .or_else(|| item.get(name))
                        .and_then(Value::as_str)
                };
                field("action") == Some(action) && field("outcome") == Some(outcome)
            };
            found += items.iter().filter(is_it).count();
            match page.get("next_cursor").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(found),
            }
        }
    }
}

fn ran(run: Value, took: Duration) -> Ran {
    let status = run.get("status").and_then(Value::as_str).unwrap_or("unknown").to_owned();
    let text = |path: &str| run.pointer(path).and_then(Value::as_str).map(ToOwned::to_owned);
    let denied = text("/error/failure/kind").filter(|kind| kind == "denied");
    let code = text("/error/failure/code").or(denied).or_else(|| text("/error/code"));
    Ran { completed: status == "completed", code: code.unwrap_or(status), run, took }
}
