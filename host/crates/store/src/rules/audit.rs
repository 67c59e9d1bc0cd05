//! The chain of audit entries of a tenant.

use serde::{Deserialize, Serialize};
use wforge_model::TenantId;
use wforge_ports::store::{AuditDraft, AuditEntry, audit_hash};

use crate::budget::Budget;
use crate::error::{Fault, TooLarge};
use crate::keyring::DataKey;
use crate::keys;
use crate::kv::{Batch, Layered, Rows};
use crate::vault::{self, Body, Vault};

/// The end of the chain.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Tip {
    place: u64,
    hash: String,
}

/// Counts what the entries will take.
pub(super) fn measure(drafts: &[AuditDraft], budget: &mut Budget) -> Result<(), TooLarge> {
    drafts.iter().try_for_each(|draft| budget.encode(draft).map(drop))
}

/// Adds entries to the end of the tenant's chain.
pub(super) fn append(
    vault: &Vault,
    key: &DataKey,
    tenant: &TenantId,
    drafts: &[AuditDraft],
    rows: &dyn Rows,
    batch: &mut Batch,
) -> Result<(), Fault> {
    if drafts.is_empty() {
        return Ok(());
    }
    let tip_key = keys::audit_tip(tenant);
    let layered = Layered { top: &batch.writes, below: rows };
    let mut tip = match vault.read(&layered, tenant, &tip_key)? {
        Some((_, json)) => vault::decode(&tip_key, &json)?,
        None => Tip::default(),
    };
    for draft in drafts {
        let place = tip.place + 1;
        let hash = audit_hash(&tip.hash, place, draft);
        let entry = AuditEntry { place, entry: draft.clone(), hash: hash.clone() };
        put(vault, key, &keys::audit(tenant, place), &entry, batch)?;
        tip = Tip { place, hash };
    }
    put(vault, key, &tip_key, &tip, batch)
}

fn put<T: Serialize>(
    vault: &Vault,
    key: &DataKey,
    row_key: &[u8],
    value: &T,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let json = serde_json::to_vec(value).map_err(|error| Fault::rows("encoding", error))?;
    let row = vault.seal(key, row_key, 0, &Body::Inline(json))?;
    batch.put(row_key, row);
    Ok(())
}
