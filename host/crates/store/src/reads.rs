//! What each read of the port finds in rows: the same for every backend.

use wforge_model::event::StoredEvent;
use wforge_model::head::RunHead;
use wforge_model::{Digest, RunId, Seq, TaskId, TenantId, ThreadId, Timestamp, Version};
use wforge_ports::store::{
    AuditEntry, Claim, Collection, Document, IdempotentReply, Record, ReplySweep, Snapshot,
};
use wforge_ports::threads::{StoredThread, ThreadRow, ThreadRun};

use crate::error::Fault;
use crate::keys;
use crate::kv::{KeyRange, Order, Row, Rows};
use crate::rules::{LEASE, StoredRecord};
use crate::vault::{Vault, decode, what};

mod memory;

pub(crate) use memory::{memories, memory};

/// Rows of a list that are asked for at once where some of them may not count.
const PAGE_ROWS: usize = 256;

pub(crate) fn head(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    run: RunId,
) -> Result<Option<RunHead>, Fault> {
    let row_key = keys::head(tenant, run);
    let found = vault.read(rows, tenant, &row_key)?;
    found.map(|(_, json)| decode(&row_key, &json)).transpose()
}

pub(crate) fn heads(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    before: Option<RunId>,
    limit: usize,
) -> Result<Vec<RunHead>, Fault> {
    let mut range = keys::heads(tenant);
    if let Some(run) = before {
        range = range.before(&keys::head(tenant, run));
    }
    decode_all(vault, rows, tenant, &range, Order::Descending, limit)
}

/// The rows of runs that wait for a person. A run that does not any more since the scan is passed
/// over.
pub(crate) fn waiting(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    after: Option<RunId>,
    limit: usize,
) -> Result<Vec<RunHead>, Fault> {
    let mut range = keys::all_waiting(tenant);
    if let Some(run) = after {
        range = range.after(&keys::waiting(tenant, run));
    }
    let mut heads = Vec::new();
    for row in rows.scan(&range, Order::Ascending, limit)? {
        let run = keys::tail_run(&row.key).ok_or_else(|| short_key(&row.key))?;
        heads.extend(head(vault, rows, tenant, run)?);
    }
    Ok(heads)
}

pub(crate) fn thread(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    thread: ThreadId,
) -> Result<Option<StoredThread>, Fault> {
    let row_key = keys::thread(tenant, thread);
    let Some((version, json)) = vault.read(rows, tenant, &row_key)? else { return Ok(None) };
    Ok(Some(StoredThread { version: Version(version), row: decode(&row_key, &json)? }))
}

pub(crate) fn threads(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    after: Option<ThreadId>,
    limit: usize,
) -> Result<Vec<ThreadRow>, Fault> {
    let mut range = keys::threads(tenant);
    if let Some(thread) = after {
        range = range.after(&keys::thread(tenant, thread));
    }
    decode_all(vault, rows, tenant, &range, Order::Ascending, limit)
}

pub(crate) fn thread_runs(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    thread: ThreadId,
    before: Option<Version>,
    limit: usize,
) -> Result<Vec<ThreadRun>, Fault> {
    let mut range = keys::thread_runs(tenant, thread);
    if let Some(place) = before {
        range = range.before(&keys::thread_run(tenant, thread, place));
    }
    let found = rows.scan(&range, Order::Descending, limit)?;
    found
        .iter()
        .map(|row| {
            let (_, body) = vault.unpack(rows, tenant, &row.key, &row.value)?;
            let run = <[u8; 16]>::try_from(body.as_slice());
            let run = run.map_err(|_| Fault::damaged(what(&row.key), "it names no run"))?;
            let place = Version(tail_number(&row.key)?);
            Ok(ThreadRun { place, run: RunId::from_bytes(run) })
        })
        .collect()
}

