//! What each tenant uses, and whether it may use more.
//!
//! Runs and tokens are counted here, CPU time by the sandbox, bytes by the store. The day's figures
//! are written from time to time and when the process stops: a crash forgets a few seconds of them,
//! never a limit.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tracing::warn;
use wforge_model::tenancy::{DayUsage, Quotas};
use wforge_model::{TenantId, Timestamp};
use wforge_ports::store::{Change, Collection, Put};

use crate::request::EngineError;
use crate::service::{Shared, check_open};

/// How old the written figures may become while a tenant starts runs.
const WRITE_MS: u64 = 5_000;
/// When a tenant that has too many runs may try again.
const FULL_RETRY_MS: u64 = 1_000;
/// When a tenant whose storage is full may try again: somebody must remove something first.
const STORAGE_RETRY_MS: u64 = 60_000;

/// What a tenant uses now and has used today, beside what it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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

/// Lets one run of a tenant begin, and counts it.
pub(crate) async fn admit_run(shared: &Shared, tenant: &TenantId) -> Result<(), EngineError> {
    check_open(shared, tenant)?;
    let usage = usage_of(shared, tenant).await?;
    let now = shared.parts.clock.now();
    check_run(&usage, now)?;
    let due = {
        let mut pages = shared.ledger.lock();
        let Some(page) = pages.get_mut(tenant) else { return Ok(()) };
        page.used.runs += 1;
        let due = now.since(page.written_at).as_millis() >= u128::from(WRITE_MS);
        if due {
            page.written_at = now;
        }
        due
    };
    if due {
        write(shared, tenant).await;
    }
    Ok(())
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

fn check_run(usage: &TenantUsage, now: Timestamp) -> Result<(), EngineError> {
    let TenantUsage { today, runs_live, storage_bytes, quotas, .. } = usage;
    let tomorrow = now.ms_to_midnight();
    let limits = [
        ("runs_live_max", *runs_live, u64::from(quotas.runs_live_max), FULL_RETRY_MS),
        ("storage_bytes_max", *storage_bytes, quotas.storage_bytes_max, STORAGE_RETRY_MS),
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

fn check(quota: &'static str, used: u64, max: u64, retry_after_ms: u64) -> Result<(), EngineError> {
    // Of live runs 0 lets none in; of the others it means no limit.
    let is_limit = max > 0 || quota == "runs_live_max";
    if is_limit && used >= max {
        let message = format!("the tenant has used {used} of {quota} = {max}");
        return Err(EngineError::Quota { quota, message, retry_after_ms });
    }
    Ok(())
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
        let page = Page { day, used, cpu_base, written_at: now };
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
