//! Rows in sled: a view that follows the journal and can be rebuilt from it.
//!
//! A value above 4 KiB is kept in chunks under consecutive keys, because sled writes what is
//! larger than a page into files that it never syncs. `R` and a key hold a row, `C`, a key and a
//! number a chunk. sled's own flush is no fsync; [`SledView::sync`] does one by itself.
//!
//! Its folder is `view`, or `view.<n>` once it was written anew ([`crate::view_dir`]).

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use crate::error::{Fault, Gone};
use crate::kv::{Bytes, KeyRange, Kv, Order, Row, Rows, Writes};
use crate::vault::what;
use crate::view_dir;

const CHUNK_BYTES: usize = 4_096;
const ROW: u8 = b'R';
const CHUNK: u8 = b'C';
const WHOLE: u8 = 0;
const CHUNKED: u8 = 1;

/// Rows that are copied at once when the view is written anew.
const COPIED_ROWS: usize = 1_024;

/// A sled database.
pub(crate) struct SledView {
    open: RwLock<Open>,
    cache_bytes: u64,
}

/// The database as it stands; another takes its place when the view is written anew.
struct Open {
    db: sled::Db,
    dir: PathBuf,
}

impl fmt::Debug for SledView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledView").field("dir", &self.now().dir).finish_non_exhaustive()
    }
}

impl Open {
    fn at(dir: &Path, cache_bytes: u64) -> Result<Self, String> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(cache_bytes)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(Some(500));
        match catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Ok(db)) => Ok(Self { db, dir: dir.to_owned() }),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("sled panicked".to_owned()),
        }
    }

    /// Makes what was written durable.
    fn sync(&self) -> Result<(), Fault> {
        self.db.flush().map_err(|error| Fault::rows("flushing the view", error))?;
        sync_files(&self.dir).map_err(|error| Fault::rows("syncing the view", error))
    }

    /// Takes over all rows of another.
    fn copy(&self, other: &Self) -> Result<(), Fault> {
        let mut rows = other.db.iter();
        loop {
            let mut batch = sled::Batch::default();
            let mut count = 0;
            for row in rows.by_ref().take(COPIED_ROWS) {
                let (key, value) = row.map_err(reading)?;
                batch.insert(key, value);
                count += 1;
            }
            self.db.apply_batch(batch).map_err(|error| Fault::rows("writing the view", error))?;
            if count < COPIED_ROWS {
                return Ok(());
            }
        }
    }

    /// The chunks of the row that stands under a key; 0 where it is whole or there is none.
    fn chunks(&self, row: &[u8]) -> Result<u32, Fault> {
        let old = self.db.get(row).map_err(reading)?;
        Ok(old.and_then(|old| chunk_count(&old)).unwrap_or(0))
    }

    fn write(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
        batch: &mut sled::Batch,
    ) -> Result<(), Fault> {
        let row = prefixed(ROW, key);
        let before = self.chunks(&row)?;
        let now = match value {
            None => {
                batch.remove(row);
                0
            }
            Some(value) if value.len() <= CHUNK_BYTES => {
                batch.insert(row, [&[WHOLE], value].concat());
                0
            }
            Some(value) => {
                let mut count = 0;
                for (number, chunk) in (0..).zip(value.chunks(CHUNK_BYTES)) {
                    batch.insert(chunk_key(key, number), chunk);
                    count = number + 1;
                }
                let length = (value.len() as u64).to_le_bytes();
                batch.insert(row, [&[CHUNKED], length.as_slice()].concat());
                count
            }
        };
        (now..before).for_each(|number| batch.remove(chunk_key(key, number)));
        Ok(())
    }

    fn value(&self, key: &[u8], stored: &[u8]) -> Result<Bytes, Fault> {
        let damaged = |reason| Fault::damaged(what(key), reason);
        let Some(count) = chunk_count(stored) else {
            return match stored {
                [WHOLE, value @ ..] => Ok(value.into()),
                _ => Err(damaged("its form in the view is unknown")),
            };
        };
        let mut value = Vec::with_capacity(count as usize * CHUNK_BYTES);
        for chunk in self.db.range(chunk_key(key, 0)..chunk_key(key, count)) {
            value.extend_from_slice(&chunk.map_err(reading)?.1);
        }
        match stored.last_chunk::<8>().map(|length| u64::from_le_bytes(*length)) {
            Some(length) if length == value.len() as u64 => Ok(value.into()),
            _ => Err(damaged("chunks of it are missing")),
        }
    }
}

