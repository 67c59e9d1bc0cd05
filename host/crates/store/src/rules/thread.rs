//! The row of a thread, whose version a commit of one of its runs must know, and the places of its
//! runs.

use wforge_model::{RunId, TenantId, Version};
use wforge_ports::store::CommitError;
use wforge_ports::threads::ThreadPut;

use crate::keyring::DataKey;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::vault::{Body, Vault};

/// Whose thread it is, and the run whose commit changes it.
#[derive(Clone, Copy)]
pub(super) struct ThreadPlace<'a> {
    pub(super) tenant: &'a TenantId,
    pub(super) run: RunId,
    pub(super) key: &'a DataKey,
}

/// Writes the row that was encoded ahead, and where the run begins its place.
pub(super) fn put(
    vault: &Vault,
    place: ThreadPlace<'_>,
    put: &ThreadPut,
    json: Vec<u8>,
    rows: &dyn Rows,
    batch: &mut Batch,
) -> Result<(), CommitError> {
    let ThreadPlace { tenant, run, key } = place;
    let (thread, expected) = (put.row.thread, put.expected);
    let row_key = keys::thread(tenant, thread);
    let found = vault.read(rows, tenant, &row_key)?.map_or(Version(0), |(v, _)| Version(v));
    if found != expected {
        return Err(CommitError::ThreadConflict { thread, expected, found });
    }
    // Runs may be left of a thread that was removed under its id; they have the places before.
    let version = found.next().max(put.row.first_place);
    batch.put(row_key.clone(), vault.seal(key, &row_key, version.0, &Body::Inline(json))?);
    if put.begins {
        let row_key = keys::thread_run(tenant, thread, version);
        let body = Body::Inline(run.as_bytes().to_vec());
        let row = vault.seal(key, &row_key, 0, &body)?;
        batch.put(row_key, row);
    }
    Ok(())
}
