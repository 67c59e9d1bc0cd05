//! A store that fails when a test says so: before or after a commit, as a crash does.

use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::store::{
    AuditEntry, BlobPage, BlobSweep, Change, ChangeError, Claim, Collection, Commit, CommitError,
    Document, IdempotentReply, KvPage, KvQuery, KvSpace, KvStanding, ReadError, Record,
    RecordError, Recorded, Remember, RememberError, RepliesSwept, ReplySweep, Snapshot,
    StoreFigures,
};
use wforge_ports::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadRow, ThreadRun,
};
use wforge_ports::{BoxFuture, Driver, Store};

use crate::store::Backend;

/// When the store fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    /// At the so many-th commit from now, from 1.
    pub commit: u64,
    /// Whether that commit was made durable before its caller was told otherwise.
    pub durable: bool,
}

/// A store in front of another one, which it leaves as it is. From its crash on it answers nothing:
/// whoever goes on does so on the store behind it.
#[derive(Debug)]
pub struct FaultyStore {
    behind: Arc<dyn Backend>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    crash: Option<Crash>,
    commits: u64,
    down: bool,
}

/// What becomes of a commit.
enum Fate {
    Kept,
    KeptUnsaid,
    Lost,
}

impl FaultyStore {
    /// A store that fails once, or never.
    #[must_use]
    pub fn new(behind: Arc<dyn Backend>, crash: Option<Crash>) -> Self {
        Self { behind, state: Mutex::new(State { crash, commits: 0, down: false }) }
    }

    /// Whether it has failed.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.state().down
    }

    /// Commits so far, the one at which it failed included.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.state().commits
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fate(&self) -> Fate {
        let mut state = self.state();
        if state.down {
            return Fate::Lost;
        }
        state.commits += 1;
        match state.crash {
            Some(crash) if crash.commit == state.commits => {
                state.down = true;
                if crash.durable { Fate::KeptUnsaid } else { Fate::Lost }
            }
            Some(_) | None => Fate::Kept,
        }
    }

    /// What the store behind answers, unless this one is down.
    async fn ask<T, E>(
        &self,
        answer: BoxFuture<'_, Result<T, E>>,
        lost: fn(wforge_ports::BoxError) -> E,
    ) -> Result<T, E> {
        if self.is_down() {
            return Err(lost("the store has crashed".into()));
        }
        let answer = answer.await;
        // What it would have said after the crash is not heard any more.
        if self.is_down() { Err(lost("the store has crashed".into())) } else { answer }
    }
}

impl Store for FaultyStore {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>> {
        let lost = || Err(CommitError::Unavailable("the store has crashed".into()));
        async move {
            match self.fate() {
                Fate::Kept => self.behind.commit(commit).await,
                Fate::KeptUnsaid => {
                    // Whatever it answers, nobody hears of it.
                    let _ = self.behind.commit(commit).await;
                    lost()
                }
                Fate::Lost => lost(),
            }
        }
        .boxed()
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<Recorded, RecordError>> {
        self.ask(self.behind.record(record), RecordError::Unavailable).boxed()
    }

    fn change(&self, change: Change) -> BoxFuture<'_, Result<Version, ChangeError>> {
        self.ask(self.behind.change(change), ChangeError::Unavailable).boxed()
    }

