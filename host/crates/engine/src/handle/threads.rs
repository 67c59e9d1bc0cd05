//! Threads: how they stand, what they were, and what people do with them.

use futures::stream::BoxStream;
use wforge_model::{Checkpoint, RunId, TenantId, ThreadId};
use wforge_ports::threads::ThreadRow;

use super::Handle;
use crate::request::{EngineError, Started};
use crate::service::on_the_lane;
use crate::thread_request::{
    CheckpointView, ContinueFrom, ForkThread, KeepBorders, Made, MigrateThread, Migrated, Pruned,
    ThreadView, UpdateState,
};
use crate::thread_stream::{self, ThreadMessage};
use crate::{tenancy, threads};

/// Borders that one page of a history has at most.
const HISTORY_MAX: usize = 1_000;

impl Handle {
    /// Threads that come after `after`, in order of their ids.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn threads(
        &self,
        tenant: &TenantId,
        after: Option<ThreadId>,
        limit: usize,
    ) -> Result<Vec<ThreadRow>, EngineError> {
        Ok(self.shared.parts.store.threads(tenant, after, limit).await?)
    }

    /// A thread: its state, what is next, and what its newest run waits for.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's thread too.
    pub async fn thread(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
    ) -> Result<ThreadView, EngineError> {
        threads::view(&self.shared, tenant, thread).await
    }

    /// The borders of a thread from before one (none: from the newest), newest first. A run with
    /// durability `exit` shows its last one only; a run that was taken back shows none.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's thread too.
    pub async fn history(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
        before: Option<Checkpoint>,
        limit: usize,
    ) -> Result<Vec<CheckpointView>, EngineError> {
        threads::history(&self.shared, tenant, thread, before, limit.min(HISTORY_MAX)).await
    }

    /// The events of a thread's runs after one of them (none: from the first of its history), one
    /// run after the other, then whatever comes, of its next runs too. It has no end of its own.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's thread too.
    pub async fn subscribe_thread(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
        after: Option<Checkpoint>,
    ) -> Result<BoxStream<'static, Result<ThreadMessage, EngineError>>, EngineError> {
        thread_stream::subscribe(self.shared.clone(), tenant.clone(), thread, after).await
    }

    /// Writes the state of a thread in the place of nodes, and makes a border for each super-step;
    /// gives the last. A head that only waits for somebody is cancelled for it.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `thread_busy` while the head runs, [`EngineError::Invalid`]
    /// `ambiguous_update` where several nodes wrote last and none is named.
    pub async fn update_state(
        &self,
        tenant: &TenantId,
        update: UpdateState,
    ) -> Result<Made, EngineError> {
        tenancy::within_storage(&self.shared, tenant)?;
        Box::pin(threads::update(&self.shared, tenant, update)).await
    }

    /// Copies a border beside itself, so that it is the newest of its thread: what was to be done
    /// there is to be done again. A head that only waits for somebody is cancelled for it.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `thread_busy` while the head runs, [`EngineError::NotFound`] where
    /// there is no such border.
    pub async fn fork_thread(
        &self,
        tenant: &TenantId,
        request: ForkThread,
    ) -> Result<Made, EngineError> {
        tenancy::within_storage(&self.shared, tenant)?;
        Box::pin(threads::fork(&self.shared, tenant, request)).await
    }

    /// Begins a run with what was to be done at a border: a replay where it is an old one.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `thread_busy` while the head runs, [`EngineError::NotFound`] where
    /// there is no such border.
    pub async fn continue_from(
        &self,
        tenant: &TenantId,
        request: ContinueFrom,
    ) -> Result<Started, EngineError> {
        let admission = tenancy::admit_run(&self.shared, tenant).await?;
        let (shared, of) = (self.shared.clone(), tenant.clone());
        let go_on = async move { threads::continue_from(&shared, &of, request).await };
        let started = on_the_lane(&self.shared, go_on).await?;
        if !started.replayed {
            admission.used().await;
        }
        Ok(started)
    }

    /// Begins a new thread with the state of another one.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `thread_exists` where the new one is there already.
    pub async fn copy_thread(
        &self,
        tenant: &TenantId,
        from: ThreadId,
        to: ThreadId,
        by: &str,
    ) -> Result<Checkpoint, EngineError> {
        tenancy::within_storage(&self.shared, tenant)?;
        Box::pin(threads::copy(&self.shared, tenant, (from, to), by)).await
    }

    /// Keeps the newest borders of a thread: the others leave its history, and the runs that
    /// nothing goes on from are removed. A run that is under way goes on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] where the thread has no borders, or does not list the one from
    /// which on they are to be kept.
    pub async fn prune_thread(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
        keep: KeepBorders,
        by: &str,
    ) -> Result<Pruned, EngineError> {
        Box::pin(threads::prune(&self.shared, tenant, thread, keep, by)).await
    }

    /// Lets the first run that waits in a thread begin where its turn has come, and gives the run
    /// that is under way then.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn begin_queued(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
    ) -> Result<Option<RunId>, EngineError> {
        threads::begin_next(&self.shared, tenant, thread).await;
        let standing = threads::Standing::read(&self.shared, tenant, thread).await?;
        Ok(standing.live().map(|head| head.run))
    }

    /// Brings a thread to another version of its workflow, or says what that would do.
    ///
    /// # Errors
    /// [`EngineError::Conflict`] `open_tasks` where tasks are under way and are not to begin again,
    /// [`EngineError::Invalid`] `migration_misfit` where a value fits its key no more.
    pub async fn migrate(
        &self,
        tenant: &TenantId,
        thread: ThreadId,
        request: MigrateThread,
    ) -> Result<Migrated, EngineError> {
        Box::pin(threads::migrate(&self.shared, tenant, thread, request)).await
    }
}
