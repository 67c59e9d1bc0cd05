//! People of a tenant: list, put, remove.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use wforge_model::tenancy::Member;
use wforge_model::{Role, Scopes};

use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::subject::Subject;

/// The body of [`put`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = MemberPut)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutBody {
    subject: String,
    role: Role,
}

/// A person, as lists show them.
#[derive(Debug, Serialize)]
pub(crate) struct ShownMember(Member);

/// The variable part of a path about one person.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberPath {
    subject: String,
}

/// `GET /v1/members`, by subject.
pub(crate) async fn list(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownMember>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let members = api.parts.engine.members(&tenant);
    let items = members.iter().map(|member| resource(member)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// `POST /v1/members`: adds a person, or changes what they may do.
pub(crate) async fn put(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(PutBody { subject, role }): JsonOf<PutBody>,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    by.require_to_give(role, &Scopes::default())?;
    let engine = api.parts.engine.clone();
    let put = async move { engine.put_member(&tenant, (&subject, role), &by.actor()).await };
    Ok(Json(resource(&*api.whole(put).await?)))
}

/// `POST /v1/members/{subject}/remove`: their tokens are refused at once, but for those in which
/// the issuer says the role itself; these are taken back by `POST /v1/tokens/revoke`.
pub(crate) async fn remove(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    PathOf(MemberPath { subject }): PathOf<MemberPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let engine = api.parts.engine.clone();
    let remove = async move { engine.remove_member(&tenant, &subject, &by.actor()).await };
    Ok(Json(resource(&*api.whole(remove).await?)))
}

fn resource(member: &Member) -> Resource<ShownMember> {
    let id = member.subject.clone();
    Resource::new("member", id, "/v1/members".to_owned(), ShownMember(member.clone()))
}
