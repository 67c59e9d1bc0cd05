//! Blobs that nothing names any more are removed, and their bytes are the tenant's again.
//!
//! What "nothing" means, and why no blob goes that somebody is about to name, is said in
//! `wforge_ports::store::BlobSweep`. Whoever is interrupted has removed some blobs and not others;
//! the next look finds the rest.

use std::pin::pin;
use std::sync::Arc;

use futures::future::{Either, select};
use serde::Serialize;
use tokio::sync::MutexGuard;
use tracing::{info, warn};
use wforge_model::tenancy::TenantState;
use wforge_model::{Digest, TenantId, Timestamp};
use wforge_ports::store::{BlobPage, BlobSweep, KeptBlob};

use crate::cache;
use crate::request::EngineError;
use crate::service::Shared;

/// How long a look waits for another one to end, in milliseconds.
const PATIENCE_MS: u64 = 10_000;
/// When whoever finds a look under way may come again, in milliseconds.
const BUSY_RETRY_MS: u64 = 60_000;
/// Blobs whose names are looked for in one reading of all rows; bounds the memory that it takes.
const LOOK_MAX: usize = 65_536;
/// Blobs that one operation of the store notes or removes.
const SWEEP_MAX: usize = 256;
/// Removed blobs that are said one by one.
const LISTED_MAX: usize = 1_000;
/// The first look comes after this part of the time between two: a server that is restarted often
/// looks as well.
const FIRST_PART: u64 = 10;

/// Whether anything is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SweepMode {
    /// What is due goes.
    Remove,
    /// It is only said what is due. Nothing is noted either.
    Look,
}

/// What came of a look at a tenant's blobs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlobsSwept {
    /// Blobs that something names.
    pub kept: u64,
    /// Blobs that nothing names, but not for long enough yet.
    pub waiting: u64,
    /// Blobs that were removed, or would have been.
    pub removed: u64,
    /// The bytes that they took.
    pub removed_bytes: u64,
    /// The first of them.
    pub blobs: Vec<SweptBlob>,
}

/// A blob that was removed, or would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SweptBlob {
    /// Its digest.
    pub digest: Digest,
    /// What it took in the store, in bytes.
    pub bytes: u64,
}

impl BlobsSwept {
    fn gone(&mut self, blob: &KeptBlob) {
        self.removed += 1;
        self.removed_bytes += blob.bytes;
        if self.blobs.len() < LISTED_MAX {
            self.blobs.push(SweptBlob { digest: blob.digest, bytes: blob.bytes });
        }
    }
}

/// Looks at all blobs of a tenant.
pub(crate) async fn sweep(
    shared: &Shared,
    tenant: &TenantId,
    mode: SweepMode,
) -> Result<BlobsSwept, EngineError> {
    let _alone = alone(shared).await?;
    if mode == SweepMode::Remove {
        cache::tidy(shared, tenant).await?;
    }
    let (mut swept, mut after) = (BlobsSwept::default(), None);
    loop {
        let now = shared.parts.clock.now();
        let page = shared.parts.store.blobs(tenant, after, LOOK_MAX, now).await?;
        after = page.blobs.last().map(|blob| blob.digest);
        for blobs in page.blobs.chunks(SWEEP_MAX) {
            settle(shared, tenant, blobs, mode, &mut swept).await?;
        }
        if !page.has_more || after.is_none() {
            return Ok(swept);
        }
    }
}

/// A look reads every row of a tenant, so one goes on at a time, and nobody waits for long.
async fn alone(shared: &Shared) -> Result<MutexGuard<'_, ()>, EngineError> {
    let clock = &shared.parts.clock;
    let patience = clock.sleep_until(clock.now().after_ms(PATIENCE_MS));
    match select(pin!(shared.sweeping.lock()), patience).await {
        Either::Left((alone, _)) => Ok(alone),
        Either::Right(((), _)) => {
            let message =
                "blobs are being looked through already; try again in a minute".to_owned();
            Err(EngineError::Busy { message, retry_after_ms: BUSY_RETRY_MS })
        }
    }
}

