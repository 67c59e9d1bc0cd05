//! One server of the configuration, and a connection to it for each tenant that uses it.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use wforge_model::{Capability, Failure, Grants, Problem, TenantId, Value};
use wforge_ports::Clock;

use super::answer;
use super::config::{McpLimits, McpServer};
use super::connection::{Broken, Connection, RemoteTools};
use super::http::HttpClient;
use crate::deed::Deed;
use crate::outbound::Outbound;
use crate::session::Answer;

/// Tenants that have a connection to one server at once.
const CONNECTIONS_MAX: usize = 256;

type Slot = Arc<futures::lock::Mutex<Option<Arc<Connection>>>>;

/// A server.
pub(crate) struct Server {
    pub(super) config: McpServer,
    /// With the time that its own entry says.
    pub(super) limits: McpLimits,
    pub(super) headers: Arc<[(String, String)]>,
    pub(super) outbound: Arc<dyn Outbound>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) open: Mutex<HashMap<TenantId, Slot>>,
}

/// Its headers hold secrets.
impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Server {
    /// Whether these grants can let any of its tools be called.
    pub(crate) fn is_within(&self, grants: &Grants) -> bool {
        let of_it = self.tools_begin_with();
        let may = |grant: &Capability| {
            let named = grant.resource();
            grant.kind() == "tool" && (named == "*" || named.starts_with(&of_it))
        };
        grants.iter().any(may)
    }

    /// What the names of all its tools begin with, and no other tool's.
    pub(crate) fn tools_begin_with(&self) -> String {
        wforge_model::tool::mcp_tool_name(&self.config.name, "")
    }

    /// Asks what it offers to the tenant.
    pub(crate) async fn list(&self, deed: &Deed<'_>) -> Result<Arc<RemoteTools>, Failure> {
        let what = format!("the list of tools of {}", self.config.name);
        let tenant = &deed.call.tenant;
        let slot = self.slot(tenant);
        let work = async {
            self.connection(tenant, &slot).await?.list(&self.config, self.limits.tools_max).await
        };
        self.within(deed, &slot, &what, work).await
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, deed: &Deed<'_>) -> Answer {
        let (name, tenant) = (deed.asked.text("name"), &deed.call.tenant);
        let input = match deed.asked.element.get("input") {
            Some(Value::Object(input)) => input.clone(),
            Some(_) | None => {
                let message = format!("{name} takes an object for its input");
                return Err(Failure::InvalidInput(Problem::new("tool_input", message)));
            }
        };
        let slot = self.slot(tenant);
        let work = async {
            let connection = self.connection(tenant, &slot).await?;
            let mut tool = connection.tools().get(name).cloned();
            if tool.is_none() {
                tool =
                    connection.list(&self.config, self.limits.tools_max).await?.get(name).cloned();
            }
            match tool {
                Some(tool) => connection.call(&tool, input, deed.idempotency_key).await.map(Some),
                None => Ok(None),
            }
        };
        match self.within(deed, &slot, name, work).await? {
            Some(result) => answer::result(name, result),
            None => Err(unknown(name)),
        }
    }

    /// Waits for what is done with the tenant's connection within the server's time. A connection
    /// that failed is not used again.
    async fn within<T>(
        &self,
        deed: &Deed<'_>,
        slot: &Slot,
        what: &str,
        work: impl Future<Output = Result<T, Broken>>,
    ) -> Result<T, Failure> {
        let limit_ms = self.limits.timeout_ms;
        let deadline = self.clock.sleep_until(self.clock.now().after_ms(limit_ms));
        let failure = match select(pin!(work), deadline).await {
            Either::Left((Ok(done), _)) => return Ok(done),
            Either::Left((Err(broken), _)) => answer::failure(what, &broken),
            Either::Right(_) => answer::timed_out(what, limit_ms),
        };
        if matches!(failure, Failure::Upstream(_)) {
            self.forget(&deed.call.tenant, slot);
        }
        Err(failure)
    }

    async fn connection(&self, tenant: &TenantId, slot: &Slot) -> Result<Arc<Connection>, Broken> {
        let mut open = slot.lock().await;
        if let Some(connection) = open.as_ref().filter(|open| !open.is_closed()) {
            return Ok(connection.clone());
        }
        let http = HttpClient {
            outbound: self.outbound.clone(),
            tenant: tenant.clone(),
            headers: self.headers.clone(),
            timeout: Duration::from_millis(self.limits.timeout_ms),
        };
        let connection =
            Arc::new(Connection::open(&self.config, self.limits.tools_max, http).await?);
        *open = Some(connection.clone());
        Ok(connection)
    }

    fn slot(&self, tenant: &TenantId) -> Slot {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= CONNECTIONS_MAX && !open.contains_key(tenant) {
            open.retain(|_, slot| Arc::strong_count(slot) > 1);
        }
        open.entry(tenant.clone()).or_default().clone()
    }

    /// Calls that are under way keep the connection that they have; the next makes another.
    fn forget(&self, tenant: &TenantId, slot: &Slot) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(tenant).is_some_and(|current| Arc::ptr_eq(current, slot)) {
            open.remove(tenant);
        }
    }
}

/// No such tool.
pub(crate) fn unknown(name: &str) -> Failure {
    let message = format!(
        "no tool of this run is called {name}; install the plugin that has it before the run \
         starts, or name its MCP server in the host's configuration"
    );
    Failure::Missing(Problem::new("unknown_tool", message))
}
