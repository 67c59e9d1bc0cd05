//! A number for each list of documents that changes when one of them is written, so that whoever
//! keeps what was listed knows when to list again.

use std::hash::Hasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use wforge_model::TenantId;
use wforge_ports::store::Collection;

use crate::keys;

/// Numbers, however many lists there are: those that share one are listed again once too often.
const NUMBERS: usize = 1_024;

/// The numbers.
#[derive(Debug)]
pub(crate) struct ListVersions(Box<[AtomicU64]>);

impl Default for ListVersions {
    fn default() -> Self {
        Self((0..NUMBERS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl ListVersions {
    /// To be called before the list is read: what is written in between makes it old.
    pub(crate) fn of(&self, tenant: &TenantId, collection: Collection) -> u64 {
        let list = keys::documents(tenant, collection, "").from;
        self.number(&list).map_or(0, |number| number.load(Ordering::Acquire))
    }

    /// To be called when the rows can be read, and before anybody is told that they are written.
    pub(crate) fn written<'k>(&self, keys: impl Iterator<Item = &'k [u8]>) {
        for number in keys.filter_map(keys::list_of).filter_map(|list| self.number(list)) {
            number.fetch_add(1, Ordering::Release);
        }
    }

    #[expect(clippy::disallowed_types, reason = "the value is used in this process only")]
    fn number(&self, list: &[u8]) -> Option<&AtomicU64> {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(list);
        let place = usize::try_from(hasher.finish() % NUMBERS as u64).ok()?;
        self.0.get(place)
    }
}
