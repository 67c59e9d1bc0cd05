//! Removes the row of a thread and its memory, some rows at a time; the row goes with the first.

use wforge_model::Version;
use wforge_ports::store::{ChangeError, KvSpace};
use wforge_ports::threads::{ForgetThread, ThreadForgotten, ThreadRow};

use super::{Operation, Prepared, Room, remove};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::reads;
use crate::vault::{Refused, Vault};

#[derive(Debug)]
pub(crate) struct ForgetOneThread {
    forget: ForgetThread,
    prepared: Prepared,
}

impl ForgetOneThread {
    pub(crate) fn new(forget: ForgetThread) -> Self {
        Self { forget, prepared: Prepared::default() }
    }

    /// Whether a run of it waits for its turn, or its newest has not ended.
    fn is_at_work(&self, vault: &Vault, rows: &dyn Rows, row: &ThreadRow) -> Result<bool, Fault> {
        let tenant = &self.forget.tenant;
        let Some(head) = row.head else { return Ok(!row.queue.is_empty()) };
        let is_live = rows.get(&keys::queue(tenant, head))?.is_some();
        let head = reads::head(vault, rows, tenant, head)?;
        let has_ended = head.is_none_or(|head| head.status.is_final());
        Ok(is_live || !has_ended || !row.queue.is_empty())
    }
}

impl Operation for ForgetOneThread {
    type Output = ThreadForgotten;
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
    ) -> Result<ThreadForgotten, ChangeError> {
        let ForgetThread { tenant, thread, expected } = &self.forget;
        // Nothing is written, nor counted, of a tenant that was erased meanwhile.
        self.prepared.write(vault, tenant, rows, batch)?;
        match reads::thread(vault, rows, tenant, *thread)? {
            None if *expected == Version(0) => {}
            Some(found) if found.version == *expected => {
                if self.is_at_work(vault, rows, &found.row)? {
                    return Ok(ThreadForgotten::Needed);
                }
                batch.delete(keys::thread(tenant, *thread));
            }
            None | Some(_) => return Ok(ThreadForgotten::Needed),
        }
        let space = KvSpace::Thread(*thread).to_string();
        let mut room = Room::whole();
        for range in [keys::memories(tenant, &space, ""), keys::expiries(tenant, &space)] {
            remove(vault, tenant, (&range, &mut room), rows, batch)?;
            if room.is_used_up() {
                return Ok(ThreadForgotten::Part);
            }
        }
        batch.delete(keys::space(tenant, &space));
        Ok(ThreadForgotten::Whole)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
