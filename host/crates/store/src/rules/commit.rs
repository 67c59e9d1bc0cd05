//! One decision of the engine: events, the row of its list, its place in the queue, and what goes
//! with them.

use serde::Deserialize;
use wforge_model::event::EventKind;
use wforge_model::{Epoch, Seq};
use wforge_ports::store::{Commit, CommitError, QueueChange};

use super::{Operation, Prepared, audit, standing_reply};
use crate::budget::Budget;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Batch, Bytes, KeyRange, Rows};
use crate::vault::{self, Body, Refused, Vault};

/// One process has the whole store, so every lease is the first.
pub(crate) const LEASE: Epoch = Epoch(1);

/// Tasks of one commit for which it is worth a look below whether they are new; the records of
/// further ones are read where reads may block.
const FRESH_TASKS_MAX: usize = 64;

/// The field of a run's row that its number repeats.
#[derive(Debug, Deserialize)]
struct Length {
    seq: Seq,
}

#[derive(Debug)]
pub(crate) struct CommitRun {
    commit: Commit,
    head_row: Option<(Vec<u8>, Bytes)>,
    prepared: Prepared,
}

impl CommitRun {
    pub(crate) fn new(commit: Commit) -> Self {
        Self { commit, head_row: None, prepared: Prepared::default() }
    }

    fn seqs(&self) -> impl Iterator<Item = Seq> + use<> {
        (1_u64..).map({
            let expected = self.commit.expected.0;
            move |place| Seq(expected.saturating_add(place))
        })
    }

    fn check(&self, found: Seq) -> Result<(), CommitError> {
        let Commit { run, expected, lease, .. } = self.commit;
        if lease != LEASE {
            return Err(CommitError::LeaseLost { run, lease });
        }
        if found != expected {
            return Err(CommitError::Conflict { run, expected, found });
        }
        Ok(())
    }

    /// The length of the run's log: the number of its row.
    fn length(&self, vault: &Vault, rows: &dyn Rows) -> Result<Seq, Fault> {
        let Commit { tenant, run, .. } = &self.commit;
        let row_key = keys::head(tenant, *run);
        match vault.read(rows, tenant, &row_key)? {
            None => Ok(Seq(0)),
            // Before version 0.2 the number was 0, and only the row itself said it.
            Some((0, json)) => Ok(vault::decode::<Length>(&row_key, &json)?.seq),
            Some((length, _)) => Ok(Seq(length)),
        }
    }

    /// The length of the log with the events of this commit.
    fn length_after(&self) -> Seq {
        self.seqs().nth(self.commit.events.len().wrapping_sub(1)).unwrap_or(self.commit.expected)
    }

    /// The row of the list, which rides in its row whatever its size.
    fn seal_head(&mut self, vault: &Vault) -> Result<(), Refused> {
        let length = self.length_after();
        self.commit.head.seq = length;
        let Commit { tenant, run, head, .. } = &self.commit;
        let json = Budget::new(crate::budget::OPERATION_BYTES_MAX).encode(head)?;
        let row_key = keys::head(tenant, *run);
        let row = vault.seal(self.prepared.key()?, &row_key, length.0, &Body::Inline(json))?;
        self.head_row = Some((row_key, row));
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
        self.seal_head(vault)?;
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
        self.check(self.length(vault, rows)?)?;
        if let Some((row_key, row)) = self.head_row.take() {
            batch.put(row_key, row);
        }
        self.write_queue(vault, batch)?;
        self.mark_fresh(rows, batch)?;
        let Commit { tenant, audit, .. } = &self.commit;
        audit::append(vault, self.prepared.key()?, tenant, audit, rows, batch)?;
        self.prepared.write(vault, tenant, rows, batch)?;
        Ok(self.length_after())
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
