//! The segments behind the end of the journal, and the one that is kept ready before it.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::io::{JournalFile, JournalIo};
use super::scan::Scanned;

/// What the name of a segment begins with that has no header yet. A number follows, so that the
/// next one is never made in place of one that is about to get its name.
const SPARE: &str = "spare-";
const SUFFIX: &str = ".wal";

/// A segment to which nothing is added any more.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) last: u64,
}

/// A segment of zeros.
#[derive(Debug)]
pub(super) struct Spare {
    pub(super) file: Box<dyn JournalFile>,
    pub(super) name: String,
    pub(super) bytes: u64,
}

/// What the journal shares with the thread that keeps house for it.
#[derive(Debug)]
pub(crate) struct Segments {
    pub(super) io: Arc<dyn JournalIo>,
    segment_bytes: u64,
    finished: Mutex<VecDeque<Finished>>,
    spare: Mutex<Option<Spare>>,
    spare_wanted: AtomicBool,
    spares_made: AtomicU64,
}

/// The name of the segment that begins with that frame.
pub(super) fn name_of(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first frame of the segment of that name; none where it is no segment.
pub(super) fn first_of(name: &str) -> Option<u64> {
    name.strip_suffix(SUFFIX)?.parse().ok()
}

impl Segments {
    pub(crate) fn new(io: Arc<dyn JournalIo>, segment_bytes: u64) -> Self {
        Self {
            io,
            segment_bytes,
            finished: Mutex::default(),
            spare: Mutex::default(),
            spare_wanted: AtomicBool::new(false),
            spares_made: AtomicU64::new(0),
        }
    }

    pub(super) fn set_finished(&self, scanned: &[Scanned]) {
        let finished = scanned
            .iter()
            .map(|segment| Finished { name: segment.name.clone(), last: segment.next - 1 })
            .collect();
        *self.finished.lock().unwrap_or_else(PoisonError::into_inner) = finished;
    }

    pub(super) fn finish(&self, segment: Finished) {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner).push_back(segment);
    }

    pub(super) fn want_spare(&self) {
        self.spare_wanted.store(true, Ordering::Release);
    }

    /// Makes the next segment ahead, so that no commit waits for its zeros.
    pub(crate) fn keep_spare(&self) -> io::Result<()> {
        if !self.spare_wanted.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.is_none() {
            *spare = Some(self.make_spare(self.segment_bytes)?);
        }
        Ok(())
    }

    fn make_spare(&self, bytes: u64) -> io::Result<Spare> {
        let name = format!("{SPARE}{}", self.spares_made.fetch_add(1, Ordering::Relaxed));
        Ok(Spare { file: self.io.create(&name, bytes)?, name, bytes })
    }

    /// The spare segment, or a new one where there is none of that size.
    pub(super) fn take_spare(&self, bytes: u64) -> io::Result<Spare> {
        if bytes > self.segment_bytes {
            return self.make_spare(bytes);
        }
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).take();
        spare.map_or_else(|| self.make_spare(self.segment_bytes), Ok)
    }

    /// Removes the spares of a process that ended.
    pub(super) fn remove_spares(&self) -> io::Result<()> {
        let names = self.io.list()?;
        let mut spares = names.iter().filter(|name| name.starts_with(SPARE));
        spares.try_for_each(|name| self.io.remove(name))
    }

    /// Whether there are segments that hold nothing after that frame.
    pub(crate) fn has_finished(&self, through: u64) -> bool {
        let finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.front().is_some_and(|segment| segment.last <= through)
    }

    /// Removes the segments that hold nothing after that frame. The caller has made the view
    /// durable that far. In order, so that what is left has no gap.
    pub(crate) fn remove_finished(&self, through: u64) -> io::Result<()> {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(segment) = finished.front().filter(|segment| segment.last <= through) {
            self.io.remove(&segment.name)?;
            self.io.sync_dir()?;
            finished.pop_front();
        }
        Ok(())
    }
}
