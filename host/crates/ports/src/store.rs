//! The durable store. Its centre are three operations that share one group commit and return only
//! when what they did survives a crash: [`Store::commit`], [`Store::record`], [`Store::change`].
//!
//! Every key begins with the tenant; no operation can name two.

use std::fmt::Debug;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use wforge_model::effect::{RecordKey, RequestHash};
use wforge_model::event::{RunEvent, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::{
    Digest, Epoch, Failure, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Value, Version,
};

use crate::BoxError;
use crate::threads::{Forget, Forgotten, StoredThread, ThreadPut, ThreadRow, ThreadRun};

/// The store of one deployment, for many tenants.
///
/// Implementations may be slow, but never block the caller's executor. Values are sealed with the
/// tenant's data key before they reach a disk.
pub trait Store: Debug + Send + Sync {
    /// Writes all of `commit`, or nothing where the run has moved past `expected`, the lease was
    /// lost or a reply stands under its idempotency key. Returns the run's new length.
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>>;

    /// Writes one phase of one effect. The first writer of a phase wins; a later one gets what
    /// that one wrote. Visible to [`Store::records`] at once.
    fn record(&self, record: Record) -> BoxFuture<'_, Result<Recorded, RecordError>>;

    /// Writes documents of one collection each, or nothing where `expected` does not hold or a
    /// reply stands under its idempotency key.
    fn change(&self, change: Change) -> BoxFuture<'_, Result<Version, ChangeError>>;

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

    /// Removes the rows of a run that has ended and from which no other goes on, some at a time.
    fn forget(&self, forget: Forget) -> BoxFuture<'_, Result<Forgotten, ChangeError>>;

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

    /// Keeps bytes under their digest, durable on return. The same bytes twice are one blob; two
    /// tenants never share one.
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

    /// The reply that was stored under an idempotency key; none where the key is new.
    fn idempotent_reply<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<IdempotentReply>, ReadError>>;

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

/// A run that is ours to drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The lease under which it may be written.
    pub lease: Epoch,
    /// When it must be looked at at the latest; none: now.
    pub wake_at: Option<Timestamp>,
}

/// What one decision of the engine makes durable, all or nothing.
#[derive(Debug, Clone)]
pub struct Commit {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The length of its log that the decision was made on; 0 for a new run.
    pub expected: Seq,
    /// The lease that the writer holds.
    pub lease: Epoch,
    /// What happened, in order; at least one.
    pub events: Vec<RunEvent>,
    /// The row of the list as the run stands after them; the store sets its `seq`.
    pub head: RunHead,
    /// The change of its thread that goes with it.
    pub thread: Option<ThreadPut>,
    /// Memory of run scope that the step wrote.
    pub kv: Vec<KvWrite>,
    /// When the run is looked at again.
    pub queue: QueueChange,
    /// Control-plane changes that go with it.
    pub audit: Vec<AuditDraft>,
    /// The reply to the request that caused it; the first under its key stands.
    pub idempotent_reply: Option<IdempotentReply>,
}

/// One write to a plugin's memory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KvWrite {
    /// `run`, `thread` or `plugin` and the name within it, length-prefixed by the writer.
    pub space: String,
    /// The key.
    pub key: String,
    /// The value; none deletes.
    pub value: Option<Value>,
}

/// When a run is looked at again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QueueChange {
    /// It is live and driven now.
    #[default]
    Live,
    /// It sleeps until then at the latest; none: until somebody answers.
    Sleep(Option<Timestamp>),
    /// It has ended, or is blocked.
    Done,
}

/// One phase of one recorded effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The lease that the writer holds.
    pub lease: Epoch,
    /// Task, attempt and position.
    pub key: RecordKey,
    /// What is written.
    pub phase: Phase,
    /// Memory of thread or plugin scope that goes with it.
    pub kv: Vec<KvWrite>,
}

/// The phases of an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Said before it is performed.
    Intent(EffectIntent),
    /// What came of it.
    Answer(EffectRecord),
}

impl Phase {
    /// 0 for an intent, 1 for an answer.
    #[must_use]
    pub const fn ordinal(&self) -> u8 {
        match self {
            Self::Intent(_) => 0,
            Self::Answer(_) => 1,
        }
    }
}