pub(crate) fn events(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    run: RunId,
    after: Seq,
    limit: usize,
) -> Result<Vec<StoredEvent>, Fault> {
    let range = keys::events(tenant, run).after(&keys::event(tenant, run, after));
    let found = rows.scan(&range, Order::Ascending, limit)?;
    found
        .iter()
        .map(|row| {
            let (_, json) = vault.unpack(rows, tenant, &row.key, &row.value)?;
            let seq = tail_number(&row.key)?;
            Ok(StoredEvent { seq: Seq(seq), event: decode(&row.key, &json)? })
        })
        .collect()
}

pub(crate) fn records(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    task: TaskId,
) -> Result<Vec<Record>, Fault> {
    let found = rows.scan(&keys::records(tenant, task), Order::Ascending, usize::MAX)?;
    found
        .iter()
        .map(|row| {
            let (_, json) = vault.unpack(rows, tenant, &row.key, &row.value)?;
            let StoredRecord { run, lease, phase, kv } = decode(&row.key, &json)?;
            let key = keys::record_key(&row.key).ok_or_else(|| short_key(&row.key))?;
            Ok(Record { tenant: tenant.clone(), run, lease, key, phase, kv })
        })
        .collect()
}

pub(crate) fn document(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    collection: Collection,
    name: &str,
) -> Result<Option<Document>, Fault> {
    let row_key = keys::document(tenant, collection, name);
    let Some((version, json)) = vault.read(rows, tenant, &row_key)? else { return Ok(None) };
    document_of(tenant, &row_key, version, &json)
}

