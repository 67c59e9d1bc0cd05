//! The bytes of segments and frames.
//!
//! Segment: `magic 8 | version 4 | crc 4 | first 8 | salt 8`, then frames, then zeros. Frame:
//! `length 4 | crc 4 | number 8 | payload`, where the checksum (CRC-32C) also covers the salt of
//! the segment, the length and the number. The salt is random, so no bytes that a client chose
//! can look like a frame. Payload: `count 4`, then for each row `key length 4 | value length 4 |
//! key | value`; a value length of all ones deletes. All numbers are little-endian.

use std::io;

use crate::kv::{Bytes, Writes};

pub(crate) const SEGMENT_HEADER_BYTES: u64 = 32;
pub(crate) const FRAME_HEADER_BYTES: usize = 16;
/// The version of the layout above.
pub(crate) const VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"wfjrnl\r\n";
const DELETED: u32 = u32::MAX;

/// What makes the checksums of a segment its own.
pub(crate) type Salt = [u8; 8];

/// What a segment's header says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Segment { first: u64, salt: Salt },
    Newer { version: u32 },
    Damaged,
}

pub(crate) fn segment_header(first: u64, salt: Salt) -> Vec<u8> {
    let rest = [first.to_le_bytes(), salt].concat();
    let crc = crc32c::crc32c(&rest).to_le_bytes();
    [MAGIC.as_slice(), &VERSION.to_le_bytes(), &crc, &rest].concat()
}

pub(crate) fn read_segment_header(bytes: &[u8]) -> Header {
    read_header(bytes).unwrap_or(Header::Damaged)
}

fn read_header(bytes: &[u8]) -> Option<Header> {
    let (magic, rest) = bytes.split_first_chunk::<8>()?;
    let (version, rest) = split_u32(rest)?;
    if *magic != MAGIC {
        return None;
    }
    if version > VERSION {
        return Some(Header::Newer { version });
    }
    let (crc, rest) = split_u32(rest)?;
    let rest = rest.first_chunk::<16>()?;
    let (first, salt) = rest.split_first_chunk::<8>()?;
    let salt = *salt.first_chunk::<8>()?;
    (crc32c::crc32c(rest) == crc)
        .then(|| Header::Segment { first: u64::from_le_bytes(*first), salt })
}

/// Writes a frame into `out`, which is cleared.
pub(crate) fn encode(
    salt: Salt,
    number: u64,
    writes: &Writes,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    out.clear();
    out.extend_from_slice(&[0; FRAME_HEADER_BYTES]);
    out.extend_from_slice(&to_u32(writes.len())?.to_le_bytes());
    for (key, value) in writes {
        let length = value.as_ref().map_or(Ok(DELETED), |value| to_u32(value.len()))?;
        out.extend_from_slice(&to_u32(key.len())?.to_le_bytes());
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_deref().unwrap_or_default());
    }
    let length = to_u32(out.len() - FRAME_HEADER_BYTES)?;
    let payload = out.get(FRAME_HEADER_BYTES..).unwrap_or_default();
    let crc = checksum(salt, length, number, payload);
    let header =
        [&length.to_le_bytes(), &crc.to_le_bytes(), number.to_le_bytes().as_slice()].concat();
    out.iter_mut().zip(header).for_each(|(byte, new)| *byte = new);
    Ok(())
}

/// A frame that was read: its payload, and how many bytes it takes.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) payload: &'a [u8],
    pub(crate) bytes: usize,
}

/// The frame of that number at the beginning of `bytes`; none where it is torn or there is none.
pub(crate) fn read(salt: Salt, number: u64, bytes: &[u8]) -> Option<Frame<'_>> {
    let (length, rest) = split_u32(bytes)?;
    let (crc, rest) = split_u32(rest)?;
    let (found, rest) = rest.split_first_chunk::<8>()?;
    let payload = rest.get(..length as usize).filter(|payload| !payload.is_empty())?;
    let is_good =
        u64::from_le_bytes(*found) == number && checksum(salt, length, number, payload) == crc;
    is_good.then_some(Frame { payload, bytes: FRAME_HEADER_BYTES + payload.len() })
}

