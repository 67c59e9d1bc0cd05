//! The port over any backend: what the port names becomes an operation or a read over rows.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::BoxFuture;
use wforge_ports::store::{
    AuditEntry, BlobPage, BlobSweep, Change, ChangeError, Claim, Collection, Commit, CommitError,
    Document, Driver, IdempotentReply, KvPage, KvQuery, KvSpace, KvStanding, ReadError, Record,
    RecordError, Recorded, Remember, RememberError, RepliesSwept, ReplySweep, Snapshot, Store,
    StoreFigures,
};
use wforge_ports::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadRow, ThreadRun,
};

use crate::error::Fault;
use crate::kv::Rows;
use crate::lists::ListVersions;
use crate::reads;
use crate::rules::{
    ChangeDocuments, CommitRun, EraseTenant, Erased, ExpireReplies, ForgetOneThread, ForgetRun,
    Operation, PutBlob, RecordEffect, RememberEntry, SaveSnapshot, SweepBlobs,
};
use crate::vault::Vault;

/// Who puts operations in one line and makes their rows durable.
pub(crate) trait Backend: Debug + Send + Sync + 'static {
    /// Prepares, decides and makes durable.
    fn submit<O: Operation>(
        &self,
        operation: O,
    ) -> impl Future<Output = Result<O::Output, O::Error>> + Send;

    /// Reads rows; the read may be made twice, the first time in memory alone.
    fn read<T, R>(&self, read: R) -> impl Future<Output = Result<T, Fault>> + Send
    where
        T: Send + 'static,
        R: Fn(&Vault, &dyn Rows) -> Result<T, Fault> + Send + 'static;

    fn figures(&self) -> StoreFigures;

    fn vault(&self) -> &Vault;

    fn lists(&self) -> &ListVersions;

    /// The bytes of a tenant's rows and files.
    fn stored_bytes(&self, tenant: &TenantId) -> u64;

    /// Leaves no byte of a tenant whose rows were removed: no key, no file, no copy.
    fn scrub(&self, tenant: TenantId) -> impl Future<Output = Result<(), Fault>> + Send;

    fn close(&self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A store over a backend.
#[derive(Debug, Clone)]
pub struct StoreOf<B> {
    backend: Arc<B>,
}

impl<B> StoreOf<B> {
    pub(crate) fn over(backend: B) -> Self {
        Self { backend: Arc::new(backend) }
    }
}

fn find<'a, B, T, R>(store: &'a StoreOf<B>, read: R) -> BoxFuture<'a, Result<T, ReadError>>
where
    B: Backend,
    T: Send + 'static,
    R: Fn(&Vault, &dyn Rows) -> Result<T, Fault> + Send + 'static,
{
    store.backend.read(read).map(|found| found.map_err(ReadError::from)).boxed()
}

impl<B: Backend> Store for StoreOf<B> {
    fn commit(&self, commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>> {
        self.backend.submit(CommitRun::new(commit)).boxed()
    }

    fn record(&self, record: Record) -> BoxFuture<'_, Result<Recorded, RecordError>> {
        self.backend.submit(RecordEffect::new(record)).boxed()
    }

