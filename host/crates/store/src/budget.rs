//! How much one operation may write, counted while it is encoded.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::error::TooLarge;

/// The most that one operation may write.
pub(crate) const OPERATION_BYTES_MAX: u64 = 64 << 20;
/// The most that is encoded and sealed on a caller's thread, which may drive other futures.
pub(crate) const QUICK_BYTES_MAX: u64 = 256 << 10;
/// Room for a row of the usual size.
const ROW_BYTES: usize = 512;
/// The deepest value, in levels of JSON: a reader must be able to recurse into it.
pub(crate) const DEPTH_MAX: u64 = 512;

/// The bytes that are left of a limit.
#[derive(Debug)]
pub(crate) struct Budget {
    used: u64,
    limit: u64,
}

impl Budget {
    pub(crate) const fn new(limit: u64) -> Self {
        Self { used: 0, limit }
    }

    pub(crate) const fn used(&self) -> u64 {
        self.used
    }

    /// Takes bytes that need no encoding.
    pub(crate) const fn take(&mut self, bytes: u64) -> Result<(), TooLarge> {
        self.used = self.used.saturating_add(bytes);
        if self.used > self.limit {
            return Err(TooLarge { bytes: self.used, limit: self.limit });
        }
        Ok(())
    }

    /// Takes a key that a caller chose.
    pub(crate) fn take_key(&mut self, parts: &[&str]) -> Result<(), TooLarge> {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        let limit = crate::keys::KEY_BYTES_MAX;
        if bytes > limit {
            return Err(TooLarge { bytes: bytes as u64, limit: limit as u64 });
        }
        self.take(bytes as u64)
    }

    /// The JSON of a value; counts to its end, but keeps no more than is left.
    pub(crate) fn encode<T: Serialize>(&mut self, value: &T) -> Result<Vec<u8>, TooLarge> {
        let left = self.limit.saturating_sub(self.used);
        let mut out = Counting { bytes: Vec::with_capacity(ROW_BYTES), count: 0, left };
        let mut depth = Depth::default();
        let mut json = serde_json::Serializer::with_formatter(&mut out, &mut depth);
        if let Err(error) = value.serialize(&mut json) {
            // Writing to memory cannot fail, and every row's type has text for keys.
            tracing::error!(%error, "a row could not be encoded");
            return Err(TooLarge { bytes: u64::MAX, limit: self.limit });
        }
        self.take(out.count)?;
        if depth.deepest > DEPTH_MAX {
            // There is no error of its own for a value that nobody can read again; what its caller
            // does about it is the same.
            return Err(TooLarge { bytes: depth.deepest, limit: DEPTH_MAX });
        }
        Ok(out.bytes)
    }
}

struct Counting {
    bytes: Vec<u8>,
    count: u64,
    left: u64,
}

impl io::Write for Counting {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    // JSON comes in many small pieces, and nothing is ever written in part.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.count += bytes.len() as u64;
        if self.count <= self.left {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How deep the JSON nests that is being written; it is written without spaces.
#[derive(Debug, Default)]
struct Depth {
    now: u64,
    deepest: u64,
}

impl Depth {
    fn open(&mut self) {
        self.now += 1;
        self.deepest = self.deepest.max(self.now);
    }

    const fn close(&mut self) {
        self.now = self.now.saturating_sub(1);
    }
}

impl Formatter for &mut Depth {
    fn begin_array<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open();
        out.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close();
        out.write_all(b"]")
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.open();
        out.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.close();
        out.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_over_the_budget_is_counted_to_its_end() {
        let error = Budget::new(10).encode(&"x".repeat(98)).unwrap_err();
        assert_eq!(error, TooLarge { bytes: 100, limit: 10 });
    }

    #[test]
    fn brackets_in_text_are_no_depth() {
        let value = serde_json::json!({ "a[[[": "\"[[[", "b": [[1], {}] });
        let (mut depth, mut out) = (Depth::default(), Vec::new());
        let mut json = serde_json::Serializer::with_formatter(&mut out, &mut depth);
        value.serialize(&mut json).unwrap();
        assert_eq!((depth.now, depth.deepest), (0, 3));
        assert_eq!(out, serde_json::to_vec(&value).unwrap());
    }
}
