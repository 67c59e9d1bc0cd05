//! The MCP servers of a host as its operator writes them down, and what is checked about them.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use wforge_model::TenantId;

/// The longest time that a call may be given, in milliseconds.
const TIMEOUT_MS_MAX: u64 = 600_000;
/// The longest name of a server, in bytes: it is part of the name of each of its tools.
const NAME_BYTES_MAX: usize = 32;
/// The longest URL, in bytes.
const URL_BYTES_MAX: usize = 2_048;
/// Stands in `tools` for all tools of a server.
const EVERY_TOOL: &str = "*";
/// Headers that belong to the protocol or to the connection.
const OWN_HEADERS: [&str; 11] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "last-event-id",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "transfer-encoding",
];

/// One MCP server whose tools agents may be granted, each as `tool:mcp__<server>__<tool>`. It is
/// reached by streamable HTTP; a server that would have to be started is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpServer {
    /// Its name: small letters, digits and -, beginning with a letter.
    pub name: String,
    /// Where it answers, such as `https://mcp.example.com/mcp`.
    pub url: String,
    /// Whose agents may reach it; none: every tenant's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<TenantId>,
    /// Headers that go with each request, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, SecretHeader>,
    /// Time for one call, connecting included, in milliseconds; none: the host's
    /// `limits.mcp.timeout_ms`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
    /// The tools that may be called, by the names that the server gives them; `*` for all.
    pub tools: Vec<String>,
}

/// What one server may have and take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct McpLimits {
    /// Time for one call where a server's entry says nothing, in milliseconds.
    pub timeout_ms: u64,
    /// Tools that are taken of one server.
    pub tools_max: usize,
}

impl Default for McpLimits {
    fn default() -> Self {
        Self { timeout_ms: 30_000, tools_max: 256 }
    }
}

/// A header whose value holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// The variable that holds the secret.
    pub variable: String,
    /// The value with `{}` where the secret goes, such as `Bearer {}`.
    #[serde(default = "template")]
    pub template: String,
}

/// Servers that cannot be used as they are written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum McpConfigError {
    /// A field that holds what it may not.
    #[error("the MCP server \"{server}\": {reason}")]
    Invalid {
        /// The server.
        server: String,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// Two servers of one name that the same tenant would see.
    #[error("two MCP servers are called \"{server}\"; give each a name of its own")]
    TwiceNamed {
        /// The name.
        server: String,
    },
    /// A secret that is not there.
    #[error("the MCP server \"{server}\" needs the variable {variable}, which is not set")]
    NoVariable {
        /// The server.
        server: String,
        /// The variable.
        variable: String,
    },
}

impl McpServer {
    /// Whether a tool may be called, by the server's own name of it.
    pub(super) fn allows(&self, tool: &str) -> bool {
        self.tools.iter().any(|allowed| allowed == EVERY_TOOL || allowed == tool)
    }

    /// Whether agents of that tenant may reach it.
    pub(super) fn serves(&self, tenant: &TenantId) -> bool {
        self.tenant.as_ref().is_none_or(|own| own == tenant)
    }

    /// Whether a tenant could see both under the same name.
    pub(super) fn is_mistaken_for(&self, other: &Self) -> bool {
        let is_apart = self.tenant.is_some() && other.tenant.is_some();
        self.name == other.name && (!is_apart || self.tenant == other.tenant)
    }

    pub(super) fn check(&self) -> Result<(), McpConfigError> {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let is_name = self.name.starts_with(|c: char| c.is_ascii_lowercase())
            && self.name.chars().all(word)
            && self.name.len() <= NAME_BYTES_MAX;
        let wrong = if !is_name {
            format!(
                "name: write small letters, digits and -, beginning with a letter, at most \
                 {NAME_BYTES_MAX}"
            )
        } else if !is_url(&self.url) {
            "url: write an absolute http or https URL without user information".to_owned()
        } else if self.timeout_ms.is_some_and(|ms| ms == 0 || ms > TIMEOUT_MS_MAX) {
            format!("timeout_ms: write 1 to {TIMEOUT_MS_MAX}")
        } else if self.tools.is_empty() {
            "tools: name those that may be called, or write [\"*\"] for all".to_owned()
        } else {
            return Ok(());
        };
        Err(self.invalid(wrong))
    }

    /// The headers with their secrets.
    pub(super) fn with_secrets(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<(String, String)>, McpConfigError> {
        let filled = |(name, header): (&String, &SecretHeader)| {
            let name = name.to_ascii_lowercase();
            let is_own = OWN_HEADERS.contains(&name.as_str());
            if is_own || HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(self.invalid(format!("headers: \"{name}\" cannot be set")));
            }
            let secret = variable(&header.variable).ok_or_else(|| McpConfigError::NoVariable {
                server: self.name.clone(),
                variable: header.variable.clone(),
            })?;
            let value = header.template.replace("{}", secret.trim_end());
            // The value itself is never part of the message.
            HeaderValue::from_str(&value).map_err(|_| {
                self.invalid(format!("headers: the value of \"{name}\" is no header's"))
            })?;
            Ok((name, value))
        };
        self.headers.iter().map(filled).collect()
    }

    fn invalid(&self, reason: String) -> McpConfigError {
        McpConfigError::Invalid { server: self.name.clone(), reason }
    }
}

fn is_url(text: &str) -> bool {
    let Ok(uri) = text.parse::<Uri>() else { return false };
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_plain = uri.authority().is_some_and(|at| !at.as_str().contains('@'));
    is_web && is_plain && text.len() <= URL_BYTES_MAX
}

fn template() -> String {
    "{}".to_owned()
}
