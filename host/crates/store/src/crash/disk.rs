//! A disk that loses power: what was synced stays, and of the rest any part may have arrived.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use wforge_testkit::SimEntropy;

use crate::error::Fault;
use crate::journal::io::{JournalFile, JournalIo};
use crate::kv::{Bytes, KeyRange, Kv, Order, Row, Rows, Writes};
use crate::memory::MemoryRows;

const SECTOR_BYTES: usize = 512;

#[derive(Debug, Default, Clone)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    steps: u64,
    cut_at: Option<u64>,
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub(super) struct Disk(Arc<Mutex<State>>);

#[derive(Debug)]
struct OpenFile {
    disk: Disk,
    inode: usize,
}

impl Disk {
    /// The power goes at that step, and no later step happens.
    pub(super) fn cut_at(&self, step: u64) {
        self.0.lock().unwrap().cut_at = Some(step);
    }

    pub(super) fn steps(&self) -> u64 {
        self.0.lock().unwrap().steps
    }

    /// Performs a step; the one at which the power goes may have happened, but nobody hears it.
    fn step<T>(&self, perform: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.0.lock().unwrap();
        let step = state.steps;
        state.steps += 1;
        match state.cut_at {
            Some(cut) if step > cut => Err(io::Error::other("no power")),
            Some(cut) if step == cut => {
                // Half of the cuts fall just before the step, half just after it.
                if cut.is_multiple_of(2) {
                    perform(&mut state)?;
                }
                Err(io::Error::other("the power went"))
            }
            _ => perform(&mut state),
        }
    }

    /// What is found when the power is back.
    pub(super) fn after_cut(&self, chance: &SimEntropy) -> Self {
        let state = self.0.lock().unwrap();
        let names =
            if chance.next_u64().is_multiple_of(2) { &state.names } else { &state.durable_names };
        let inodes = state.inodes.iter().map(|inode| inode.after_cut(chance)).collect();
        let (names, durable_names) = (names.clone(), names.clone());
        let state = State { inodes, names, durable_names, ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }
}

impl Inode {
    /// Each sector that was not synced is the old or the new one.
    fn after_cut(&self, chance: &SimEntropy) -> Self {
        let mut found = self.durable.clone();
        // One in four cuts loses everything, one in four nothing, the others tear.
        let mode = chance.next_u64() % 4;
        for (old, new) in found.chunks_mut(SECTOR_BYTES).zip(self.live.chunks(SECTOR_BYTES)) {
            if mode == 1 || mode > 1 && chance.next_u64().is_multiple_of(2) {
                old.copy_from_slice(new);
            }
        }
        Self { live: found.clone(), durable: found }
    }
}

impl JournalIo for Disk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.lock().unwrap().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let state = self.0.lock().unwrap();
        let inode = state.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.inodes[*inode].live.clone())
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn JournalFile>> {
        let inode = self.step(|state| {
            let zeros = vec![0; usize::try_from(bytes).unwrap()];
            state.inodes.push(Inode { live: zeros.clone(), durable: zeros });
            let inode = state.inodes.len() - 1;
            state.names.insert(name.to_owned(), inode);
            Ok(inode)
        })?;
        Ok(Box::new(OpenFile { disk: self.clone(), inode }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn JournalFile>> {
        let inode = *self.0.lock().unwrap().names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(OpenFile { disk: self.clone(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.step(|state| {
            let inode = state.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            state.names.insert(to.to_owned(), inode);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.step(|state| {
            state.names.remove(name);
            Ok(())
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.step(|state| {
            state.durable_names = state.names.clone();
            Ok(())
        })
    }
}

impl JournalFile for OpenFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.disk.step(|state| {
            let start = usize::try_from(offset).unwrap();
            let live = &mut state.inodes[self.inode].live;
            live[start..start + bytes.len()].copy_from_slice(bytes);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.disk.step(|state| {
            let inode = &mut state.inodes[self.inode];
            inode.durable = inode.live.clone();
            Ok(())
        })
    }
}

/// A view that after a power cut is at any of the batches since it was last synced, as sled is.
#[derive(Debug, Clone, Default)]
pub(super) struct View(Arc<Mutex<ViewState>>);

#[derive(Debug, Default)]
struct ViewState {
    rows: MemoryRows,
    batches: Vec<Writes>,
    synced: usize,
}

impl View {
    pub(super) fn after_cut(&self, chance: &SimEntropy) -> Self {
        let state = self.0.lock().unwrap();
        let lost = u64::try_from(state.batches.len() - state.synced).unwrap() + 1;
        let kept = state.synced + usize::try_from(chance.next_u64() % lost).unwrap();
        let found = Self::default();
        for batch in &state.batches[..kept] {
            found.apply(batch).unwrap();
        }
        found.sync().unwrap();
        found
    }
}

impl Rows for View {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        self.0.lock().unwrap().rows.get(key)
    }

    fn scan(&self, range: &KeyRange, order: Order, limit: usize) -> Result<Vec<Row>, Fault> {
        self.0.lock().unwrap().rows.scan(range, order, limit)
    }
}

impl Kv for View {
    fn apply(&self, writes: &Writes) -> Result<(), Fault> {
        let mut state = self.0.lock().unwrap();
        state.rows.write(writes.clone());
        state.batches.push(writes.clone());
        Ok(())
    }

    fn sync(&self) -> Result<(), Fault> {
        let mut state = self.0.lock().unwrap();
        state.synced = state.batches.len();
        Ok(())
    }

    fn rewrite(&self) -> Result<(), Fault> {
        self.sync()
    }
}
