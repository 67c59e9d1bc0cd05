//! What each tenant uses, and whether it may use more.
//!
//! Runs and tokens are counted here, CPU time by the sandbox, bytes by the store. The day's figures
//! are written as runs begin, every few seconds at most, when the day ends and when the process
//! stops: a crash forgets what was used since then, never a limit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tracing::warn;
use wforge_model::tenancy::{DayUsage, Quotas};
use wforge_model::{TenantId, Timestamp};
use wforge_ports::store::{Change, Collection, Document, Put};

use super::grants::flush_used;
use crate::registry::Full;
use crate::request::EngineError;
use crate::service::{Shared, check_open, room_of, too_many_live};

/// How old the written figures may become while a tenant starts runs.
const WRITE_MS: u64 = 5_000;
/// When a tenant that has too many runs may try again.
const FULL_RETRY_MS: u64 = 1_000;
/// When a tenant whose storage is full may try again: somebody must remove something first.
const STORAGE_RETRY_MS: u64 = 60_000;

/// What a tenant uses now and has used today, beside what it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TenantUsage {
    /// The day in UTC.
    pub day: String,
    /// What was used on it.
    pub today: DayUsage,
    /// Runs in memory.
    pub runs_live: u64,
    /// Bytes of rows and files.
    pub storage_bytes: u64,
    /// What it may use.
    pub quotas: Quotas,
}

/// What a tenant used on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UsedDay {
    /// The day in UTC.
    pub day: String,
    /// What was used on it.
    #[serde(flatten)]
    pub used: DayUsage,
}

/// Some days in UTC, both ends included, as texts such as `2026-11-30`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The first.
    pub since: String,
    /// The last; none: today.
    pub until: Option<String>,
}

/// The figures of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<HashMap<TenantId, Page>>);

/// The day of one tenant.
#[derive(Debug, Clone)]
struct Page {
    day: String,
    /// As of when it was read: runs and tokens up to now, CPU time before `cpu_base`.
    used: DayUsage,
    /// What the sandbox had counted when the day began here.
    cpu_base: u64,
    /// Tokens of calls that are under way: never written, since a crash ends them.
    held_tokens: u64,
    written_at: Timestamp,
}

impl Ledger {
    pub(super) fn forget(&self, tenant: &TenantId) {
        self.lock().remove(tenant);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Page>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn page(&self, tenant: &TenantId, day: &str) -> Option<Page> {
        self.lock().get(tenant).filter(|page| page.day == day).cloned()
    }
}

impl Page {
    fn today(&self, shared: &Shared, tenant: &TenantId) -> DayUsage {
        let since = shared.parts.runtime.cpu_ms(tenant).saturating_sub(self.cpu_base);
        DayUsage { cpu_ms: self.used.cpu_ms + since, ..self.used }
    }
}

/// What a tenant uses, and may.
pub(crate) async fn usage_of(
    shared: &Shared,
    tenant: &TenantId,
) -> Result<TenantUsage, EngineError> {
    let page = open(shared, tenant).await?;
    Ok(TenantUsage {
        today: page.today(shared, tenant),
        day: page.day,
        runs_live: shared.registry.live_of(tenant) as u64,
        storage_bytes: shared.parts.store.stored_bytes(tenant),
        quotas: quotas(shared, tenant),
    })
}

/// Days of one answer at most: a year, and one more.
const DAYS_MAX: usize = 367;

/// What a tenant used on days, those without any use left out; the first of them, where there are
/// many.
pub(crate) async fn days_of(
    shared: &Shared,
    tenant: &TenantId,
    Days { since, until }: &Days,
) -> Result<Vec<UsedDay>, EngineError> {
    let page = open(shared, tenant).await?;
    let last = until.as_ref().unwrap_or(&page.day);
    let store = &shared.parts.store;
    // The page begins after a key, so the first day is read by itself.
    let first = store.document(tenant, Collection::Usage, since).await?;
    let kept = store.documents(tenant, Collection::Usage, "", Some(since), DAYS_MAX).await?;
    let read = |kept: Document| {
        let used = serde_json::from_value(kept.value).ok()?;
        Some(UsedDay { day: kept.key, used })
    };
    let written = first.into_iter().chain(kept).filter(|kept| kept.key < page.day);
    let mut days: Vec<UsedDay> = written.filter_map(read).collect();
    // What is written of today is a little old.
    days.push(UsedDay { used: page.today(shared, tenant), day: page.day.clone() });
    days.retain(|day| day.day >= *since && day.day <= *last);
    days.truncate(DAYS_MAX);
    Ok(days)
}

/// That one run of a tenant may begin: it is counted, and a place in memory is kept for it. Given
/// up before it was [`Admission::used`], it was never counted.
#[derive(Debug)]
#[must_use]
pub(crate) struct Admission<'a> {
    shared: &'a Shared,
    tenant: &'a TenantId,
    day: String,
    used: bool,
}

