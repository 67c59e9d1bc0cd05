//! Secret keys as the program minisign keeps them: made, sealed with a password, opened again.
//!
//! Text in, text out: nothing here opens a file or asks for a password. What is secret is wiped
//! when it is dropped. A file has an untrusted comment, and the bytes of [`KeyFile`] as a line in
//! base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_compact::{KeyPair, PublicKey, Seed};
use wforge_model::trust::KeyId;
use wforge_ports::Entropy;
use zeroize::{Zeroize as _, Zeroizing};

const ED25519: [u8; 2] = *b"Ed";
const BLAKE2B: [u8; 2] = *b"B2";
const SCRYPT: [u8; 2] = *b"Sc";
const NOT_SEALED: [u8; 2] = [0; 2];

const SALT_BYTES: usize = 32;
const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = ed25519_compact::SecretKey::BYTES;
const CHECK_BYTES: usize = 32;
/// Three algorithms, the salt, and what opening it costs.
const HEAD_BYTES: usize = 3 * 2 + SALT_BYTES + 2 * 8;
const BODY_BYTES: usize = ID_BYTES + SECRET_BYTES + CHECK_BYTES;
const FILE_BYTES: usize = HEAD_BYTES + BODY_BYTES;
/// Of a public key: the algorithm, its id and the key.
const PUBLIC_BYTES: usize = 2 + ID_BYTES + PublicKey::BYTES;

/// What the program asks of whoever tries a password, libsodium's "sensitive": 1 GiB for each try.
/// A file that asks for more would take memory that nobody meant to give.
const OPERATIONS: u64 = 33_554_432;
const MEMORY_BYTES: u64 = 1 << 30;

/// A secret key that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// Not what minisign writes.
    #[error("this is no secret key of minisign: two lines of text, as wforge keygen writes them")]
    Form,
    /// It is a public key.
    #[error("this is a public key: sign with the secret key that was made with it")]
    Public,
    /// An algorithm that nobody uses, or a cost that nobody means.
    #[error("the secret key is sealed in a way that is not known here: {0}")]
    Unknown(&'static str),
    /// It is sealed and there is no password.
    #[error("the secret key is sealed with a password")]
    NeedsPassword,
    /// Another password than the one that it was sealed with.
    #[error("that is not the password of this key")]
    WrongPassword,
    /// Its parts do not fit together.
    #[error("the secret key is damaged: its public half is not its own")]
    Damaged,
    /// The derivation failed.
    #[error("no key could be derived from the password: {0}")]
    Derivation(String),
}

/// A key that signs. Wiped when it is dropped.
pub(crate) struct SecretKey {
    id: [u8; ID_BYTES],
    key: ed25519_compact::SecretKey,
}

/// Without the key.
impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

impl SecretKey {
    /// A new one.
    pub(crate) fn generate(entropy: &dyn Entropy) -> Self {
        let mut seed = Zeroizing::new([0; Seed::BYTES]);
        entropy.fill(seed.as_mut_slice());
        let mut id = [0; ID_BYTES];
        entropy.fill(&mut id);
        let KeyPair { sk, .. } = KeyPair::from_seed(Seed::new(*seed));
        Self { id, key: sk }
    }

    /// Its id, which stands in its signatures.
    pub(crate) fn id(&self) -> KeyId {
        KeyId::from_bytes(self.id)
    }

    /// The bytes that stand for it in signatures.
    pub(super) const fn id_bytes(&self) -> &[u8; ID_BYTES] {
        &self.id
    }

