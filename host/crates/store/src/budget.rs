//! How much one operation may write, counted while it is encoded.

use std::io;

use serde::Serialize;

use crate::error::TooLarge;

/// The most that one operation may write.
pub(crate) const OPERATION_BYTES_MAX: u64 = 64 << 20;
/// The most that is encoded and sealed on a caller's thread, which may drive other futures.
pub(crate) const QUICK_BYTES_MAX: u64 = 256 << 10;
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
        let mut out = Counting { bytes: Vec::with_capacity(256), count: 0, left };
        if let Err(error) = serde_json::to_writer(&mut out, value) {
            // Writing to memory cannot fail, and every row's type has text for keys.
            tracing::error!(%error, "a row could not be encoded");
            return Err(TooLarge { bytes: u64::MAX, limit: self.limit });
        }
        self.take(out.count)?;
        let depth = depth(&out.bytes);
        if depth > DEPTH_MAX {
            // There is no error of its own for a value that nobody can read again; what its caller
            // does about it is the same.
            return Err(TooLarge { bytes: depth, limit: DEPTH_MAX });
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
        self.count += bytes.len() as u64;
        if self.count <= self.left {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How deep JSON nests.
fn depth(json: &[u8]) -> u64 {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_u64, 0, false, false);
    for byte in json {
        match (in_text, byte) {
            _ if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b'[' | b'{') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
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
        assert_eq!(depth(br#"{"a[[[":"\"[[[",  "b":[[1]]}"#), 3);
    }
}
