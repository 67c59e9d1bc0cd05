//! Public keys and signatures as the program minisign writes them. Text in, an answer out: nothing
//! here knows a tenant, and no bytes make it panic.
//!
//! Only signatures over the BLAKE2b hash of a file are taken (`ED`, the default of minisign since
//! 0.10). The older form (`Ed`) signs the bytes themselves, so that its message is as long as the
//! sender likes; no program of today needs it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wforge_model::trust::KeyId;

/// The longest file of a public key, in bytes.
const PUBLIC_KEY_BYTES_MAX: usize = 1 << 10;
/// Algorithm and key id, which stand before everything in keys and signatures.
const HEAD_BYTES: usize = 10;
const KEY_BYTES: usize = HEAD_BYTES + 32;
const SIGNATURE_BYTES: usize = HEAD_BYTES + 64;
const PREHASHED: &[u8] = b"ED";
const LEGACY: &[u8] = b"Ed";

/// Why something is no signature that counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// Larger than the limit.
    #[error(
        "the signature has {bytes} bytes, more than {bytes_max} (limits.trust.signature_bytes_max)"
    )]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
    /// Not what minisign writes.
    #[error("this is no signature of minisign: four lines of text, as minisign -S writes them")]
    Form,
    /// Of a form that is not taken any more.
    #[error(
        "the signature is of minisign's old form (Ed), which is not taken: sign again with minisign \
         0.10 or newer, or with -H"
    )]
    Legacy,
    /// Of other bytes, by another key, or with another trusted comment.
    #[error(
        "the signature is not of these bytes by the key {key}: the file or its signature was changed"
    )]
    Mismatch {
        /// The key that it names.
        key: KeyId,
    },
}

/// Text that is no public key of minisign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no public key of minisign: a line that begins with RW, as in minisign.pub")]
pub struct BadPublicKey;

/// A public key.
#[derive(Debug, Clone)]
pub struct PublicKey {
    id: KeyId,
    line: String,
    key: minisign_verify::PublicKey,
}

impl PublicKey {
    /// A file as minisign writes it, or its second line alone.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, BadPublicKey> {
        if text.len() > PUBLIC_KEY_BYTES_MAX {
            return Err(BadPublicKey);
        }
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let line = match (lines.next(), lines.next(), lines.next()) {
            (Some(line), None, None) => line,
            (Some(comment), Some(line), None) if comment.starts_with("untrusted comment:") => line,
            _ => return Err(BadPublicKey),
        };
        let (id, algorithm) = head(line, KEY_BYTES).ok_or(BadPublicKey)?;
        let key = minisign_verify::PublicKey::from_base64(line).map_err(|_| BadPublicKey)?;
        if algorithm != LEGACY {
            return Err(BadPublicKey);
        }
        Ok(Self { id, line: line.to_owned(), key })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The key as one line.
    #[must_use]
    pub fn line(&self) -> &str {
        &self.line
    }
}

/// A signature that is well formed; whether it is right is asked of it.
#[derive(Clone)]
pub struct Minisign {
    key: KeyId,
    text: String,
    signature: minisign_verify::Signature,
}

impl std::fmt::Debug for Minisign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Minisign").field("key", &self.key).finish_non_exhaustive()
    }
}

impl Minisign {
    /// The bytes of a `.minisig` file of at most so many.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(bytes: &[u8], bytes_max: usize) -> Result<Self, BadSignature> {
        if bytes.len() > bytes_max {
            return Err(BadSignature::TooLarge { bytes: bytes.len(), bytes_max });
        }
        let text = std::str::from_utf8(bytes).map_err(|_| BadSignature::Form)?;
        let lines: Vec<&str> = text.trim_end().lines().collect();
        let [_, line, _, _] = lines.as_slice() else { return Err(BadSignature::Form) };
        let (key, algorithm) = head(line, SIGNATURE_BYTES).ok_or(BadSignature::Form)?;
        if algorithm == LEGACY {
            return Err(BadSignature::Legacy);
        }
        if algorithm != PREHASHED {
            return Err(BadSignature::Form);
        }
        let signature = minisign_verify::Signature::decode(text).map_err(|_| BadSignature::Form)?;
        Ok(Self { key, text: text.to_owned(), signature })
    }

    /// The key that it names.
    #[must_use]
    pub const fn key(&self) -> KeyId {
        self.key
    }

    /// The file as it was.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Checks it against bytes, its trusted comment too.
    ///
    /// # Errors
    /// [`BadSignature::Mismatch`].
    pub fn verify(&self, by: &PublicKey, bytes: &[u8]) -> Result<(), BadSignature> {
        let verified = by.key.verify(bytes, &self.signature, false);
        verified.map_err(|_| BadSignature::Mismatch { key: self.key })
    }
}

/// Key id and algorithm of a line of so many bytes.
fn head(line: &str, bytes: usize) -> Option<(KeyId, [u8; 2])> {
    let decoded = STANDARD.decode(line).ok().filter(|decoded| decoded.len() == bytes)?;
    let (algorithm, rest) = decoded.split_first_chunk::<2>()?;
    let (id, _) = rest.split_first_chunk::<8>()?;
    Some((KeyId::from_bytes(*id), *algorithm))
}

#[cfg(test)]
mod tests;