impl Admission<'_> {
    /// The run has begun.
    pub(crate) async fn used(mut self) {
        self.used = true;
        let now = self.shared.parts.clock.now();
        let is_due = |page: &mut Page| {
            let due = now.since(page.written_at).as_millis() >= u128::from(WRITE_MS);
            if due {
                page.written_at = now;
            }
            due
        };
        let due = self.shared.ledger.lock().get_mut(self.tenant).is_some_and(is_due);
        if due {
            write(self.shared, self.tenant).await;
            flush_used(self.shared).await;
        }
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.shared.registry.give_back(self.tenant);
        if self.used {
            return;
        }
        let mut pages = self.shared.ledger.lock();
        if let Some(page) = pages.get_mut(self.tenant).filter(|page| page.day == self.day) {
            page.used.runs = page.used.runs.saturating_sub(1);
        }
    }
}

/// Lets one run of a tenant begin, and counts it.
pub(crate) async fn admit_run<'a>(
    shared: &'a Shared,
    tenant: &'a TenantId,
) -> Result<Admission<'a>, EngineError> {
    check_open(shared, tenant)?;
    let day = open(shared, tenant).await?.day;
    let (room, quotas) = (room_of(shared, tenant), quotas(shared, tenant));
    shared.registry.keep_place(tenant, room).map_err(|full| match full {
        Full::Tenant => over("runs_live_max", room.of_tenant as u64, FULL_RETRY_MS),
        Full::All => too_many_live(full, room),
    })?;
    // Counted in the same moment in which it is looked at, so that no two take one place.
    let mut admission = Admission { shared, tenant, day, used: true };
    let storage_bytes = shared.parts.store.stored_bytes(tenant);
    let mut pages = shared.ledger.lock();
    if let Some(page) = pages.get_mut(tenant).filter(|page| page.day == admission.day) {
        let today = page.today(shared, tenant);
        check_run(&today, storage_bytes, &quotas, shared.parts.clock.now())?;
        page.used.runs += 1;
        admission.used = false;
    }
    drop(pages);
    Ok(admission)
}

/// Counts tokens of models.
pub(crate) async fn charge_tokens(
    shared: &Shared,
    tenant: &TenantId,
    tokens: u64,
) -> Result<(), EngineError> {
    open(shared, tenant).await?;
    if let Some(page) = shared.ledger.lock().get_mut(tenant) {
        page.used.tokens = page.used.tokens.saturating_add(tokens);
    }
    Ok(())
}

/// Holds tokens of a tenant's day before they are spent; whether they may be. Reads the day where
/// it is not in memory: whoever goes on after a restart, or over midnight, begins no run first.
pub(super) async fn hold_tokens(
    shared: &Shared,
    tenant: &TenantId,
    tokens: u64,
) -> Result<bool, EngineError> {
    open(shared, tenant).await?;
    let max = quotas(shared, tenant).tokens_per_day_max;
    let mut pages = shared.ledger.lock();
    // Of a tenant that was erased meanwhile nothing is known any more.
    let Some(page) = pages.get_mut(tenant) else { return Ok(true) };
    let held = page.held_tokens.saturating_add(tokens);
    let fits = max == 0 || page.used.tokens.saturating_add(held) <= max;
    if fits {
        page.held_tokens = held;
    }
    Ok(fits)
}

/// Ends a hold: what was spent counts on the day on which it ended.
pub(super) fn settle_tokens(shared: &Shared, tenant: &TenantId, reserved: u64, used: u64) {
    if let Some(page) = shared.ledger.lock().get_mut(tenant) {
        page.held_tokens = page.held_tokens.saturating_sub(reserved);
        page.used.tokens = page.used.tokens.saturating_add(used);
    }
}

