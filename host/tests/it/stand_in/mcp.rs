//! A small MCP server over streamable HTTP. The tool that is called chooses what happens: `busy`,
//! `broken`, `cut`, `garbage` and `silent` are faults on the way, the others are tools.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use rmcp::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    ListToolsResult, PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::{Value, json};

use super::log::Log;
use super::models::cut;

const TOOLS: [(&str, &str); 9] = [
    ("echo", "Gives back what it gets."),
    ("fails", "Fails."),
    ("large", "Gives more than anybody takes."),
    ("rude", "Refuses its input."),
    ("busy", "Its server is busy."),
    ("broken", "Its server is broken."),
    ("cut", "Its connection breaks."),
    ("garbage", "Its server talks nonsense."),
    ("silent", "Never answers."),
];

pub(super) fn routes(log: Log) -> Router {
    let mut config = StreamableHttpServerConfig::default();
    (config.sse_retry, config.sse_keep_alive) = (None, None);
    let manager = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(|| Ok(Shelf), manager, config);
    Router::new().route_service("/mcp", service).layer(middleware::from_fn_with_state(log, arrive))
}

/// Writes each request down, and fails those that are to fail on their way.
async fn arrive(State(log): State<Log>, request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 16 << 20).await else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let (asked, _) = log.note(&head.headers, &body);
    let tool = (asked["method"] == "tools/call").then(|| asked["params"]["name"].as_str());
    match tool.flatten().unwrap_or_default() {
        "busy" => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "7")]).into_response(),
        "broken" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "cut" => cut("text/event-stream", "data: {\"jsonrpc\": \"2.0\", "),
        "garbage" => ([(header::CONTENT_TYPE, "application/json")], "{\"json").into_response(),
        "silent" => std::future::pending().await,
        _ => next.run(Request::from_parts(head, Body::from(body))).await,
    }
}

/// What the server has to offer.
#[derive(Debug, Clone)]
struct Shelf;

impl ServerHandler for Shelf {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let schema = Arc::new(schema.as_object().cloned().unwrap_or_default());
        let tool = |(name, about): (&'static str, &'static str)| {
            Tool::new(name, about, Arc::clone(&schema))
        };
        Ok(ListToolsResult::with_all_items(TOOLS.into_iter().map(tool).collect()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let input = Value::Object(request.arguments.unwrap_or_default());
        let result = match request.name.as_ref() {
            "echo" => CallToolResult::structured(input),
            "fails" => CallToolResult::error(vec![ContentBlock::text("no such file")]),
            "large" => CallToolResult::success(vec![ContentBlock::text("x".repeat(300 << 10))]),
            "rude" => return Err(ErrorData::invalid_params("text: write a number", None)),
            other => return Err(ErrorData::internal_error(format!("no {other}"), None)),
        };
        Ok(CallToolResponse::Complete(result))
    }
}
