//! What each write of the port means in rows: the same for every backend.
//!
//! An [`Operation`] is prepared where it is called (encoded, sealed) and decided where all
//! operations of a store stand in one line. Nothing here knows a disk; reads are in
//! [`crate::reads`].

use std::collections::BTreeSet;
use std::sync::Arc;

use wforge_model::{Digest, TenantId};
use wforge_ports::store::IdempotentReply;

use crate::budget::Budget;
use crate::error::Fault;
use crate::files::NewFile;
use crate::keyring::DataKey;
use crate::keys;
use crate::kv::{Batch, Bytes, KeyRange, Layered, Order, Row, Rows};
use crate::named::digests_in;
use crate::vault::{Body, Refused, Vault};

mod audit;
mod blob;
mod change;
mod commit;
mod erase;
mod forget;
mod forget_thread;
mod memory;
mod record;
mod remember;
mod replies;
mod snapshot;
mod sweep;
mod thread;

pub(crate) use blob::{PutBlob, digest_of};
pub(crate) use change::ChangeDocuments;
pub(crate) use commit::{CommitRun, LEASE};
pub(crate) use erase::{EraseTenant, Erased};
pub(crate) use forget::ForgetRun;
pub(crate) use forget_thread::ForgetOneThread;
pub(crate) use memory::{SpaceRow, StoredEntry};
pub(crate) use record::{RecordEffect, StoredRecord};
pub(crate) use remember::RememberEntry;
pub(crate) use replies::ExpireReplies;
pub(crate) use snapshot::SaveSnapshot;
pub(crate) use sweep::SweepBlobs;

/// One write of the port.
pub(crate) trait Operation: Send + 'static {
    type Output: Send;
    type Error: Send + From<Fault> + From<crate::error::TooLarge>;

    /// Encodes and seals what does not depend on other operations. May be called again with a
    /// larger budget; writes files only for values that no small budget holds. What it takes of the
    /// budget it takes in the queue too.
    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused>;

    /// Checks the preconditions against the rows and says what is written.
    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Self::Output, Self::Error>;

    /// What [`Operation::prepare`] left.
    fn prepared(&mut self) -> &mut Prepared;
}

/// Rows that were sealed ahead.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    /// The tenant's key.
    key: Option<Arc<DataKey>>,
    /// Rows that stand where none stood.
    fresh: Vec<(Bytes, Bytes)>,
    /// Rows that may stand in another's place; none deletes.
    replacing: Vec<(Bytes, Option<Bytes>)>,
    files: Vec<NewFile>,
    /// The blobs that its rows name: whoever names one anew takes away the note that nobody does.
    named: BTreeSet<Digest>,
}

impl Prepared {
    fn start(&mut self, vault: &Vault, tenant: &TenantId) -> Result<Arc<DataKey>, Fault> {
        let key = vault.key(tenant)?;
        *self = Self { key: Some(Arc::clone(&key)), ..Self::default() };
        Ok(key)
    }

    fn key(&self) -> Result<&DataKey, Fault> {
        self.key.as_deref().ok_or_else(|| Fault::damaged("an operation", "it was not prepared"))
    }

    /// The tenant's key is durable, since this operation is.
    pub(crate) fn set_durable(&self) {
        if let Some(key) = self.key.as_ref().filter(|key| !key.is_durable()) {
            key.set_durable();
        }
    }

    fn add_reply(
        &mut self,
        vault: &Vault,
        tenant: &TenantId,
        reply: Option<&IdempotentReply>,
        budget: &mut Budget,
    ) -> Result<(), Refused> {
        let Some(reply) = reply else { return Ok(()) };
        budget.take_key(&[&reply.key])?;
        let row_key = keys::reply(tenant, &reply.key);
        let json = budget.encode(reply)?;
        let row = self.seal(vault, tenant, &row_key, json)?;
        self.replacing.push((row_key.into(), Some(row)));
        Ok(())
    }

    /// Seals a body under the key of its row, through a file where it is large.
    fn seal(
        &mut self,
        vault: &Vault,
        tenant: &TenantId,
        row_key: &[u8],
        body: Vec<u8>,
    ) -> Result<Bytes, Fault> {
        let body = self.place(vault, tenant, body)?;
        vault.seal(self.key()?, row_key, 0, &body)
    }

    /// Leaves a small body, and puts a large one into a file with the row that names it.
    fn place(&mut self, vault: &Vault, tenant: &TenantId, body: Vec<u8>) -> Result<Body, Fault> {
        self.named.extend(digests_in(&body));
        let key = self.key.clone();
        let Some(key) = key else { return Ok(Body::Inline(body)) };
        let body = vault.place(tenant, &key, body, &mut self.files)?;
        if let Body::File(file) = &body {
            let row_key = keys::file(tenant, file);
            let row = vault.seal(&key, &row_key, 0, &Body::Inline(Vec::new()))?;
            self.fresh.push((row_key.into(), row));
        }
        Ok(body)
    }

