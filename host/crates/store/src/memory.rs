//! A store that ends with its process: for tests, and for runs that nobody wants to keep.
//!
//! Everything but durability is as in the sled store, the sealing included.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use wforge_model::TenantId;
use wforge_ports::Entropy;
use wforge_ports::store::StoreFigures;

use crate::budget::{Budget, OPERATION_BYTES_MAX};
use crate::error::{Fault, Gone};
use crate::facade::{Backend, StoreOf};
use crate::keyring::Keyring;
use crate::kv::{Batch, Bytes, KeyRange, Order, Row, Rows, Writes, top_of};
use crate::lists::ListVersions;
use crate::rules::Operation;
use crate::usage::Usage;
use crate::vault::{Refused, Vault};

/// A store in memory.
pub type MemoryStore = StoreOf<Memory>;

/// What a store in memory needs of the world.
#[derive(Debug, Clone)]
pub struct StoreParts {
    /// For keys and nonces.
    pub entropy: Arc<dyn Entropy>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(parts: StoreParts) -> Self {
        Self::over(Memory {
            vault: Vault::new(Keyring::ephemeral(parts.entropy), None),
            rows: RwLock::default(),
            closed: AtomicBool::new(false),
            operations: AtomicU64::new(0),
            usage: Usage::default(),
            lists: ListVersions::default(),
        })
    }
}

/// The backend of [`MemoryStore`].
#[derive(Debug)]
pub struct Memory {
    vault: Vault,
    rows: RwLock<MemoryRows>,
    closed: AtomicBool,
    operations: AtomicU64,
    usage: Usage,
    lists: ListVersions,
}

impl Memory {
    fn check_open(&self) -> Result<(), Fault> {
        if self.closed.load(Ordering::Acquire) { Err(Gone::Closed.into()) } else { Ok(()) }
    }

    fn perform<O: Operation>(&self, mut operation: O) -> Result<O::Output, O::Error> {
        self.check_open()?;
        match operation.prepare(&self.vault, &mut Budget::new(OPERATION_BYTES_MAX)) {
            Ok(()) => {}
            Err(Refused::TooLarge(too_large)) => return Err(too_large.into()),
            Err(Refused::Fault(fault)) => return Err(fault.into()),
        }
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        let mut batch = Batch::default();
        let output = operation.decide(&self.vault, &*rows, &mut batch)?;
        self.usage.count(&*rows, &mut batch);
        // Nobody reads the rows until they are written: whoever waits for that sees them all.
        self.lists.written(batch.writes.keys().map(AsRef::as_ref));
        rows.write(batch.writes);
        operation.prepared().set_durable();
        self.operations.fetch_add(1, Ordering::Relaxed);
        Ok(output)
    }
}

impl Backend for Memory {
    async fn submit<O: Operation>(&self, operation: O) -> Result<O::Output, O::Error> {
        self.perform(operation)
    }

    async fn read<T, R>(&self, read: R) -> Result<T, Fault>
    where
        T: Send + 'static,
        R: Fn(&Vault, &dyn Rows) -> Result<T, Fault> + Send + 'static,
    {
        self.check_open()?;
        read(&self.vault, &*self.rows.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn figures(&self) -> StoreFigures {
        let operations = self.operations.load(Ordering::Relaxed);
        StoreFigures { kind: "memory", commits: operations, operations, ..StoreFigures::default() }
    }

    fn vault(&self) -> &Vault {
        &self.vault
    }

    fn lists(&self) -> &ListVersions {
        &self.lists
    }

    fn stored_bytes(&self, tenant: &TenantId) -> u64 {
        self.usage.of(tenant)
    }

    async fn scrub(&self, tenant: TenantId) -> Result<(), Fault> {
        self.vault.remove_files(&tenant)
    }

    async fn close(&self) -> Result<(), Fault> {
        self.closed.store(true, Ordering::Release);
        Ok(())
    }
}

/// Rows in a map.
#[derive(Debug, Default, Clone)]
pub(crate) struct MemoryRows(Writes);

impl MemoryRows {
    pub(crate) fn write(&mut self, writes: Writes) {
        for (key, value) in writes {
            match value {
                Some(_) => self.0.insert(key, value),
                None => self.0.remove(&key),
            };
        }
    }
}

impl Rows for MemoryRows {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        Ok(self.0.get(key).cloned().flatten())
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        let found = top_of(&self.0, range, order, limit, Clone::clone).into_iter();
        let rows = found.filter_map(|(key, value)| Some(Row { key, value: value? }));
        Ok(match order {
            Order::Ascending => rows.collect(),
            Order::Descending => rows.rev().collect(),
        })
    }
}