    /// A signature of these bytes.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        *self.key.sign(message, None)
    }

    /// The public key as one line.
    pub(crate) fn public_line(&self) -> String {
        let public = self.key.public_key();
        STANDARD.encode([ED25519.as_slice(), &self.id, public.as_slice()].concat())
    }

    /// The file of the public key.
    pub(crate) fn public_file(&self) -> String {
        format!("untrusted comment: minisign public key {}\n{}\n", self.id(), self.public_line())
    }

    /// The file of the secret key; without a password whoever reads it can sign.
    pub(crate) fn file(
        &self,
        password: Option<&str>,
        entropy: &dyn Entropy,
    ) -> Result<Zeroizing<String>, KeyError> {
        let mut body = Zeroizing::new([0; BODY_BYTES]);
        let check = self.check();
        let parts = self.id.iter().chain(self.key.iter()).chain(&check).copied();
        body.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
        let mut salt = [0; SALT_BYTES];
        let (algorithm, operations, memory_bytes, comment) = match password {
            Some(_) => (SCRYPT, OPERATIONS, MEMORY_BYTES, "minisign encrypted secret key"),
            None => (NOT_SEALED, 0, 0, "minisign secret key, not encrypted"),
        };
        if let Some(password) = password {
            entropy.fill(&mut salt);
            let cost = Cost { operations, memory_bytes };
            mask(&mut body, password, &salt, cost)?;
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(FILE_BYTES));
        for part in [ED25519, algorithm, BLAKE2B] {
            bytes.extend_from_slice(&part);
        }
        bytes.extend_from_slice(&salt);
        bytes.extend_from_slice(&operations.to_le_bytes());
        bytes.extend_from_slice(&memory_bytes.to_le_bytes());
        bytes.extend_from_slice(body.as_slice());
        let line = Zeroizing::new(STANDARD.encode(&*bytes));
        Ok(Zeroizing::new(format!("untrusted comment: {comment}\n{}\n", *line)))
    }

    fn check(&self) -> [u8; CHECK_BYTES] {
        let mut hash = blake2b_simd::Params::new().hash_length(CHECK_BYTES).to_state();
        hash.update(&ED25519).update(&self.id).update(self.key.as_slice());
        let mut check = [0; CHECK_BYTES];
        check.iter_mut().zip(hash.finalize().as_bytes()).for_each(|(to, from)| *to = *from);
        check
    }
}

/// What the file of a secret key says, still sealed where it is. Wiped when it is dropped.
pub(crate) struct KeyFile {
    bytes: Zeroizing<[u8; FILE_BYTES]>,
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyFile").finish_non_exhaustive()
    }
}

impl KeyFile {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Result<Self, KeyError> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let (Some(comment), Some(line), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(KeyError::Form);
        };
        if !comment.starts_with("untrusted comment:") {
            return Err(KeyError::Form);
        }
        let decoded = Zeroizing::new(STANDARD.decode(line).map_err(|_| KeyError::Form)?);
        match decoded.len() {
            FILE_BYTES => {}
            PUBLIC_BYTES => return Err(KeyError::Public),
            _ => return Err(KeyError::Form),
        }
        // Copied into what is wiped, so that no array of it stays behind.
        let mut bytes = Zeroizing::new([0; FILE_BYTES]);
        bytes.iter_mut().zip(decoded.iter()).for_each(|(to, from)| *to = *from);
        let file = Self { bytes };
        if file.two(0) != ED25519 {
            return Err(KeyError::Unknown("it is no key for Ed25519"));
        }
        if file.two(4) != BLAKE2B {
            return Err(KeyError::Unknown("its check is no BLAKE2b"));
        }
        match file.two(2) {
            NOT_SEALED => Ok(file),
            SCRYPT if file.cost().is_bearable() => Ok(file),
            SCRYPT => Err(KeyError::Unknown("opening it would take more than 1 GiB")),
            _ => Err(KeyError::Unknown("not with scrypt")),
        }
    }

    /// Whether it takes a password to open it.
    pub(crate) fn needs_password(&self) -> bool {
        self.two(2) == SCRYPT
    }

    /// Opens it; takes seconds where it is sealed.
    pub(crate) fn open(&self, password: Option<&str>) -> Result<SecretKey, KeyError> {
        let mut body = Zeroizing::new([0; BODY_BYTES]);
        let kept = self.bytes.iter().skip(HEAD_BYTES);
        body.iter_mut().zip(kept).for_each(|(to, from)| *to = *from);
        let sealed = self.needs_password();
        if sealed {
            let password = password.ok_or(KeyError::NeedsPassword)?;
            mask(&mut body, password, &self.part::<SALT_BYTES>(6), self.cost())?;
        }
        let (id, rest) = body.split_at(ID_BYTES);
        let (secret, check) = rest.split_at(SECRET_BYTES);
        let id = id.try_into().map_err(|_| KeyError::Form)?;
        let key = ed25519_compact::SecretKey::from_slice(secret).map_err(|_| KeyError::Form)?;
        let key = SecretKey { id, key };
        // The program writes no check where there is no password.
        if sealed && key.check().as_slice() != check {
            return Err(KeyError::WrongPassword);
        }
        let public: PublicKey = key.key.public_key();
        key.key.validate_public_key(&public).map_err(|_| KeyError::Damaged)?;
        Ok(key)
    }

    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut part = [0; N];
        part.iter_mut().zip(self.bytes.iter().skip(at)).for_each(|(to, from)| *to = *from);
        part
    }

    fn two(&self, at: usize) -> [u8; 2] {
        self.part(at)
    }

    fn cost(&self) -> Cost {
        let number = |at| u64::from_le_bytes(self.part(at));
        Cost { operations: number(HEAD_BYTES - 16), memory_bytes: number(HEAD_BYTES - 8) }
    }
}

