//! Removes every row of a tenant, some at a time. Its key goes last: until then what is left can
//! still be read, and whoever is interrupted can ask again.

use wforge_model::TenantId;
use wforge_ports::store::ChangeError;

use super::{Operation, Prepared};
use crate::budget::Budget;
use crate::keys;
use crate::kv::{Batch, Order, Rows};
use crate::vault::{Refused, Vault};

/// Rows that one operation removes.
const ROWS_MAX: usize = 512;

/// How far an erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Erased {
    /// Ask again.
    Part,
    /// No row is left.
    Whole,
}

#[derive(Debug)]
pub(crate) struct EraseTenant {
    tenant: TenantId,
    /// Nothing is sealed for a tenant that goes.
    prepared: Prepared,
}

impl EraseTenant {
    pub(crate) fn new(tenant: TenantId) -> Self {
        Self { tenant, prepared: Prepared::default() }
    }
}

impl Operation for EraseTenant {
    type Output = Erased;
    type Error = ChangeError;

    fn prepare(&mut self, _vault: &Vault, _budget: &mut Budget) -> Result<(), Refused> {
        Ok(())
    }

    fn decide(
        &mut self,
        _vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Erased, ChangeError> {
        let found = rows.scan(&keys::tenant(&self.tenant), Order::Ascending, ROWS_MAX)?;
        let key_row = keys::data_key(&self.tenant);
        let rest = found.iter().filter(|row| row.key.as_ref() != key_row.as_slice());
        rest.for_each(|row| batch.delete(row.key.clone()));
        if found.len() == ROWS_MAX {
            return Ok(Erased::Part);
        }
        batch.delete(key_row);
        Ok(Erased::Whole)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
