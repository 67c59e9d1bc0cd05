//! Notes which blobs nothing names, and removes those that were noted long enough.

use wforge_model::{Digest, Timestamp};
use wforge_ports::store::{BlobSweep, ChangeError};

use super::{Operation, Prepared, release};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::vault::{Body, Refused, Vault};

#[derive(Debug)]
pub(crate) struct SweepBlobs {
    sweep: BlobSweep,
    prepared: Prepared,
}

impl SweepBlobs {
    pub(crate) fn new(sweep: BlobSweep) -> Self {
        Self { sweep, prepared: Prepared::default() }
    }

    /// A blob that was found unnamed; whether it goes.
    fn pass_over(
        &self,
        vault: &Vault,
        digest: &Digest,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<bool, Fault> {
        let tenant = &self.sweep.tenant;
        let (blob, note) = (keys::blob(tenant, digest), keys::unnamed(tenant, digest));
        if rows.get(&blob)?.is_none() {
            return Ok(false);
        }
        let Some((noted_at, _)) = vault.read(rows, tenant, &note)? else {
            let (key, now) = (self.prepared.key()?, self.sweep.now.0);
            let row = vault.seal(key, &note, now, &Body::Inline(Vec::new()))?;
            batch.put(note, row);
            return Ok(false);
        };
        if Timestamp(noted_at) > self.sweep.noted_by {
            return Ok(false);
        }
        release(vault, tenant, rows, &blob, batch)?;
        batch.delete(blob);
        batch.delete(note);
        Ok(true)
    }
}

impl Operation for SweepBlobs {
    type Output = Vec<Digest>;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, _budget: &mut Budget) -> Result<(), Refused> {
        self.prepared.start(vault, &self.sweep.tenant)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Vec<Digest>, ChangeError> {
        // A key that is made for this goes with it: when it is done the key counts as
        // durable.
        self.prepared.write(vault, &self.sweep.tenant, rows, batch)?;
        for digest in &self.sweep.named {
            let note = keys::unnamed(&self.sweep.tenant, digest);
            if rows.get(&note)?.is_some() {
                batch.delete(note);
            }
        }
        let mut gone = Vec::new();
        for digest in &self.sweep.unnamed {
            if self.pass_over(vault, digest, rows, batch)? {
                gone.push(*digest);
            }
        }
        Ok(gone)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
