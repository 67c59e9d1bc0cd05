//! What is kept, read from its bytes without a store: for those who hold these formats to their
//! promises, which are never to panic and to read what was written.

use wforge_model::effect::RecordKey;
use wforge_ports::store::Phase;

use crate::journal::frame;
use crate::kv::Bytes;
use crate::{keys, vault};

/// Keys and their new values, in order; none deletes.
pub type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;
/// What makes the checksums of a segment its own.
pub type Salt = [u8; 8];

/// The number of its first frame and the salt of a segment, from its header.
#[must_use]
pub fn segment(bytes: &[u8]) -> Option<(u64, Salt)> {
    match frame::read_segment_header(bytes) {
        frame::Header::Segment { first, salt } => Some((first, salt)),
        frame::Header::Newer { .. } | frame::Header::Damaged => None,
    }
}

/// The payload of the frame with that number at the beginning of the bytes, and how many of them
/// the frame takes.
#[must_use]
pub fn payload(salt: Salt, number: u64, bytes: &[u8]) -> Option<(&[u8], usize)> {
    frame::read(salt, number, bytes).map(|frame| (frame.payload, frame.bytes))
}

/// What a payload changes.
#[must_use]
pub fn changes(payload: &[u8]) -> Option<Changes> {
    let owned = |(key, value): (Bytes, Option<Bytes>)| (key.to_vec(), value.map(|v| v.to_vec()));
    Some(frame::decode(payload)?.into_iter().map(owned).collect())
}

/// The frame of these changes; none where they are too large for one.
#[must_use]
pub fn frame(salt: Salt, number: u64, changes: &Changes) -> Option<Vec<u8>> {
    let shared = |(key, value): &(Vec<u8>, Option<Vec<u8>>)| {
        (Bytes::from(key.as_slice()), value.as_deref().map(Bytes::from))
    };
    let mut out = Vec::new();
    frame::encode(salt, number, &changes.iter().map(shared).collect(), &mut out).ok()?;
    Some(out)
}

/// Which effect a row's key names, and what stands before it in the key.
#[must_use]
pub fn record_key(key: &[u8]) -> Option<(RecordKey, &[u8])> {
    let record = keys::record_key(key)?;
    Some((record, keys::family(key).unwrap_or_default()))
}

/// One phase of an effect, as it was before its row was sealed.
#[must_use]
pub fn phase(row: &[u8]) -> Option<Phase> {
    vault::decode(b"", row).ok()
}
