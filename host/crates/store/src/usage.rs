//! How many bytes the rows and files of each tenant take: counted with every group, and kept in a
//! row of the tenant, so that no opening counts anew.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use wforge_model::TenantId;

use crate::keys;
use crate::kv::{Batch, Rows};

/// The bytes of all tenants.
#[derive(Debug, Default)]
pub(crate) struct Usage(Mutex<HashMap<TenantId, u64>>);

impl Usage {
    /// What a tenant's row said when the store was opened.
    pub(crate) fn load(&self, tenant: TenantId, row: &[u8]) {
        let bytes = row.try_into().map_or(0, u64::from_be_bytes);
        self.lock().insert(tenant, bytes);
    }

    /// The bytes of a tenant.
    pub(crate) fn of(&self, tenant: &TenantId) -> u64 {
        self.lock().get(tenant).copied().unwrap_or(0)
    }

    /// Nothing is left of a tenant.
    fn forget(&self, tenant: &TenantId) {
        self.lock().remove(tenant);
    }

    /// Counts what a batch changes over the rows below it, and has it say so.
    pub(crate) fn count(&self, rows: &dyn Rows, batch: &mut Batch) {
        let Some(tenant) = batch.writes.keys().find_map(|key| keys::tenant_of(key)) else {
            return;
        };
        if batch.writes.get(keys::data_key(&tenant).as_slice()) == Some(&None) {
            return self.forget(&tenant);
        }
        let grown = grown(rows, batch);
        let mut tenants = self.lock();
        let bytes = tenants.entry(tenant.clone()).or_insert(0);
        *bytes = bytes.saturating_add_signed(grown);
        batch.put(keys::usage(&tenant), bytes.to_be_bytes().to_vec());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn grown(rows: &dyn Rows, batch: &Batch) -> i64 {
    let size = |key: &[u8], value: Option<&[u8]>| {
        value.map_or(0, |value| i64::try_from(key.len() + value.len()).unwrap_or(i64::MAX))
    };
    let of_rows = batch.writes.iter().map(|(key, value)| {
        // A row that cannot be read does not keep another from being written.
        let before = rows.get(key).ok().flatten();
        size(key, value.as_deref()) - size(key, before.as_deref())
    });
    let gone = batch.orphans.iter().map(|(_, file)| i64::try_from(file.bytes).unwrap_or(i64::MAX));
    batch.file_bytes + of_rows.sum::<i64>() - gone.sum::<i64>()
}