    fn remember(&self, remember: Remember) -> BoxFuture<'_, Result<(), RememberError>> {
        self.ask(self.behind.remember(remember), RememberError::Unavailable).boxed()
    }

    fn records<'a>(
        &'a self,
        tenant: &'a TenantId,
        task: TaskId,
    ) -> BoxFuture<'a, Result<Vec<Record>, ReadError>> {
        self.ask(self.behind.records(tenant, task), ReadError::Unavailable).boxed()
    }

    fn events<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
        after: Seq,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>, ReadError>> {
        self.ask(self.behind.events(tenant, run, after, limit), ReadError::Unavailable).boxed()
    }

    fn head<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunHead>, ReadError>> {
        self.ask(self.behind.head(tenant, run), ReadError::Unavailable).boxed()
    }

    fn heads<'a>(
        &'a self,
        tenant: &'a TenantId,
        before: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        self.ask(self.behind.heads(tenant, before, limit), ReadError::Unavailable).boxed()
    }

    fn waiting<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        self.ask(self.behind.waiting(tenant, after, limit), ReadError::Unavailable).boxed()
    }

    fn thread<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
    ) -> BoxFuture<'a, Result<Option<StoredThread>, ReadError>> {
        self.ask(self.behind.thread(tenant, thread), ReadError::Unavailable).boxed()
    }

    fn threads<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<ThreadId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRow>, ReadError>> {
        self.ask(self.behind.threads(tenant, after, limit), ReadError::Unavailable).boxed()
    }

    fn thread_runs<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
        before: Option<Version>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRun>, ReadError>> {
        let found = self.behind.thread_runs(tenant, thread, before, limit);
        self.ask(found, ReadError::Unavailable).boxed()
    }

    fn forget(&self, forget: Forget) -> BoxFuture<'_, Result<Forgotten, ChangeError>> {
        self.ask(self.behind.forget(forget), ChangeError::Unavailable).boxed()
    }

    fn leaving<'a>(
        &'a self,
        tenant: &'a TenantId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunId>, ReadError>> {
        self.ask(self.behind.leaving(tenant, limit), ReadError::Unavailable).boxed()
    }

    fn forget_thread(
        &self,
        forget: ForgetThread,
    ) -> BoxFuture<'_, Result<ThreadForgotten, ChangeError>> {
        self.ask(self.behind.forget_thread(forget), ChangeError::Unavailable).boxed()
    }

    fn document<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, ReadError>> {
        self.ask(self.behind.document(tenant, collection, key), ReadError::Unavailable).boxed()
    }

    fn documents<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, ReadError>> {
        let found = self.behind.documents(tenant, collection, prefix, after, limit);
        self.ask(found, ReadError::Unavailable).boxed()
    }

    fn documents_version(&self, tenant: &TenantId, collection: Collection) -> u64 {
        self.behind.documents_version(tenant, collection)
    }

    fn memory<'a>(
        &'a self,
        tenant: &'a TenantId,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<KvStanding, ReadError>> {
        self.ask(self.behind.memory(tenant, space, key), ReadError::Unavailable).boxed()
    }

    fn memories<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: KvQuery<'a>,
    ) -> BoxFuture<'a, Result<KvPage, ReadError>> {
        self.ask(self.behind.memories(tenant, query), ReadError::Unavailable).boxed()
    }

    fn put_blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, ChangeError>> {
        self.ask(self.behind.put_blob(tenant, bytes), ChangeError::Unavailable).boxed()
    }

    fn blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReadError>> {
        self.ask(self.behind.blob(tenant, digest), ReadError::Unavailable).boxed()
    }

    fn blobs<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<Digest>,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<BlobPage, ReadError>> {
        self.ask(self.behind.blobs(tenant, after, limit, now), ReadError::Unavailable).boxed()
    }

    fn sweep_blobs(&self, sweep: BlobSweep) -> BoxFuture<'_, Result<Vec<Digest>, ChangeError>> {
        self.ask(self.behind.sweep_blobs(sweep), ChangeError::Unavailable).boxed()
    }

    fn idempotent_reply<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<IdempotentReply>, ReadError>> {
        self.ask(self.behind.idempotent_reply(tenant, key), ReadError::Unavailable).boxed()
    }

    fn expire_replies(
        &self,
        sweep: ReplySweep,
    ) -> BoxFuture<'_, Result<RepliesSwept, ChangeError>> {
        self.ask(self.behind.expire_replies(sweep), ChangeError::Unavailable).boxed()
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ChangeError>> {
        self.ask(self.behind.save_snapshot(snapshot), ChangeError::Unavailable).boxed()
    }

    fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, ReadError>> {
        self.ask(self.behind.snapshot(tenant, run), ReadError::Unavailable).boxed()
    }

    fn audit<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, ReadError>> {
        self.ask(self.behind.audit(tenant, after, limit), ReadError::Unavailable).boxed()
    }

    fn stored_bytes(&self, tenant: &TenantId) -> u64 {
        self.behind.stored_bytes(tenant)
    }

    fn erase(&self, tenant: TenantId) -> BoxFuture<'_, Result<(), ChangeError>> {
        self.ask(self.behind.erase(tenant), ChangeError::Unavailable).boxed()
    }

    fn figures(&self) -> StoreFigures {
        self.behind.figures()
    }

    /// Leaves the store behind open, for whoever goes on.
    fn close(&self) -> BoxFuture<'_, Result<(), ChangeError>> {
        futures::future::ready(Ok(())).boxed()
    }
}

impl Driver for FaultyStore {
    fn claim(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Claim>, ReadError>> {
        self.ask(self.behind.claim(limit), ReadError::Unavailable).boxed()
    }
}
