//! The trust store of a tenant, or of the platform: keys that sign plugins, and what is asked of
//! signatures and versions. And the signature that goes along with an upload.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use semver::Version;
use serde::Deserialize;
use wforge_engine::{EngineError, Handle, NewTrustedKey, PolicyChange, PolicyShown};
use wforge_model::PluginName;
use wforge_model::trust::{KeyName, TrustedKey};

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::extract::{JsonOf, JsonOrNothing, NoQuery, PathOf, QueryOf};
use crate::resource::{Page, PageQuery, Resource};
use crate::state::Api;
use crate::subject::SubjectOrPlatform;

/// The header that carries a signature: the base64 form of minisign's file.
pub(crate) const SIGNATURE: &str = "wforge-signature";

/// The body of [`add`].
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[schema(as = TrustedKeyAdd)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddBody {
    name: KeyName,
    /// `minisign.pub`, or its second line.
    public: String,
    #[serde(default)]
    note: String,
}

/// The body of [`revoke`] and [`restore`].
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = ReasonGiven)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReasonBody {
    #[serde(default)]
    reason: String,
}

/// The body of [`change_policy`]; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[schema(as = TrustPolicyChange)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyBody {
    #[serde(default)]
    require_signed: Option<bool>,
    #[serde(default)]
    allow_rollback: Option<bool>,
    /// A version, or null where there is to be none any more.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, Option<String>>)]
    minimum: BTreeMap<PluginName, Option<Version>>,
}

/// The variable part of a path about one key: its id or its name.
#[derive(Debug, Deserialize)]
pub(crate) struct SignerPath {
    signer: String,
}

/// `GET /v1/trust/keys`, by id.
pub(crate) async fn list(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<Json<Page<TrustedKey>>, ApiError> {
    let at = query.checked(&api.parts.limits)?;
    let keys = api.parts.engine.trusted_keys(&tenant).await?;
    Ok(Json(Page::of_whole(keys.iter().map(|key| resource(key)).collect(), &at)))
}

/// `POST /v1/trust/keys`: what it signs is let in.
pub(crate) async fn add(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    by: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(AddBody { name, public, note }): JsonOf<AddBody>,
) -> Result<Response, ApiError> {
    let engine = api.parts.engine.clone();
    let key = NewTrustedKey { name, public, note };
    let adding = async move { engine.trust_key(&tenant, key, &by.actor()).await };
    let key = api.whole(adding).await?;
    Ok(resource(&key).respond(StatusCode::CREATED))
}

/// `POST /v1/trust/keys/{signer}/revoke`: what it signed starts no new run; running ones wait.
pub(crate) async fn revoke(
    State(api): State<Api>,
    (SubjectOrPlatform(tenant), by): (SubjectOrPlatform, Principal),
    PathOf(SignerPath { signer }): PathOf<SignerPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(body): JsonOrNothing<ReasonBody>,
) -> Result<Json<Resource<TrustedKey>>, ApiError> {
    let revoke = |engine: Handle, reason| async move {
        engine.revoke_trusted_key(&tenant, (&signer, reason), &by.actor()).await
    };
    changed(&api, body, revoke).await
}

/// `POST /v1/trust/keys/{signer}/restore`: the runs that waited go on.
pub(crate) async fn restore(
    State(api): State<Api>,
    (SubjectOrPlatform(tenant), by): (SubjectOrPlatform, Principal),
    PathOf(SignerPath { signer }): PathOf<SignerPath>,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOrNothing(body): JsonOrNothing<ReasonBody>,
) -> Result<Json<Resource<TrustedKey>>, ApiError> {
    let restore = |engine: Handle, reason| async move {
        engine.restore_trusted_key(&tenant, (&signer, reason), &by.actor()).await
    };
    changed(&api, body, restore).await
}

/// What becomes of a key, for the reason in the body.
async fn changed<F>(
    api: &Api,
    ReasonBody { reason }: ReasonBody,
    change: impl FnOnce(Handle, String) -> F,
) -> Result<Json<Resource<TrustedKey>>, ApiError>
where
    F: Future<Output = Result<Arc<TrustedKey>, EngineError>> + Send + 'static,
{
    let key = api.whole(change(api.parts.engine.clone(), reason)).await?;
    Ok(Json(resource(&key)))
}

/// `GET /v1/trust/policy`.
pub(crate) async fn policy(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
) -> Result<Json<PolicyShown>, ApiError> {
    Ok(Json(api.parts.engine.trust_policy(&tenant).await?))
}

/// `POST /v1/trust/policy`: holds from the next run on.
pub(crate) async fn change_policy(
    State(api): State<Api>,
    SubjectOrPlatform(tenant): SubjectOrPlatform,
    by: Principal,
    QueryOf(NoQuery {}): QueryOf<NoQuery>,
    JsonOf(body): JsonOf<PolicyBody>,
) -> Result<Json<PolicyShown>, ApiError> {
    let PolicyBody { require_signed, allow_rollback, minimum } = body;
    let change = PolicyChange { require_signed, allow_rollback, minimum };
    let engine = api.parts.engine.clone();
    let changing = async move { engine.change_trust_policy(&tenant, change, &by.actor()).await };
    Ok(Json(api.whole(changing).await?))
}

/// The signature file that a request carries; none where it has no such header.
///
/// # Errors
/// The header is there twice, or is no base64. Its size is bounded by that of all headers.
pub(crate) fn signature(headers: &HeaderMap) -> Result<Option<Vec<u8>>, ApiError> {
    let mut values = headers.get_all(SIGNATURE).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let wrong = |detail: &str| ApiError::new(&codes::MALFORMED, format!("{SIGNATURE} {detail}"));
    if values.next().is_some() {
        return Err(wrong("is given more than once"));
    }
    let decoded = STANDARD.decode(value.as_bytes());
    decoded.map(Some).map_err(|_| wrong("is the base64 form of a .minisig file, on one line"))
}

fn resource(key: &TrustedKey) -> Resource<TrustedKey> {
    let id = key.key.to_string();
    let href = format!("/v1/trust/keys/{id}");
    Resource::new("trusted_key", id, href, key.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[&str]) -> Result<Option<Vec<u8>>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(SIGNATURE, value.parse().unwrap());
        }
        signature(&headers).map_err(|error| error.code.id)
    }

    #[test]
    fn a_signature_is_one_header_of_base64() {
        assert_eq!(check(&[]), Ok(None));
        assert_eq!(check(&["aGk="]), Ok(Some(b"hi".to_vec())));
        assert_eq!(check(&["aGk=", "aGk="]), Err("WF0400"));
        assert_eq!(check(&["aGk"]), Err("WF0400"));
        assert_eq!(check(&["untrusted comment: x"]), Err("WF0400"));
    }
}
