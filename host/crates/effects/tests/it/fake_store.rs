//! A store that keeps records and nothing else. Somebody always writes a key of its memory between
//! a read and the write that follows from it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures::future::{BoxFuture, ready};
use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Digest, Epoch, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::Store;
use wforge_ports::store::{
    AuditEntry, BlobPage, BlobSweep, Change, ChangeError, Collection, Commit, CommitError,
    Document, IdempotentReply, KvPage, KvQuery, KvSpace, KvStanding, Phase, ReadError, Record,
    RecordError, Recorded, Remember, RememberError, RepliesSwept, ReplySweep, Snapshot,
    StoreFigures,
};
use wforge_ports::threads::{
    Forget, ForgetThread, Forgotten, StoredThread, ThreadForgotten, ThreadRow, ThreadRun,
};

type Place = (TenantId, TaskId, u32, u32, u8);

/// The records, and how often they were touched.
#[derive(Debug, Default)]
pub(crate) struct FakeStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Place, Record>,
    reads: u32,
    lease: Epoch,
    is_gone: bool,
}

impl FakeStore {
    /// What is recorded, one line each: attempt, position, phase, summary and answer.
    pub(crate) fn told(&self) -> Vec<String> {
        self.0.lock().unwrap().records.values().map(line).collect()
    }

    pub(crate) fn reads(&self) -> u32 {
        self.0.lock().unwrap().reads
    }

    /// From now on another process owns every run.
    pub(crate) fn lose_lease(&self) {
        self.0.lock().unwrap().lease = Epoch(7);
    }

    pub(crate) fn go_away(&self) {
        self.0.lock().unwrap().is_gone = true;
    }
}

fn line(record: &Record) -> String {
    let key = &record.key;
    let place = format!("{}/{}", key.attempt, key.position);
    match &record.phase {
        Phase::Intent(intent) => format!("{place} intends {}", intent.summary),
        Phase::Answer(record) => match &record.answer {
            Ok(value) => format!("{place} {} -> {value}", record.summary),
            Err(failure) => format!("{place} {} -> {}", record.summary, failure.code()),
        },
    }
}

