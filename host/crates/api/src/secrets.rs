//! Secrets of a tenant: set, listed, removed. No route gives a value back.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wforge_engine::SecretPut;
use wforge_model::secret::SecretVersion;
use wforge_model::{SecretName, SecretRecord};

use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::subject::Subject;

/// The body of [`put`]. The value is looked at here, since a parser's message would repeat one that
/// is no text.
#[derive(Deserialize, utoipa::ToSchema)]
#[schema(as = SecretPut)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutBody {
    #[serde(default)]
    #[schema(value_type = String, required, min_length = 8)]
    value: Value,
    #[serde(default)]
    hosts: Option<Vec<String>>,
}

/// A secret without its values.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SecretFields)]
pub(crate) struct ShownSecret {
    name: SecretName,
    hosts: Vec<String>,
    /// The version that is used now.
    #[schema(required)]
    version: Option<u64>,
    /// Those whose values are kept, the newest last.
    versions: Vec<SecretVersion>,
}

/// The variable part of a path about one secret.
#[derive(Debug, Deserialize)]
pub(crate) struct SecretPath {
    secret: String,
}

/// `GET /v1/secrets`, by name.
pub(crate) async fn list(
    State(api): State<Api>,
    Subject { tenant, .. }: Subject,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<ShownSecret>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let secrets = api.parts.engine.secrets(&tenant).await?;
    Ok(Json(Page::of_whole(secrets.into_iter().map(resource).collect(), &at)))
}

/// `PUT /v1/secrets/{secret}`: a new secret, or a new version of it.
pub(crate) async fn put(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    PathOf(SecretPath { secret }): PathOf<SecretPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(PutBody { value, hosts }): JsonOf<PutBody>,
) -> Result<Json<Resource<ShownSecret>>, ApiError> {
    let wrong = |detail: String| ApiError::new(&codes::UNACCEPTABLE, detail);
    let name: SecretName = secret.parse().map_err(|error| wrong(format!("{error}")))?;
    let Value::String(value) = value else {
        return Err(wrong("\"value\" is the secret as a text".to_owned()));
    };
    let engine = api.parts.engine.clone();
    let put = SecretPut { name, value, hosts };
    let put = async move { engine.put_secret(&tenant, put, &by.actor()).await };
    Ok(Json(resource(api.whole(put).await?)))
}

/// `DELETE /v1/secrets/{secret}`: all of its values are gone.
pub(crate) async fn remove(
    State(api): State<Api>,
    Subject { tenant, by }: Subject,
    PathOf(SecretPath { secret }): PathOf<SecretPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<Resource<ShownSecret>>, ApiError> {
    let engine = api.parts.engine.clone();
    let remove = async move { engine.remove_secret(&tenant, &secret, &by.actor()).await };
    Ok(Json(resource(api.whole(remove).await?)))
}

fn resource(record: SecretRecord) -> Resource<ShownSecret> {
    let version = record.current();
    let SecretRecord { name, hosts, versions, .. } = record;
    let (id, href) = (name.to_string(), format!("/v1/secrets/{name}"));
    Resource::new("secret", id, href, ShownSecret { name, hosts, version, versions })
}
