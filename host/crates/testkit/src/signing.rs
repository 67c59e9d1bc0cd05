//! Keys and signatures as the program minisign writes them, made from a seed. For tests: a secret
//! key of a seed is no secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, Seed};

/// A key that signs as minisign does.
#[derive(Debug)]
pub struct SigningKey {
    pair: KeyPair,
    id: [u8; 8],
}

impl SigningKey {
    /// The key of a seed: the same seed, the same key.
    #[must_use]
    pub fn of(seed: u8) -> Self {
        Self { pair: KeyPair::from_seed(Seed::new([seed; 32])), id: [seed; 8] }
    }

    /// The same secret under the id of another key, as a forger would write it.
    #[must_use]
    pub fn posing_as(self, other: &Self) -> Self {
        Self { id: other.id, ..self }
    }

    /// Its id, as the program shows it.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{:016X}", u64::from_le_bytes(self.id))
    }

    /// The second line of `minisign.pub`.
    #[must_use]
    pub fn public_line(&self) -> String {
        STANDARD.encode([b"Ed".as_slice(), &self.id, self.pair.pk.as_slice()].concat())
    }

    /// `minisign.pub`.
    #[must_use]
    pub fn public_file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{}\n", self.id(), self.public_line())
    }

    /// The `.minisig` file of these bytes.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> String {
        self.file(b"ED", blake2b_simd::blake2b(bytes).as_bytes())
    }

    /// The same in the old form, over the bytes themselves.
    #[must_use]
    pub fn sign_legacy(&self, bytes: &[u8]) -> String {
        self.file(b"Ed", bytes)
    }

    fn file(&self, algorithm: &[u8], signed: &[u8]) -> String {
        let comment = "timestamp:1790000000\tfile:plugin.wasm";
        let signature = self.pair.sk.sign(signed, None);
        let global = [signature.as_slice(), comment.as_bytes()].concat();
        let global = self.pair.sk.sign(global, None);
        format!(
            "untrusted comment: signature from minisign secret key\n{}\ntrusted comment: \
             {comment}\n{}\n",
            STANDARD.encode([algorithm, &self.id, signature.as_slice()].concat()),
            STANDARD.encode(global.as_slice())
        )
    }
}
