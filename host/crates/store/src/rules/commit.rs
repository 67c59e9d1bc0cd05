//! One decision of the engine: events, the row of its list, its place in the queue, and what goes
//! with them.

use wforge_model::event::EventKind;
use wforge_model::head::RunHead;
use wforge_model::{Epoch, Seq, Timestamp};
use wforge_ports::store::{Collection, Commit, CommitError, OutboxRow, QueueChange};

use super::memory::{self, Writer};
use super::thread::{self, ThreadPlace};
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

/// The version of a document whose key is used once.
const FIRST_VERSION: u64 = 1;

/// What the number of a run's row says: the length of its log, twice, and one more where it waits
/// for a person.
#[derive(Debug, Clone, Copy, Default)]
struct Standing {
    length: Seq,
    waits: bool,
}

impl Standing {
    const fn number(self) -> u64 {
        self.length.0.saturating_mul(2).saturating_add(self.waits as u64)
    }

    const fn of_number(number: u64) -> Self {
        Self { length: Seq(number / 2), waits: number % 2 == 1 }
    }
}

#[derive(Debug)]
pub(crate) struct CommitRun {
    commit: Commit,
    head_row: Option<(Vec<u8>, Bytes)>,
    thread_json: Vec<u8>,
    entries: memory::Entries,
    prepared: Prepared,
}

impl CommitRun {
    pub(crate) fn new(commit: Commit) -> Self {
        let (entries, prepared) = (memory::Entries::default(), Prepared::default());
        Self { commit, head_row: None, thread_json: Vec::new(), entries, prepared }
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

    /// How the run stands before this commit.
    fn standing(&self, vault: &Vault, rows: &dyn Rows) -> Result<Standing, Fault> {
        let Commit { tenant, run, .. } = &self.commit;
        let row_key = keys::head(tenant, *run);
        match vault.read(rows, tenant, &row_key)? {
            None => Ok(Standing::default()),
            // Rows of before say it only in themselves.
            Some((0, json)) => {
                let head: RunHead = vault::decode(&row_key, &json)?;
                Ok(Standing { length: head.seq, waits: head.waits_for_a_person() })
            }
            Some((number, _)) => Ok(Standing::of_number(number)),
        }
    }

    /// The length of the log with the events of this commit.
    fn length_after(&self) -> Seq {
        // A commit without events changes what goes with the run, and no more.
        let last = self.seqs().take(self.commit.events.len()).last();
        last.unwrap_or(self.commit.expected)
    }

    /// The row of the list, which rides in its row whatever its size.
    fn seal_head(&mut self, vault: &Vault) -> Result<(), Refused> {
        let length = self.length_after();
        self.commit.head.seq = length;
        let Commit { tenant, run, head, .. } = &self.commit;
        let json = Budget::new(crate::budget::OPERATION_BYTES_MAX).encode(head)?;
        let row_key = keys::head(tenant, *run);
        let number = Standing { length, waits: head.waits_for_a_person() }.number();
        let row = vault.seal(self.prepared.key()?, &row_key, number, &Body::Inline(json))?;
        self.head_row = Some((row_key, row));
        Ok(())
    }

    /// Enters the run among those that wait for a person, or takes it out.
    fn write_waiting(&self, vault: &Vault, waited: bool, batch: &mut Batch) -> Result<(), Fault> {
        let Commit { tenant, run, head, .. } = &self.commit;
        let row_key = keys::waiting(tenant, *run);
        match (waited, head.waits_for_a_person()) {
            (false, true) => self.mark(vault, row_key, batch)?,
            (true, false) => batch.delete(row_key),
            (true, true) | (false, false) => {}
        }
        Ok(())
    }

    /// A row that says all that it has to say by being there.
    fn mark(&self, vault: &Vault, row_key: Vec<u8>, batch: &mut Batch) -> Result<(), Fault> {
        let row = vault.seal(self.prepared.key()?, &row_key, 0, &Body::Inline(Vec::new()))?;
        batch.put(row_key, row);
        Ok(())
    }

    /// Notes from which run this one goes on, so that that one stays as long as this one does.
    fn write_base(
        &self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), CommitError> {
        let Commit { tenant, run, events, .. } = &self.commit;
        let base = events.iter().find_map(|event| match &event.kind {
            EventKind::RunStarted(started) => started.base,
            _ => None,
        });
        let Some(base) = base else { return Ok(()) };
        if rows.get(&keys::head(tenant, base.run))?.is_none() {
            return Err(CommitError::BaseGone { run: *run, base: base.run });
        }
        self.mark(vault, keys::child(tenant, base.run, *run), batch)?;
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

    fn write_memory(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<(), CommitError> {
        let Commit { tenant, events, kv, .. } = &self.commit;
        let now = events.last().map_or(Timestamp(0), |event| event.at);
        let writer = Writer { vault, key: self.prepared.key()?, tenant, now, rows };
        Ok(self.entries.write(&writer, kv, batch)?)
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
        let Commit { tenant, run, events, kv, audit, outbox, .. } = &self.commit;
        self.prepared.start(vault, tenant)?;
        for (event, seq) in events.iter().zip(self.seqs()) {
            let json = budget.encode(event)?;
            let row_key = keys::event(tenant, *run, seq);
            let row = self.prepared.seal(vault, tenant, &row_key, json)?;
            self.prepared.fresh.push((row_key.into(), row));
        }
        for OutboxRow { key, value } in outbox {
            budget.take_key(&[key])?;
            let row_key = keys::document(tenant, Collection::Deliveries, key);
            let body = self.prepared.place(vault, tenant, budget.encode(value)?)?;
            let row = vault.seal(self.prepared.key()?, &row_key, FIRST_VERSION, &body)?;
            self.prepared.fresh.push((row_key.into(), row));
        }
        self.entries = memory::Entries::encode(kv, budget)?;
        self.prepared.add_reply(vault, tenant, self.commit.idempotent_reply.as_ref(), budget)?;
        if let Some(put) = &self.commit.thread {
            self.thread_json = budget.encode(&put.row)?;
        }
        audit::measure(audit, budget)?;
        self.seal_head(vault)?;
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
        let before = self.standing(vault, rows)?;
        self.check(before.length)?;
        self.write_base(vault, rows, batch)?;
        if let Some(put) = &self.commit.thread {
            let Commit { tenant, run, .. } = &self.commit;
            let json = std::mem::take(&mut self.thread_json);
            let place = ThreadPlace { tenant, run: *run, key: self.prepared.key()? };
            thread::put(vault, place, put, json, rows, batch)?;
        }
        self.write_waiting(vault, before.waits, batch)?;
        if let Some((row_key, row)) = self.head_row.take() {
            batch.put(row_key, row);
        }
        self.write_queue(vault, batch)?;
        self.mark_fresh(rows, batch)?;
        self.write_memory(vault, rows, batch)?;
        let Commit { tenant, audit, .. } = &self.commit;
        audit::append(vault, self.prepared.key()?, tenant, audit, rows, batch)?;
        self.prepared.write(vault, tenant, rows, batch)?;
        Ok(self.length_after())
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
