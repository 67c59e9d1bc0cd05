//! Signatures and keys of minisign, as text that strangers send. Reading either never panics, and
//! nothing is signed by a key that is made of the same bytes as its signature.
#![allow(clippy::expect_used, reason = "what does not hold panics, for fuzzer and test alike")]

use minisign_verify::{PublicKey, Signature};

/// Whether it is a signature or a key.
pub(crate) fn check(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let key = PublicKey::decode(&text).or_else(|_| PublicKey::from_base64(text.trim()));
    let signature = Signature::decode(&text);
    let own = PublicKey::from_base64(KEY).expect("a key");
    if let Ok(signature) = &signature {
        // Only who has the secret half can make one for these words.
        assert!(own.verify(b"words that nobody signed", signature, true).is_err());
        let _ = (signature.trusted_comment(), signature.untrusted_comment());
    }
    if let (Ok(key), Ok(signature)) = (&key, &signature) {
        assert!(key.verify(bytes, signature, true).is_err(), "it signs itself");
    }
    key.is_ok() | signature.is_ok()
}

/// The key of minisign's own releases.
const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