    fn change(&self, change: Change) -> BoxFuture<'_, Result<Version, ChangeError>> {
        self.backend.submit(ChangeDocuments::new(change)).boxed()
    }

    fn remember(&self, remember: Remember) -> BoxFuture<'_, Result<(), RememberError>> {
        self.backend.submit(RememberEntry::new(remember)).boxed()
    }

    fn records<'a>(
        &'a self,
        tenant: &'a TenantId,
        task: TaskId,
    ) -> BoxFuture<'a, Result<Vec<Record>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::records(vault, rows, &tenant, task))
    }

    fn events<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
        after: Seq,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::events(vault, rows, &tenant, run, after, limit))
    }

    fn head<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunHead>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::head(vault, rows, &tenant, run))
    }

    fn heads<'a>(
        &'a self,
        tenant: &'a TenantId,
        before: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::heads(vault, rows, &tenant, before, limit))
    }

    fn waiting<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<RunId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::waiting(vault, rows, &tenant, after, limit))
    }

    fn thread<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
    ) -> BoxFuture<'a, Result<Option<StoredThread>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::thread(vault, rows, &tenant, thread))
    }

    fn threads<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<ThreadId>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRow>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::threads(vault, rows, &tenant, after, limit))
    }

    fn thread_runs<'a>(
        &'a self,
        tenant: &'a TenantId,
        thread: ThreadId,
        before: Option<Version>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRun>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| {
            reads::thread_runs(vault, rows, &tenant, thread, before, limit)
        })
    }

    fn forget(&self, forget: Forget) -> BoxFuture<'_, Result<Forgotten, ChangeError>> {
        self.backend.submit(ForgetRun::new(forget)).boxed()
    }

    fn leaving<'a>(
        &'a self,
        tenant: &'a TenantId,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunId>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |_, rows| reads::leaving(rows, &tenant, limit))
    }

    fn forget_thread(
        &self,
        forget: ForgetThread,
    ) -> BoxFuture<'_, Result<ThreadForgotten, ChangeError>> {
        self.backend.submit(ForgetOneThread::new(forget)).boxed()
    }

    fn document<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, ReadError>> {
        let (tenant, key) = (tenant.clone(), key.to_owned());
        find(self, move |vault, rows| reads::document(vault, rows, &tenant, collection, &key))
    }

    fn documents<'a>(
        &'a self,
        tenant: &'a TenantId,
        collection: Collection,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, ReadError>> {
        let (tenant, prefix) = (tenant.clone(), prefix.to_owned());
        let after = after.map(ToOwned::to_owned);
        find(self, move |vault, rows| {
            let place = (collection, prefix.as_str());
            reads::documents(vault, rows, &tenant, place, after.as_deref(), limit)
        })
    }

    fn documents_version(&self, tenant: &TenantId, collection: Collection) -> u64 {
        self.backend.lists().of(tenant, collection)
    }

    fn memory<'a>(
        &'a self,
        tenant: &'a TenantId,
        space: &'a KvSpace,
        key: &'a str,
    ) -> BoxFuture<'a, Result<KvStanding, ReadError>> {
        let (tenant, space, key) = (tenant.clone(), space.to_string(), key.to_owned());
        find(self, move |vault, rows| reads::memory(vault, rows, &tenant, &space, &key))
    }

    fn memories<'a>(
        &'a self,
        tenant: &'a TenantId,
        query: KvQuery<'a>,
    ) -> BoxFuture<'a, Result<KvPage, ReadError>> {
        let (tenant, space, prefix) =
            (tenant.clone(), query.space.clone(), query.prefix.to_owned());
        let (after, KvQuery { limit, bytes_max, now, .. }) =
            (query.after.map(ToOwned::to_owned), query);
        find(self, move |vault, rows| {
            let (space, prefix, after) = (&space, prefix.as_str(), after.as_deref());
            let query = KvQuery { space, prefix, after, limit, bytes_max, now };
            reads::memories(vault, rows, &tenant, query)
        })
    }

    fn put_blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, ChangeError>> {
        self.backend.submit(PutBlob::new(tenant.clone(), bytes)).boxed()
    }

    fn blob<'a>(
        &'a self,
        tenant: &'a TenantId,
        digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::blob(vault, rows, &tenant, digest))
    }

    fn blobs<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: Option<Digest>,
        limit: usize,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<BlobPage, ReadError>> {
        let backend = Arc::clone(&self.backend);
        async move { Ok(crate::named::page(&*backend, tenant, (after, limit), now).await?) }.boxed()
    }

    fn sweep_blobs(&self, sweep: BlobSweep) -> BoxFuture<'_, Result<Vec<Digest>, ChangeError>> {
        self.backend.submit(SweepBlobs::new(sweep)).boxed()
    }

    fn idempotent_reply<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<IdempotentReply>, ReadError>> {
        let (tenant, key) = (tenant.clone(), key.to_owned());
        find(self, move |vault, rows| reads::idempotent_reply(vault, rows, &tenant, &key))
    }

    fn expire_replies(
        &self,
        sweep: ReplySweep,
    ) -> BoxFuture<'_, Result<RepliesSwept, ChangeError>> {
        async move {
            let (tenant, now) = (sweep.tenant.clone(), sweep.now);
            let found =
                self.backend.read(move |vault, rows| reads::expired_replies(vault, rows, &sweep));
            let (expired, last) = found.await?;
            if expired.is_empty() {
                return Ok(RepliesSwept { removed: 0, last });
            }
            let removed = self.backend.submit(ExpireReplies::new(tenant, expired, now)).await?;
            Ok(RepliesSwept { removed, last })
        }
        .boxed()
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ChangeError>> {
        self.backend.submit(SaveSnapshot::new(snapshot)).boxed()
    }

    fn snapshot<'a>(
        &'a self,
        tenant: &'a TenantId,
        run: RunId,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::snapshot(vault, rows, &tenant, run))
    }

    fn audit<'a>(
        &'a self,
        tenant: &'a TenantId,
        after: u64,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, ReadError>> {
        let tenant = tenant.clone();
        find(self, move |vault, rows| reads::audit(vault, rows, &tenant, after, limit))
    }

    fn stored_bytes(&self, tenant: &TenantId) -> u64 {
        self.backend.stored_bytes(tenant)
    }

    fn erase(&self, tenant: TenantId) -> BoxFuture<'_, Result<(), ChangeError>> {
        async move {
            self.backend.vault().keyring.close(&tenant);
            while self.backend.submit(EraseTenant::new(tenant.clone())).await? == Erased::Part {}
            Ok(self.backend.scrub(tenant).await?)
        }
        .boxed()
    }

    fn figures(&self) -> StoreFigures {
        self.backend.figures()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), ChangeError>> {
        self.backend.close().map(|closed| closed.map_err(ChangeError::from)).boxed()
    }
}

impl<B: Backend> Driver for StoreOf<B> {
    /// The same runs at every call, until they are done: whoever claims them drives them.
    /// A run that sleeps until somebody answers wakes at the end of time.
    fn claim(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Claim>, ReadError>> {
        find(self, move |vault, rows| reads::claim(vault, rows, limit))
    }
}
