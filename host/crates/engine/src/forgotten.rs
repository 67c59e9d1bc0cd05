//! A run that is removed with all that was stored of it.

use wforge_model::head::WaitReason;
use wforge_model::{RunId, Seq, TenantId, ThreadId, Version};
use wforge_ports::threads::{Forget, Forgotten};

use crate::planned::{Planned, planned};
use crate::request::EngineError;
use crate::service::Shared;

/// Which run, as it was seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) run: RunId,
    /// The length of its log; none: whatever it is.
    pub(crate) at: Option<Seq>,
    /// Where its thread lists it.
    pub(crate) listed: Option<(ThreadId, Version)>,
}

/// Removes a run unless it is needed; whether it is gone. The memory that it had of the end of its
/// thread goes as well.
pub(crate) async fn forget(
    shared: &Shared,
    tenant: &TenantId,
    Seen { run, at, listed }: Seen,
) -> Result<bool, EngineError> {
    // Found by their parents' records, children come after their parents: they go first.
    let Planned { tasks, handles, .. } = planned(shared, tenant, run, None).await?;
    if let Some(failed) = handles
        && is_owed(shared, tenant, failed).await?
    {
        return Ok(false);
    }
    let mut forget = Forget { tenant: tenant.clone(), run, at, listed, tasks };
    loop {
        let forgotten = shared.parts.store.forget(forget.clone()).await;
        match forgotten.map_err(|error| EngineError::Host(Box::new(error)))? {
            Forgotten::Part { tasks_left } => forget.tasks.truncate(tasks_left),
            Forgotten::Whole => {
                if let Some((thread, _)) = listed {
                    shared.carried.forget(tenant, thread, run);
                }
                return Ok(true);
            }
            Forgotten::Needed => return Ok(false),
        }
    }
}

/// Whether a failed run does not know yet that its failure was handled. Whoever tells it finds the
/// run that did by its id, and begins another under that where there is none.
async fn is_owed(shared: &Shared, tenant: &TenantId, failed: RunId) -> Result<bool, EngineError> {
    let head = shared.parts.store.head(tenant, failed).await?;
    let waits = head.map(|head| head.waiting_for).unwrap_or_default();
    Ok(waits.iter().any(|waits| waits.waiting == WaitReason::FailureHandler))
}
