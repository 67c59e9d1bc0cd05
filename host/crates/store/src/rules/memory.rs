//! The memory of plugins: entries with versions, what each space holds, and what has expired.
//!
//! An entry takes the version after the one that it replaces. Where there is none it takes one
//! above the space's floor, which is the highest version of all entries that went, so that a
//! version never comes again for a key and nothing of a deleted key needs to stay. Each write
//! removes a few of the space's entries that have expired; a space that nobody writes to keeps its
//! own.

use serde::{Deserialize, Serialize};
use wforge_model::{TenantId, Timestamp, Version};
use wforge_ports::store::{
    CommitError, KvExpected, KvRoom, KvSpace, KvUnit, KvWrite, RecordError, RememberError,
};

use crate::budget::Budget;
use crate::error::{Fault, TooLarge};
use crate::keyring::DataKey;
use crate::keys;
use crate::kv::{Batch, Layered, Order, Rows};
use crate::vault::{self, Body, Vault, what};

/// Expired entries that a write removes.
const SWEPT_MAX: usize = 64;
/// Expired entries that a write removes which has no room otherwise.
const SWEPT_FOR_ROOM_MAX: usize = 4_096;

/// What a space holds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct SpaceRow {
    keys: u64,
    /// Keys and values as JSON.
    bytes: u64,
    /// No entry that begins gets this version or a lower one.
    pub(crate) floor: u64,
}

impl SpaceRow {
    pub(crate) fn read(
        vault: &Vault,
        rows: &dyn Rows,
        tenant: &TenantId,
        space: &str,
    ) -> Result<Self, Fault> {
        let row_key = keys::space(tenant, space);
        let found = vault.read(rows, tenant, &row_key)?;
        found.map_or_else(|| Ok(Self::default()), |(_, json)| vault::decode(&row_key, &json))
    }

    /// Of what there is too much; what was too much before and has not grown is not.
    fn over(&self, room: Option<KvRoom>, before: &Self) -> Option<Over> {
        let KvRoom { keys_max, bytes_max } = room?;
        let is_over = |over: &Over, before: u64| over.would_be > over.max && over.would_be > before;
        let keys = Over { unit: KvUnit::Keys, would_be: self.keys, max: keys_max };
        let bytes = Over { unit: KvUnit::Bytes, would_be: self.bytes, max: bytes_max };
        let keys = Some(keys).filter(|keys| is_over(keys, before.keys));
        keys.or_else(|| Some(bytes).filter(|bytes| is_over(bytes, before.bytes)))
    }
}

/// Of what a space would hold too much.
#[derive(Debug)]
pub(super) struct Over {
    unit: KvUnit,
    would_be: u64,
    max: u64,
}

/// The body of an entry's row: when it expires as eight bytes, then its value as JSON. The number
/// of the row is its version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredEntry<'a> {
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) json: &'a [u8],
}

impl<'a> StoredEntry<'a> {
    /// Stands for an entry that does not expire.
    const NEVER: u64 = u64::MAX;

    pub(crate) fn of(row_key: &[u8], body: &'a [u8]) -> Result<Self, Fault> {
        let (at, json) = body
            .split_first_chunk::<8>()
            .ok_or_else(|| Fault::damaged(what(row_key), "it is cut short"))?;
        let at = u64::from_le_bytes(*at);
        Ok(Self { expires_at: (at != Self::NEVER).then_some(Timestamp(at)), json })
    }

    fn encode(self) -> Vec<u8> {
        let at = self.expires_at.map_or(Self::NEVER, |at| at.0);
        [at.to_le_bytes().as_slice(), self.json].concat()
    }

    /// What it counts in its space.
    pub(crate) const fn bytes(&self, name: &str) -> u64 {
        (name.len() + self.json.len()) as u64
    }
}

/// Why a write is not made.
#[derive(Debug)]
pub(super) enum KvRefused {
    Conflict { space: KvSpace, key: String },
    Full { space: KvSpace, over: Over },
    Fault(Fault),
}

