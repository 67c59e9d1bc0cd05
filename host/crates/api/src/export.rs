//! Everything that is kept of a tenant, as lines of JSON.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use tracing::error;
use wforge_engine::EngineError;
use wforge_model::{TenantId, Value};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::state::{Api, Shared};
use crate::tenants::existing;

const FORMAT: &str = "application/x-ndjson";

/// `GET /v1/export`.
pub(crate) async fn own(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    lines(&api, &principal.tenant)
}

/// `GET /v1/tenants/{tenant}/export`.
pub(crate) async fn of_tenant(
    State(api): State<Api>,
    PathOf(tenant): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    lines(&api, &existing(&api, &tenant)?)
}

/// The last line says that nothing is missing; an export without it broke off.
fn lines(api: &Shared, tenant: &TenantId) -> Result<Response, ApiError> {
    let permit = api.streams.enter(tenant)?;
    let lines = api.parts.engine.export_tenant(tenant)?;
    let end = futures::stream::once(async { Ok(serde_json::json!({ "kind": "end" })) });
    let text = lines.chain(end).map(move |line| {
        let _held = &permit;
        text(line)
    });
    Ok(([(CONTENT_TYPE, FORMAT)], Body::from_stream(text)).into_response())
}

fn text(line: Result<Value, EngineError>) -> Result<Bytes, std::io::Error> {
    match line {
        Ok(line) => Ok(Bytes::from(format!("{line}\n"))),
        Err(error) => {
            error!(%error, "an export broke off");
            Err(std::io::Error::other("the export broke off"))
        }
    }
}
