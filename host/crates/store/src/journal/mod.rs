//! The journal: a list of segments of frames, which alone makes a write acknowledged.
//!
//! A frame is written, and the segment's data synced, before the next frame is written. So behind
//! a frame that is torn there is never a good one: where there is, what was acknowledged was
//! damaged later, and the store refuses to open instead of forgetting it.
//!
//! Nothing here knows what a row means. Files are reached through [`io::JournalIo`] only, so that
//! a test can cut the power at each step. Who appends: [`crate::committer`]; who replays:
//! [`crate::recovery`].

use std::sync::Arc;

use wforge_ports::Entropy;

use crate::kv::Writes;

pub(crate) mod frame;
pub(crate) mod io;
mod scan;
mod segments;

pub(crate) use scan::{Scan, ScanError};
pub(crate) use segments::Segments;

use frame::Salt;
use io::JournalFile;
use segments::Finished;

/// The end of the journal, where frames are written.
#[derive(Debug)]
pub(crate) struct Journal {
    segments: Arc<Segments>,
    file: Box<dyn JournalFile>,
    name: String,
    salt: Salt,
    first: u64,
    next: u64,
    offset: u64,
    size: u64,
    entropy: Arc<dyn Entropy>,
    buffer: Vec<u8>,
}

impl Journal {
    /// Goes on behind the last frame that was found; begins a journal where there is none.
    pub(crate) fn open(
        segments: Arc<Segments>,
        scan: &Scan,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        segments.remove_spares()?;
        let Some((last, finished)) = scan.segments.split_last() else {
            return Self::begin(segments, 1, entropy);
        };
        segments.set_finished(finished);
        let file = segments.io.open(&last.name)?;
        if last.is_torn {
            // So that no later opening searches what is left of a torn frame for good ones.
            let length = usize::try_from(last.size - last.end).unwrap_or(0);
            file.write_at(last.end, &vec![0; length])?;
            file.sync()?;
        }
        Ok(Self {
            segments,
            file,
            name: last.name.clone(),
            salt: last.salt,
            first: last.first,
            next: last.next,
            offset: last.end,
            size: last.size,
            entropy,
            buffer: Vec::new(),
        })
    }

    fn begin(
        segments: Arc<Segments>,
        first: u64,
        entropy: Arc<dyn Entropy>,
    ) -> std::io::Result<Self> {
        let (file, name, salt, size) = new_segment(&segments, first, 0, entropy.as_ref())?;
        let offset = frame::SEGMENT_HEADER_BYTES;
        let buffer = Vec::new();
        Ok(Self { segments, file, name, salt, first, next: first, offset, size, entropy, buffer })
    }

    /// The number of the next frame.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// Writes one frame, and returns its bytes. After an error, here or in [`Journal::sync`], the
    /// end of the journal is unknown, and nothing may be written any more.
    pub(crate) fn write(&mut self, writes: &Writes) -> std::io::Result<u64> {
        let mut buffer = std::mem::take(&mut self.buffer);
        frame::encode(self.salt, self.next, writes, &mut buffer)?;
        if self.offset + buffer.len() as u64 > self.size {
            self.rotate(buffer.len() as u64)?;
            frame::encode(self.salt, self.next, writes, &mut buffer)?;
        }
        self.file.write_at(self.offset, &buffer)?;
        let bytes = buffer.len() as u64;
        self.offset += bytes;
        self.next += 1;
        if self.offset > self.size / 2 {
            self.segments.want_spare();
        }
        // One huge frame must not hold its memory for ever.
        if buffer.capacity() <= 1 << 20 {
            self.buffer = buffer;
        }
        Ok(bytes)
    }

    /// Makes the frame that was written durable.
    pub(crate) fn sync(&self) -> std::io::Result<()> {
        self.file.sync()
    }

    /// Goes on in a new segment, unless nothing was written into this one.
    pub(crate) fn end_segment(&mut self) -> std::io::Result<()> {
        if self.first == self.next { Ok(()) } else { self.rotate(0) }
    }

    fn rotate(&mut self, frame_bytes: u64) -> std::io::Result<()> {
        let entropy = Arc::clone(&self.entropy);
        let (file, name, salt, size) =
            new_segment(&self.segments, self.next, frame_bytes, entropy.as_ref())?;
        let name = std::mem::replace(&mut self.name, name);
        self.segments.finish(Finished { name, last: self.next - 1 });
        (self.file, self.salt, self.size, self.first) = (file, salt, size, self.next);
        self.offset = frame::SEGMENT_HEADER_BYTES;
        Ok(())
    }
}

type NewSegment = (Box<dyn JournalFile>, String, Salt, u64);

fn new_segment(
    segments: &Segments,
    first: u64,
    frame_bytes: u64,
    entropy: &dyn Entropy,
) -> std::io::Result<NewSegment> {
    let mut salt = [0; 8];
    entropy.fill(&mut salt);
    let spare = segments.take_spare(frame_bytes + frame::SEGMENT_HEADER_BYTES)?;
    spare.file.write_at(0, &frame::segment_header(first, salt))?;
    spare.file.sync()?;
    let name = segments::name_of(first);
    segments.io.rename(&spare.name, &name)?;
    segments.io.sync_dir()?;
    Ok((spare.file, name, salt, spare.bytes))
}