impl From<Fault> for KvRefused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<KvRefused> for RecordError {
    fn from(refused: KvRefused) -> Self {
        match refused {
            KvRefused::Conflict { space, key } => Self::KvConflict { space, key },
            KvRefused::Full { space, over: Over { unit, max, .. } } => {
                Self::KvFull { space, unit, max }
            }
            KvRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<KvRefused> for RememberError {
    fn from(refused: KvRefused) -> Self {
        match refused {
            KvRefused::Conflict { space, key } => Self::Conflict { space, key },
            KvRefused::Full { space, over: Over { unit, max, .. } } => {
                Self::Full { space, unit, max }
            }
            KvRefused::Fault(fault) => fault.into(),
        }
    }
}

impl From<KvRefused> for CommitError {
    fn from(refused: KvRefused) -> Self {
        match refused {
            KvRefused::Conflict { space, key } => Self::KvConflict { space, key },
            KvRefused::Full { over: Over { would_be, max, .. }, .. } => {
                Self::TooLarge { bytes: would_be, limit: max }
            }
            KvRefused::Fault(fault) => fault.into(),
        }
    }
}

/// The values of writes, encoded ahead; none where a write deletes.
#[derive(Debug, Default)]
pub(super) struct Entries(Vec<Option<Vec<u8>>>);

impl Entries {
    pub(super) fn encode(writes: &[KvWrite], budget: &mut Budget) -> Result<Self, TooLarge> {
        let body = |write: &KvWrite| {
            budget.take_key(&[&write.space.to_string(), &write.key])?;
            let json = write.value.as_ref().map(|value| budget.encode(value)).transpose()?;
            Ok(json.map(|json| StoredEntry { expires_at: write.expires_at, json: &json }.encode()))
        };
        writes.iter().map(body).collect::<Result<_, _>>().map(Self)
    }

    /// Makes the writes, or says why one of them cannot be made; then nothing must be written.
    pub(super) fn write(
        &self,
        writer: &Writer<'_>,
        writes: &[KvWrite],
        batch: &mut Batch,
    ) -> Result<(), KvRefused> {
        for (write, body) in writes.iter().zip(&self.0) {
            writer.write(write, body.as_deref(), batch)?;
        }
        Ok(())
    }
}

/// Who writes, and when.
#[derive(Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) vault: &'a Vault,
    pub(super) key: &'a DataKey,
    pub(super) tenant: &'a TenantId,
    pub(super) now: Timestamp,
    pub(super) rows: &'a dyn Rows,
}

impl Writer<'_> {
    fn write(
        &self,
        write: &KvWrite,
        body: Option<&[u8]>,
        batch: &mut Batch,
    ) -> Result<(), KvRefused> {
        let space = write.space.to_string();
        let below = Layered { top: &batch.writes, below: self.rows };
        let before = SpaceRow::read(self.vault, &below, self.tenant, &space)?;
        let mut held = before;
        let found = self.remove(&space, &write.key, &mut held, batch)?;
        let version = version_of(write, found, before.floor)?;
        self.sweep(&space, SWEPT_MAX, &mut held, batch)?;
        let Some(body) = body else {
            held.floor = held.floor.max(version);
            return Ok(self.put_space(&space, &held, batch)?);
        };
        let entry = StoredEntry::of(space.as_bytes(), body)?;
        let grown = |held: &SpaceRow| SpaceRow {
            keys: held.keys.saturating_add(1),
            bytes: held.bytes.saturating_add(entry.bytes(&write.key)),
            floor: held.floor,
        };
        if grown(&held).over(write.room, &before).is_some() {
            self.sweep(&space, SWEPT_FOR_ROOM_MAX, &mut held, batch)?;
        }
        let held = grown(&held);
        if let Some(over) = held.over(write.room, &before) {
            return Err(KvRefused::Full { space: write.space.clone(), over });
        }
        self.put(&keys::memory(self.tenant, &space, &write.key), version, body.to_vec(), batch)?;
        if let Some(at) = entry.expires_at {
            let row_key = keys::expiry(self.tenant, &space, at, &write.key);
            self.put(&row_key, 0, Vec::new(), batch)?;
        }
        Ok(self.put_space(&space, &held, batch)?)
    }

    /// Takes an entry away; its version, or 0 where there is none.
    fn remove(
        &self,
        space: &str,
        name: &str,
        held: &mut SpaceRow,
        batch: &mut Batch,
    ) -> Result<u64, Fault> {
        let row_key = keys::memory(self.tenant, space, name);
        let below = Layered { top: &batch.writes, below: self.rows };
        let Some((version, body)) = self.vault.read(&below, self.tenant, &row_key)? else {
            return Ok(0);
        };
        let entry = StoredEntry::of(&row_key, &body)?;
        if let Some(at) = entry.expires_at {
            batch.delete(keys::expiry(self.tenant, space, at, name));
        }
        batch.delete(row_key);
        held.keys = held.keys.saturating_sub(1);
        held.bytes = held.bytes.saturating_sub(entry.bytes(name));
        Ok(version)
    }

    /// Removes entries that have expired, those that did so first.
    fn sweep(
        &self,
        space: &str,
        limit: usize,
        held: &mut SpaceRow,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let expired = keys::expired(self.tenant, space, self.now);
        let below = Layered { top: &batch.writes, below: self.rows };
        for row in below.scan(&expired, Order::Ascending, limit)? {
            let name = keys::expiring_name(self.tenant, space, &row.key)
                .ok_or_else(|| Fault::damaged(what(&row.key), "its key is malformed"))?;
            let version = self.remove(space, name, held, batch)?;
            held.floor = held.floor.max(version);
            batch.delete(row.key);
        }
        Ok(())
    }

    fn put_space(&self, space: &str, held: &SpaceRow, batch: &mut Batch) -> Result<(), Fault> {
        let json = serde_json::to_vec(held).map_err(|error| Fault::rows("encoding", error))?;
        self.put(&keys::space(self.tenant, space), 0, json, batch)
    }

    /// Entries ride in their rows whatever their size: whoever replaces one looks into it.
    fn put(
        &self,
        row_key: &[u8],
        number: u64,
        body: Vec<u8>,
        batch: &mut Batch,
    ) -> Result<(), Fault> {
        let row = self.vault.seal(self.key, row_key, number, &Body::Inline(body))?;
        batch.put(row_key, row);
        Ok(())
    }
}

/// The version that a write gets where the entry has `found`, or there is none and it is 0.
fn version_of(write: &KvWrite, found: u64, floor: u64) -> Result<u64, KvRefused> {
    let last = if found > 0 { found } else { floor };
    match write.expected {
        None => Ok(Version(last).next().0),
        Some(KvExpected { found: Version(expected), version: Version(version) })
            if expected == found && version > last =>
        {
            Ok(version)
        }
        Some(_) => Err(KvRefused::Conflict { space: write.space.clone(), key: write.key.clone() }),
    }
}
