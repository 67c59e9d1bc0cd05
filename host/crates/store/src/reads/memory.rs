//! What plugins remember.

use wforge_model::{TenantId, Version};
use wforge_ports::store::{KvEntry, KvPage, KvQuery, KvStanding};

use super::short_key;
use crate::error::Fault;
use crate::keys;
use crate::kv::{Order, Row, Rows};
use crate::rules::{SpaceRow, StoredEntry};
use crate::vault::Vault;

/// Rows that are looked at at once: each may hold a large value.
const PAGE_ROWS: usize = 64;

pub(crate) fn memory(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    space: &str,
    name: &str,
) -> Result<KvStanding, Fault> {
    let row_key = keys::memory(tenant, space, name);
    if let Some((version, body)) = vault.read(rows, tenant, &row_key)? {
        let entry = entry_of(&row_key, name, version, &body)?;
        let next = entry.version.next();
        return Ok(KvStanding { entry: Some(entry), next });
    }
    // Read after the entry: where that went in between, this says so.
    let held = SpaceRow::read(vault, rows, tenant, space)?;
    Ok(KvStanding { entry: None, next: Version(held.floor).next() })
}

pub(crate) fn memories(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    query: KvQuery<'_>,
) -> Result<KvPage, Fault> {
    let space = query.space.to_string();
    let mut range = keys::memories(tenant, &space, query.prefix);
    if let Some(name) = query.after {
        range = range.after(&keys::memory(tenant, &space, name));
    }
    let (mut page, mut bytes) = (KvPage::default(), 0_u64);
    loop {
        let found = rows.scan(&range, Order::Ascending, PAGE_ROWS)?;
        for Row { key, value } in &found {
            let (version, body) = vault.unpack(rows, tenant, key, value)?;
            let name = keys::memory_name(tenant, &space, key).ok_or_else(|| short_key(key))?;
            let stored = StoredEntry::of(key, &body)?;
            if stored.expires_at.is_some_and(|at| at <= query.now) {
                continue;
            }
            bytes = bytes.saturating_add(stored.bytes(name));
            let is_full = bytes > query.bytes_max && !page.entries.is_empty();
            if is_full || page.entries.len() >= query.limit {
                return Ok(KvPage { has_more: true, ..page });
            }
            page.entries.push(entry_of(key, name, version, &body)?);
        }
        match found.last() {
            Some(last) if found.len() == PAGE_ROWS => range = range.after(&last.key),
            Some(_) | None => return Ok(page),
        }
    }
}

fn entry_of(row_key: &[u8], name: &str, version: u64, body: &[u8]) -> Result<KvEntry, Fault> {
    let stored = StoredEntry::of(row_key, body)?;
    let value = crate::vault::decode(row_key, stored.json)?;
    let (key, version) = (name.to_owned(), Version(version));
    Ok(KvEntry { key, value, version, expires_at: stored.expires_at })
}
