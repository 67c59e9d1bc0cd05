//! API keys: `wf_<id>_<secret>`. Only a hash of a key is ever kept.
//!
//! A secret has 256 random bits, so a fast hash is enough; a slow one would let strangers burn the
//! host's time.

use std::fmt;

use sha2::{Digest as _, Sha256};
use wforge_model::Digest;
use wforge_ports::Entropy;

const PREFIX: &str = "wf_";
const ID_BYTES_MAX: usize = 32;
const SECRET_BYTES_MIN: usize = 32;
const SECRET_BYTES_MAX: usize = 128;

/// A key as a request presents it: well formed, not yet known to be valid.
pub(super) struct PresentedKey<'a> {
    /// Which credential it claims to be.
    pub(super) id: &'a str,
    whole: &'a str,
}

impl<'a> PresentedKey<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
        let id_fits = (1..=ID_BYTES_MAX).contains(&id.len());
        let secret_fits = (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&secret.len());
        let fits = id_fits && secret_fits && is_word(id) && is_word(secret);
        fits.then_some(Self { id, whole: text })
    }

    pub(super) fn hash(&self) -> Digest {
        hash(self.whole)
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn hash(whole: &str) -> Digest {
    Digest::from_bytes(Sha256::digest(whole.as_bytes()).into())
}

/// A new key, shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// Under which its credential is kept.
    pub id: String,
    /// The key itself: for its owner only, never kept by the host.
    pub text: String,
    /// What the host keeps: the SHA-256 of the text.
    pub hash: Digest,
}

impl IssuedKey {
    /// Makes a key.
    #[must_use]
    pub fn issue(entropy: &dyn Entropy) -> Self {
        let (mut id, mut secret) = ([0; 6], [0; 32]);
        entropy.fill(&mut id);
        entropy.fill(&mut secret);
        let id = hex(&id);
        let text = format!("{PREFIX}{id}_{}", hex(&secret));
        let hash = hash(&text);
        Self { id, text, hash }
    }
}

/// Without the key: what is debugged ends up in logs.
impl fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Small hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Sevens;

    impl Entropy for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn an_issued_key_parses_and_hashes_to_what_was_kept() {
        let issued = IssuedKey::issue(&Sevens);
        let presented = PresentedKey::parse(&issued.text).unwrap();
        assert_eq!((presented.id, presented.hash()), (issued.id.as_str(), issued.hash));
    }

    #[test]
    fn the_debug_form_of_a_key_does_not_hold_it() {
        let issued = IssuedKey::issue(&Sevens);
        assert_eq!(format!("{issued:?}"), r#"IssuedKey { id: "070707070707", .. }"#);
    }

    #[test]
    fn what_is_not_of_the_form_is_no_key() {
        let secret = "s".repeat(32);
        for text in [
            String::new(),
            "wf_".into(),
            format!("wf_{secret}"),
            format!("wf__{secret}"),
            format!("xx_id_{secret}"),
            "wf_id_short".into(),
            format!("wf_id_{}", "s".repeat(129)),
            format!("wf_id_{secret}_{secret}"),
            format!("wf_i d_{secret}"),
        ] {
            assert!(PresentedKey::parse(&text).is_none(), "{text}");
        }
    }
}
