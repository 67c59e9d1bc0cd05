//! One connection to a server: what it offers, and calls of that.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
    Implementation, MetaObject, PaginatedRequestParams, ProtocolVersion, RequestMetaObject, Tool,
};
use rmcp::service::{ClientInitializeError, RunningService, ServiceError};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientLifecycleMode, ClientServiceExt as _, RoleClient};
use tracing::warn;
use wforge_model::text::harmless_line;
use wforge_model::tool::mcp_tool_name;
use wforge_model::{Object, Value};

use super::config::McpServer;
use super::http::{HttpClient, IDEMPOTENCY_META};
use crate::request::is_deeper;

/// Pages of their list.
const PAGES_MAX: usize = 64;
/// The longest description of a tool, in characters.
const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// The largest schema of a tool, as JSON text, in bytes.
const SCHEMA_BYTES_MAX: usize = 32 << 10;
/// How deep a schema may nest.
const SCHEMA_DEPTH_MAX: u32 = 48;
/// The longest name that a server may give a tool, in bytes.
const OWN_NAME_BYTES_MAX: usize = 256;

/// A tool as its server offers it. The texts are a stranger's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RemoteTool {
    /// How its server calls it.
    pub(super) own_name: String,
    pub(crate) description: String,
    pub(crate) input_schema: Value,
    pub(crate) output_schema: Value,
}

/// Tools by the names under which agents call them.
pub(crate) type RemoteTools = BTreeMap<String, RemoteTool>;

/// A connection. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Connection {
    service: RunningService<RoleClient, ClientConfig>,
    tools: Mutex<Arc<RemoteTools>>,
}

impl Connection {
    /// Connects in the newest version that the server speaks, and asks what it offers.
    pub(super) async fn open(
        server: &McpServer,
        tools_max: usize,
        http: HttpClient,
    ) -> Result<Self, Broken> {
        let config = StreamableHttpClientTransportConfig::with_uri(server.url.as_str());
        let transport = StreamableHttpClientTransport::with_client(http, config);
        let me = Implementation::new("workflowforge", env!("CARGO_PKG_VERSION"));
        let lifecycle = ClientLifecycleMode::Auto {
            preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            legacy_version: None,
        };
        // It offers the server nothing in return: no model, no files, no person to ask.
        let client = ClientConfig::new(ClientCapabilities::default(), me);
        let service = client.serve_with_lifecycle(transport, lifecycle).await;
        let service = service.map_err(|error| Broken::Start(Box::new(error)))?;
        let connection = Self { service, tools: Mutex::default() };
        connection.list(server, tools_max).await?;
        Ok(connection)
    }

    /// What was offered when it was last asked.
    pub(super) fn tools(&self) -> Arc<RemoteTools> {
        self.tools.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.is_transport_closed()
    }

    /// Asks what the server offers; of that, what the operator lets be called.
    pub(super) async fn list(
        &self,
        server: &McpServer,
        tools_max: usize,
    ) -> Result<Arc<RemoteTools>, Broken> {
        let (mut tools, mut cursor) = (RemoteTools::new(), None);
        for _ in 0..PAGES_MAX {
            let params = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.service.list_tools(Some(params)).await?;
            for tool in page.tools.into_iter().filter(|tool| server.allows(&tool.name)) {
                take(server, tool, tools_max, &mut tools);
            }
            cursor = page.next_cursor;
            if cursor.is_none() || tools.len() >= tools_max {
                break;
            }
        }
        if cursor.is_some() {
            warn!(server = server.name, "more tools than are taken of one server");
        }
        let tools = Arc::new(tools);
        *self.tools.lock().unwrap_or_else(PoisonError::into_inner) = tools.clone();
        Ok(tools)
    }

    /// Calls a tool once.
    pub(super) async fn call(
        &self,
        tool: &RemoteTool,
        input: Object,
        idempotency_key: &str,
    ) -> Result<CallToolResult, Broken> {
        let mut params = CallToolRequestParams::new(tool.own_name.clone()).with_arguments(input);
        let key = Value::String(idempotency_key.to_owned());
        let meta = Object::from_iter([(IDEMPOTENCY_META.to_owned(), key)]);
        params.meta = Some(RequestMetaObject(MetaObject(meta)));
        match self.service.call_tool_once(params).await? {
            CallToolResponse::Complete(result) => Ok(result),
            // Neither was offered to the server.
            _ => Err(Broken::WantsMore),
        }
    }
}

/// Takes a tool of a list, unless it cannot be shown to anybody.
fn take(server: &McpServer, tool: Tool, tools_max: usize, tools: &mut RemoteTools) {
    let schema = |schema: Option<Arc<Object>>| {
        Value::Object(schema.map(|schema| Object::clone(&schema)).unwrap_or_default())
    };
    let remote = RemoteTool {
        own_name: tool.name.into_owned(),
        description: harmless_line(&tool.description.unwrap_or_default(), DESCRIPTION_CHARS_MAX),
        input_schema: schema(Some(tool.input_schema)),
        output_schema: schema(tool.output_schema),
    };
    let is_large = |schema: &Value| {
        is_deeper(schema, SCHEMA_DEPTH_MAX) || schema.to_string().len() > SCHEMA_BYTES_MAX
    };
    let name = mcp_tool_name(&server.name, &remote.own_name);
    let why = if remote.own_name.is_empty() || remote.own_name.len() > OWN_NAME_BYTES_MAX {
        "its name is empty or too long"
    } else if is_large(&remote.input_schema) || is_large(&remote.output_schema) {
        "its schema is too large"
    } else if tools.contains_key(&name) {
        "another one has its name"
    } else if tools.len() >= tools_max {
        "the server has too many"
    } else {
        tools.insert(name, remote);
        return;
    };
    warn!(server = server.name, tool = name, why, "a tool is left out");
}

/// Why a connection did not do what was asked of it.
#[derive(Debug)]
pub(super) enum Broken {
    /// It was never one.
    Start(Box<ClientInitializeError>),
    /// The request had no answer, or an error for one.
    Service(Box<ServiceError>),
    /// The server asks for what it was not offered before it goes on.
    WantsMore,
}

impl From<ServiceError> for Broken {
    fn from(error: ServiceError) -> Self {
        Self::Service(Box::new(error))
    }
}
