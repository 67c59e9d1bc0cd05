//! Memory with versions, as the host's: in each scope a version grows with every write of its key,
//! a deletion being one, and never comes again.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::Failure;
use crate::kv::{Entry, Page, Scope};

/// The largest page, as a host has it.
const PAGE_ENTRIES_MAX: u32 = 1_000;
/// The longest key, as a host has it.
const KEY_BYTES_MAX: usize = 512;
/// The largest value as JSON, as a host has it. How much fits in all is not counted.
const VALUE_BYTES_MAX: usize = 256 << 10;

/// Refuses a key or prefix, and a value, that is too large.
pub(super) fn check(key: &str, value: &str) -> Result<(), Failure> {
    if key.len() > KEY_BYTES_MAX {
        let message = format!("a key may have at most {KEY_BYTES_MAX} bytes");
        return Err(Failure::limit("kv_key_bytes", message));
    }
    if value.len() > VALUE_BYTES_MAX {
        let message = format!("a value may have at most {VALUE_BYTES_MAX} bytes as JSON");
        return Err(Failure::limit("kv_value_bytes", message));
    }
    Ok(())
}

#[derive(Debug, Default)]
pub(super) struct Memory {
    scopes: BTreeMap<Scope, BTreeMap<String, Slot>>,
    now_ms: u64,
}

#[derive(Debug, Default)]
struct Slot {
    version: u64,
    value: Option<String>,
    expires_ms: Option<u64>,
}

impl Memory {
    /// From now on it is that late.
    pub(super) fn at(&mut self, now_ms: u64) -> &mut Self {
        self.now_ms = now_ms;
        self
    }

    pub(super) fn get(&self, scope: Scope, key: &str) -> Option<Entry> {
        self.scopes.get(&scope)?.get(key)?.entry(key, self.now_ms)
    }

    pub(super) fn set(
        &mut self,
        scope: Scope,
        key: &str,
        value: &str,
        ttl_ms: Option<u64>,
    ) -> Entry {
        let expires_ms = ttl_ms.map(|ms| self.now_ms.saturating_add(ms));
        let slot = self.scopes.entry(scope).or_default().entry(key.to_owned()).or_default();
        let version = slot.version + 1;
        *slot = Slot { version, value: Some(value.to_owned()), expires_ms };
        Entry { key: key.to_owned(), value: value.to_owned(), version }
    }

    pub(super) fn delete(&mut self, scope: Scope, key: &str) -> bool {
        let Some(Entry { version, .. }) = self.get(scope, key) else {
            return false;
        };
        let slot = Slot { version: version + 1, ..Slot::default() };
        self.scopes.entry(scope).or_default().insert(key.to_owned(), slot);
        true
    }

    pub(super) fn swap(
        &mut self,
        scope: Scope,
        key: &str,
        expected: Option<u64>,
        value: &str,
    ) -> bool {
        let found = self.get(scope, key).map(|entry| entry.version);
        let fits = found == expected;
        if fits {
            self.set(scope, key, value, None);
        }
        fits
    }

    pub(super) fn list(
        &self,
        scope: Scope,
        prefix: &str,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Failure> {
        if !(1..=PAGE_ENTRIES_MAX).contains(&limit) {
            let message = format!("a page has 1 to {PAGE_ENTRIES_MAX} entries");
            return Err(Failure::invalid_input("kv_page_entries", message));
        }
        let none = BTreeMap::new();
        let after = cursor.map_or(Bound::Included(prefix), Bound::Excluded);
        let slots = self.scopes.get(&scope).unwrap_or(&none);
        let mut entries = slots
            .range::<str, _>((after, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter_map(|(key, slot)| slot.entry(key, self.now_ms))
            .peekable();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page: Vec<Entry> = entries.by_ref().take(limit).collect();
        let more = entries.peek().is_some();
        let cursor = page.last().filter(|_| more).map(|entry| entry.key.clone());
        Ok(Page { entries: page, cursor })
    }
}

impl Slot {
    fn entry(&self, key: &str, now_ms: u64) -> Option<Entry> {
        let lives = self.expires_ms.is_none_or(|expires_ms| now_ms < expires_ms);
        let value = self.value.as_ref().filter(|_| lives)?.clone();
        Some(Entry { key: key.to_owned(), value, version: self.version })
    }
}
