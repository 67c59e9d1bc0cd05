//! Requests about threads that name an idempotency key: the run that each made first stands under
//! it, and the same request again gives that run.

use wforge_model::{Checkpoint, RunId, TenantId, ThreadId};

use super::last_border;
use crate::request::{EngineError, Idempotency};
use crate::service::Shared;
use crate::start::replied;

/// The run that stands under a key.
///
/// # Errors
/// The key was used for another request.
pub(super) async fn made_before(
    shared: &Shared,
    tenant: &TenantId,
    key: Option<&Idempotency>,
) -> Result<Option<RunId>, EngineError> {
    match key {
        Some(key) => Ok(replied(shared, tenant, key).await?.map(|started| started.run)),
        None => Ok(None),
    }
}

/// The border that the run left which stands under a key.
pub(super) async fn border_made_before(
    shared: &Shared,
    tenant: &TenantId,
    thread: ThreadId,
    key: Option<&Idempotency>,
) -> Result<Option<Checkpoint>, EngineError> {
    match made_before(shared, tenant, key).await? {
        Some(run) => Ok(Some(last_border(shared, tenant, thread, run).await?.at)),
        None => Ok(None),
    }
}
