//! Signatures as the program minisign writes them, over the BLAKE2b hash of a file.
//!
//! How one is checked is the engine's, so that `wforge verify` says what an installation would.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wforge_model::Timestamp;

use super::keys::SecretKey;

/// The longest comment, in bytes: with everything around it a signature stays within what hosts
/// take (`limits.trust.signature_bytes_max`).
const COMMENT_BYTES_MAX: usize = 2 << 10;

/// A comment that no signature can have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadComment {
    /// It would be more than one line, or steer a terminal.
    #[error("a comment is one line of text without control characters")]
    Form,
    /// It is too long.
    #[error("the comment has {bytes} bytes, more than {COMMENT_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
}

/// What a signature says of a file where nobody says otherwise: its name and the time, as the
/// program writes them.
pub(crate) fn comment_of(file: &str, now: Timestamp) -> String {
    let name: String = file.chars().filter(|c| !c.is_control()).collect();
    format!("timestamp:{}\tfile:{name}\thashed", now.0 / 1_000)
}

/// The `.minisig` file of these bytes, with a comment that is signed too.
pub(crate) fn sign(key: &SecretKey, bytes: &[u8], comment: &str) -> Result<String, BadComment> {
    if comment.chars().any(|c| c.is_control() && c != '\t') || comment.trim() != comment {
        return Err(BadComment::Form);
    }
    if comment.len() > COMMENT_BYTES_MAX {
        return Err(BadComment::TooLong { bytes: comment.len() });
    }
    let signature = key.sign(blake2b_simd::blake2b(bytes).as_bytes());
    let global = key.sign(&[signature.as_slice(), comment.as_bytes()].concat());
    let line = [b"ED".as_slice(), key.id_bytes(), &signature].concat();
    Ok(format!(
        "untrusted comment: signature from minisign secret key\n{}\ntrusted comment: \
         {comment}\n{}\n",
        STANDARD.encode(line),
        STANDARD.encode(global)
    ))
}

#[cfg(test)]
mod tests {
    use wforge_engine::{Minisign, PublicKey};
    use wforge_testkit::SimEntropy;

    use super::*;

    #[test]
    fn a_signature_is_one_that_hosts_take() {
        let key = SecretKey::generate(&SimEntropy::new(7));
        let public = PublicKey::parse(&key.public_file()).unwrap();
        let comment = comment_of("plugin\n.wasm", Timestamp(1_790_000_000_500));
        assert_eq!(comment, "timestamp:1790000000\tfile:plugin.wasm\thashed");
        let text = sign(&key, b"bytes", &comment).unwrap();
        let signature = Minisign::parse(text.as_bytes(), 4 << 10).unwrap();
        assert_eq!((signature.key(), public.id()), (key.id(), key.id()));
        signature.verify(&public, b"bytes").unwrap();
        signature.verify(&public, b"other").unwrap_err();
        let other = text.replace("plugin.wasm", "another.wasm");
        let other = Minisign::parse(other.as_bytes(), 4 << 10).unwrap();
        other.verify(&public, b"bytes").unwrap_err();
    }

    #[test]
    fn a_comment_is_one_line() {
        let key = SecretKey::generate(&SimEntropy::new(7));
        for comment in ["a\nb", "a\rb", "\x1b[31m", " a", "a "] {
            assert_eq!(sign(&key, b"", comment), Err(BadComment::Form), "{comment:?}");
        }
        let long = "x".repeat(COMMENT_BYTES_MAX + 1);
        assert!(matches!(sign(&key, b"", &long), Err(BadComment::TooLong { .. })));
        let longest = sign(&key, b"", &long[1..]).unwrap();
        assert!(longest.len() < 4 << 10);
    }
}