/// What trying a password costs, in libsodium's terms.
#[derive(Debug, Clone, Copy)]
struct Cost {
    operations: u64,
    memory_bytes: u64,
}

impl Cost {
    const fn is_bearable(self) -> bool {
        self.operations <= OPERATIONS && self.memory_bytes <= MEMORY_BYTES
    }

    /// The parameters of scrypt, as libsodium chooses them.
    fn params(self) -> Result<scrypt::Params, KeyError> {
        const BLOCKS: u64 = 8;
        let operations = self.operations.max(32_768);
        let few = operations < self.memory_bytes / 32;
        let n_max =
            if few { operations / (BLOCKS * 4) } else { self.memory_bytes / (BLOCKS * 128) };
        let log_n = (1_u8..63).find(|log| (1_u64 << log) > n_max / 2).unwrap_or(63);
        let lanes = if few { 1 } else { ((operations / 4) >> log_n).min(0x3fff_ffff) / BLOCKS };
        let lanes = u32::try_from(lanes).unwrap_or(u32::MAX);
        scrypt::Params::new(log_n, 8, lanes).map_err(|e| KeyError::Derivation(e.to_string()))
    }
}

/// Seals what is open and opens what is sealed.
fn mask(
    body: &mut [u8; BODY_BYTES],
    password: &str,
    salt: &[u8; SALT_BYTES],
    cost: Cost,
) -> Result<(), KeyError> {
    let mut stream = [0; BODY_BYTES];
    let derived = scrypt::scrypt(password.as_bytes(), salt, &cost.params()?, &mut stream);
    body.iter_mut().zip(&stream).for_each(|(byte, key)| *byte ^= key);
    stream.zeroize();
    derived.map_err(|error| KeyError::Derivation(error.to_string()))
}

#[cfg(test)]
mod tests {
    use wforge_testkit::SimEntropy;

    use super::*;

    fn key() -> SecretKey {
        SecretKey::generate(&SimEntropy::new(1))
    }

    #[test]
    fn a_key_without_a_password_reads_back() {
        let key = key();
        let text = key.file(None, &SimEntropy::new(2)).unwrap();
        let file = KeyFile::parse(&text).unwrap();
        assert!(!file.needs_password());
        let again = file.open(None).unwrap();
        assert_eq!(again.public_file(), key.public_file());
        assert_eq!(again.sign(b"bytes"), key.sign(b"bytes"));
        assert!(!format!("{again:?} {file:?}").contains(&text[40..60]));
    }

