//! One phase of one effect: the first writer's stands.

use serde::{Deserialize, Serialize};
use wforge_model::{Epoch, RunId};
use wforge_ports::store::{KvWrite, Phase, Record, RecordError, Recorded};

use super::memory::{self, Writer};
use super::{LEASE, Operation, Prepared};
use crate::budget::Budget;
use crate::keys;
use crate::kv::{Batch, Rows};
use crate::vault::{self, Refused, Vault};

/// What the row of a record holds; tenant and place are in its key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRecord {
    pub(crate) run: RunId,
    pub(crate) lease: Epoch,
    pub(crate) phase: Phase,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kv: Vec<KvWrite>,
}

/// The same, borrowed for writing.
#[derive(Serialize)]
struct RecordRow<'a> {
    run: RunId,
    lease: Epoch,
    phase: &'a Phase,
    #[serde(skip_serializing_if = "<[KvWrite]>::is_empty")]
    kv: &'a [KvWrite],
}

#[derive(Debug)]
pub(crate) struct RecordEffect {
    record: Record,
    entries: memory::Entries,
    prepared: Prepared,
}

impl RecordEffect {
    pub(crate) fn new(record: Record) -> Self {
        Self { record, entries: memory::Entries::default(), prepared: Prepared::default() }
    }

    fn row_key(&self) -> Vec<u8> {
        keys::record(&self.record.tenant, &self.record.key, self.record.phase.ordinal())
    }
}

impl Operation for RecordEffect {
    type Output = Recorded;
    type Error = RecordError;

    fn prepare(&mut self, vault: &Vault, budget: &mut Budget) -> Result<(), Refused> {
        let Record { tenant, run, lease, phase, kv, .. } = &self.record;
        self.prepared.start(vault, tenant)?;
        let json = budget.encode(&RecordRow { run: *run, lease: *lease, phase, kv })?;
        let row_key = self.row_key();
        let row = self.prepared.seal(vault, tenant, &row_key, json)?;
        self.prepared.fresh.push((row_key.into(), row));
        self.entries = memory::Entries::encode(kv, budget)?;
        Ok(())
    }

    fn decide(
        &mut self,
        vault: &Vault,
        rows: &dyn Rows,
        batch: &mut Batch,
    ) -> Result<Recorded, RecordError> {
        let Record { tenant, run, lease, .. } = &self.record;
        if *lease != LEASE {
            return Err(RecordError::LeaseLost { run: *run, lease: *lease });
        }
        let row_key = self.row_key();
        if let Some((_, json)) = vault.read(rows, tenant, &row_key)? {
            let first: StoredRecord = vault::decode(&row_key, &json)?;
            return Ok(Recorded::Already(first.phase));
        }
        let (key, now) = (self.prepared.key()?, self.record.phase.at());
        let writer = Writer { vault, key, tenant, now, rows };
        self.entries.write(&writer, &self.record.kv, batch)?;
        self.prepared.write(vault, tenant, rows, batch)?;
        Ok(Recorded::Written)
    }

    fn prepared(&mut self) -> &mut Prepared {
        &mut self.prepared
    }
}
