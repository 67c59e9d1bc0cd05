//! One decision of the engine: events, the row of its list, its place in the queue, and what goes
//! with them.

use wforge_model::event::EventKind;
use wforge_model::head::RunHead;
use wforge_model::{Epoch, Seq};
use wforge_ports::store::{Commit, CommitError, QueueChange};

use super::{Operation, Prepared, audit, standing_reply};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, KeyRange, Rows};
use crate::vault::{Body, Refused, Vault};

/// One process has the whole store, so every lease is the first.
pub(crate) const LEASE: Epoch = Epoch(1);

/// Tasks of one commit for which it is worth a look below whether they are new; the records of
/// further ones are read where reads may block.
const FRESH_TASKS_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct CommitRun {
    commit: Commit,
    prepared: Prepared,
}

impl CommitRun {
    pub(crate) fn new(commit: Commit) -> Self {
        Self { commit, prepared: Prepared::default() }
    }

    fn seqs(&self) -> impl Iterator<Item = Seq> + use<> {
        (1_u64..).map({
            let expected = self.commit.expected.0;
            move |place| Seq(expected.saturating_add(place))
        })
    }

    fn check(&self, head: &RunHead) -> Result<(), CommitError> {
        let Commit { run, expected, lease, .. } = self.commit;
        if lease != LEASE {
            return Err(CommitError::LeaseLost { run, lease });
        }
        if head.seq != expected {
            return Err(CommitError::Conflict { run, expected, found: head.seq });
        }
        Ok(())
    }

    fn read_head(&self, vault: &Vault, rows: &dyn Rows) -> Result<RunHead, Fault> {
        let Commit { tenant, run, .. } = &self.commit;
        let head = crate::reads::head(vault, rows, tenant, *run)?;
        Ok(head.unwrap_or_else(|| RunHead::new(tenant.clone(), *run)))
    }

    fn write_head(
        &self,
        vault: &Vault,
        head: &RunHead,
        batch: &mut Batch,
    ) -> Result<(), CommitError> {
        let Commit { tenant, run, .. } = &self.commit;
        let json = Budget::new(crate::budget::OPERATION_BYTES_MAX).encode(head)?;
        let row_key = keys::head(tenant, *run);
        let row = vault.seal(self.prepared.key()?, &row_key, 0, &Body::Inline(json))?;
        batch.put(row_key, row);
        Ok(())
    }

    fn write_queue(&self, vault: &Vault, batch: &mut Batch) -> Result<(), Fault> {
        let row_key = keys::queue(&self.commit.tenant, self.commit.run);
        let wake_at_ms = match self.commit.queue {
            QueueChange::Done => {
                batch.delete(row_key);
                return Ok(());
            }
            QueueChange::Live => 0,
            QueueChange::Sleep(at) => at.map_or(u64::MAX, |at| at.0.max(1)),
        };
        let body = Body::Inline(Vec::new());
        let row = vault.seal(self.prepared.key()?, &row_key, wake_at_ms, &body)?;
        batch.put(row_key, row);
        Ok(())
    }

    /// Says which families of rows begin with this commit, so that readers need not look below.
    fn mark_fresh(&self, rows: &dyn Rows, batch: &mut Batch) -> Result<(), Fault> {
        let Commit { tenant, run, expected, events, .. } = &self.commit;
        if *expected == Seq(0) {
            // A run without a row has no events.
            batch.fresh.push(keys::events(tenant, *run).from.into());
        }
        let planned = events.iter().flat_map(|event| match &event.kind {
            EventKind::StepPlanned { tasks, .. } => tasks.as_slice(),
            _ => &[],
        });
        for task in planned.take(FRESH_TASKS_MAX) {
            let records: KeyRange = keys::records(tenant, task.id);
            if rows.is_vacant(&records)? {
                batch.fresh.push(records.from.into());
            }
        }
        Ok(())
    }
}

impl Operation for CommitRun {
    type Output = Seq;
    type Error = CommitError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        let Commit { tenant, run, events, kv, audit, .. } = &self.commit;
        self.prepared.start(vault, tenant)?;
        for (event, seq) in events.iter().zip(self.seqs()) {
            let json = budget.encode(event)?;
            let row_key = keys::event(tenant, *run, seq);
            let row = self.prepared.seal(vault, tenant, &row_key, json)?;
            self.prepared.fresh.push((row_key.into(), row));
        }
        self.prepared.add_kv(vault, tenant, kv, budget)?;
        self.prepared.add_reply(vault, tenant, self.commit.idempotent_reply.as_ref(), budget)?;
        if let Some(head) = &self.commit.thread_head {
            let row_key = keys::thread(tenant, head.thread);
            let row = self.prepared.seal(vault, tenant, &row_key, budget.encode(head)?)?;
            self.prepared.replacing.push((row_key.into(), Some(row)));
        }
        audit::measure(audit, budget)?;
        self.prepared.bytes = budget.used();
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Seq, CommitError> {
        // Before anything else: a request that was answered is not told of a conflict with itself.
        let Commit { tenant, idempotent_reply, .. } = &self.commit;
        if let Some(first) = standing_reply(vault, tenant, idempotent_reply.as_ref(), rows)? {
            return Err(CommitError::Replied(first));
        }
        let mut head = self.read_head(vault, rows)?;
        self.check(&head)?;
        self.commit.events.iter().for_each(|event| head.project(event));
        if !self.commit.events.is_empty() {
            self.write_head(vault, &head, batch)?;
        }
        self.write_queue(vault, batch)?;
        self.mark_fresh(rows, batch)?;
        let Commit { tenant, audit, .. } = &self.commit;
        audit::append(vault, self.prepared.key()?, tenant, audit, rows, batch)?;
        self.prepared.write(vault, tenant, rows, batch)?;
        Ok(head.seq)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
