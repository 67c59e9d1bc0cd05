//! What the operations of the store write and read, as plain data.

use serde::{Deserialize, Serialize};
use wforge_model::effect::{RecordKey, RequestHash};
use wforge_model::event::RunEvent;
use wforge_model::head::RunHead;
use wforge_model::{Epoch, Failure, RunId, Seq, TenantId, Timestamp, Value, Version};

use super::KvWrite;
use crate::figures::{DurationFigures, Kept};
use crate::threads::ThreadPut;

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
    /// Memory that a run begins with which goes on from a checkpoint of another.
    pub kv: Vec<KvWrite>,
    /// When the run is looked at again.
    pub queue: QueueChange,
    /// Control-plane changes that go with it.
    pub audit: Vec<AuditDraft>,
    /// What webhooks are to be told of it.
    pub outbox: Vec<OutboxRow>,
    /// The reply to the request that caused it; the first under its key stands.
    pub idempotent_reply: Option<IdempotentReply>,
}

/// A new document of [`Collection::Deliveries`] that stands with the events that it follows from,
/// or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Its key, that nothing else ever has.
    pub key: String,
    /// Its value.
    pub value: Value,
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
    /// Memory that goes with it.
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

    /// When it was written.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Intent(intent) => intent.at,
            Self::Answer(answer) => answer.at,
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
    /// Events that the attempt had emitted by then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub emits: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
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
    /// Where in a list of requests it stood; none: it was the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<ListPlace>,
    /// The model that was asked, where one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether something was written that stays where the task fails, as far as can be known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub wrote: bool,
    /// Events that the attempt had emitted by then.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub emits: u32,
}

/// A place in a list of requests that were made in one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListPlace {
    /// From 0.
    pub index: u32,
    /// How many there were.
    pub of: u32,
}

/// What became of a [`Record`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one stands on a stack for a moment")]
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
    /// API keys of the tenant: key is the key's id.
    Keys,
    /// People of the tenant: key is the subject of their tokens.
    Members,
    /// What the tenant used on a day: key is the day.
    Usage,
    /// What plugins may do: key is the grant's id.
    Grants,
    /// Which grants a component used, and when last: key is its digest.
    Used,
    /// All tenants, kept by the platform: key is the tenant's name.
    Tenants,
    /// Secrets of the tenant without their values: key is the name.
    Secrets,
    /// Values of secrets: key is name and version, to which its seal is bound.
    SecretValues,
    /// Components that are not called any more: key is the digest.
    Quarantines,
    /// Keys whose signatures the tenant trusts, or trusted: key is the id.
    TrustedKeys,
    /// What the tenant asks of signatures and versions: one document, `policy`.
    TrustPolicies,
    /// Signatures of components: key is the component's digest.
    Signatures,
    /// What starts runs by the clock: key is the name.
    Schedules,
    /// Webhooks of the tenant without their secrets: key is the name.
    Webhooks,
    /// Secrets that sign: key is the kind of webhook and its name.
    HookSecrets,
    /// What webhooks are told: key is the webhook's name and the delivery's id.
    Deliveries,
    /// Inbound webhooks of the tenant without their secrets: key is the name.
    InboundHooks,
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
            Self::Keys => b'a',
            Self::Members => b'm',
            Self::Usage => b'u',
            Self::Grants => b'g',
            Self::Used => b'x',
            Self::Tenants => b't',
            Self::Secrets => b'y',
            Self::SecretValues => b'z',
            Self::Quarantines => b'q',
            Self::TrustedKeys => b'r',
            Self::TrustPolicies => b'l',
            Self::Signatures => b'n',
            Self::Schedules => b'j',
            Self::Webhooks => b'h',
            Self::HookSecrets => b'e',
            Self::Deliveries => b'o',
            Self::InboundHooks => b'i',
        }
    }

    /// Whether a key is never used again once its document is deleted. Nothing is kept of it then;
    /// elsewhere its version stays, so that no late writer overwrites a document it never saw.
    #[must_use]
    pub const fn is_used_once(self) -> bool {
        matches!(self, Self::Deliveries)
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditEntry {
    /// Its place, from 1.
    pub place: u64,
    /// What happened.
    pub entry: AuditDraft,
    /// BLAKE3 of the previous entry's hash and this one's content, in hexadecimal digits.
    pub hash: String,
}

/// The hash of an entry: BLAKE3 over the previous entry's hash as text (empty for the first), the
/// place in decimal digits and the entry's JSON, each followed by a line feed.
#[must_use]
pub fn audit_hash(previous: &str, place: u64, entry: &AuditDraft) -> String {
    let mut hasher = blake3::Hasher::new();
    // Numbers and text always have JSON.
    let json = serde_json::to_string(entry).unwrap_or_default();
    for line in [previous, &place.to_string(), &json] {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
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

/// A look at some replies.
#[derive(Debug, Clone)]
pub struct ReplySweep {
    /// Whose they are.
    pub tenant: TenantId,
    /// Those that come after that key; none: from the first.
    pub after: Option<String>,
    /// So many at most.
    pub limit: usize,
    /// What has expired by then goes.
    pub now: Timestamp,
}

/// What came of a look at some replies.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RepliesSwept {
    /// How many went.
    pub removed: u64,
    /// The last that was looked at; none: there are no more.
    pub last: Option<String>,
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
    /// How long each fdatasync took.
    pub fsync: DurationFigures,
    /// How long each operation took, from being asked for to being durable.
    pub operation: DurationFigures,
    /// Operations that wait for their turn.
    pub queued: u64,
    /// How often the view was rebuilt from snapshot and journal.
    pub rebuilds: u64,
    /// What is kept in memory.
    pub kept: Vec<Kept>,
}
