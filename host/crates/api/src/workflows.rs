//! Workflows: register, validate, list, show. What a file may say is the reader's matter.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wforge_engine::WorkflowInfo;
use wforge_model::workflow::WorkflowDraft;
use wforge_ports::workflows::{ReadWorkflow, Report};

use crate::auth::Principal;
use crate::body::{self, BodyLimit};
use crate::codes;
use crate::error::{ApiError, ErrorItem};
use crate::etag::tagged;
use crate::extract::{PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::run_request::NamedFile;
use crate::state::{Api, Shared};

const MEDIA_TYPES: [&str; 4] =
    ["application/yaml", "application/json", "application/x-yaml", "text/yaml"];

/// A workflow that was just registered.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkflowRegistered)]
pub(crate) struct Registered {
    #[serde(flatten)]
    info: WorkflowInfo,
    warnings: Vec<Report>,
}

/// A workflow with what it says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkflowShown)]
pub(crate) struct Shown {
    #[serde(flatten)]
    info: WorkflowInfo,
    workflow: WorkflowDraft,
}

/// `GET /v1/workflows`.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<WorkflowInfo>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let workflows = api.parts.engine.workflows(&principal.tenant).await?;
    let items = workflows.into_iter().map(|info| resource(info.clone(), info)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// The query of [`register`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterQuery {
    /// How messages call the file.
    file: Option<String>,
}

/// `POST /v1/workflows`: the body is the file.
pub(crate) async fn register(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(RegisterQuery { file }): QueryOf<RegisterQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let NamedFile { file, text } = sent(&api, &headers, body, file).await?;
    let ReadWorkflow { draft, warnings } = read(&api, &principal, file, text).await?;
    let (engine, who) = (api.parts.engine.clone(), principal);
    let info = api
        .whole(async move { engine.register_workflow(&who.tenant, draft, &who.actor()).await })
        .await
        .map_err(|error| error.unacceptable_as(&codes::WORKFLOW))?;
    Ok(resource(info.clone(), Registered { info, warnings }).respond(StatusCode::CREATED))
}

/// The file of a body, under the name that the query gives it.
async fn sent(
    api: &Shared,
    headers: &HeaderMap,
    body: Body,
    file: Option<String>,
) -> Result<NamedFile, ApiError> {
    let media_type = body::require_media_type(headers, &MEDIA_TYPES)?;
    let limits = &api.parts.limits;
    let limit = BodyLimit { bytes_max: limits.workflow_bytes_max, timeout: limits.body_timeout };
    let bytes = body::read(headers, body, limit, api.parts.clock.as_ref()).await?;
    let text = String::from_utf8(bytes.into())
        .map_err(|_| ApiError::new(&codes::MALFORMED, "the file is not UTF-8 text"))?;
    let json = media_type == "application/json";
    let unnamed = if json { "workflow.json" } else { "workflow.yaml" };
    let file = file.unwrap_or_else(|| unnamed.to_owned());
    NamedFile { file, text }.checked()
}

/// What [`validate`] found.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkflowValidated)]
pub(crate) struct Validated {
    /// Whether the file could be registered as it is; warnings do not count.
    valid: bool,
    /// Everything that is wrong or likely not meant, with line and column.
    reports: Vec<Report>,
}

/// `POST /v1/workflows/validate`: every problem of a workflow file at once; nothing is kept. The
/// body is the file.
pub(crate) async fn validate(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(RegisterQuery { file }): QueryOf<RegisterQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Validated>, ApiError> {
    let NamedFile { file, text } = sent(&api, &headers, body, file).await?;
    let read = read_text(&api, &principal, file, text).await?;
    let (valid, reports) = match read {
        Ok(read) => (true, read.warnings),
        Err(reports) => (false, reports),
    };
    Ok(Json(Validated { valid, reports }))
}

/// The query of [`show`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    #[param(value_type = Option<String>)]
    pub(crate) version: Option<semver::Version>,
}

/// `GET /v1/workflows/{name}`.
pub(crate) async fn show(
    State(api): State<Api>,
    principal: Principal,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<ShowQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (info, workflow) =
        api.parts.engine.workflow(&principal.tenant, &name, query.version.as_ref()).await?;
    // Where expressions stand in a file is the server's own note.
    let workflow = WorkflowDraft { lines: None, ..workflow };
    tagged(&headers, &resource(info.clone(), Shown { info, workflow }))
}

/// The workflow that a file's text says. Checking one compiles all of its expressions and schemas.
///
/// # Errors
/// Every problem of the file at once.
pub(crate) async fn read(
    api: &Shared,
    who: &Principal,
    file: String,
    text: String,
) -> Result<ReadWorkflow, ApiError> {
    let named = file.clone();
    match read_text(api, who, file, text).await? {
        Ok(read) => Ok(read),
        Err(reports) => {
            let code = reports.first().map_or("invalid_workflow", |report| report.code.as_str());
            api.parts.engine.workflow_refused(&who.tenant, &who.actor(), &named, code).await;
            let detail = match reports.as_slice() {
                [only] => only.message.clone(),
                several => format!("the workflow has {} problems", several.len()),
            };
            let items = reports.into_iter().map(ErrorItem::from);
            Err(ApiError::new(&codes::WORKFLOW, detail).with_errors(items))
        }
    }
}

/// What a file's text says, or every problem of it. On a thread that may block.
async fn read_text(
    api: &Shared,
    who: &Principal,
    file: String,
    text: String,
) -> Result<Result<ReadWorkflow, Vec<Report>>, ApiError> {
    let reader = Arc::clone(&api.parts.reader);
    let turn = api.readings.enter(&who.tenant).await;
    let read = move || {
        // Whoever gives up leaves the thread at work, and the next one waits for it.
        let _turn = turn;
        reader.read(&file, &text)
    };
    tokio::task::spawn_blocking(read).await.map_err(ApiError::internal)
}

pub(crate) fn resource<T: Serialize>(info: WorkflowInfo, fields: T) -> Resource<T> {
    let WorkflowInfo { name, version, .. } = info;
    let href = format!("/v1/workflows/{name}?version={}", query_escaped(&version.to_string()));
    Resource::new("workflow", format!("{name}@{version}"), href, fields)
}

/// A plus sign in a query would be read as a space; a version has no other letter that matters.
fn query_escaped(version: &str) -> String {
    version.replace('+', "%2B")
}