    /// Adds all that was prepared to the batch.
    fn write(
        &mut self,
        vault: &Vault,
        tenant: &TenantId,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        self.check_key(vault, tenant)?;
        self.write_key(tenant, batch);
        for digest in std::mem::take(&mut self.named) {
            let note = keys::unnamed(tenant, &digest);
            if rows.get(&note)?.is_some() {
                batch.delete(note);
            }
        }
        for (key, value) in self.fresh.drain(..) {
            batch.put(key, value);
        }
        for (key, value) in std::mem::take(&mut self.replacing) {
            release(vault, tenant, rows, &key, batch)?;
            batch.writes.insert(key, value);
        }
        for mut file in self.files.drain(..) {
            file.adopt();
            batch.file_bytes += i64::try_from(file.file.bytes).unwrap_or(i64::MAX);
        }
        Ok(())
    }

    /// What was sealed for a tenant that was erased meanwhile must not be written: its key is gone.
    fn check_key(&self, vault: &Vault, tenant: &TenantId) -> Result<(), Fault> {
        let current = vault.keyring.get(tenant);
        match (&self.key, current) {
            (Some(key), Some(current)) if !Arc::ptr_eq(key, &current) => Err(erased(tenant)),
            (Some(_), None) => Err(erased(tenant)),
            _ => Ok(()),
        }
    }

    /// Adds the tenant's key while it is not known to be durable.
    fn write_key(&self, tenant: &TenantId, batch: &mut Batch) {
        if let Some(key) = self.key.as_ref().filter(|key| !key.is_durable()) {
            batch.put(keys::data_key(tenant), Arc::clone(&key.wrapped));
        }
    }
}

/// Nothing is written for that tenant any more.
pub(crate) fn erased(tenant: &TenantId) -> Fault {
    Fault::rows("writing", format!("the tenant {tenant} was erased"))
}

/// The reply that keeps a new one from being written.
fn standing_reply(
    vault: &Vault,
    tenant: &TenantId,
    new: Option<&IdempotentReply>,
    rows: &dyn Rows,
) -> Result<Option<Box<IdempotentReply>>, Fault> {
    let Some(new) = new else { return Ok(None) };
    let first = crate::reads::idempotent_reply(vault, rows, tenant, &new.key)?;
    Ok(first.filter(|first| first.stands_before(new)).map(Box::new))
}

/// What one operation may still remove, so that others wait for it no longer than for a write.
#[derive(Debug)]
struct Room {
    rows: usize,
    bytes: usize,
}

impl Room {
    /// Rows of one operation.
    const ROWS_MAX: usize = 1_024;
    /// Bytes of their values, which are read as they are removed.
    const BYTES_MAX: usize = 4 << 20;
    /// Rows that are read at once.
    const PAGE: usize = 64;

    const fn whole() -> Self {
        Self { rows: Self::ROWS_MAX, bytes: Self::BYTES_MAX }
    }

    const fn is_used_up(&self) -> bool {
        self.rows == 0 || self.bytes == 0
    }

    fn take(&mut self, row: &Row) {
        self.rows -= 1;
        self.bytes = self.bytes.saturating_sub(row.value.len());
    }
}

/// Removes rows of a range until there are none, or no room.
fn remove(
    vault: &Vault,
    tenant: &TenantId,
    (range, room): (&KeyRange, &mut Room),
    rows: &dyn Rows,
    batch: &mut Batch,
) -> Result<(), Fault> {
    let mut range = range.clone();
    while !room.is_used_up() {
        let found = rows.scan(&range, Order::Ascending, room.rows.min(Room::PAGE))?;
        let is_last = found.len() < room.rows.min(Room::PAGE);
        for row in found {
            release(vault, tenant, rows, &row.key, batch)?;
            room.take(&row);
            range = range.after(&row.key);
            batch.delete(row.key);
        }
        if is_last {
            return Ok(());
        }
    }
    Ok(())
}

/// Lets go of the file that the row under a key names, since the row is about to be replaced.
fn release(
    vault: &Vault,
    tenant: &TenantId,
    rows: &dyn Rows,
    row_key: &[u8],
    batch: &mut Batch,
) -> Result<(), Fault> {
    let old = Layered { top: &batch.writes, below: rows }.get(row_key)?;
    let Some(file) = old.map(|row| vault.file_of(tenant, row_key, &row)).transpose()?.flatten()
    else {
        return Ok(());
    };
    batch.delete(keys::file(tenant, &file));
    batch.orphans.push((tenant.clone(), file));
    Ok(())
}
