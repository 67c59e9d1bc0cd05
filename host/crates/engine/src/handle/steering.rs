//! What people do with the course of a run: pause it, let it go on, take it up after a failure, and
//! see all runs that wait for them.

use wforge_model::command::Fact;
use wforge_model::head::{RunHead, RunStatus, WaitReason};
use wforge_model::{RunId, TenantId};

use super::Handle;
use crate::request::{EngineError, InboxEntry, InboxWants};

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

    /// What waits for people over all runs of a tenant, the oldest run first; the second part is
    /// the run after which to go on, where there may be more. With an assignee: only the questions
    /// that somebody put to that name.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn inbox(
        &self,
        tenant: &TenantId,
        after: Option<RunId>,
        runs_max: usize,
        assignee: Option<&str>,
    ) -> Result<(Vec<InboxEntry>, Option<RunId>), EngineError> {
        let heads = self.shared.parts.store.waiting(tenant, after, runs_max).await?;
        let next = heads.last().filter(|_| heads.len() == runs_max).map(|head| head.run);
        let is_meant = |entry: &InboxEntry| {
            assignee.is_none_or(|name| entry.assignee.as_deref() == Some(name))
        };
        Ok((heads.iter().flat_map(entries).filter(is_meant).collect(), next))
    }
}

fn entries(head: &RunHead) -> Vec<InboxEntry> {
    let entry = |wants, node| InboxEntry {
        run: head.run,
        workflow: format!("{}@{}", head.workflow, head.version),
        thread: head.thread,
        since: head.updated_at,
        node,
        deadline: None,
        assignee: None,
        degraded: head.degraded,
        wants,
    };
    let waits = head.waiting_for.iter().filter_map(|waits| match &waits.waiting {
        WaitReason::Question(question) => {
            let wants = InboxWants::Answer {
                question: question.id,
                prompt: question.prompt.clone(),
                schema: question.schema.clone(),
            };
            Some(InboxEntry {
                deadline: question.deadline,
                assignee: question.assignee.clone(),
                ..entry(wants, waits.node.clone())
            })
        }
        WaitReason::Resume { when, nodes } => {
            let wants = InboxWants::Resume { when: *when, nodes: nodes.clone() };
            Some(entry(wants, None))
        }
        WaitReason::Timer { .. }
        | WaitReason::Calls { .. }
        | WaitReason::Turn
        | WaitReason::Operator
        | WaitReason::Quarantine { .. }
        | WaitReason::FailureHandler => None,
    });
    waits.collect()
}

fn not_so(head: &RunHead, code: &'static str, what: &str) -> EngineError {
    let message = format!("{} {what}: it is {}", head.run, head.status.as_str());
    EngineError::Conflict { code, message }
}
