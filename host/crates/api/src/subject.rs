//! About which tenant something is asked: the own one, or for the platform the one in the path.
//!
//! So one handler serves `/v1/keys` and `/v1/tenants/{tenant}/keys`. The table of routes lets only
//! the platform call the second kind.

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use wforge_model::TenantId;
use wforge_model::tenancy::PLATFORM;

use crate::auth::Principal;
use crate::codes;
use crate::error::ApiError;
use crate::state::{Api, Shared};

/// The tenant, and who asks.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) tenant: TenantId,
    pub(crate) by: Principal,
}

/// The same, where the platform's own name may stand too: its audit log.
#[derive(Debug)]
pub(crate) struct SubjectOrPlatform(pub(crate) TenantId);

/// The tenant of that name.
fn existing(api: &Shared, name: &str) -> Result<TenantId, ApiError> {
    let missing = || ApiError::not_found("tenant", name);
    let id: TenantId = name.parse().map_err(|_| missing())?;
    api.parts.engine.tenant(&id).map_err(|_| missing())?;
    Ok(id)
}

/// The variable part `{tenant}` of the path; none where the route has none.
async fn named(parts: &mut Parts, api: &Api) -> Result<Option<String>, ApiError> {
    let params = RawPathParams::from_request_parts(parts, api).await;
    let params = params.map_err(|rejection| match rejection {
        RawPathParamsRejection::InvalidUtf8InPathParam(wrong) => {
            ApiError::new(&codes::MALFORMED, wrong.body_text())
        }
        other => ApiError::internal(other),
    })?;
    let tenant = params.iter().find(|(name, _)| *name == "tenant");
    Ok(tenant.map(|(_, value)| value.to_owned()))
}

impl FromRequestParts<Api> for Subject {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let by = Principal::from_request_parts(parts, api).await?;
        let tenant = match named(parts, api).await? {
            Some(name) => existing(api, &name)?,
            None => by.tenant.clone(),
        };
        Ok(Self { tenant, by })
    }
}

impl FromRequestParts<Api> for SubjectOrPlatform {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        match named(parts, api).await? {
            Some(name) if name == PLATFORM => {
                let id = name.parse().map_err(|_| ApiError::not_found("tenant", &name))?;
                Ok(Self(id))
            }
            _ => Subject::from_request_parts(parts, api).await.map(|subject| Self(subject.tenant)),
        }
    }
}
