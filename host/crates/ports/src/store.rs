//! The durable store. Its centre are three operations that share one group commit and return only
//! when what they did survives a crash: [`Store::commit`], [`Store::record`], [`Store::change`].
//! [`Store::remember`] is a fourth, small one, for memory that no task writes.
//!
//! Every key begins with the tenant; no operation can name two.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Digest, Epoch, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};

use crate::BoxError;
use crate::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadRow, ThreadRun,
};

pub use blobs::{BlobPage, BlobSweep, KeptBlob};
pub use memory::{
    KvEntry, KvExpected, KvPage, KvQuery, KvRoom, KvSpace, KvStanding, KvUnit, KvWrite, NoKvSpace,
    Remember, RememberError,
};
pub use written::{
    AuditDraft, AuditEntry, Change, Claim, Collection, Commit, Document, EffectIntent,
    EffectRecord, IdempotentReply, ListPlace, OutboxRow, Phase, Put, QueueChange, Record, Recorded,
    RepliesSwept, ReplySweep, Snapshot, StoreFigures, audit_hash,
};

mod blobs;
mod memory;
mod written;

/// The store of one deployment, for many tenants.
///
/// Implementations may be slow, but never block the caller's executor. Values are sealed with the
/// tenant's data key before they reach a disk.
pub trait Store: Debug + Send + Sync {
    /// Writes all of `commit`, or nothing where the run has moved past `expected`, the lease was
    /// lost or a reply stands under its idempotency key. Returns the run's new length.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>>;

    /// Writes one phase of one effect with the memory that goes with it, or nothing where a key of
    /// it does not stand as expected or its space has no room. The first writer of a phase wins; a
    /// later one gets what that one wrote. Visible to [`Store::records`] at once.
    fn record(&self, record: Record) -> BoxFuture<'_, Result<Recorded, RecordError>>;

    /// Writes documents of one collection each, or nothing where `expected` does not hold or a
    /// reply stands under its idempotency key.
    fn change(&self, change: Change) -> BoxFuture<'_, Result<Version, ChangeError>>;

    /// Writes to a plugin's memory what no task does, or nothing where the key does not stand as
    /// expected or its space has no room.
    fn remember(&self, remember: Remember) -> BoxFuture<'_, Result<(), RememberError>>;

    /// All phases of all effects of a task, in order of attempt, position and phase.
    fn records<'a>(
        &'a self,
        tenant: &'a TenantId,
        task: TaskId,
    ) -> BoxFuture<'a, Result<Vec<Record>, ReadError>>;

    /// At most `limit` events of a run after `after`, in order.
    fn events<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
        after: Seq,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>, ReadError>>;

    /// The row of a run; none where the tenant has no such run.
    fn head<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunHead>, ReadError>>;

    /// At most `limit` rows older than `before` (none: from the newest), newest first.
    fn heads<'a>(
        &'a self,
        tenant: &'a TenantId,
        before: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>>;

    /// At most `limit` rows of runs that wait for a person and come after `after`, oldest first.
    fn waiting<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>>;

    /// A thread; none where the tenant has no such thread.
    fn thread<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
    ) -> BoxFuture<'a, Result<Option<StoredThread>, ReadError>>;

    /// At most `limit` threads that come after `after`, in order of their ids.
    fn threads<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<ThreadId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRow>, ReadError>>;

    /// At most `limit` runs that began on a thread before that place (none: from the newest),
    /// newest first.
    fn thread_runs<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
        before: Option<Version>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRun>, ReadError>>;

    /// Removes the rows of a run that has ended, from which no other goes on, and which is not the
    /// newest of its thread, some at a time.
    /// What makes it be found goes with the first, so that nobody finds a part of it; until the
    /// last has gone it is among [`Store::leaving`].
    fn forget(&self, forget: Forget) -> BoxFuture<'_, Result<Forgotten, ChangeError>>;

    /// At most `limit` runs of which a part was forgotten, and not the rest.
    fn leaving<'a>(
        &'a self,
        tenant: &'a TenantId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunId>, ReadError>>;

    /// Removes a thread in which nothing is under way, and its memory, some rows at a time; the
    /// thread goes with the first.
    fn forget_thread(
        &self,
        forget: ForgetThread,
    ) -> BoxFuture<'_, Result<ThreadForgotten, ChangeError>>;

    /// A document; none where it does not exist.
    fn document<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, ReadError>>;

    /// At most `limit` documents whose key begins with `prefix` and comes after `after`, in order
    /// of their keys.
    fn documents<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, ReadError>>;

    /// A number that changes when a document of the collection is written, and now and then when
    /// none is. What was listed after it was asked for is what there is while it stays the same.
    /// Good in this process only.
    fn documents_version(&self, tenant: &TenantId, collection: Collection) -> u64;

    /// How a key of a plugin's memory stands.
    fn memory<'a>(
        &'a self,
        tenant: &'a TenantId,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<KvStanding, ReadError>>;

    /// Entries of a plugin's memory, in order of their keys.
    fn memories<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: KvQuery<'a>,
    ) -> BoxFuture<'a, Result<KvPage, ReadError>>;

    /// Keeps bytes under their digest, durable on return. The same bytes twice are one blob; two
    /// tenants never share one. Nothing is noted against it from then on: [`Store::sweep_blobs`].
    fn put_blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, ChangeError>>;

    /// The bytes of a blob of this tenant; none where it has none. Checked against the digest.
    fn blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReadError>>;

    /// At most `limit` blobs of a tenant after that digest, and whether anything names them. Reads
    /// every row of the tenant that can; a reply or an entry that has expired by `now` does not.
    fn blobs<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<Digest>,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<BlobPage, ReadError>>;

    /// Notes which blobs nothing names, and removes those that were noted long enough; says which
    /// it removed. One that was kept again meanwhile has no note and stays.
    fn sweep_blobs(&self, sweep: BlobSweep) -> BoxFuture<'_, Result<Vec<Digest>, ChangeError>>;

    /// The reply that was stored under an idempotency key; none where the key is new.
    fn idempotent_reply<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<IdempotentReply>, ReadError>>;

    /// Looks at some replies, and removes those that have expired.
    fn expire_replies(&self, sweep: ReplySweep)
    -> BoxFuture<'_, Result<RepliesSwept, ChangeError>>;

    /// Keeps a folded state of a run so that its log need not be read from the beginning. Loses
    /// nothing where it is lost; the two newest are kept.
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ChangeError>>;

    /// The newest snapshot of a run.
    fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, ReadError>>;

    /// Entries of the tenant's audit log after that place, in order.
    fn audit<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, ReadError>>;

    /// The bytes that all rows and files of a tenant take, from memory.
    fn stored_bytes(&self, tenant: &TenantId) -> u64;

    /// Removes everything of a tenant: on return no file of the store holds a byte of it, its key
    /// included. What is still written for it is refused, until the store is opened again. May be
    /// asked again after it was interrupted.
    fn erase(&self, tenant: TenantId) -> BoxFuture<'_, Result<(), ChangeError>>;

    /// Figures for metrics and `/v1/system`.
    fn figures(&self) -> StoreFigures;

    /// Makes everything durable and stops the store's threads. Nothing is accepted after it.
    fn close(&self) -> BoxFuture<'_, Result<(), ChangeError>>;
}

