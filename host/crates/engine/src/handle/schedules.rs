//! Schedules of a tenant.

use std::sync::Arc;

use wforge_model::head::RunStatus;
use wforge_model::{ScheduleName, TenantId};

use super::Handle;
use crate::request::{EngineError, Idempotency, Started};
use crate::schedules::{self, DueTime, Known, PutSchedule, Schedule, ScheduleSpec};

/// A schedule, and how what it started stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ScheduleView {
    /// The schedule.
    pub schedule: Schedule,
    /// What it does next.
    pub next: Option<DueTime>,
    /// How its last run stands; none where it has none, or that was removed.
    pub last_status: Option<RunStatus>,
}

impl Handle {
    /// At most `limit` schedules of a tenant after that name, by name.
    ///
    /// # Errors
    /// Only the host's own.
    pub async fn schedules(
        &self,
        tenant: &TenantId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ScheduleView>, EngineError> {
        let all = self.shared.schedules.of_tenant(tenant);
        let is_after =
            |known: &&Arc<Known>| after.is_none_or(|after| known.schedule.name.as_str() > after);
        let mut views = Vec::new();
        for known in all.iter().filter(is_after).take(limit) {
            views.push(self.schedule_view(tenant, known).await?);
        }
        Ok(views)
    }

    /// One schedule.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's too.
    pub async fn schedule(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<ScheduleView, EngineError> {
        let known = self.shared.schedules.find(tenant, name)?;
        self.schedule_view(tenant, &known).await
    }

    /// Makes a schedule, or has it do something else from now on. `paused` none: as it was.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] `bad_cron`, `bad_zone`, `bad_schedule`; [`EngineError::NotFound`]
    /// where there is no such workflow; [`EngineError::Conflict`] `schedule_exists`,
    /// `too_many_schedules`.
    pub async fn put_schedule(
        &self,
        tenant: &TenantId,
        name: (ScheduleName, PutSchedule),
        what: (ScheduleSpec, Option<bool>),
        by: &str,
    ) -> Result<ScheduleView, EngineError> {
        let known = schedules::put(&self.shared, tenant, name, what, by).await?;
        self.schedule_view(tenant, &known).await
    }

    /// Removes a schedule. Runs that it started go on.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's too.
    pub async fn remove_schedule(
        &self,
        tenant: &TenantId,
        name: &str,
        by: &str,
    ) -> Result<ScheduleView, EngineError> {
        let known = schedules::remove(&self.shared, tenant, name, by).await?;
        self.schedule_view(tenant, &known).await
    }

    /// Has a schedule start nothing until it is continued, or start runs again.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's too.
    pub async fn pause_schedule(
        &self,
        tenant: &TenantId,
        name: &str,
        paused: bool,
        by: &str,
    ) -> Result<ScheduleView, EngineError> {
        let known = schedules::set_paused(&self.shared, tenant, name, paused, by).await?;
        self.schedule_view(tenant, &known).await
    }

    /// Starts a run of a schedule now, whatever its expression, its overlap or a pause says.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's too, and those of a start.
    pub async fn trigger_schedule(
        &self,
        tenant: &TenantId,
        name: &str,
        idempotency: Option<Idempotency>,
        by: &str,
    ) -> Result<Started, EngineError> {
        schedules::trigger(&self.shared, tenant, name, idempotency, by).await
    }

    /// The next times of a schedule, paused or not.
    ///
    /// # Errors
    /// [`EngineError::NotFound`] for another tenant's too.
    pub fn schedule_times(
        &self,
        tenant: &TenantId,
        name: &str,
        count: usize,
    ) -> Result<Vec<DueTime>, EngineError> {
        schedules::upcoming(&self.shared, tenant, name, count)
    }

    /// The next times of an expression that no schedule has yet.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] `bad_cron`, `bad_zone`.
    pub fn preview_schedule(
        &self,
        cron: &str,
        zone: &str,
        count: usize,
    ) -> Result<Vec<DueTime>, EngineError> {
        schedules::preview(&self.shared, cron, zone, count)
    }

    async fn schedule_view(
        &self,
        tenant: &TenantId,
        known: &Known,
    ) -> Result<ScheduleView, EngineError> {
        let schedule = known.schedule.clone();
        let last_status = match schedule.last_run {
            Some(run) => self.shared.parts.store.head(tenant, run).await?.map(|head| head.status),
            None => None,
        };
        let next = known.next(tenant);
        Ok(ScheduleView { schedule, next, last_status })
    }
}
