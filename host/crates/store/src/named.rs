//! Which blobs of a tenant are named by what is kept of it.
//!
//! Every row that can name one is opened and searched for text that spells a digest, so that no
//! reference is overlooked however deep it stands; what only looks like one keeps a blob as well.
//! A row that cannot be read ends the search: nothing is removed on half of the answer.

use std::collections::BTreeMap;

use wforge_model::{Digest, TenantId, Timestamp};
use wforge_ports::store::{BlobPage, IdempotentReply, KeptBlob};

use crate::error::Fault;
use crate::facade::Backend;
use crate::keys::{self, Naming};
use crate::kv::{KeyRange, Order, Row, Rows};
use crate::rules::StoredEntry;
use crate::vault::{Vault, decode, what};

/// Rows that are read in one go, which keeps others from the disk.
const PAGE_ROWS: usize = 64;
/// The hexadecimal digits of a digest.
const DIGITS: usize = 64;

/// At most so many blobs after that one.
pub(crate) async fn page<B: Backend>(
    backend: &B,
    tenant: &TenantId,
    (after, limit): (Option<Digest>, usize),
    now: Timestamp,
) -> Result<BlobPage, Fault> {
    let mut blobs = BTreeMap::new();
    let mut range = keys::blobs(tenant);
    if let Some(digest) = after {
        range = range.after(&keys::blob(tenant, &digest));
    }
    let has_more = loop {
        let left = limit - blobs.len();
        if left == 0 {
            let rest = range.clone();
            break !backend.read(move |_, rows| blocking(rows)?.is_vacant(&rest)).await?;
        }
        let (of, ask) = (tenant.clone(), range.clone());
        let found = backend.read(move |vault, rows| kept(vault, rows, &of, &ask, left)).await?;
        let Some(last) = found.last().map(|blob| keys::blob(tenant, &blob.digest)) else {
            break false;
        };
        range = range.after(&last);
        blobs.extend(found.into_iter().map(|blob| (blob.digest, blob)));
    };
    if !blobs.is_empty() {
        note_named(backend, tenant, now, &mut blobs).await?;
    }
    Ok(BlobPage { blobs: blobs.into_values().collect(), has_more })
}

/// Looks through all rows that may name one of the blobs.
async fn note_named<B: Backend>(
    backend: &B,
    tenant: &TenantId,
    now: Timestamp,
    blobs: &mut BTreeMap<Digest, KeptBlob>,
) -> Result<(), Fault> {
    for (naming, mut range) in keys::naming(tenant) {
        loop {
            let (of, ask) = (tenant.clone(), range.clone());
            let found =
                backend.read(move |vault, rows| spelled(vault, rows, &of, (naming, &ask), now));
            let (digests, last) = found.await?;
            for digest in digests {
                if let Some(blob) = blobs.get_mut(&digest) {
                    blob.is_named = true;
                }
            }
            let Some(last) = last else { break };
            range = range.after(&last);
        }
    }
    Ok(())
}

/// Rows that may be waited for; a look through all of them is nothing for a caller's thread.
fn blocking(rows: &dyn Rows) -> Result<&dyn Rows, Fault> {
    if rows.may_block() { Ok(rows) } else { Err(Fault::NotInMemory) }
}

fn kept(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    range: &KeyRange,
    limit: usize,
) -> Result<Vec<KeptBlob>, Fault> {
    let found = blocking(rows)?.scan(range, Order::Ascending, limit.min(PAGE_ROWS))?;
    let blob = |row: &Row| {
        let malformed = || Fault::damaged(what(&row.key), "its key is malformed");
        let digest = keys::tail_digest(&row.key).ok_or_else(malformed)?;
        let note = vault.read(rows, tenant, &keys::unnamed(tenant, &digest))?;
        let file = vault.file_of(tenant, &row.key, &row.value)?;
        let bytes = (row.key.len() + row.value.len()) as u64 + file.map_or(0, |file| file.bytes);
        let unnamed_since = note.map(|(at, _)| Timestamp(at));
        Ok(KeptBlob { digest, bytes, is_named: false, unnamed_since })
    };
    found.iter().map(blob).collect()
}

/// The digests that some rows of a range spell, and the last of these rows; none: there are none.
fn spelled(
    vault: &Vault,
    rows: &dyn Rows,
    tenant: &TenantId,
    (naming, range): (Naming, &KeyRange),
    now: Timestamp,
) -> Result<(Vec<Digest>, Option<Vec<u8>>), Fault> {
    let found = blocking(rows)?.scan(range, Order::Ascending, PAGE_ROWS)?;
    let mut digests = Vec::new();
    for Row { key, value } in &found {
        // A row that was replaced or removed since the scan is read again.
        let opened = match vault.unpack(rows, tenant, key, value) {
            Err(Fault::Damaged { .. }) => vault.read(rows, tenant, key)?,
            opened => Some(opened?),
        };
        if let Some((_, body)) = opened
            && counts(naming, key, &body, now)?
        {
            digests.extend(digests_in(&body));
        }
    }
    Ok((digests, found.last().map(|row| row.key.to_vec())))
}

/// Whether what a row names is still to be had from it.
fn counts(naming: Naming, row_key: &[u8], body: &[u8], now: Timestamp) -> Result<bool, Fault> {
    let expires_at = match naming {
        Naming::Always => None,
        Naming::UntilEntryExpires => StoredEntry::of(row_key, body)?.expires_at,
        Naming::UntilReplyExpires => Some(decode::<IdempotentReply>(row_key, body)?.expires_at),
    };
    Ok(expires_at.is_none_or(|at| at > now))
}

/// Every digest that bytes spell.
fn digests_in(bytes: &[u8]) -> impl Iterator<Item = Digest> + '_ {
    let colons = bytes.iter().enumerate().filter(|(_, byte)| **byte == b':');
    colons.filter_map(|(at, _)| {
        let (before, from) = bytes.split_at_checked(at)?;
        let digits = std::str::from_utf8(from.get(1..=DIGITS)?).ok();
        let digits = digits.filter(|_| before.ends_with(b"sha256"))?;
        format!("sha256:{digits}").parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_found_wherever_it_is_spelled() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(DIGITS));
        let text = format!(
            "{{\"$blob\":\"{}\",\"t\":\"see {}, ä:{} sha256:{}:\"}}sha256:{}",
            digest("a"),
            digest("b"),
            digest("c"),
            "z".repeat(DIGITS),
            "d".repeat(DIGITS - 1)
        );
        let found: Vec<String> = digests_in(text.as_bytes()).map(|d| d.to_string()).collect();
        assert_eq!(found, [digest("a"), digest("b"), digest("c")]);
        assert_eq!(digests_in("sha256:".as_bytes()).count(), 0);
    }
}
