//! The one thread that decides and acknowledges: takes what waits, checks it in order, writes one
//! frame, syncs once, makes it visible, and only then answers.
//!
//! After the first error nothing is accepted any more: what an fsync failed to write may be gone
//! from memory as well, and another fsync would not tell.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::error::{Fault, Gone};
use crate::journal::Journal;
use crate::kv::{Batch, Layered, Rows};
use crate::rules::Operation;
use crate::shared::Shared;
use crate::vault::Vault;

/// Operations of one group.
const GROUP_OPERATIONS_MAX: usize = 1_024;
/// Bytes beyond which a group takes no further operation.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// An operation in the queue.
pub(crate) trait Queued: Send {
    /// Decides; true where something is to be written.
    fn decide(&mut self, vault: &Vault, rows: &dyn Rows, batch: &mut Batch) -> bool;

    /// Answers, now that the group is durable or lost.
    fn answer(self: Box<Self>, group: Result<(), Gone>);

    /// Whether the journal goes on in a new segment after it.
    fn ends_segment(&self) -> bool {
        false
    }
}

/// Asks for a new segment behind everything that was written so far.
#[derive(Debug)]
pub(crate) struct EndSegment(pub(crate) oneshot::Sender<Result<(), Gone>>);

impl Queued for EndSegment {
    fn decide(&mut self, _vault: &Vault, _rows: &dyn Rows, _batch: &mut Batch) -> bool {
        false
    }

    fn answer(self: Box<Self>, group: Result<(), Gone>) {
        let _ = self.0.send(group);
    }

    fn ends_segment(&self) -> bool {
        true
    }
}

/// An operation, and who waits for it.
pub(crate) struct Waiter<O: Operation> {
    operation: O,
    decided: Option<Result<O::Output, O::Error>>,
    reply: oneshot::Sender<Result<O::Output, O::Error>>,
    _room: OwnedSemaphorePermit,
}

impl<O: Operation> Waiter<O> {
    pub(crate) fn new(
        operation: O,
        reply: oneshot::Sender<Result<O::Output, O::Error>>,
        room: OwnedSemaphorePermit,
    ) -> Self {
        Self { operation, decided: None, reply, _room: room }
    }
}

impl<O: Operation> Queued for Waiter<O> {
    fn decide(&mut self, vault: &Vault, rows: &dyn Rows, batch: &mut Batch) -> bool {
        let decided = self.operation.decide(vault, rows, batch);
        let is_written = decided.is_ok();
        self.decided = Some(decided);
        is_written
    }

    fn answer(mut self: Box<Self>, group: Result<(), Gone>) {
        let answer = match (group, self.decided.take()) {
            (Ok(()), Some(decided)) => {
                if decided.is_ok() {
                    self.operation.prepared().set_durable();
                }
                decided
            }
            (Err(gone), _) => Err(Fault::from(gone).into()),
            (Ok(()), None) => Err(Fault::from(Gone::Closed).into()),
        };
        // Whoever asked may have gone; what was decided stands.
        let _ = self.reply.send(answer);
    }
}

/// Decides and writes groups.
#[derive(Debug)]
pub(crate) struct Committer {
    shared: Arc<Shared>,
    journal: Journal,
}

impl Committer {
    pub(crate) const fn new(shared: Arc<Shared>, journal: Journal) -> Self {
        Self { shared, journal }
    }

    /// Serves the queue until everybody who could add to it has gone.
    pub(crate) fn run(mut self, mut queue: mpsc::Receiver<Box<dyn Queued>>) {
        while let Some(first) = queue.blocking_recv() {
            let mut next = Some(first);
            self.group(|| next.take().or_else(|| queue.try_recv().ok()));
        }
    }

    /// Takes operations until there are none or enough, and answers all of them.
    pub(crate) fn group(&mut self, mut next: impl FnMut() -> Option<Box<dyn Queued>>) {
        self.shared.overlay.wait_for_room();
        let mut group = Batch::default();
        let (mut waiters, mut operations, mut bytes) = (Vec::new(), 0, 0);
        while bytes < GROUP_BYTES_MAX && waiters.len() < GROUP_OPERATIONS_MAX {
            let Some(mut waiter) = next() else { break };
            let mut batch = Batch::default();
            let rows = Layered { top: &group.writes, below: &self.shared.rows() };
            if waiter.decide(&self.shared.vault, &rows, &mut batch) {
                self.shared.usage.count(&rows, &mut batch);
                operations += 1;
                bytes += batch.bytes();
                group.append(batch);
            }
            waiters.push(waiter);
        }
        let mut written = self.write(group, operations);
        if written.is_ok() && waiters.iter().any(|waiter| waiter.ends_segment()) {
            written = self.end_segment();
        }
        waiters.into_iter().for_each(|waiter| waiter.answer(written.clone()));
    }

    /// Writes a group; durable and visible on return.
    pub(crate) fn write(&mut self, group: Batch, operations: u64) -> Result<(), Gone> {
        self.shared.check()?;
        self.shared.counters.operations.fetch_add(operations, Ordering::Relaxed);
        if group.writes.is_empty() {
            return Ok(());
        }
        let number = self.journal.next();
        let appended = self.append(&group);
        let shared = &self.shared;
        match appended {
            Ok(bytes) => {
                shared.counters.groups.fetch_add(1, Ordering::Relaxed);
                shared.counters.journal_bytes.fetch_add(bytes, Ordering::Relaxed);
                shared.overlay.publish(number, group, operations);
                Ok(())
            }
            Err(error) => {
                shared.stop_after("writing the journal", &error);
                Err(shared.why_gone())
            }
        }
    }

    fn end_segment(&mut self) -> Result<(), Gone> {
        self.journal.end_segment().map_err(|error| {
            self.shared.stop_after("beginning a segment of the journal", &error);
            self.shared.why_gone()
        })
    }

    fn append(&mut self, group: &Batch) -> std::io::Result<u64> {
        let bytes = self.journal.write(&group.writes)?;
        let before = self.shared.now_ns();
        let synced = self.journal.sync();
        let ns = self.shared.now_ns().saturating_sub(before);
        self.shared.counters.fsync.count_ns(ns);
        synced.map(|()| bytes)
    }
}
