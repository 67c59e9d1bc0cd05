//! Removes replies that were found expired, unless another stands under the key by now.

use wforge_model::{TenantId, Timestamp};
use wforge_ports::store::ChangeError;

use super::{Operation, Prepared, release};
use crate::budget::Budget;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::reads;
use crate::vault::{Refused, Vault};

#[derive(Debug)]
pub(crate) struct ExpireReplies {
    tenant: TenantId,
    names: Vec<String>,
    now: Timestamp,
    prepared: Prepared,
}

impl ExpireReplies {
    pub(crate) fn new(tenant: TenantId, names: Vec<String>, now: Timestamp) -> Self {
        Self { tenant, names, now, prepared: Prepared::default() }
    }
}

impl Operation for ExpireReplies {
    type Output = u64;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, _budget: &mut Budget) -> Result<(), Refused> {
        self.prepared.start(vault, &self.tenant)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<u64, ChangeError> {
        let tenant = &self.tenant;
        self.prepared.write(vault, tenant, rows, batch)?;
        let mut removed = 0;
        for name in &self.names {
            let found = reads::idempotent_reply(vault, rows, tenant, name)?;
            if found.is_none_or(|reply| reply.expires_at > self.now) {
                continue;
            }
            let row_key = keys::reply(tenant, name);
            release(vault, tenant, rows, &row_key, batch)?;
            batch.delete(row_key);
            removed += 1;
        }
        Ok(removed)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
