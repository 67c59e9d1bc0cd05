//! What people do with the course of a run: pause it, let it go on, take it up after a failure.

use wforge_model::command::Fact;
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::{RunId, TenantId};

use super::Handle;
use crate::request::EngineError;

impl Handle {
    /// Lets a run stop at its next border: what is under way finishes, nothing new begins.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] where it has ended.
    pub async fn pause(
        &self,
        tenant: &TenantId,
        run: RunId,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status.is_final() || head.status == RunStatus::Blocked {
            return Err(not_so(&head, "run_ended", "cannot be paused"));
        }
        self.tell(tenant, run, Fact::Pause { by: by.to_owned() }).await?;
        self.head(tenant, run).await
    }

    /// Lets a paused run go on, for so many super-steps or to its end.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] where nothing holds it.
    pub async fn resume_paused(
        &self,
        tenant: &TenantId,
        run: RunId,
        steps: Option<u32>,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        let held = head.waiting_for.iter().any(|w| matches!(w.waiting, WaitReason::Resume { .. }));
        if !held && head.status != RunStatus::Paused {
            return Err(not_so(&head, "run_not_paused", "is not held at a border"));
        }
        self.tell(tenant, run, Fact::Continue { by: by.to_owned(), steps }).await?;
        self.head(tenant, run).await
    }

    /// Takes up a run that failed: the tasks that failed begin again, their siblings that had
    /// finished keep their results.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] where it has not failed, where another run of its thread came
    /// after it, or where no task failed: a run that passed a limit would pass it again.
    pub async fn revive(
        &self,
        tenant: &TenantId,
        run: RunId,
        by: &str,
    ) -> Result<RunHead, EngineError> {
        let head = self.head(tenant, run).await?;
        if head.status != RunStatus::Failed {
            return Err(not_so(&head, "run_not_failed", "has not failed"));
        }
        let _turn = crate::threads::only_as_head(&self.shared, tenant, &head).await?;
        self.tell(tenant, run, Fact::Revive { by: by.to_owned() }).await?;
        let after = self.head(tenant, run).await?;
        if after.seq == head.seq {
            return Err(not_so(
                &head,
                "not_retryable",
                "has no failed task that could begin again",
            ));
        }
        Ok(after)
    }
}

fn not_so(head: &RunHead, code: &'static str, what: &str) -> EngineError {
    let message = format!("{} {what}: it is {}", head.run, head.status.as_str());
    EngineError::Conflict { code, message }
}
