//! The memory of run scope as of a checkpoint, with which a run begins that goes on from there.
//!
//! Every write is in the record of the effect that made it, with the version that the key got, and
//! versions only grow. So the memory as of a checkpoint is, of each key, the write with the highest
//! version among the records of the tasks that were planned by then; at a border all of them have
//! ended. Deletions are among the writes. Nothing is kept twice for it.

use std::collections::BTreeMap;

use wforge_model::event::RunStarted;
use wforge_model::{Checkpoint, RunId, TenantId, Timestamp, Version};
use wforge_ports::store::{KvExpected, KvQuery, KvSpace, KvWrite};

use crate::planned::planned;
use crate::request::EngineError;
use crate::service::Shared;

/// What a run begins to remember with. One that is begun with input remembers nothing yet.
pub(crate) async fn taken_over(
    shared: &Shared,
    tenant: &TenantId,
    run: RunId,
    started: &RunStarted,
) -> Result<Vec<KvWrite>, EngineError> {
    let mut fold = Fold::default();
    let mut next = started.base.filter(|_| !started.origin.is_input());
    while let Some(at) = next {
        next = fold.take(shared, tenant, at).await?;
    }
    Ok(fold.begin(run))
}

/// The newest write of each key.
#[derive(Debug, Default)]
struct Fold(BTreeMap<String, (Version, KvWrite)>);

impl Fold {
    /// Takes what a run wrote by a checkpoint, and says from which one it went on itself.
    async fn take(
        &mut self,
        shared: &Shared,
        tenant: &TenantId,
        at: Checkpoint,
    ) -> Result<Option<Checkpoint>, EngineError> {
        let space = KvSpace::Run(at.run);
        if is_untouched(shared, tenant, &space).await? {
            return Ok(None);
        }
        let planned = planned(shared, tenant, at.run, Some(at.seq)).await?;
        for task in planned.tasks {
            let records = shared.parts.store.records(tenant, task).await?;
            let writes = records.into_iter().flat_map(|record| record.kv);
            writes.filter(|write| write.space == space).for_each(|write| self.note(write));
        }
        Ok(planned.goes_on_from)
    }

    fn note(&mut self, write: KvWrite) {
        let version = write.expected.map_or(Version(0), |expected| expected.version);
        if self.0.get(&write.key).is_none_or(|(newest, _)| version > *newest) {
            self.0.insert(write.key.clone(), (version, write));
        }
    }

    /// The writes with which another run begins: also of keys that are gone, so that none of their
    /// versions comes again.
    fn begin(self, run: RunId) -> Vec<KvWrite> {
        let anew = |(version, write): (Version, KvWrite)| KvWrite {
            space: KvSpace::Run(run),
            expected: Some(KvExpected { found: Version(0), version }),
            ..write
        };
        self.0.into_values().map(anew).collect()
    }
}

/// Whether nothing was ever written to a space; most runs remember nothing.
async fn is_untouched(
    shared: &Shared,
    tenant: &TenantId,
    space: &KvSpace,
) -> Result<bool, EngineError> {
    let (prefix, after, now) = ("", None, Timestamp(0));
    let query = KvQuery { space, prefix, after, limit: 1, bytes_max: 0, now };
    let page = shared.parts.store.memories(tenant, query).await?;
    let standing = shared.parts.store.memory(tenant, space, "").await?;
    Ok(page.entries.is_empty() && standing.next == Version(1))
}
