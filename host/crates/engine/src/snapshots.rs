//! When a folded run is worth keeping.

use tracing::warn;
use wforge_graph::Run;
use wforge_model::TenantId;
use wforge_ports::store::Snapshot;

use crate::load::Since;
use crate::service::Shared;

/// Saves a snapshot where enough was done since the last one: the log that it spares must be as
/// long as itself, so that all snapshots together are no longer than the log. Loses nothing where
/// it fails, since the log has everything.
pub(crate) async fn save_if_due(shared: &Shared, tenant: &TenantId, run: &Run, since: &mut Since) {
    let is_due = since.steps >= shared.options.snapshot_steps;
    if !is_due || since.bytes < run.state_bytes() {
        return;
    }
    let Ok(state) = serde_json::to_vec(&run.persisted()) else {
        return;
    };
    *since = Since::default();
    let (tenant, id, seq) = (tenant.clone(), run.id, run.seq);
    let snapshot = Snapshot { tenant, run: id, seq, state };
    if let Err(error) = shared.parts.store.save_snapshot(snapshot).await {
        warn!(run = %id, error = %error, "snapshot not saved");
    }
}
