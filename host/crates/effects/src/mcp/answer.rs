//! What a guest gets of a server's answer, or of there being none.

use rmcp::model::{CallToolResult, ErrorCode, ErrorData};
use rmcp::service::{ClientInitializeError, ServiceError};
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::Value;
use wforge_model::text::harmless_line;
use wforge_model::tool::TOOL_RESULT_BYTES_MAX;
use wforge_model::{Failure, Problem};

use super::connection::Broken;
use super::http::{HttpFault, TOO_LARGE};
use crate::outbound::OutboundError;
use crate::session::Answer;

/// The longest text of a failure that is a stranger's, in characters.
const MESSAGE_CHARS_MAX: usize = 2_000;

/// The structured result where there is one; else the text where that is all; else the pieces as
/// the server wrote them.
pub(super) fn result(name: &str, result: CallToolResult) -> Answer {
    let texts = result.content.iter().map(|block| block.as_text().map(|text| text.text.as_str()));
    if result.is_error == Some(true) {
        let told: Vec<&str> = texts.flatten().collect();
        return Err(tool_error(name, &told.join(" "), result.structured_content));
    }
    if let Some(structured) = result.structured_content {
        return Ok(structured);
    }
    if let [block] = result.content.as_slice()
        && let Some(text) = block.as_text()
    {
        return Ok(Value::String(text.text.clone()));
    }
    serde_json::to_value(&result.content).map_err(|_| bad_answer(name, "it cannot be written"))
}

fn tool_error(name: &str, told: &str, details: Option<Value>) -> Failure {
    let told = harmless_line(told, MESSAGE_CHARS_MAX);
    let mut problem = Problem::new("tool_error", format!("{name} failed: {told}"));
    problem.details = details.unwrap_or_default();
    Failure::Failed(problem)
}

/// Why there is no result.
pub(super) fn failure(name: &str, broken: &Broken) -> Failure {
    match broken {
        Broken::Start(error) => of_start(name, error),
        Broken::Service(error) => of_service(name, error),
        Broken::WantsMore => {
            let message = format!("{name} asks for more input, which no host call can give it");
            Failure::Failed(Problem::new("input_required", message))
        }
    }
}

fn of_start(name: &str, error: &ClientInitializeError) -> Failure {
    match error {
        ClientInitializeError::TransportError { error, .. } => of_transport(name, error),
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => of_start(name, fallback),
        ClientInitializeError::JsonRpcError(error) => of_error(name, error),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            let message = format!("{name} cannot be reached: its server speaks no known version");
            Failure::Upstream(Problem::new("mcp_version", message))
        }
        _ => bad_answer(name, "it did not begin as MCP does"),
    }
}

fn of_service(name: &str, error: &ServiceError) -> Failure {
    match error {
        ServiceError::McpError(error) => of_error(name, error),
        ServiceError::TransportSend(error) => of_transport(name, error),
        ServiceError::UnexpectedResponse => bad_answer(name, "it answers something else"),
        _ => broken(name, "the connection ended before there was an answer"),
    }
}

/// An error that the server gave for an answer.
fn of_error(name: &str, error: &ErrorData) -> Failure {
    let told = harmless_line(&error.message, MESSAGE_CHARS_MAX);
    match error.code {
        TOO_LARGE => too_large(name),
        ErrorCode::INVALID_PARAMS => {
            let message = format!("{name} does not take the input: {told}");
            Failure::InvalidInput(Problem::new("tool_input", message))
        }
        ErrorCode(code) => {
            let mut problem = Problem::new("tool_error", format!("{name} failed: {told}"));
            problem.details = serde_json::json!({ "code": code });
            Failure::Failed(problem)
        }
    }
}

fn of_transport(name: &str, error: &DynamicTransportError) -> Failure {
    match error.error.downcast_ref::<StreamableHttpError<HttpFault>>() {
        Some(StreamableHttpError::Client(HttpFault::Outbound(error))) => of_outbound(name, error),
        Some(StreamableHttpError::Client(HttpFault::Status { status, retry_after_ms })) => {
            of_status(name, *status, *retry_after_ms)
        }
        Some(StreamableHttpError::Client(HttpFault::NotMcp(why))) => bad_answer(name, why),
        Some(_) | None => broken(name, "the connection ended before there was an answer"),
    }
}

fn of_outbound(name: &str, error: &OutboundError) -> Failure {
    let (code, is_passing) = match error {
        OutboundError::TooLarge { .. } => return too_large(name),
        OutboundError::Invalid { .. } => ("invalid_request", false),
        OutboundError::Forbidden { .. } => ("forbidden_address", false),
        OutboundError::Unreachable { .. } => ("unreachable", true),
        OutboundError::Broken { .. } => ("connection_broken", true),
        OutboundError::Timeout { .. } => ("timeout", true),
    };
    let problem = Problem::new(code, format!("{name} cannot be reached: {error}"));
    Failure::Upstream(if is_passing { problem.retryable() } else { problem })
}

fn of_status(name: &str, status: u16, retry_after_ms: Option<u64>) -> Failure {
    let (code, is_passing) = match status {
        401 | 403 => ("unauthorized", false),
        408 | 429 | 500.. => ("http_status", true),
        _ => ("http_status", false),
    };
    let message = format!("the server of {name} answered with status {status}");
    let mut problem = Problem::new(code, message);
    problem.retryable = is_passing;
    problem.retry_after_ms = retry_after_ms;
    problem.details = serde_json::json!({ "status": status });
    Failure::Upstream(problem)
}

/// A call that took longer than its server may.
pub(super) fn timed_out(name: &str, limit_ms: u64) -> Failure {
    let message = format!("{name} took longer than {limit_ms} ms");
    Failure::Upstream(Problem::new("timeout", message).retryable())
}

/// A result that nobody takes.
pub(crate) fn too_large(name: &str) -> Failure {
    let message = format!("the result of {name} has more than {TOOL_RESULT_BYTES_MAX} bytes");
    Failure::Limit(Problem::new("tool_result_bytes", message))
}

fn broken(name: &str, why: &str) -> Failure {
    let problem = Problem::new("connection_broken", format!("{name} cannot be reached: {why}"));
    Failure::Upstream(problem.retryable())
}

fn bad_answer(name: &str, why: &str) -> Failure {
    let message = format!("the server of {name} does not answer as MCP has it: {why}");
    Failure::Upstream(Problem::new("bad_answer", message).retryable())
}
