//! Bytes under their digest.

use sha2::{Digest as _, Sha256};
use wforge_model::{Digest, TenantId};
use wforge_ports::store::ChangeError;

use super::{Operation, Prepared};
use crate::budget::Budget;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::vault::{Refused, Vault};

#[derive(Debug)]
pub(crate) struct PutBlob {
    tenant: TenantId,
    bytes: Vec<u8>,
    digest: Option<Digest>,
    prepared: Prepared,
}

impl PutBlob {
    pub(crate) fn new(tenant: TenantId, bytes: Vec<u8>) -> Self {
        Self { tenant, bytes, digest: None, prepared: Prepared::default() }
    }
}

/// The digest under which bytes are kept.
pub(crate) fn digest_of(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

impl Operation for PutBlob {
    type Output = Digest;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        budget.take(self.bytes.len() as u64)?;
        self.prepared.start(vault, &self.tenant)?;
        let digest = digest_of(&self.bytes);
        let row_key = keys::blob(&self.tenant, &digest);
        let bytes = std::mem::take(&mut self.bytes);
        let row = self.prepared.seal(vault, &self.tenant, &row_key, bytes)?;
        self.prepared.fresh.push((row_key.into(), row));
        self.digest = Some(digest);
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Digest, ChangeError> {
        let digest = self.digest.unwrap_or_else(|| digest_of(&self.bytes));
        if rows.get(&keys::blob(&self.tenant, &digest))?.is_none() {
            self.prepared.write(vault, &self.tenant, rows, batch)?;
        }
        // Whoever keeps it means to name it.
        let note = keys::unnamed(&self.tenant, &digest);
        if rows.get(&note)?.is_some() {
            batch.delete(note);
        }
        Ok(digest)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