/// Whether a good frame with a higher number begins anywhere in the bytes.
pub(crate) fn later_frame(salt: Salt, number: u64, bytes: &[u8]) -> bool {
    (0..bytes.len()).any(|start| {
        let rest = bytes.get(start..).unwrap_or_default();
        let Some(found) = rest.get(8..).and_then(|rest| rest.first_chunk::<8>()) else {
            return false;
        };
        let found = u64::from_le_bytes(*found);
        // A segment holds far fewer frames than this.
        (number + 1..number + (1 << 24)).contains(&found) && read(salt, found, rest).is_some()
    })
}

/// The rows of a payload; none where it is malformed in spite of its checksum.
pub(crate) fn decode(payload: &[u8]) -> Option<Writes> {
    let (count, mut rest) = split_u32(payload)?;
    let mut writes = Writes::new();
    for _ in 0..count {
        let (key_length, tail) = split_u32(rest)?;
        let (value_length, tail) = split_u32(tail)?;
        let (key, tail) = tail.split_at_checked(key_length as usize)?;
        let taken = if value_length == DELETED { 0 } else { value_length as usize };
        let (value, tail) = tail.split_at_checked(taken)?;
        let value = (value_length != DELETED).then(|| Bytes::from(value));
        writes.insert(key.into(), value);
        rest = tail;
    }
    rest.is_empty().then_some(writes)
}

fn checksum(salt: Salt, length: u32, number: u64, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&salt);
    let crc = crc32c::crc32c_append(crc, &length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &number.to_le_bytes());
    crc32c::crc32c_append(crc, payload)
}

fn split_u32(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

fn to_u32(length: usize) -> io::Result<u32> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length < DELETED)
        .ok_or_else(|| io::Error::other("a frame of 4 GiB or more"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SALT: Salt = *b"saltsalt";

    fn writes() -> impl Strategy<Value = Writes> {
        let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
        let value = proptest::option::of(bytes().prop_map(Bytes::from));
        proptest::collection::btree_map(bytes().prop_map(Bytes::from), value, 0..8)
    }

    fn encoded(writes: &Writes) -> Vec<u8> {
        let mut out = Vec::new();
        encode(SALT, 7, writes, &mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written(writes in writes(), behind in 0..3_usize) {
            let mut bytes = encoded(&writes);
            let length = bytes.len();
            bytes.resize(length + behind, 0);
            let frame = read(SALT, 7, &bytes).unwrap();
            prop_assert_eq!(frame.bytes, length);
            prop_assert_eq!(decode(frame.payload), Some(writes));
        }

        #[test]
        fn no_changed_byte_goes_unseen(writes in writes(), at: prop::sample::Index, bit in 0..8_u8) {
            let mut bytes = encoded(&writes);
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(read(SALT, 7, &bytes).is_none());
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(SALT, 7, &bytes);
            let _ = decode(&bytes);
            let _ = read_segment_header(&bytes);
            prop_assert!(!later_frame(SALT, 7, &bytes));
        }
    }

    #[test]
    fn a_frame_of_another_segment_or_number_is_none() {
        let bytes = encoded(&Writes::new());
        assert!(read(*b"another!", 7, &bytes).is_none());
        assert!(read(SALT, 8, &bytes).is_none());
        assert!(later_frame(SALT, 6, &[&[1, 2, 3], bytes.as_slice()].concat()));
        assert!(!later_frame(SALT, 7, &bytes));
    }

    #[test]
    fn a_header_of_a_newer_version_says_so() {
        let mut header = segment_header(9, SALT);
        assert_eq!(read_segment_header(&header), Header::Segment { first: 9, salt: SALT });
        header[8] = 2;
        assert_eq!(read_segment_header(&header), Header::Newer { version: 2 });
        header[0] = 0;
        assert_eq!(read_segment_header(&header), Header::Damaged);
    }
}
