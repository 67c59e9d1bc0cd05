//! Removes a run, some rows at a time: what makes it be found goes last, so that whoever is
//! interrupted can ask again.

use wforge_ports::store::{ChangeError, KvSpace};
use wforge_ports::threads::{Forget, Forgotten};

use super::{Operation, Prepared, release};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, KeyRange, Order, Rows};
use crate::vault::{self, Refused, Vault};

/// Rows that one operation removes.
const ROWS_MAX: usize = 1_024;

#[derive(Debug)]
pub(crate) struct ForgetRun {
    forget: Forget,
    prepared: Prepared,
}

impl ForgetRun {
    pub(crate) fn new(forget: Forget) -> Self {
        Self { forget, prepared: Prepared::default() }
    }

    fn is_needed(&self, rows: &dyn Rows) -> Result<bool, Fault> {
        let Forget { tenant, run, .. } = &self.forget;
        let is_live = rows.get(&keys::queue(tenant, *run))?.is_some();
        Ok(is_live || !rows.is_vacant(&keys::children(tenant, *run))?)
    }

    /// Removes rows of its log, its records, its snapshots and its memory; whether all have gone.
    fn remove_rows(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<bool, Fault> {
        let Forget { tenant, run, tasks, .. } = &self.forget;
        let records = tasks.iter().map(|task| keys::records(tenant, *task));
        let space = KvSpace::Run(*run).to_string();
        let rest = [
            keys::snapshots(tenant, *run),
            keys::memories(tenant, &space, ""),
            keys::expiries(tenant, &space),
            keys::events(tenant, *run),
        ];
        let mut left = ROWS_MAX;
        for range in records.chain(rest) {
            left -= remove(vault, self, &range, left, rows, batch)?;
            if left == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes what makes the run be found.
    fn remove_places(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let Forget { tenant, run, listed, .. } = &self.forget;
        let row_key = keys::head(tenant, *run);
        if let Some((_, json)) = vault.read(rows, tenant, &row_key)? {
            let head: wforge_model::head::RunHead = vault::decode(&row_key, &json)?;
            if let Some(base) = head.base {
                batch.delete(keys::child(tenant, base.run, *run));
            }
        }
        batch.delete(row_key);
        batch.delete(keys::waiting(tenant, *run));
        batch.delete(keys::space(tenant, &KvSpace::Run(*run).to_string()));
        if let Some((thread, place)) = listed {
            batch.delete(keys::thread_run(tenant, *thread, *place));
        }
        Ok(())
    }
}

fn remove(
    vault: &Vault,
    run: &ForgetRun,
    range: &KeyRange,
    limit: usize,
    rows: &dyn Rows,
    batch: &mut Batch,
) -> Result<usize, Fault> {
    let found = rows.scan(range, Order::Ascending, limit)?;
    for row in &found {
        release(vault, &run.forget.tenant, rows, &row.key, batch)?;
        batch.delete(row.key.clone());
    }
    Ok(found.len())
}

impl Operation for ForgetRun {
    type Output = Forgotten;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        self.prepared.start(vault, &self.forget.tenant)?;
        self.prepared.bytes = budget.used();
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Forgotten, ChangeError> {
        // Nothing is written, nor counted, of a tenant that was erased meanwhile.
        self.prepared.check_key(vault, &self.forget.tenant)?;
        if self.is_needed(rows)? {
            return Ok(Forgotten::Needed);
        }
        if !self.remove_rows(vault, rows, batch)? {
            return Ok(Forgotten::Part);
        }
        self.remove_places(vault, rows, batch)?;
        Ok(Forgotten::Whole)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
