//! Ordered rows of bytes: all that the rules and the reads know of a backend.
//!
//! Nothing here knows what a row means, or encrypts it. Implementations: [`crate::memory`],
//! [`crate::sled_view`], and the layers of [`crate::overlay`].

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::ops::Bound;
use std::sync::Arc;

use wforge_model::TenantId;

use crate::error::Fault;
use crate::files::FileRef;

/// A key or a value, shared without copying.
pub(crate) type Bytes = Arc<[u8]>;

/// A row that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Ascending,
    Descending,
}

/// The keys from one (included) to another (excluded).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRange {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
}

impl KeyRange {
    /// All keys that begin so. The prefix must hold a byte below 255, as all of ours do.
    pub(crate) fn prefix(prefix: Vec<u8>) -> Self {
        let to = successor(&prefix);
        Self { from: prefix, to }
    }

    /// Those that come after that key.
    pub(crate) fn after(mut self, key: &[u8]) -> Self {
        if key >= self.from.as_slice() {
            self.from = [key, &[0]].concat();
        }
        self
    }

    /// Those that come before that key.
    pub(crate) fn before(mut self, key: &[u8]) -> Self {
        if key < self.to.as_slice() {
            self.to = key.to_vec();
        }
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.from >= self.to
    }
}

/// The first key after all those that begin so.
fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            break;
        }
    }
    next
}

/// Rows that can be read.
pub(crate) trait Rows: Send + Sync {
    /// The value under a key.
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault>;

    /// At most `limit` rows of a range.
    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault>;

    /// Whether a call may wait for a disk.
    fn may_block(&self) -> bool {
        true
    }

    /// Whether there is no row in the range.
    fn is_vacant(&self, range: &KeyRange) -> Result<bool, Fault> {
        Ok(self.scan(range, Order::Ascending, 1)?.is_empty())
    }
}

/// Rows that can be written too.
pub(crate) trait Kv: Rows + Debug {
    /// Writes all or nothing; in the order of calls, also over a crash.
    fn apply(&self, writes: &Writes) -> Result<(), Fault>;

    /// Makes durable what was applied.
    fn sync(&self) -> Result<(), Fault>;

    /// Writes every row anew, so that no byte is left of those that were removed; durable on
    /// return. Reads go on meanwhile; the caller keeps writes away.
    fn rewrite(&self) -> Result<(), Fault>;
}

/// Keys and their new values; none deletes.
pub(crate) type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// What one operation writes.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) writes: Writes,
    /// Prefixes under which no row stood before this batch.
    pub(crate) fresh: Vec<Bytes>,
    /// Files that no row names any more after this batch.
    pub(crate) orphans: Vec<(TenantId, FileRef)>,
    /// Bytes of the files that its rows name for the first time.
    pub(crate) file_bytes: i64,
}

impl Batch {
    pub(crate) fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.writes.insert(key.into(), Some(value.into()));
    }

    pub(crate) fn delete(&mut self, key: impl Into<Bytes>) {
        self.writes.insert(key.into(), None);
    }

    /// The bytes of all keys and values.
    pub(crate) fn bytes(&self) -> usize {
        let value = |value: &Option<Bytes>| value.as_ref().map_or(0, |value| value.len());
        self.writes.iter().map(|(key, bytes)| key.len() + value(bytes)).sum()
    }

    pub(crate) fn append(&mut self, mut later: Self) {
        // Of the map's own two ways, append rebuilds all of what is there already.
        self.writes.extend(later.writes);
        self.fresh.append(&mut later.fresh);
        self.orphans.append(&mut later.orphans);
        self.file_bytes += later.file_bytes;
    }
}

/// Rows with writes laid over them that are not in them yet.
pub(crate) struct Layered<'a> {
    pub(crate) top: &'a Writes,
    pub(crate) below: &'a dyn Rows,
}

impl Rows for Layered<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        match self.top.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.below.get(key),
        }
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        let top = top_of(self.top, range, order, limit, Clone::clone);
        merge(top, self.below, range, order, limit)
    }

    fn may_block(&self) -> bool {
        self.below.may_block()
    }
}

/// The first entries of a range, until `limit` of them hold a value: enough to be merged.
pub(crate) fn top_of<V>(
    map: &BTreeMap<Bytes, V>,
    range: &KeyRange,
    order: Order,
    limit: usize,
    value: impl Fn(&V) -> Option<Bytes>,
) -> Writes {
    if range.is_empty() || limit == 0 {
        return Writes::new();
    }
    let entries = map.range::<[u8], _>((
        Bound::Included(range.from.as_slice()),
        Bound::Excluded(range.to.as_slice()),
    ));
    let mut taken = Writes::new();
    let mut live = 0;
    let mut take = |(key, entry): (&Bytes, &V)| {
        let value = value(entry);
        live += usize::from(value.is_some());
        taken.insert(Bytes::clone(key), value);
        live < limit
    };
    match order {
        Order::Ascending => entries.take_while(|entry| take(*entry)).for_each(drop),
        Order::Descending => entries.rev().take_while(|entry| take(*entry)).for_each(drop),
    }
    taken
}

/// The first rows of a range from writes laid over other rows.
pub(crate) fn merge(
    top: Writes,
    below: &dyn Rows,
    range: &KeyRange,
    order: Order,
    limit: usize,
) -> Result<Vec<Row>, Fault> {
    // Each deletion hides at most one row below.
    let hidden = top.values().filter(|value| value.is_none()).count();
    let mut merged: Writes = below
        .scan(range, order, limit.saturating_add(hidden))?
        .into_iter()
        .map(|row| (row.key, Some(row.value)))
        .collect();
    merged.extend(top);
    let rows = merged.into_iter().filter_map(|(key, value)| Some(Row { key, value: value? }));
    Ok(match order {
        Order::Ascending => rows.take(limit).collect(),
        Order::Descending => {
            let mut rows: Vec<Row> = rows.collect();
            rows.reverse();
            rows.truncate(limit);
            rows
        }
    })
}
