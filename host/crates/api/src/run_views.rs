//! What is told of a run beside its row: what it used, what its plugins wrote, the page for people.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use wforge_engine::{LinesWanted, LogLine, Receipt};
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::effects::GuestLevel;
use wforge_view::{Telling, page};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::etag::Tag;
use crate::extract::{NoQuery, PathOf, QueryOf, run_id};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;

/// The page has one style of its own, which it names by its hash, and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'; sandbox";

/// `GET /v1/runs/{run}/receipt`: what a run used, by node.
pub(crate) async fn receipt(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<Receipt>>, ApiError> {
    let run = run_id(&run)?;
    let receipt = api.parts.engine.receipt(&principal.tenant, run).await?;
    let href = format!("/v1/runs/{run}/receipt");
    Ok(Json(Resource::new("receipt", run.to_string(), href, receipt)))
}

/// `GET /v1/runs/{run}/report`: one self-contained HTML page of a run: graph, timeline, state by
/// super-step, mocks.
pub(crate) async fn report(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (engine, tenant, id) = (&api.parts.engine, &principal.tenant, run_id(&run)?);
    let head = engine.head(tenant, id).await?;
    let tag = Tag::of(&["report", &id.to_string(), &head.seq.to_string()]);
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    let digest = head.digest.ok_or_else(|| ApiError::not_found("workflow of", &run))?;
    let workflow = engine.workflow_by_digest(tenant, digest).await?;
    let workflow = WorkflowDraft { lines: None, ..workflow };
    let mut telling = Telling::default();
    engine.relive(tenant, id, |run, stored| telling.take(run, stored)).await?;
    let view = engine.view(tenant, id).await?;
    let html = page(&view, &workflow, &telling);
    let mut response = ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let policy = axum::http::HeaderValue::from_static(PAGE_POLICY);
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    Ok(tag.on(response))
}

/// The query of [`logs`].
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogsQuery {
    /// Items of the page.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// Where the page begins: what the page before gave.
    cursor: Option<String>,
    /// The least level: `trace`, `debug`, `info`, `warn` or `error`.
    #[param(pattern = "^(trace|debug|info|warn|error)$")]
    level: Option<String>,
    /// Only lines of that node.
    node: Option<String>,
}

/// `GET /v1/runs/{run}/logs`: the lines that the run's plugins wrote, the oldest first. The server
/// keeps the newest 1,000 of a run for a while, and none over its own restart.
pub(crate) async fn logs(
    State(api): State<Api>,
    principal: Principal,
    PathOf(run): PathOf<String>,
    QueryOf(query): QueryOf<LogsQuery>,
) -> Result<Json<Page<LogLine>>, ApiError> {
    let LogsQuery { limit, cursor, level, node } = query;
    let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
    let run = run_id(&run)?;
    let wanted = LinesWanted {
        after: at.cursor_as()?.unwrap_or(0),
        limit: at.items_max,
        least: level.as_deref().map(least).transpose()?.unwrap_or(GuestLevel::Trace),
        node: node.as_deref(),
    };
    let lines = api.parts.engine.log_lines(&principal.tenant, run, wanted).await?;
    let next = lines.last().filter(|_| lines.len() == at.items_max).map(|line| line.n.to_string());
    let href = format!("/v1/runs/{run}/logs");
    let line = |line: LogLine| Resource::new("log_line", line.n.to_string(), href.clone(), line);
    Ok(Json(Page { items: lines.into_iter().map(line).collect(), next_cursor: next }))
}

fn least(text: &str) -> Result<GuestLevel, ApiError> {
    match text {
        "trace" => Ok(GuestLevel::Trace),
        "debug" => Ok(GuestLevel::Debug),
        "info" => Ok(GuestLevel::Info),
        "warn" => Ok(GuestLevel::Warn),
        "error" => Ok(GuestLevel::Error),
        _ => {
            let detail = "level is one of trace, debug, info, warn, error";
            Err(ApiError::new(&codes::MALFORMED, detail))
        }
    }
}