    /// With little cost, since 1 GiB and a second are what a real one takes.
    #[test]
    fn a_sealed_key_opens_with_its_password_alone() {
        let key = key();
        let text = key.file(None, &SimEntropy::new(2)).unwrap();
        let mut bytes = STANDARD.decode(text.lines().nth(1).unwrap()).unwrap();
        bytes[2..4].copy_from_slice(&SCRYPT);
        bytes[HEAD_BYTES - 16..HEAD_BYTES - 8].copy_from_slice(&32_768_u64.to_le_bytes());
        bytes[HEAD_BYTES - 8..HEAD_BYTES].copy_from_slice(&(1_u64 << 20).to_le_bytes());
        let cost = Cost { operations: 32_768, memory_bytes: 1 << 20 };
        let mut body: [u8; BODY_BYTES] = bytes[HEAD_BYTES..].try_into().unwrap();
        mask(&mut body, "correct horse", &[0; SALT_BYTES], cost).unwrap();
        bytes[HEAD_BYTES..].copy_from_slice(&body);
        let text = format!("untrusted comment: it\n{}\n", STANDARD.encode(&bytes));
        let file = KeyFile::parse(&text).unwrap();
        assert!(file.needs_password());
        assert_eq!(file.open(None).unwrap_err(), KeyError::NeedsPassword);
        assert_eq!(file.open(Some("wrong")).unwrap_err(), KeyError::WrongPassword);
        assert_eq!(file.open(Some("correct horse")).unwrap().id(), key.id());
    }

    #[test]
    fn the_cost_is_what_libsodium_makes_of_it() {
        let params = |operations, memory_bytes| Cost { operations, memory_bytes }.params().unwrap();
        let of = |log_n, p| scrypt::Params::new(log_n, 8, p).unwrap();
        assert_eq!(params(OPERATIONS, MEMORY_BYTES), of(20, 1));
        // libsodium's "interactive".
        assert_eq!(params(524_288, 16 << 20), of(14, 1));
    }

    #[test]
    fn what_is_no_secret_key_is_refused() {
        let key = key();
        let of = |text: &str| KeyFile::parse(text).err();
        assert_eq!(of(&key.public_file()), Some(KeyError::Public));
        for text in ["", "RWQ", "untrusted comment: x\nAAAA\n", "untrusted comment: x\n!\n"] {
            assert_eq!(of(text), Some(KeyError::Form), "{text}");
        }
        let text = key.file(None, &SimEntropy::new(2)).unwrap();
        let change = |at: usize, to: &[u8]| {
            let mut bytes = STANDARD.decode(text.lines().nth(1).unwrap()).unwrap();
            bytes[at..at + to.len()].copy_from_slice(to);
            format!("untrusted comment: x\n{}\n", STANDARD.encode(&bytes))
        };
        for (at, to) in [(0, b"XX"), (2, b"XX"), (4, b"XX")] {
            assert!(matches!(of(&change(at, to)), Some(KeyError::Unknown(_))), "{at}");
        }
        let greedy = change(2, b"Sc").replace("untrusted comment: x\n", "");
        let mut bytes = STANDARD.decode(greedy.trim()).unwrap();
        bytes[HEAD_BYTES - 8..HEAD_BYTES].copy_from_slice(&(1_u64 << 40).to_le_bytes());
        let greedy = format!("untrusted comment: x\n{}\n", STANDARD.encode(&bytes));
        assert!(matches!(of(&greedy), Some(KeyError::Unknown(_))));
        let damaged = KeyFile::parse(&change(HEAD_BYTES + 50, &[1, 2, 3])).unwrap();
        assert_eq!(damaged.open(None).unwrap_err(), KeyError::Damaged);
    }
}