/// How many chunks a row has; none where it is whole.
fn chunk_count(stored: &[u8]) -> Option<u32> {
    let [CHUNKED, length @ ..] = stored else { return None };
    let length = u64::from_le_bytes(length.try_into().ok()?);
    u32::try_from(length.div_ceil(CHUNK_BYTES as u64)).ok()
}

impl SledView {
    /// Opens it; a panic of sled is an error like any other.
    pub(crate) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, String> {
        Ok(Self { open: RwLock::new(Open::at(dir, cache_bytes)?), cache_bytes })
    }

    /// The same rows in another folder, durable.
    fn copied(&self, dir: &Path) -> Result<Open, Fault> {
        let next = Open::at(dir, self.cache_bytes)
            .map_err(|error| Fault::rows("writing the view anew", error))?;
        next.copy(&self.now())?;
        next.sync()?;
        Ok(next)
    }

    fn now(&self) -> RwLockReadGuard<'_, Open> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prefixed(letter: u8, key: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(key.len() + 8);
    row.push(letter);
    row.extend_from_slice(key);
    row
}

/// The length comes first, so that the chunks of two keys never mix.
fn chunk_key(key: &[u8], number: u32) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[CHUNK], length.as_slice(), key, &number.to_be_bytes()].concat()
}

fn reading(error: sled::Error) -> Fault {
    Fault::rows("reading the view", error)
}

impl Rows for Open {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let stored = self.db.get(prefixed(ROW, key)).map_err(reading)?;
        match stored.map(|stored| self.value(key, &stored)).transpose() {
            // The row was replaced between its head and its chunks: what stands now is whole.
            Err(Fault::Damaged { .. }) => {
                let again = self.db.get(prefixed(ROW, key)).map_err(reading)?;
                again.map(|stored| self.value(key, &stored)).transpose()
            }
            found => found,
        }
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.db.range(prefixed(ROW, &range.from)..prefixed(ROW, &range.to));
        let row = |entry: Result<(sled::IVec, sled::IVec), sled::Error>| {
            let (key, _) = entry.map_err(reading)?;
            let key = key.get(1..).unwrap_or_default();
            // A row that went since it was found is none.
            Ok(self.get(key)?.map(|value| Row { key: key.into(), value }))
        };
        match order {
            Order::Ascending => found.map(row).filter_map(Result::transpose).take(limit).collect(),
            Order::Descending => {
                found.rev().map(row).filter_map(Result::transpose).take(limit).collect()
            }
        }
    }
}

impl Rows for SledView {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.now().get(key)
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        self.now().scan(range, order, limit)
    }
}

impl Kv for SledView {
    fn apply(&self, writes: &Writes) -> Result<(), Fault> {
        let open = self.now();
        let mut batch = sled::Batch::default();
        for (key, value) in writes {
            open.write(key, value.as_deref(), &mut batch)?;
        }
        open.db.apply_batch(batch).map_err(|error| Fault::rows("writing the view", error))
    }

    fn sync(&self) -> Result<(), Fault> {
        self.now().sync()
    }

    /// Into a folder of its own, which counts from the moment at which it is complete: sled may
    /// still write by path for a moment after it was let go, so no folder takes another's name.
    fn rewrite(&self) -> Result<(), Fault> {
        let tidying = |cause| Fault::rows("writing the view anew", cause);
        let old_dir = self.now().dir.clone();
        let dir = view_dir::begin(&old_dir).map_err(tidying)?;
        let next = match self.copied(&dir) {
            Ok(next) => next,
            Err(fault) => {
                if let Err(error) = view_dir::give_up(&dir) {
                    tracing::warn!(%error, "half a view is left until the next start");
                }
                return Err(fault);
            }
        };
        // The journal is removed behind one view only: if nobody knows behind which, not at all.
        view_dir::complete(&dir).map_err(|cause| {
            Fault::Gone(Gone::Failed(format!("completing a new view: {cause}")))
        })?;
        let old = std::mem::replace(
            &mut *self.open.write().unwrap_or_else(PoisonError::into_inner),
            next,
        );
        drop(old);
        view_dir::remove_others(&dir).map_err(tidying)
    }
}

/// An fsync through a descriptor of ours reports what sled's own writes left unwritten.
fn sync_files(dir: &Path) -> std::io::Result<()> {
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.is_file() {
            match fs_err::File::open(&path) {
                Ok(file) => file.sync_all()?,
                // sled removes its old snapshots while we look.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    fs_err::File::open(dir)?.sync_all()
}
