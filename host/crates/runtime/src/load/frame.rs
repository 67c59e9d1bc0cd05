//! What two processes say to each other over a pipe: a small header in JSON and bytes after it,
//! each with its length in front. Whoever reads says how much he takes.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

const HEADER_BYTES_MAX: u64 = 16 << 10;

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// The other side ended, or the pipe broke.
    #[error("the other side ended: {0}")]
    Ended(#[from] io::Error),
    /// It is more than is taken.
    #[error("{bytes} bytes were announced, of {bytes_max}")]
    TooLarge { bytes: u64, bytes_max: u64 },
    /// It is no header.
    #[error("the header cannot be read: {0}")]
    Garbage(#[from] serde_json::Error),
}

pub(crate) fn write(out: &mut impl Write, header: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let header = serde_json::to_vec(header)?;
    for part in [header.as_slice(), body] {
        out.write_all(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes())?;
        out.write_all(part)?;
    }
    out.flush()
}

pub(crate) fn read<H: DeserializeOwned>(
    input: &mut impl Read,
    body_bytes_max: u64,
) -> Result<(H, Vec<u8>), FrameError> {
    let header = part(input, HEADER_BYTES_MAX).map_err(|error| match error {
        FrameError::TooLarge { .. } => FrameError::Ended(io::ErrorKind::InvalidData.into()),
        error => error,
    })?;
    let body = part(input, body_bytes_max)?;
    Ok((serde_json::from_slice(&header)?, body))
}

/// Memory grows with what comes, not with what was announced.
fn part(input: &mut impl Read, bytes_max: u64) -> Result<Vec<u8>, FrameError> {
    let mut length = [0; 8];
    input.read_exact(&mut length)?;
    let bytes = u64::from_le_bytes(length);
    if bytes > bytes_max {
        return Err(FrameError::TooLarge { bytes, bytes_max });
    }
    let mut part = Vec::new();
    input.take(bytes).read_to_end(&mut part)?;
    if u64::try_from(part.len()).is_ok_and(|read| read == bytes) {
        return Ok(part);
    }
    Err(FrameError::Ended(io::ErrorKind::UnexpectedEof.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, &"header", body).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let (header, body): (String, _) = read(&mut framed(b"body").as_slice(), 4).unwrap();
        assert_eq!((header.as_str(), body.as_slice()), ("header", b"body".as_slice()));
    }

    #[test]
    fn more_than_is_taken_is_refused_before_it_is_read() {
        let error = read::<String>(&mut framed(b"body").as_slice(), 3).unwrap_err();
        assert!(matches!(error, FrameError::TooLarge { bytes: 4, bytes_max: 3 }), "{error}");
        let error = read::<String>(&mut [0xff; 64].as_slice(), 3).unwrap_err();
        assert!(matches!(error, FrameError::Ended(_)), "{error}");
    }

    #[test]
    fn what_ends_too_early_is_no_frame() {
        let whole = framed(b"body");
        for length in 0..whole.len() {
            let error = read::<String>(&mut &whole[..length], 4).unwrap_err();
            assert!(matches!(error, FrameError::Ended(_)), "{length}: {error}");
        }
    }
}
