//! Bodies that are large: read within the tenant's share of uploads, which is given back when what
//! is done with the bytes is done, not when their client leaves.

use axum::body::Body;
use axum::http::HeaderMap;
use wforge_engine::{EngineError, Handle};

use crate::auth::Principal;
use crate::body::{self, BodyLimit};
use crate::error::ApiError;
use crate::state::Api;

/// What may come.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    pub(crate) media_type: &'static str,
    pub(crate) bytes_max: usize,
}

/// What the engine makes of the bytes in a body.
pub(crate) async fn upload<T, F>(
    api: &Api,
    principal: Principal,
    (headers, body): (&HeaderMap, Body),
    expected: Expected,
    take: impl FnOnce(Handle, Principal, Vec<u8>) -> F,
) -> Result<T, ApiError>
where
    T: Send + 'static,
    F: Future<Output = Result<T, EngineError>> + Send + 'static,
{
    body::require_media_type(headers, &[expected.media_type])?;
    let permit = api.uploads.enter(&principal.tenant)?;
    let timeout = api.parts.limits.upload_timeout;
    let limit = BodyLimit { bytes_max: expected.bytes_max, timeout };
    let bytes = body::read(headers, body, limit, api.parts.clock.as_ref()).await?;
    let taken = take(api.parts.engine.clone(), principal, bytes.into());
    let whole = api.whole(async move {
        let _permit = permit;
        taken.await
    });
    whole.await
}