fn check_run(
    today: &DayUsage,
    storage_bytes: u64,
    quotas: &Quotas,
    now: Timestamp,
) -> Result<(), EngineError> {
    let tomorrow = now.ms_to_midnight();
    let limits = [
        ("storage_bytes_max", storage_bytes, quotas.storage_bytes_max, STORAGE_RETRY_MS),
        ("runs_per_day_max", today.runs, quotas.runs_per_day_max, tomorrow),
        ("cpu_seconds_per_day_max", today.cpu_ms / 1_000, quotas.cpu_seconds_per_day_max, tomorrow),
        ("tokens_per_day_max", today.tokens, quotas.tokens_per_day_max, tomorrow),
    ];
    for (quota, used, max, retry_after_ms) in limits {
        check(quota, used, max, retry_after_ms)?;
    }
    Ok(())
}

/// Lets a tenant write, where it has room.
pub(crate) fn within_storage(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    check_open(shared, tenant)?;
    let (used, max) =
        (shared.parts.store.stored_bytes(tenant), quotas(shared, tenant).storage_bytes_max);
    check("storage_bytes_max", used, max, STORAGE_RETRY_MS)
}

/// Of these 0 means no limit.
fn check(quota: &'static str, used: u64, max: u64, retry_after_ms: u64) -> Result<(), EngineError> {
    if max > 0 && used >= max {
        return Err(over(quota, max, retry_after_ms));
    }
    Ok(())
}

fn over(quota: &'static str, max: u64, retry_after_ms: u64) -> EngineError {
    let way_out = match quota {
        "runs_live_max" => "wait until one ends",
        "storage_bytes_max" => "prune threads, or ask whoever runs the server for more",
        _ => "wait for the next day (UTC), or ask whoever runs the server for more",
    };
    let message = format!("the tenant has used all of {quota} = {max}: {way_out}");
    EngineError::Quota { quota, message, retry_after_ms }
}

/// What holds for a tenant.
pub(crate) fn quotas(shared: &Shared, tenant: &TenantId) -> Quotas {
    let asked = shared.directory.tenant(tenant).map(|tenant| tenant.quotas).unwrap_or_default();
    asked.over(&shared.options.quotas)
}

/// The page of today; read from the store where it is not in memory.
async fn open(shared: &Shared, tenant: &TenantId) -> Result<Page, EngineError> {
    let now = shared.parts.clock.now();
    let day = now.day();
    if let Some(page) = shared.ledger.page(tenant, &day) {
        return Ok(page);
    }
    write(shared, tenant).await;
    let store = &shared.parts.store;
    let kept = store.document(tenant, Collection::Usage, &day).await?;
    let used = kept.and_then(|kept| serde_json::from_value(kept.value).ok()).unwrap_or_default();
    let cpu_ms = shared.parts.runtime.cpu_ms(tenant);
    let mut pages = shared.ledger.lock();
    // Of the first page all that the sandbox has counted since the start: runs that were taken over
    // use CPU time before anybody asks.
    let cpu_base = if pages.contains_key(tenant) { cpu_ms } else { 0 };
    let page = pages.get(tenant).filter(|page| page.day == day).cloned().unwrap_or_else(|| {
        let held_tokens = pages.get(tenant).map_or(0, |before| before.held_tokens);
        let page = Page { day, used, cpu_base, held_tokens, written_at: now };
        pages.insert(tenant.clone(), page.clone());
        page
    });
    Ok(page)
}

/// Writes the figures of all tenants, for the next process.
pub(crate) async fn flush(shared: &Shared) {
    let tenants: Vec<TenantId> = shared.ledger.lock().keys().cloned().collect();
    for tenant in tenants {
        write(shared, &tenant).await;
    }
}

async fn write(shared: &Shared, tenant: &TenantId) {
    let Some(page) = shared.ledger.lock().get(tenant).cloned() else { return };
    let today = page.today(shared, tenant);
    if today == page.used && today == DayUsage::default() {
        return;
    }
    let value = serde_json::to_value(today).ok();
    let change = Change {
        tenant: tenant.clone(),
        expected: None,
        puts: vec![Put { collection: Collection::Usage, key: page.day, value }],
        audit: Vec::new(),
        idempotent_reply: None,
    };
    if let Err(error) = shared.parts.store.change(change).await {
        warn!(%tenant, %error, "what a tenant used today cannot be written");
    }
}
