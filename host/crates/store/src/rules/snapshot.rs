//! Folded states of a run, of which the two newest are kept.

use wforge_ports::store::{ChangeError, Snapshot};

use super::{Operation, Prepared, release};
use crate::budget::Budget;
use crate::keys;
use crate::kv::{Batch, Layered, Order, Rows};
use crate::vault::{Refused, Vault};

const KEPT: usize = 2;

#[derive(Debug)]
pub(crate) struct SaveSnapshot {
    snapshot: Snapshot,
    prepared: Prepared,
}

impl SaveSnapshot {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, prepared: Prepared::default() }
    }
}

impl Operation for SaveSnapshot {
    type Output = ();
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        let Snapshot { tenant, run, seq, state } = &self.snapshot;
        budget.take(state.len() as u64)?;
        self.prepared.start(vault, tenant)?;
        let row_key = keys::snapshot(tenant, *run, *seq);
        let row = self.prepared.seal(vault, tenant, &row_key, state.clone())?;
        self.prepared.replacing.push((row_key.into(), Some(row)));
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), ChangeError> {
        let Snapshot { tenant, run, .. } = &self.snapshot;
        self.prepared.write(vault, tenant, rows, batch)?;
        let all = Layered { top: &batch.writes, below: rows }.scan(
            &keys::snapshots(tenant, *run),
            Order::Descending,
            KEPT + 1,
        )?;
        for old in all.into_iter().skip(KEPT) {
            release(vault, tenant, rows, &old.key, batch)?;
            batch.delete(old.key);
        }
        Ok(())
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
