//! Removes a run, some rows at a time. What makes it be found goes with the first, so that nobody
//! finds a part of it; a row says that the rest is left, for whoever goes on after an interruption.
//!
//! Its tasks are told from its log, so the log goes last.

use wforge_model::head::RunHead;
use wforge_ports::store::{ChangeError, KvSpace};
use wforge_ports::threads::{Forget, Forgotten};

use super::{Operation, Prepared, Room, remove};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::reads;
use crate::vault::{Body, Refused, Vault};

/// Tasks whose records one operation looks for.
const TASKS_MAX: usize = 256;

#[derive(Debug)]
pub(crate) struct ForgetRun {
    forget: Forget,
    prepared: Prepared,
}

impl ForgetRun {
    pub(crate) fn new(forget: Forget) -> Self {
        Self { forget, prepared: Prepared::default() }
    }

    fn is_needed(&self, vault: &Vault, rows: &dyn Rows, head: &RunHead) -> Result<bool, Fault> {
        let Forget { tenant, run, at, .. } = &self.forget;
        let has_ended = head.status.is_final() && rows.get(&keys::queue(tenant, *run))?.is_none();
        if !has_ended || at.is_some_and(|at| at != head.seq) {
            return Ok(true);
        }
        if !rows.is_vacant(&keys::children(tenant, *run))? {
            return Ok(true);
        }
        // Its thread may have come back to it, wherever it lists it.
        let Some(thread) = head.thread else { return Ok(false) };
        let thread = reads::thread(vault, rows, tenant, thread)?;
        Ok(thread.is_some_and(|thread| thread.row.head == Some(*run)))
    }

    /// Removes rows of its records, its snapshots, its memory and its log; how far it came.
    fn remove_rows(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Forgotten, Fault> {
        let Forget { tenant, run, tasks, .. } = &self.forget;
        let mut room = Room::whole();
        let last_first = tasks.iter().enumerate().rev();
        for (looked_at, (before, task)) in last_first.enumerate() {
            if looked_at == TASKS_MAX {
                return Ok(Forgotten::Part { tasks_left: before + 1 });
            }
            let records = keys::records(tenant, *task);
            remove(vault, tenant, (&records, &mut room), rows, batch)?;
            if room.is_used_up() {
                return Ok(Forgotten::Part { tasks_left: before + 1 });
            }
        }
        let space = KvSpace::Run(*run).to_string();
        let rest = [
            keys::snapshots(tenant, *run),
            keys::memories(tenant, &space, ""),
            keys::expiries(tenant, &space),
            keys::events(tenant, *run),
        ];
        for range in rest {
            remove(vault, tenant, (&range, &mut room), rows, batch)?;
            if room.is_used_up() {
                return Ok(Forgotten::Part { tasks_left: 0 });
            }
        }
        Ok(Forgotten::Whole)
    }

    /// Removes what makes the run be found.
    fn remove_places(&self, head: &RunHead, batch: &mut Batch) {
        let Forget { tenant, run, listed, .. } = &self.forget;
        if let Some(base) = head.base {
            batch.delete(keys::child(tenant, base.run, *run));
        }
        batch.delete(keys::head(tenant, *run));
        batch.delete(keys::waiting(tenant, *run));
        batch.delete(keys::space(tenant, &KvSpace::Run(*run).to_string()));
        if let Some((thread, place)) = listed {
            batch.delete(keys::thread_run(tenant, *thread, *place));
        }
    }

    /// Says that rows of it are left, or no more.
    fn mark(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
        is_whole: bool,
    ) -> Result<(), Fault> {
        let row_key = keys::leaving(&self.forget.tenant, self.forget.run);
        match (is_whole, rows.get(&row_key)?.is_some()) {
            (true, true) => batch.delete(row_key),
            (false, false) => {
                let body = Body::Inline(Vec::new());
                let row = vault.seal(self.prepared.key()?, &row_key, 0, &body)?;
                batch.put(row_key, row);
            }
            (true, false) | (false, true) => {}
        }
        Ok(())
    }
}

impl Operation for ForgetRun {
    type Output = Forgotten;
    type Error = ChangeError;

    fn prepare(&mut self, vault: &Vault, _budget: &mut Budget) -> Result<(), Refused> {
        self.prepared.start(vault, &self.forget.tenant)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Forgotten, ChangeError> {
        let Forget { tenant, run, .. } = &self.forget;
        // Nothing is written, nor counted, of a tenant that was erased meanwhile.
        self.prepared.write(vault, tenant, rows, batch)?;
        let head = reads::head(vault, rows, tenant, *run)?;
        if let Some(head) = &head {
            if self.is_needed(vault, rows, head)? {
                return Ok(Forgotten::Needed);
            }
            self.remove_places(head, batch);
        }
        let forgotten = self.remove_rows(vault, rows, batch)?;
        self.mark(vault, rows, batch, forgotten == Forgotten::Whole)?;
        Ok(forgotten)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
