//! API keys: `wf_<id>_<secret>_<checksum>`. Only an HMAC of a key is ever kept.
//!
//! A secret has 256 random bits, so a fast hash is enough; a slow one would let strangers burn the
//! host's time. The checksum (CRC-32C of what stands before it) tells a scanner of secrets, and
//! whoever mistyped, that something is or is no key, without asking anybody.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use wforge_model::Digest;
use wforge_ports::Entropy;
use zeroize::Zeroizing;

const PREFIX: &str = "wf_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// What the HMAC of every key of a deployment is made with: whoever reads the store alone cannot
/// even check a guess.
#[derive(Clone)]
pub struct Pepper(Zeroizing<[u8; 32]>);

impl Pepper {
    /// The pepper with these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn mac(&self, whole: &str) -> Digest {
        // A key of any length fits HMAC, so that this cannot fail.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.0.as_slice()) else {
            return Digest::from_bytes([0; 32]);
        };
        mac.update(whole.as_bytes());
        Digest::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(..)")
    }
}

/// A key as a request presents it: well formed, not yet known to be valid.
pub(super) struct PresentedKey<'a> {
    /// Which credential it claims to be.
    pub(super) id: &'a str,
    whole: &'a str,
}

impl<'a> PresentedKey<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (body, checksum) = text.rsplit_once('_')?;
        let (id, secret) = body.strip_prefix(PREFIX)?.split_once('_')?;
        let fits = is_hex(id, ID_BYTES) && is_hex(secret, SECRET_BYTES) && is_hex(checksum, 4);
        (fits && checksum == checksum_of(body)).then_some(Self { id, whole: text })
    }

    pub(super) fn mac(&self, pepper: &Pepper) -> Digest {
        pepper.mac(self.whole)
    }
}

fn is_hex(text: &str, bytes: usize) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == 2 * bytes && text.bytes().all(is_digit)
}

fn checksum_of(body: &str) -> String {
    hex(&crc32c::crc32c(body.as_bytes()).to_be_bytes())
}

/// A new key, shown once.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// Under which its credential is kept.
    pub id: String,
    /// The key itself: for its owner only, never kept by the host.
    pub text: String,
    /// What the host keeps.
    pub mac: Digest,
}

impl IssuedKey {
    /// Makes a key.
    #[must_use]
    pub fn issue(entropy: &dyn Entropy, pepper: &Pepper) -> Self {
        let (mut id, mut secret) = ([0; ID_BYTES], Zeroizing::new([0; SECRET_BYTES]));
        entropy.fill(&mut id);
        entropy.fill(secret.as_mut_slice());
        let id = hex(&id);
        let body = format!("{PREFIX}{id}_{}", hex(secret.as_slice()));
        let text = format!("{body}_{}", checksum_of(&body));
        let mac = pepper.mac(&text);
        Self { id, text, mac }
    }

    /// A key that somebody else made, such as one from a file of secrets.
    #[must_use]
    pub fn of_text(text: &str, pepper: &Pepper) -> Option<Self> {
        let presented = PresentedKey::parse(text)?;
        let (id, mac) = (presented.id.to_owned(), presented.mac(pepper));
        Some(Self { id, text: text.to_owned(), mac })
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

    fn pepper() -> Pepper {
        Pepper::new([1; 32])
    }

    #[test]
    fn an_issued_key_parses_and_hashes_to_what_was_kept() {
        let issued = IssuedKey::issue(&Sevens, &pepper());
        let presented = PresentedKey::parse(&issued.text).unwrap();
        assert_eq!((presented.id, presented.mac(&pepper())), (issued.id.as_str(), issued.mac));
        assert_eq!(IssuedKey::of_text(&issued.text, &pepper()), Some(issued.clone()));
        assert_ne!(presented.mac(&Pepper::new([2; 32])), issued.mac);
    }

    #[test]
    fn the_debug_form_of_a_key_does_not_hold_it() {
        let issued = IssuedKey::issue(&Sevens, &pepper());
        assert_eq!(format!("{issued:?}"), r#"IssuedKey { id: "070707070707", .. }"#);
        assert_eq!(format!("{:?}", pepper()), "Pepper(..)");
    }

    #[test]
    fn what_is_not_of_the_form_is_no_key() {
        let good = IssuedKey::issue(&Sevens, &pepper()).text;
        let mistyped = good.replacen("0707", "0708", 2);
        let cut = good.rsplit_once('_').unwrap().0.to_owned();
        let longer = format!("{good}0");
        let upper = good.to_uppercase();
        for text in ["", "wf_", "wf__", &mistyped, &cut, &longer, &upper, &format!("{good}_{good}")]
        {
            assert!(PresentedKey::parse(text).is_none(), "{text}");
        }
    }
}
