//! Everything that is kept of a tenant, as lines of JSON.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use tracing::error;
use wforge_engine::EngineError;
use wforge_model::Value;

use crate::error::ApiError;
use crate::extract::{NoQuery, QueryOf};
use crate::state::Api;
use crate::subject::Subject;

const FORMAT: &str = "application/x-ndjson";

/// `GET /v1/export`. The last line says that nothing is missing; an export without it broke off.
pub(crate) async fn write(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Response, ApiError> {
    by.require_all_scopes()?;
    let permit = api.streams.enter(&tenant)?;
    let lines = api.parts.engine.export_tenant(&tenant)?;
    let text = lines.map(move |line| {
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
