//! A server with two tenants, and short runs for them to start.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::client::Client;
use crate::server::Server;

/// Four super-steps of the built-in mock agent, each made durable before the next: nothing is
/// computed, so that what is measured is the host.
const WORKFLOW: &str = "apiVersion: workflowforge/v1
name: load
version: 1.0.0
state: { n: { default: 0 }, said: { schema: { type: string } } }
input: [n]
output: [n, said]
nodes:
  one: { agent: mock, out: { said: result }, mock: { output: hello } }
  two: { set: { n: state.n + 1 } }
  three: { agent: mock, out: { said: result }, mock: { output: goodbye } }
edges:
  - { from: START, to: one }
  - { from: one, to: two }
  - { from: two, to: three }
";

/// The requests of a tenant like any other, by default.
const SHIPPED: (u32, u32) = (200, 400);
/// As many as it can make.
const UNLIMITED: (u32, u32) = (1_000_000, 1_000_000);

/// The server and those who are on it.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) server: Server,
    /// Two tenants, each by the key of an operator of its own.
    pub(crate) tenants: [Client; 2],
    operator: Client,
}

impl Site {
    pub(crate) async fn open(server: Server) -> Result<Self> {
        let operator = Client::new(&server.url, &server.key)?;
        let tenants = [
            tenant(&server, &operator, "acme").await?,
            tenant(&server, &operator, "globex").await?,
        ];
        Ok(Self { server, tenants, operator })
    }

    /// Whether tenants may make as many requests as is shipped, or as many as they can.
    pub(crate) async fn limit_requests(&self, is_limited: bool) -> Result<()> {
        let (rate, burst) = if is_limited { SHIPPED } else { UNLIMITED };
        let quotas = json!({ "requests_per_second_max": rate, "requests_burst_max": burst });
        for tenant in ["acme", "globex"] {
            self.operator.tell(&format!("/v1/tenants/{tenant}/quotas"), &quotas).await?;
        }
        Ok(())
    }
}

/// What starts one run.
pub(crate) fn start_body() -> Bytes {
    Bytes::from_static(br#"{"workflow":"load@1.0.0","input":{"n":1}}"#)
}

/// Where it is sent; the answer is the run once it has ended.
pub(crate) const START: &str = "/v1/runs?wait=30s";

/// Makes a tenant with the workflow, and gives the client of its operator.
async fn tenant(server: &Server, operator: &Client, name: &str) -> Result<Client> {
    operator.tell("/v1/tenants", &json!({ "id": name })).await?;
    let developer = key(server, operator, name, "developer").await?;
    developer.register(WORKFLOW).await?;
    key(server, operator, name, "operator").await
}

async fn key(server: &Server, operator: &Client, tenant: &str, role: &str) -> Result<Client> {
    let path = format!("/v1/tenants/{tenant}/keys");
    let made = operator.tell(&path, &json!({ "name": role, "role": role })).await?;
    let key = made.get("key").and_then(Value::as_str).context("a key")?;
    Client::new(&server.url, key)
}
