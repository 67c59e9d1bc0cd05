//! What plugins may do: list, ask for, approve, deny, revoke, explain.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use wforge_engine::{Explained, GrantDecision, GrantRequest};
use wforge_model::grant::{GrantRecord, GrantStanding, GrantState};
use wforge_model::{Capability, Digest, NodeId};

use crate::error::ApiError;
use crate::extract::{JsonOf, JsonOrNothing, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::{Api, Shared};
use crate::subject::Subject;

/// A grant as it stands now.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = GrantFields)]
pub(crate) struct ShownGrant {
    standing: GrantStanding,
    #[serde(flatten)]
    record: GrantRecord,
}

/// The query of [`list`].
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    #[serde(default)]
    #[param(inline)]
    standing: Option<GrantStanding>,
    /// `publisher/name`.
    #[serde(default)]
    plugin: Option<String>,
    /// Items of the page at most; by default 50.
    #[param(minimum = 1, maximum = 200)]
    #[serde(default)]
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
}

/// The body of [`request`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = GrantAsk)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestBody {
    plugin: String,
    capability: Capability,
    #[serde(default)]
    component: Option<Digest>,
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    node: Option<NodeId>,
    #[serde(default)]
    reason: String,
}

/// The query of [`explain`].
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExplainQuery {
    plugin: String,
    #[param(value_type = String)]
    capability: Capability,
    #[serde(default)]
    #[param(value_type = Option<String>)]
    component: Option<Digest>,
    #[serde(default)]
    workflow: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<String>)]
    node: Option<NodeId>,
}

/// The body of a decision.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = GrantDecision)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionBody {
    #[serde(default)]
    reason: String,
    /// How long it holds, in milliseconds; none: until it is revoked. Of an approval only.
    #[serde(default)]
    ttl_ms: Option<u64>,
}

/// The variable part of a path about one grant.
#[derive(Debug, Deserialize)]
pub(crate) struct GrantPath {
    grant: String,
}

/// `GET /v1/grants`, by id.
pub(crate) async fn list(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<ListQuery>,
) -> Result<Json<Page<ShownGrant>>, ApiError> {
    let ListQuery { standing, plugin, limit, cursor } = query;
    let at = PageQuery::of(limit, cursor).checked(&api.parts.limits)?;
    let now = api.parts.clock.now();
    let wanted = |record: &GrantRecord| {
        standing.is_none_or(|wanted| record.standing(now) == wanted)
            && plugin.as_deref().is_none_or(|wanted| record.key.plugin.as_str() == wanted)
    };
    let grants = api.parts.engine.grants(&tenant);
    let items = grants.iter().filter(|record| wanted(record)).map(|record| shown(&api, record));
    Ok(Json(Page::of_whole(items.collect(), &at)))
}

/// `POST /v1/grants`: asks for one. The same twice is one.
pub(crate) async fn request(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(body): JsonOf<RequestBody>,
) -> Result<Response, ApiError> {
    let RequestBody { plugin, capability, component, workflow, node, reason } = body;
    let asked = GrantRequest { plugin, component, workflow, node, capability, reason };
    let engine = api.parts.engine.clone();
    let asking = async move { engine.request_grant(&tenant, asked, &by.actor()).await };
    let record = api.whole(asking).await?;
    Ok(shown(&api, &record).respond(StatusCode::CREATED))
}

/// `GET /v1/grants/explain`.
pub(crate) async fn explain(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<ExplainQuery>,
) -> Result<Json<Explained>, ApiError> {
    let ExplainQuery { plugin, capability, component, workflow, node } = query;
    let reason = String::new();
    let asked = GrantRequest { plugin, component, workflow, node, capability, reason };
    Ok(Json(api.parts.engine.explain_grant(&tenant, asked).await?))
}

macro_rules! decisions {
    ($($(#[$doc:meta])* $name:ident => $state:ident;)*) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(
            State(api): State<Api>,
            subject: Subject,
            PathOf(path): PathOf<GrantPath>,
            QueryOf(NoQuery {}): QueryOf<NoQuery>,
            JsonOrNothing(body): JsonOrNothing<DecisionBody>,
        ) -> Result<Json<Resource<ShownGrant>>, ApiError> {
            decide(&api, subject, path, GrantState::$state, body).await
        }
    )*};
}

decisions! {
    /// `POST /v1/grants/{grant}/approve`: holds from the next host call on.
    approve => Granted;
    /// `POST /v1/grants/{grant}/deny`.
    deny => Denied;
    /// `POST /v1/grants/{grant}/revoke`: refused from the next host call on.
    revoke => Revoked;
}

async fn decide(
    api: &Api,
    Subject { tenant, by }: Subject,
    GrantPath { grant }: GrantPath,
    state: GrantState,
    DecisionBody { reason, ttl_ms }: DecisionBody,
) -> Result<Json<Resource<ShownGrant>>, ApiError> {
    let decision = GrantDecision { state, reason, ttl_ms };
    let engine = api.parts.engine.clone();
    let deciding = async move { engine.decide_grant(&tenant, &grant, decision, &by.actor()).await };
    let record = api.whole(deciding).await?;
    Ok(Json(shown(api, &record)))
}

fn shown(api: &Shared, record: &GrantRecord) -> Resource<ShownGrant> {
    let id = record.key.id();
    let href = format!("/v1/grants/{id}");
    let standing = record.standing(api.parts.clock.now());
    Resource::new("grant", id, href, ShownGrant { standing, record: record.clone() })
}