impl Store for FakeStore {
    fn record(&self, record: Record) -> BoxFuture<'_, Result<Recorded, RecordError>> {
        let mut state = self.0.lock().unwrap();
        if state.is_gone {
            return Box::pin(ready(Err(RecordError::Unavailable("pulled out".into()))));
        }
        if let Some(write) = record.kv.first() {
            let (space, key) = (write.space.clone(), write.key.clone());
            return Box::pin(ready(Err(RecordError::KvConflict { space, key })));
        }
        if state.lease != record.lease {
            let lost = RecordError::LeaseLost { run: record.run, lease: record.lease };
            return Box::pin(ready(Err(lost)));
        }
        let key = &record.key;
        let tenant = record.tenant.clone();
        let place = (tenant, key.task, key.attempt, key.position, record.phase.ordinal());
        let recorded = match state.records.get(&place) {
            Some(first) => Recorded::Already(first.phase.clone()),
            None => {
                state.records.insert(place, record);
                Recorded::Written
            }
        };
        Box::pin(ready(Ok(recorded)))
    }

    fn records<'a>(
        &'a self,
        tenant: &'a TenantId,
        task: TaskId,
    ) -> BoxFuture<'a, Result<Vec<Record>, ReadError>> {
        let mut state = self.0.lock().unwrap();
        state.reads += 1;
        let records =
            state.records.iter().filter(|(place, _)| place.0 == *tenant && place.1 == task);
        Box::pin(ready(Ok(records.map(|(_, record)| record.clone()).collect())))
    }

    fn commit(&self, _commit: Commit) -> BoxFuture<'_, Result<Seq, CommitError>> {
        unused()
    }
    fn change(&self, _change: Change) -> BoxFuture<'_, Result<Version, ChangeError>> {
        unused()
    }
    fn remember(&self, _remember: Remember) -> BoxFuture<'_, Result<(), RememberError>> {
        unused()
    }
    fn events<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _run: RunId,
        _after: Seq,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>, ReadError>> {
        unused()
    }
    fn head<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _run: RunId,
    ) -> BoxFuture<'a, Result<Option<RunHead>, ReadError>> {
        unused()
    }
    fn heads<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _before: Option<RunId>,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        unused()
    }
    fn waiting<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _after: Option<RunId>,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunHead>, ReadError>> {
        unused()
    }
    fn thread<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _thread: ThreadId,
    ) -> BoxFuture<'a, Result<Option<StoredThread>, ReadError>> {
        unused()
    }
    fn threads<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _after: Option<ThreadId>,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRow>, ReadError>> {
        unused()
    }
    fn thread_runs<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _thread: ThreadId,
        _before: Option<Version>,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<ThreadRun>, ReadError>> {
        unused()
    }
    fn forget(&self, _forget: Forget) -> BoxFuture<'_, Result<Forgotten, ChangeError>> {
        unused()
    }
    fn leaving<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RunId>, ReadError>> {
        unused()
    }
    fn forget_thread(
        &self,
        _forget: ForgetThread,
    ) -> BoxFuture<'_, Result<ThreadForgotten, ChangeError>> {
        unused()
    }
    fn expire_replies(
        &self,
        _sweep: ReplySweep,
    ) -> BoxFuture<'_, Result<RepliesSwept, ChangeError>> {
        unused()
    }
    fn document<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _collection: Collection,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<Option<Document>, ReadError>> {
        unused()
    }
    fn documents<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _collection: Collection,
        _prefix: &'a str,
        _after: Option<&'a str>,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Document>, ReadError>> {
        unused()
    }
    fn documents_version(&self, _tenant: &TenantId, _collection: Collection) -> u64 {
        unused()
    }
    fn memory<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _space: &'a KvSpace,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<KvStanding, ReadError>> {
        Box::pin(ready(Ok(KvStanding { entry: None, next: Version(1) })))
    }
    fn memories<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _query: KvQuery<'a>,
    ) -> BoxFuture<'a, Result<KvPage, ReadError>> {
        unused()
    }
    fn put_blob<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _bytes: Vec<u8>,
    ) -> BoxFuture<'a, Result<Digest, ChangeError>> {
        unused()
    }
    fn blob<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _digest: Digest,
    ) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReadError>> {
        unused()
    }
    fn blobs<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _after: Option<Digest>,
        _limit: usize,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<BlobPage, ReadError>> {
        unused()
    }
    fn sweep_blobs(&self, _sweep: BlobSweep) -> BoxFuture<'_, Result<Vec<Digest>, ChangeError>> {
        unused()
    }
    fn idempotent_reply<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _key: &'a str,
    ) -> BoxFuture<'a, Result<Option<IdempotentReply>, ReadError>> {
        unused()
    }
    fn save_snapshot(&self, _snapshot: Snapshot) -> BoxFuture<'_, Result<(), ChangeError>> {
        unused()
    }
    fn snapshot<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _run: RunId,
    ) -> BoxFuture<'a, Result<Option<Snapshot>, ReadError>> {
        unused()
    }
    fn audit<'a>(
        &'a self,
        _tenant: &'a TenantId,
        _after: u64,
        _limit: usize,
    ) -> BoxFuture<'a, Result<Vec<AuditEntry>, ReadError>> {
        unused()
    }
    fn stored_bytes(&self, _tenant: &TenantId) -> u64 {
        0
    }
    fn erase(&self, _tenant: TenantId) -> BoxFuture<'_, Result<(), ChangeError>> {
        unused()
    }
    fn figures(&self) -> StoreFigures {
        StoreFigures::default()
    }
    fn close(&self) -> BoxFuture<'_, Result<(), ChangeError>> {
        unused()
    }
}

/// Effects have no business with the rest of the store.
fn unused<T>() -> T {
    panic!("effects use records only")
}