/// Some blobs of a tenant after that digest, and whether anything names them.
pub(crate) async fn page(
    shared: &Shared,
    tenant: &TenantId,
    after: Option<Digest>,
    limit: usize,
) -> Result<BlobPage, EngineError> {
    let _alone = alone(shared).await?;
    let now = shared.parts.clock.now();
    Ok(shared.parts.store.blobs(tenant, after, limit, now).await?)
}

/// Notes and removes what a look has found.
async fn settle(
    shared: &Shared,
    tenant: &TenantId,
    blobs: &[KeptBlob],
    mode: SweepMode,
    swept: &mut BlobsSwept,
) -> Result<(), EngineError> {
    // The time is that of now and not of the look: a blob that was kept meanwhile is noted with a
    // moment after its own.
    let now = shared.parts.clock.now();
    let noted_by = Timestamp(now.0.saturating_sub(shared.options.blobs.grace_ms));
    let is_due = |blob: &KeptBlob| blob.unnamed_since.is_some_and(|since| since <= noted_by);
    let gone: Vec<Digest> = match mode {
        SweepMode::Look => {
            let due = blobs.iter().filter(|blob| !blob.is_named && is_due(blob));
            due.map(|blob| blob.digest).collect()
        }
        SweepMode::Remove => remove(shared, tenant, blobs, (now, noted_by)).await?,
    };
    for blob in blobs {
        if blob.is_named {
            swept.kept += 1;
        } else if gone.binary_search(&blob.digest).is_ok() {
            swept.gone(blob);
        } else {
            swept.waiting += 1;
        }
    }
    Ok(())
}

/// Those that went, in their order.
async fn remove(
    shared: &Shared,
    tenant: &TenantId,
    blobs: &[KeptBlob],
    (now, noted_by): (Timestamp, Timestamp),
) -> Result<Vec<Digest>, EngineError> {
    let noted = |blob: &&KeptBlob| blob.unnamed_since.is_some();
    let named = blobs.iter().filter(|blob| blob.is_named).filter(noted);
    let unnamed = blobs.iter().filter(|blob| !blob.is_named);
    let sweep = BlobSweep {
        tenant: tenant.clone(),
        named: named.map(|blob| blob.digest).collect(),
        unnamed: unnamed.map(|blob| blob.digest).collect(),
        now,
        noted_by,
    };
    if sweep.named.is_empty() && sweep.unnamed.is_empty() {
        return Ok(Vec::new());
    }
    let gone = shared.parts.store.sweep_blobs(sweep).await;
    gone.map_err(|error| EngineError::Host(Box::new(error)))
}

/// Looks again and again at the blobs of all tenants, until the process stops.
pub(crate) fn at_intervals(shared: &Arc<Shared>) {
    let every_ms = shared.options.blobs.sweep_ms;
    again_and_again(shared, every_ms, |shared| async move { sweep_all(&shared).await });
}

/// Does something again and again, with so many milliseconds between, until the process stops; 0:
/// never.
pub(crate) fn again_and_again<W>(
    shared: &Arc<Shared>,
    every_ms: u64,
    look: impl Fn(Arc<Shared>) -> W + Send + 'static,
) where
    W: Future<Output = ()> + Send,
{
    if every_ms == 0 {
        return;
    }
    let (swept, shutdown) = (shared.clone(), shared.shutdown.clone());
    let work = async move {
        let mut pause_ms = every_ms.div_ceil(FIRST_PART);
        loop {
            let clock = &swept.parts.clock;
            clock.sleep_until(clock.now().after_ms(pause_ms)).await;
            look(swept.clone()).await;
            pause_ms = every_ms;
        }
    };
    let work = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = work => {}
        }
    };
    shared.tracker.spawn_on(work, &shared.parts.lanes.engine);
}

async fn sweep_all(shared: &Shared) {
    let stays = |state| !matches!(state, TenantState::Erasing | TenantState::Erased);
    for tenant in shared.directory.tenants().into_iter().filter(|tenant| stays(tenant.state)) {
        match sweep(shared, &tenant.id, SweepMode::Remove).await {
            Ok(BlobsSwept { removed: 0, .. }) => {}
            Ok(BlobsSwept { removed, removed_bytes, .. }) => {
                info!(tenant = %tenant.id, removed, removed_bytes, "blobs that nothing names are gone");
            }
            Err(error) => warn!(tenant = %tenant.id, %error, "blobs cannot be looked at"),
        }
    }
}
