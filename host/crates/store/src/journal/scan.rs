//! Reads a journal from its files: what is there, and up to where it is good.

use std::io;

use super::frame::{self, Header, Salt};
use super::io::JournalIo;
use super::segments;
use crate::kv::Writes;

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScanError {
    /// A newer program wrote it.
    #[error("the journal has version {found}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// What was acknowledged is not there any more.
    #[error("journal segment {name}: {reason}")]
    Damaged {
        /// The segment.
        name: String,
        /// How that was seen.
        reason: String,
    },
    /// A file could not be read.
    #[error("reading the journal")]
    Io(#[from] io::Error),
}

/// A segment and how far it is good.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(super) name: String,
    pub(super) first: u64,
    /// The number that a frame behind the last good one would have.
    pub(super) next: u64,
    pub(super) salt: Salt,
    /// Where that frame would begin.
    pub(super) end: u64,
    pub(super) size: u64,
    /// Whether anything but zeros follows.
    pub(super) is_torn: bool,
}

/// A whole journal.
#[derive(Debug)]
pub(crate) struct Scan {
    pub(super) segments: Vec<Scanned>,
}

impl Scan {
    /// Reads all segments. Only the last one may end in a torn frame.
    pub(crate) fn read(io: &dyn JournalIo) -> Result<Self, ScanError> {
        let mut names = io.list()?;
        // A spare has no header; it is made anew when it is needed.
        names.retain(|name| segments::first_of(name).is_some());
        names.sort();
        let mut scan = Self { segments: Vec::with_capacity(names.len()) };
        let count = names.len();
        for (place, name) in (1..).zip(names) {
            let bytes = io.read(&name)?;
            let segment = scan_segment(name, &bytes, place == count)?;
            scan.check_follows(&segment)?;
            scan.segments.push(segment);
        }
        Ok(scan)
    }

    fn check_follows(&self, segment: &Scanned) -> Result<(), ScanError> {
        let Some(before) = self.segments.last() else { return Ok(()) };
        if before.next == segment.first {
            return Ok(());
        }
        let reason = format!("frame {} is missing", before.next);
        Err(ScanError::Damaged { name: before.name.clone(), reason })
    }

    /// Whether there is no journal yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// The first frame that the journal can hold.
    pub(crate) fn first(&self) -> u64 {
        self.segments.first().map_or(1, |segment| segment.first)
    }

    /// The last frame; 0 where there never was one.
    pub(crate) fn last(&self) -> u64 {
        self.segments.last().map_or(0, |segment| segment.next - 1)
    }

    /// Hands over every frame, in order.
    pub(crate) fn replay<E: From<ScanError>>(
        &self,
        io: &dyn JournalIo,
        mut frame: impl FnMut(u64, Writes) -> Result<(), E>,
    ) -> Result<(), E> {
        for segment in &self.segments {
            let bytes = io.read(&segment.name).map_err(ScanError::from)?;
            let mut rest = bytes.get(header_bytes()..).unwrap_or_default();
            for number in segment.first..segment.next {
                let found = frame::read(segment.salt, number, rest);
                let (found, writes) = found
                    .and_then(|found| frame::decode(found.payload).map(|writes| (found, writes)))
                    .ok_or_else(|| {
                        damaged(&segment.name, format!("frame {number} is malformed"))
                    })?;
                rest = rest.get(found.bytes..).unwrap_or_default();
                frame(number, writes)?;
            }
        }
        Ok(())
    }
}

fn scan_segment(name: String, bytes: &[u8], is_last: bool) -> Result<Scanned, ScanError> {
    let (first, salt) = match frame::read_segment_header(bytes) {
        Header::Segment { first, salt } => (first, salt),
        Header::Newer { version } => return Err(ScanError::Newer { found: version }),
        Header::Damaged => return Err(damaged(&name, "its header is damaged")),
    };
    if segments::first_of(&name) != Some(first) {
        return Err(damaged(&name, format!("its header is that of frame {first}")));
    }
    let (mut next, mut end) = (first, header_bytes());
    while let Some(found) = frame::read(salt, next, bytes.get(end..).unwrap_or_default()) {
        next += 1;
        end += found.bytes;
    }
    let tail = bytes.get(end..).unwrap_or_default();
    let is_torn = tail.iter().any(|byte| *byte != 0);
    if is_torn && is_last && frame::later_frame(salt, next, tail) {
        return Err(damaged(&name, format!("frame {next} is damaged, but later ones are good")));
    }
    let (end, size) = (end as u64, bytes.len() as u64);
    Ok(Scanned { name, first, next, salt, end, size, is_torn })
}

fn header_bytes() -> usize {
    usize::try_from(frame::SEGMENT_HEADER_BYTES).unwrap_or(usize::MAX)
}

fn damaged(name: &str, reason: impl Into<String>) -> ScanError {
    ScanError::Damaged { name: name.to_owned(), reason: reason.into() }
}
