//! A server that takes posts.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::json;

use super::log::Log;
use super::models::cut;

pub(super) fn routes(log: Log) -> Router {
    Router::new().route("/posts", post(take)).route("/posts/{fault}", post(fail)).with_state(log)
}

async fn take(State(log): State<Log>, headers: HeaderMap, body: Bytes) -> Response {
    let (body, _) = log.note(&headers, &body);
    Json(json!({ "taken": body.get("n") })).into_response()
}

async fn fail(
    State(log): State<Log>,
    Path(fault): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    log.note(&headers, &body);
    match fault.as_str() {
        "cut" => cut("text/plain", "half of"),
        "silent" => std::future::pending().await,
        "large" => "x".repeat(300 << 10).into_response(),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "broken").into_response(),
    }
}