/// What is about to be performed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectIntent {
    /// Hash of the guest's request.
    pub request: RequestHash,
    /// The request in words, for whoever debugs a divergence.
    pub summary: String,
    /// When it was said.
    pub at: Timestamp,
    /// When it ends by itself: a sleep, a deadline.
    pub due: Option<Timestamp>,
}

/// What came of an effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRecord {
    /// Hash of the guest's request.
    pub request: RequestHash,
    /// The request in words, for whoever debugs a divergence.
    pub summary: String,
    /// When it was recorded; what the guest's clock shows from then on.
    pub at: Timestamp,
    /// The answer.
    pub answer: Result<Value, Failure>,
}

/// What became of a [`Record`].
#[derive(Debug, Clone, PartialEq)]
pub enum Recorded {
    /// It was the first of its phase and is durable.
    Written,
    /// Another was first; this is what it wrote.
    Already(Phase),
}

/// Collections of documents that are no run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collection {
    /// Installed plugins: key `publisher/name@version`.
    Plugins,
    /// Workflows by digest.
    WorkflowVersions,
    /// Registered workflows: key `name@version`.
    Workflows,
    /// Settings of the tenant.
    Settings,
    /// Components that were let in, installed or not: key is the digest.
    Components,
    /// Results of nodes that later tasks may take: key is the hash of the call.
    Cache,
}

impl Collection {
    /// The letter under which the store keeps it; never reused.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Plugins => b'p',
            Self::WorkflowVersions => b'v',
            Self::Workflows => b'w',
            Self::Settings => b's',
            Self::Components => b'c',
            Self::Cache => b'k',
        }
    }
}

/// A document and its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its key within the collection.
    pub key: String,
    /// Grows with each change.
    pub version: Version,
    /// Its value.
    pub value: Value,
}

/// A change of documents, all or nothing.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whose documents they are.
    pub tenant: TenantId,
    /// The version that the first of `puts` must have; 0: must not exist; none: whatever it is.
    pub expected: Option<Version>,
    /// What is written; at least one.
    pub puts: Vec<Put>,
    /// Control-plane changes that go with it.
    pub audit: Vec<AuditDraft>,
    /// The reply to the request that caused it; the first under its key stands.
    pub idempotent_reply: Option<IdempotentReply>,
}

/// One write of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    /// Where.
    pub collection: Collection,
    /// The key within it.
    pub key: String,
    /// The value; none deletes.
    pub value: Option<Value>,
}

/// Who did what in the control plane; the store adds place and chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditDraft {
    /// When.
    pub at: Timestamp,
    /// By the name of the credential.
    pub actor: String,
    /// What was done, such as `plugin.install`.
    pub action: String,
    /// To what.
    pub resource: String,
    /// How it went.
    pub outcome: String,
}

/// One entry of the audit log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, from 1.
    pub place: u64,
    /// What happened.
    pub entry: AuditDraft,
    /// BLAKE3 of the previous entry's hash and this one's content, in hexadecimal digits.
    pub hash: String,
}

/// A reply that is given again to the same request. The first writer of a key wins: what would
/// write another is refused whole, whether it is the same request or not, and hears the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IdempotentReply {
    /// The key that the client chose, with whatever it is scoped by.
    pub key: String,
    /// Hash of the request.
    pub fingerprint: String,
    /// The reply.
    pub reply: Value,
    /// When it was made. A reply that had expired by then gives way to it.
    #[serde(default)]
    pub made_at: Timestamp,
    /// When it may be forgotten.
    pub expires_at: Timestamp,
}

impl IdempotentReply {
    /// Whether it keeps another from being written under its key.
    #[must_use]
    pub fn stands_before(&self, other: &Self) -> bool {
        self.expires_at > other.made_at
    }
}

/// A folded run.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The length of the log that it was folded from.
    pub seq: Seq,
    /// The folded state, as the engine writes it.
    pub state: Vec<u8>,
}

/// Figures of a store.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StoreFigures {
    /// `memory`, `sled`, `postgres`.
    pub kind: &'static str,
    /// Groups that were made durable.
    pub commits: u64,
    /// Commits, records and changes in them.
    pub operations: u64,
    /// Bytes written to the journal.
    pub journal_bytes: u64,
    /// Operations that the view has not applied yet.
    pub view_lag: u64,
    /// Nanoseconds that all fdatasyncs together took.
    pub fsync_ns: u64,
    /// How often the view was rebuilt from snapshot and journal.
    pub rebuilds: u64,
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
