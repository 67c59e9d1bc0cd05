//! Whether the process lives and whether it takes work. Neither asks the engine or the store, so
//! neither can hang with them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::codes;
use crate::error::ApiError;
use crate::state::{Api, Phase};

/// The answer of both.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Health {
    status: &'static str,
}

/// `GET /healthz`.
pub(crate) async fn alive() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// `GET /readyz`.
pub(crate) async fn ready(State(api): State<Api>) -> Result<Json<Health>, ApiError> {
    let detail = match api.parts.readiness.phase() {
        Phase::Ready => return Ok(Json(Health { status: "ready" })),
        Phase::Starting => "the server is starting: it takes over the runs that are live",
        Phase::Draining => "the server is stopping",
    };
    Err(ApiError::new(&codes::BUSY, detail).retry_after_ms(1_000))
}
