//! When what happened to a task: the store and the sandbox, wrapped so that they note it.
//!
//! A chain has one task at a time, so the notes follow each other: called, returned, commit begun,
//! commit ended, the next called.

use std::sync::{Arc, Mutex, PoisonError};

use wforge_model::agent::{AgentCall, Execution};
use wforge_model::event::{EventKind, StoredEvent};
use wforge_model::head::RunHead;
use wforge_model::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::plugins::{AdmissionError, Admitted, Gate, PluginAdmission};
use wforge_ports::runtime::{RuntimeError, RuntimeFigures};
use wforge_ports::store::{
    AuditEntry, BlobPage, BlobSweep, Change, ChangeError, Collection, Commit, CommitError,
    Document, IdempotentReply, KvPage, KvQuery, KvSpace, KvStanding, ReadError, Record,
    RecordError, Recorded, Remember, RememberError, RepliesSwept, ReplySweep, Snapshot, Store,
    StoreFigures,
};
use wforge_ports::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadRow, ThreadRun,
};
use wforge_ports::{AgentRuntime, BoxFuture, Clock, EffectSession};

/// Something that happened, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Called,
    Returned,
    CommitBegun { step: bool },
    CommitEnded,
}

/// The notes of all wrappers, in their order.
#[derive(Debug)]
pub(crate) struct Marks {
    clock: Arc<dyn Clock>,
    notes: Mutex<Vec<(Mark, u64)>>,
}

impl Marks {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, notes: Mutex::default() }
    }

    fn note(&self, mark: Mark) {
        let now = self.clock.monotonic_ns();
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).push((mark, now));
    }

    /// Takes what was noted so far.
    pub(crate) fn take(&self) -> Vec<(Mark, u64)> {
        std::mem::take(&mut *self.notes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A sandbox whose calls are noted.
#[derive(Debug)]
pub(crate) struct NotedRuntime<R> {
    pub(crate) inner: Arc<R>,
    pub(crate) marks: Arc<Marks>,
}

impl<R: AgentRuntime> AgentRuntime for NotedRuntime<R> {
    fn call<'a>(
        &'a self,
        call: &'a AgentCall,
        effects: &'a mut dyn EffectSession,
    ) -> BoxFuture<'a, Result<Execution, RuntimeError>> {
        Box::pin(async move {
            self.marks.note(Mark::Called);
            let execution = self.inner.call(call, effects).await;
            self.marks.note(Mark::Returned);
            execution
        })
    }

    fn prepare<'a>(
        &'a self,
        tenant: &'a TenantId,
        component: Digest,
    ) -> BoxFuture<'a, Result<(), RuntimeError>> {
        self.inner.prepare(tenant, component)
    }

    fn cpu_ms(&self, tenant: &TenantId) -> u64 {
        self.inner.cpu_ms(tenant)
    }

    fn figures(&self) -> RuntimeFigures {
        self.inner.figures()
    }
}

impl<R: PluginAdmission> PluginAdmission for NotedRuntime<R> {
    fn admit<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>> {
        self.inner.admit(tenant, bytes, gate)
    }

    fn forget(&self, component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>> {
        self.inner.forget(component)
    }
}

/// A store whose commits are noted.
#[derive(Debug)]
pub(crate) struct NotedStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) marks: Arc<Marks>,
}

/// Hands every other operation on as it is.
macro_rules! hand_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, $answer> {
            self.inner.$name($($argument),*)
        })*
    };
}

impl Store for NotedStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>> {
        Box::pin(async move {
            let ends = |kind: &EventKind| matches!(kind, EventKind::StepCommitted { .. });
            let step = commit.events.iter().any(|event| ends(&event.kind));
            self.marks.note(Mark::CommitBegun { step });
            let committed = self.inner.commit(commit).await;
            self.marks.note(Mark::CommitEnded);
            committed
        })
    }

    hand_on! {
        record(record: Record) -> Result<Recorded, RecordError>;
        change(change: Change) -> Result<Version, ChangeError>;
        remember(remember: Remember) -> Result<(), RememberError>;
        records(tenant: &'a TenantId, task: TaskId) -> Result<Vec<Record>, ReadError>;
        events(tenant: &'a TenantId, run: RunId, after: Seq, limit: usize)
            -> Result<Vec<StoredEvent>, ReadError>;
        head(tenant: &'a TenantId, run: RunId) -> Result<Option<RunHead>, ReadError>;
        heads(tenant: &'a TenantId, before: Option<RunId>, limit: usize)
            -> Result<Vec<RunHead>, ReadError>;
        waiting(tenant: &'a TenantId, after: Option<RunId>, limit: usize)
            -> Result<Vec<RunHead>, ReadError>;
        thread(tenant: &'a TenantId, thread: ThreadId) -> Result<Option<StoredThread>, ReadError>;
        threads(tenant: &'a TenantId, after: Option<ThreadId>, limit: usize)
            -> Result<Vec<ThreadRow>, ReadError>;
        thread_runs(
            tenant: &'a TenantId, thread: ThreadId, before: Option<Version>, limit: usize
        ) -> Result<Vec<ThreadRun>, ReadError>;
        forget(forget: Forget) -> Result<Forgotten, ChangeError>;
        leaving(tenant: &'a TenantId, limit: usize) -> Result<Vec<RunId>, ReadError>;
        forget_thread(forget: ForgetThread) -> Result<ThreadForgotten, ChangeError>;
        document(tenant: &'a TenantId, collection: Collection, key: &'a str)
            -> Result<Option<Document>, ReadError>;
        documents(
            tenant: &'a TenantId, collection: Collection, prefix: &'a str, after: Option<&'a str>,
            limit: usize
        ) -> Result<Vec<Document>, ReadError>;
        blobs(tenant: &'a TenantId, after: Option<Digest>, limit: usize, now: Timestamp)
            -> Result<BlobPage, ReadError>;
        sweep_blobs(sweep: BlobSweep) -> Result<Vec<Digest>, ChangeError>;
        memory(tenant: &'a TenantId, space: &'a KvSpace, key: &'a str)
            -> Result<KvStanding, ReadError>;
        memories(tenant: &'a TenantId, query: KvQuery<'a>) -> Result<KvPage, ReadError>;
        put_blob(tenant: &'a TenantId, bytes: Vec<u8>) -> Result<Digest, ChangeError>;
        blob(tenant: &'a TenantId, digest: Digest) -> Result<Option<Vec<u8>>, ReadError>;
        idempotent_reply(tenant: &'a TenantId, key: &'a str)
            -> Result<Option<IdempotentReply>, ReadError>;
        expire_replies(sweep: ReplySweep) -> Result<RepliesSwept, ChangeError>;
        save_snapshot(snapshot: Snapshot) -> Result<(), ChangeError>;
        snapshot(tenant: &'a TenantId, run: RunId) -> Result<Option<Snapshot>, ReadError>;
        audit(tenant: &'a TenantId, after: u64, limit: usize)
            -> Result<Vec<AuditEntry>, ReadError>;
        erase(tenant: TenantId) -> Result<(), ChangeError>;
        close() -> Result<(), ChangeError>;
    }

    fn documents_version(&self, tenant: &TenantId, collection: Collection) -> u64 {
        self.inner.documents_version(tenant, collection)
    }

    fn stored_bytes(&self, tenant: &TenantId) -> u64 {
        self.inner.stored_bytes(tenant)
    }

    fn figures(&self) -> StoreFigures {
        self.inner.figures()
    }
}