/// Who drives which run, and when: the store's own queue, or later a durable orchestrator.
pub trait Driver: Debug + Send + Sync {
    /// Takes over the runs that are live: not ended and not blocked, those with an earlier wake
    /// first. On an embedded store every live run is this process's.
    fn claim(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Claim>, ReadError>>;
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Somebody else wrote the run: load it again.
    #[error("run {run} moved on: expected sequence {expected}, found {found}")]
    Conflict {
        /// The run.
        run: RunId,
        /// What the decision was made on.
        expected: Seq,
        /// What is there.
        found: Seq,
    },
    /// Somebody else changed the thread: read it again.
    #[error("thread {thread} moved on: expected version {expected}, found {found}")]
    ThreadConflict {
        /// The thread.
        thread: ThreadId,
        /// What the decision was made on.
        expected: Version,
        /// What is there.
        found: Version,
    },
    /// Somebody else wrote to a plugin's memory: read it again.
    #[error("the key \"{key}\" of {space} moved on")]
    KvConflict {
        /// Whose memory.
        space: KvSpace,
        /// The key.
        key: String,
    },
    /// The run that it goes on from was removed.
    #[error("run {base} is gone, from which run {run} would go on")]
    BaseGone {
        /// The run.
        run: RunId,
        /// The run that it goes on from.
        base: RunId,
    },
    /// The run belongs to another process now: drop it.
    #[error("the lease {lease} on run {run} was lost")]
    LeaseLost {
        /// The run.
        run: RunId,
        /// The lease that was held.
        lease: Epoch,
    },
    /// The idempotency key has a reply: give it again, or refuse the request where its fingerprint
    /// is another.
    #[error("the idempotency key \"{}\" has a reply already", .0.key)]
    Replied(Box<IdempotentReply>),
    /// Too large for the store: the run must fail.
    #[error("a commit of {bytes} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}

/// Why an effect was not recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The run belongs to another process now: drop the task.
    #[error("the lease {lease} on run {run} was lost")]
    LeaseLost {
        /// The run.
        run: RunId,
        /// The lease that was held.
        lease: Epoch,
    },
    /// Somebody else wrote to a plugin's memory: read it again.
    #[error("the key \"{key}\" of {space} moved on")]
    KvConflict {
        /// Whose memory.
        space: KvSpace,
        /// The key.
        key: String,
    },
    /// A plugin's memory is full: the effect must fail.
    #[error("{space} may hold at most {max} {unit}")]
    KvFull {
        /// Whose memory.
        space: KvSpace,
        /// Of what it is full.
        unit: KvUnit,
        /// How much of that it may hold.
        max: u64,
    },
    /// Too large for the store: the effect must fail.
    #[error("a record of {bytes} bytes is larger than the limit of {limit} bytes")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// Somebody else changed it: read again.
    #[error("\"{key}\" is at version {found}, not {expected}")]
    Conflict {
        /// The document's key.
        key: String,
        /// What was expected.
        expected: Version,
        /// What is there.
        found: Version,
    },
    /// The idempotency key has a reply: give it again, or refuse the request where its fingerprint
    /// is another.
    #[error("the idempotency key \"{}\" has a reply already", .0.key)]
    Replied(Box<IdempotentReply>),
    /// Too large for the store.
    #[error("{bytes} bytes are more than the limit of {limit}")]
    TooLarge {
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is damaged, or of a newer version.
    #[error("{what} cannot be read: {reason}")]
    Damaged {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
    /// The store is gone: stop.
    #[error("store unavailable")]
    Unavailable(#[source] BoxError),
}
