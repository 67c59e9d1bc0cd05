//! Tools of MCP servers: the host is the client, and each tool is a grant of its own.
//!
//! `config` is what the operator writes down, `server` has a connection for each tenant, `http`
//! brings the protocol's messages through the one way out, `answer` makes JSON and failures of
//! what comes back. Both generations of the protocol are spoken, the newer one first.
//!
//! Never here: a server that would be started as a process beside the sandbox.

mod answer;
mod config;
mod connection;
mod http;
mod server;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use wforge_model::TenantId;
use wforge_ports::Clock;

use crate::outbound::Outbound;

pub use config::{McpConfigError, McpLimits, McpServer, SecretHeader};

pub(crate) use answer::too_large;
pub(crate) use connection::RemoteTool;
pub(crate) use server::{Server, unknown};

/// Servers of one host.
const SERVERS_MAX: usize = 256;

/// The MCP servers of a host.
#[derive(Debug, Default)]
pub struct McpServers(Vec<Server>);

impl McpServers {
    /// The servers as they are written down; `variable` gives the secrets of their headers.
    /// Nothing is reached before one of their tools is wanted.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn new(
        servers: Vec<McpServer>,
        outbound: &Arc<dyn Outbound>,
        clock: &Arc<dyn Clock>,
        limits: McpLimits,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, McpConfigError> {
        let mut made: Vec<Server> = Vec::new();
        for config in servers {
            config.check()?;
            if made.iter().any(|other| other.config.is_mistaken_for(&config)) {
                return Err(McpConfigError::TwiceNamed { server: config.name });
            }
            if made.len() >= SERVERS_MAX {
                let reason = format!("it is one of more than {SERVERS_MAX}");
                return Err(McpConfigError::Invalid { server: config.name, reason });
            }
            made.push(Server {
                headers: config.with_secrets(variable)?.into(),
                limits: McpLimits {
                    timeout_ms: config.timeout_ms.unwrap_or(limits.timeout_ms),
                    ..limits
                },
                config,
                outbound: outbound.clone(),
                clock: clock.clone(),
                open: Mutex::new(HashMap::new()),
            });
        }
        Ok(Self(made))
    }

    /// Those that a tenant's agents may reach.
    pub(crate) fn of(&self, tenant: &TenantId) -> impl Iterator<Item = &Server> {
        self.0.iter().filter(move |server| server.config.serves(tenant))
    }

    /// The server of a tool, by its name.
    pub(crate) fn find(&self, tenant: &TenantId, tool: &str) -> Option<&Server> {
        self.of(tenant).find(|server| tool.starts_with(&server.tools_begin_with()))
    }
}