/// At most `limit` documents; those that were deleted do not count.
pub(crate) fn documents(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    (collection, prefix): (Collection, &str),
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Document>, Fault> {
    let mut range = keys::documents(tenant, collection, prefix);
    if let Some(name) = after {
        range = range.after(&keys::document(tenant, collection, name));
    }
    let mut found = Vec::new();
    while found.len() < limit {
        let page = rows.scan(&range, Order::Ascending, PAGE_ROWS)?;
        for Row { key, value } in &page {
            // A row that was replaced since the scan is read again.
            let opened = match vault.unpack(rows, tenant, key, value) {
                Err(Fault::Damaged { .. }) => vault.read(rows, tenant, key)?,
                opened => Some(opened?),
            };
            let Some((version, json)) = opened else { continue };
            found.extend(document_of(tenant, key, version, &json)?);
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE_ROWS) else { break };
        range = range.after(&last.key);
    }
    found.truncate(limit);
    Ok(found)
}

/// None where nothing but the version was left behind.
fn document_of(
    tenant: &TenantId,
    row_key: &[u8],
    version: u64,
    json: &[u8],
) -> Result<Option<Document>, Fault> {
    if json.is_empty() {
        return Ok(None);
    }
    let name = keys::document_name(tenant, row_key).ok_or_else(|| short_key(row_key))?;
    let value = decode(row_key, json)?;
    Ok(Some(Document { key: name.to_owned(), version: Version(version), value }))
}

pub(crate) fn blob(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    digest: Digest,
) -> Result<Option<Vec<u8>>, Fault> {
    let row_key = keys::blob(tenant, &digest);
    let Some((_, bytes)) = vault.read(rows, tenant, &row_key)? else { return Ok(None) };
    if crate::rules::digest_of(&bytes) != digest {
        return Err(Fault::damaged(format!("blob {digest}"), "its bytes have another digest"));
    }
    Ok(Some(bytes))
}

pub(crate) fn idempotent_reply(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    name: &str,
) -> Result<Option<IdempotentReply>, Fault> {
    let row_key = keys::reply(tenant, name);
    let found = vault.read(rows, tenant, &row_key)?;
    found.map(|(_, json)| decode(&row_key, &json)).transpose()
}

/// The names of those of some replies that have expired, and of the last that was looked at; none:
/// there are no more.
pub(crate) fn expired_replies(
    vault: &Vault,
    rows: &dyn Rows,
    sweep: &ReplySweep,
) -> Result<(Vec<String>, Option<String>), Fault> {
    let ReplySweep { tenant, after, limit, now } = sweep;
    let mut range = keys::replies(tenant);
    if let Some(name) = after {
        range = range.after(&keys::reply(tenant, name));
    }
    let (mut expired, mut last) = (Vec::new(), None);
    for row in rows.scan(&range, Order::Ascending, *limit)? {
        let name = keys::reply_name(tenant, &row.key).ok_or_else(|| short_key(&row.key))?;
        // A row that was replaced or removed since the scan is read again.
        let reply = match vault.unpack(rows, tenant, &row.key, &row.value) {
            Err(Fault::Damaged { .. }) => idempotent_reply(vault, rows, tenant, name)?,
            opened => Some(decode::<IdempotentReply>(&row.key, &opened?.1)?),
        };
        if reply.is_some_and(|reply| reply.expires_at <= *now) {
            expired.push(name.to_owned());
        }
        last = Some(name.to_owned());
    }
    Ok((expired, last))
}

/// The runs of which rows are left though they were forgotten.
pub(crate) fn leaving(
    rows: &dyn Rows,
    tenant: &TenantId,
    limit: usize,
) -> Result<Vec<RunId>, Fault> {
    let found = rows.scan(&keys::all_leaving(tenant), Order::Ascending, limit)?;
    found.iter().map(|row| keys::tail_run(&row.key).ok_or_else(|| short_key(&row.key))).collect()
}

pub(crate) fn snapshot(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    run: RunId,
) -> Result<Option<Snapshot>, Fault> {
    let found = rows.scan(&keys::snapshots(tenant, run), Order::Descending, 1)?;
    let Some(row) = found.first() else { return Ok(None) };
    let seq = Seq(tail_number(&row.key)?);
    let Some((_, state)) = vault.read(rows, tenant, &row.key)? else { return Ok(None) };
    Ok(Some(Snapshot { tenant: tenant.clone(), run, seq, state }))
}

pub(crate) fn audit(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditEntry>, Fault> {
    let range = keys::audits(tenant).after(&keys::audit(tenant, after));
    decode_all(vault, rows, tenant, &range, Order::Ascending, limit)
}

/// The live runs of all tenants, those with an earlier wake first.
pub(crate) fn claim(vault: &Vault, rows: &dyn Rows, limit: usize) -> Result<Vec<Claim>, Fault> {
    let mut claims = Vec::new();
    for tenant in vault.keyring.tenants() {
        for row in rows.scan(&keys::queues(&tenant), Order::Ascending, usize::MAX)? {
            let (wake_at_ms, _) = vault.unpack(rows, &tenant, &row.key, &row.value)?;
            let run = keys::tail_run(&row.key).ok_or_else(|| short_key(&row.key))?;
            let wake_at = (wake_at_ms > 0).then_some(Timestamp(wake_at_ms));
            claims.push(Claim { tenant: tenant.clone(), run, lease: LEASE, wake_at });
        }
    }
    claims.sort_by(|a, b| (a.wake_at, a.run, &a.tenant).cmp(&(b.wake_at, b.run, &b.tenant)));
    claims.truncate(limit);
    Ok(claims)
}

fn decode_all<T: serde::de::DeserializeOwned>(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    range: &KeyRange,
    order: Order,
    limit: usize,
) -> Result<Vec<T>, Fault> {
    let found = rows.scan(range, order, limit)?;
    found
        .iter()
        .map(|row| {
            let (_, json) = vault.unpack(rows, tenant, &row.key, &row.value)?;
            decode(&row.key, &json)
        })
        .collect()
}

fn tail_number(row_key: &[u8]) -> Result<u64, Fault> {
    keys::tail_number(row_key).ok_or_else(|| short_key(row_key))
}

fn short_key(row_key: &[u8]) -> Fault {
    Fault::damaged(what(row_key), "its key is malformed")
}
