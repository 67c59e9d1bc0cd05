//! People of a tenant: list, put, remove; those of the own tenant, and for the platform of any.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use wforge_model::tenancy::Member;
use wforge_model::{Role, Scopes, TenantId};

use crate::auth::Principal;
use crate::body;
use crate::error::ApiError;
use crate::extract::{NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::runs::json_body;
use crate::state::{Api, Shared};
use crate::tenants::{Subject, existing};

/// The body of [`put`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PutBody {
    subject: String,
    role: Role,
}

/// A person, as lists show them.
#[derive(Debug, Serialize)]
pub(crate) struct ShownMember(Member);

/// `GET /v1/members`, by subject.
pub(crate) async fn list(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownMember>>, ApiError> {
    page(&api, &principal.tenant, query)
}

/// `GET /v1/tenants/{tenant}/members`.
pub(crate) async fn list_of_tenant(
    State(api): State<Api>,
    PathOf(tenant): PathOf<String>,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownMember>>, ApiError> {
    page(&api, &existing(&api, &tenant)?, query)
}

fn page(
    api: &Shared,
    tenant: &TenantId,
    query: PageQuery,
) -> Result<Json<Page<ShownMember>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let members = api.parts.engine.members(tenant);
    let items = members.iter().map(|member| resource(member)).collect();
    Ok(Json(Page::of_whole(items, &at)))
}

/// `POST /v1/members`: adds a person, or changes what they may do.
pub(crate) async fn put(
    State(api): State<Api>,
    principal: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let tenant = principal.tenant.clone();
    set(&api, Subject { tenant, by: principal }, &headers, body).await
}

/// `POST /v1/tenants/{tenant}/members`.
pub(crate) async fn put_of_tenant(
    State(api): State<Api>,
    principal: Principal,
    PathOf(tenant): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let tenant = existing(&api, &tenant)?;
    set(&api, Subject { tenant, by: principal }, &headers, body).await
}

async fn set(
    api: &Api,
    Subject { tenant, by }: Subject,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let limits = &api.parts.limits;
    let bytes = json_body(api, headers, body, limits.json_bytes_max).await?;
    let PutBody { subject, role } = body::parse(&bytes, limits.json_depth_max)?;
    by.require_to_give(role, &Scopes::default())?;
    let engine = api.parts.engine.clone();
    let put = async move { engine.put_member(&tenant, (&subject, role), &by.name).await };
    Ok(Json(resource(&*api.whole(put).await?)))
}

/// `POST /v1/members/{subject}/remove`: their tokens are refused at once.
pub(crate) async fn remove(
    State(api): State<Api>,
    principal: Principal,
    PathOf(subject): PathOf<String>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let tenant = principal.tenant.clone();
    withdraw(&api, Subject { tenant, by: principal }, subject).await
}

/// `POST /v1/tenants/{tenant}/members/{subject}/remove`.
pub(crate) async fn remove_of_tenant(
    State(api): State<Api>,
    principal: Principal,
    PathOf((tenant, subject)): PathOf<(String, String)>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let tenant = existing(&api, &tenant)?;
    withdraw(&api, Subject { tenant, by: principal }, subject).await
}

async fn withdraw(
    api: &Api,
    Subject { tenant, by }: Subject,
    subject: String,
) -> Result<Json<Resource<ShownMember>>, ApiError> {
    let engine = api.parts.engine.clone();
    let remove = async move { engine.remove_member(&tenant, &subject, &by.name).await };
    Ok(Json(resource(&*api.whole(remove).await?)))
}

fn resource(member: &Member) -> Resource<ShownMember> {
    let id = member.subject.clone();
    Resource::new("member", id, "/v1/members".to_owned(), ShownMember(member.clone()))
}
