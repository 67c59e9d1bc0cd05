//! What is told of a registered workflow beside itself: its versions, its drawing, its schemas.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wforge_engine::WorkflowInfo;
use wforge_model::workflow::{Work, WorkflowDraft};
use wforge_model::{Key, NodeId, Object, Value};
use wforge_view::{dot, drawing, mermaid, svg};

use crate::auth::Principal;
use crate::error::ApiError;
use crate::etag::{Tag, tagged};
use crate::extract::{PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::workflows::{ShowQuery, resource};

/// A drawing has a style of its own, and nothing else.
const SVG_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// `GET /v1/workflows/{name}/versions`: those that are registered, the newest first.
pub(crate) async fn versions(
    State(api): State<Api>,
    principal: Principal,
    PathOf(name): PathOf<String>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<WorkflowInfo>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let mut found = api.parts.engine.workflows(&principal.tenant).await?;
    found.retain(|info| info.name == name);
    if found.is_empty() {
        return Err(ApiError::not_found("workflow", &name));
    }
    found.sort_by(|left, right| right.version.cmp(&left.version));
    let items = found.into_iter().map(|info| resource(info.clone(), info)).collect();
    Ok(Json(Page::of_sorted(items, &at)?))
}

/// The query of [`graph`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct GraphQuery {
    /// Its version; none: the newest.
    #[param(value_type = Option<String>)]
    version: Option<semver::Version>,
    /// What to draw it in.
    #[serde(default)]
    #[param(inline)]
    format: GraphFormat,
}

/// What a graph is drawn in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GraphFormat {
    /// Nodes and edges.
    #[default]
    Json,
    /// A flowchart of Mermaid.
    Mermaid,
    /// A graph of Graphviz.
    Dot,
    /// A drawing.
    Svg,
}

/// `GET /v1/workflows/{name}/graph`: the workflow as a drawing, or as something that draws one.
pub(crate) async fn graph(
    State(api): State<Api>,
    principal: Principal,
    PathOf(name): PathOf<String>,
    QueryOf(GraphQuery { version, format }): QueryOf<GraphQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = api.parts.engine.workflow(&principal.tenant, &name, version.as_ref()).await?;
    let (info, draft) = found;
    let tag = Tag::of(&[&format!("{format:?}"), &info.digest.hex()]);
    if tag.is_known(&headers) {
        return Ok(tag.not_modified());
    }
    let drawing = drawing(&draft);
    let (media_type, text) = match format {
        GraphFormat::Json => return Ok(tag.on(Json(&drawing).into_response())),
        GraphFormat::Mermaid => ("text/plain; charset=utf-8", mermaid(&drawing)),
        GraphFormat::Dot => ("text/vnd.graphviz; charset=utf-8", dot(&drawing)),
        GraphFormat::Svg => ("image/svg+xml", svg(&drawing)),
    };
    let mut response = ([(CONTENT_TYPE, media_type)], text).into_response();
    if format == GraphFormat::Svg {
        let policy = HeaderValue::from_static(SVG_POLICY);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    Ok(tag.on(response))
}

/// The JSON Schemas of a workflow.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = WorkflowSchemasFields)]
pub(crate) struct Schemas {
    /// Of the input that whoever starts a run gives.
    #[schema(value_type = Object)]
    input: Value,
    /// Of the output of a run that completed; one that ended by an outcome may lack keys.
    #[schema(value_type = Object)]
    output: Value,
    /// Of the whole state.
    #[schema(value_type = Object)]
    state: Value,
    /// Of the answers to its questions, by node; true where any value is one.
    answers: BTreeMap<NodeId, Value>,
}

/// `GET /v1/workflows/{name}/schemas`: JSON Schemas of input, output, state and answers.
pub(crate) async fn schemas(
    State(api): State<Api>,
    principal: Principal,
    PathOf(name): PathOf<String>,
    QueryOf(ShowQuery { version }): QueryOf<ShowQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = api.parts.engine.workflow(&principal.tenant, &name, version.as_ref()).await?;
    let (info, draft) = found;
    let id = format!("{}@{}", info.name, info.version);
    let href = format!("/v1/workflows/{}/schemas", info.name);
    tagged(&headers, &Resource::new("schemas", id, href, of_draft(&draft)))
}

fn of_draft(draft: &WorkflowDraft) -> Schemas {
    // What is there anyway need not be given.
    let must_be_given =
        |key: &&Key| draft.state.get(*key).is_none_or(|spec| spec.first().is_none());
    let required: Vec<&Key> = draft.input.iter().filter(must_be_given).collect();
    let answers = draft.nodes.iter().filter_map(|(id, node)| match &node.work {
        Work::Ask(ask) => Some((id.clone(), ask.schema.clone().unwrap_or(Value::Bool(true)))),
        Work::Agent(_) | Work::Mock | Work::Set(_) | Work::Workflow(_) => None,
    });
    Schemas {
        input: object(draft, draft.input.iter(), &required),
        output: object(draft, draft.output.iter(), &[]),
        state: object(draft, draft.state.keys(), &[]),
        answers: answers.collect(),
    }
}

/// The schema of an object with those keys of the state.
fn object<'a>(
    draft: &WorkflowDraft,
    keys: impl Iterator<Item = &'a Key>,
    required: &[&Key],
) -> Value {
    let schema_of = |key: &Key| {
        let schema = draft.state.get(key).and_then(|spec| spec.schema.clone());
        schema.unwrap_or(Value::Bool(true))
    };
    let properties: Object = keys.map(|key| (key.to_string(), schema_of(key))).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKFLOW: &str = r#"
apiVersion: workflowforge/v1
name: t
version: 1.0.0
state:
  text: { schema: { type: string } }
  round: { default: 1 }
  said: {}
input: [text, round]
output: [said]
nodes:
  ask: { ask: { prompt: "{{ state.text }}", schema: { type: boolean } }, out: { said: result } }
edges: [{ from: START, to: ask }]
"#;

    #[test]
    fn schemas_name_what_must_be_given_and_what_may_be_answered() {
        let schemas = of_draft(&wforge_spec::parse("t", WORKFLOW).unwrap().draft);
        assert_eq!(
            schemas.input,
            json!({
                "type": "object",
                "properties": { "text": { "type": "string" }, "round": true },
                "required": ["text"],
                "additionalProperties": false,
            })
        );
        assert_eq!(schemas.output["properties"], json!({ "said": true }));
        assert_eq!(schemas.state["properties"].as_object().map(Object::len), Some(3));
        let answers = serde_json::to_value(&schemas.answers).unwrap();
        assert_eq!(answers, json!({ "ask": { "type": "boolean" } }));
    }
}
