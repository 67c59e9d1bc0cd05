//! The key of the deployment (KEK) and, wrapped with it, one data key for each tenant.
//!
//! A tenant's values are sealed with its data key only; whoever deletes the wrapped key has erased
//! the tenant. Keys are wiped from memory when they are dropped. Rows are sealed in
//! [`crate::vault`].

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use wforge_model::TenantId;
use wforge_ports::Entropy;
use zeroize::Zeroizing;

use crate::error::{Fault, OpenError};
use crate::keys;
use crate::kv::Bytes;

const NONCE_BYTES: usize = 24;
const TAG_BYTES: usize = 16;
const KEK_FILE: &str = "kek";

/// The key that wraps the tenants' data keys.
#[derive(Clone)]
pub struct Kek(Zeroizing<[u8; 32]>);

impl Kek {
    /// The key with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    fn random(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }
}

impl fmt::Debug for Kek {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kek(..)")
    }
}

/// A cipher under one key.
pub(crate) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(key.into()))
    }

    /// Appends nonce, ciphertext and tag to `out`.
    pub(crate) fn seal(
        &self,
        entropy: &dyn Entropy,
        aad: &[u8],
        plain: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce);
        out.extend_from_slice(&nonce);
        let start = out.len();
        plain.iter().for_each(|part| out.extend_from_slice(part));
        let text = out.get_mut(start..).unwrap_or_default();
        let tag = self
            .0
            .encrypt_inout_detached(&XNonce::from(nonce), aad, text.into())
            .map_err(|_| Fault::damaged("a value", "it is too long to be sealed"))?;
        out.extend_from_slice(&tag);
        Ok(())
    }

    /// The plaintext of nonce, ciphertext and tag; none where they are not what was sealed.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let (text, tag) = text.split_last_chunk::<TAG_BYTES>()?;
        let mut plain = text.to_vec();
        self.0
            .decrypt_inout_detached(
                &XNonce::from(*nonce),
                aad,
                plain.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        Some(plain)
    }
}

/// A tenant's key.
pub(crate) struct DataKey {
    pub(crate) cipher: Cipher,
    /// The row that keeps it.
    pub(crate) wrapped: Bytes,
    durable: AtomicBool,
}

impl DataKey {
    /// Whether its row is durable; until then every batch that uses it must hold the row.
    pub(crate) fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire)
    }

    pub(crate) fn set_durable(&self) {
        self.durable.store(true, Ordering::Release);
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("durable", &self.durable).finish_non_exhaustive()
    }
}

/// All keys of an open store.
pub(crate) struct Keyring {
    kek: Cipher,
    pub(crate) entropy: Arc<dyn Entropy>,
    tenants: RwLock<HashMap<TenantId, Arc<DataKey>>>,
    /// Those that were erased.
    closed: RwLock<HashSet<TenantId>>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

impl Keyring {
    /// The keyring under a key that was handed in, or under the one in the file `kek` of the
    /// directory, which is written at the first opening.
    pub(crate) fn open(
        dir: &Path,
        kek: Option<Kek>,
        entropy: Arc<dyn Entropy>,
        store_exists: bool,
    ) -> Result<Self, OpenError> {
        let kek = match kek {
            Some(kek) => kek,
            None => kek_of_file(dir, entropy.as_ref(), store_exists)?,
        };
        Ok(Self::with(&kek, entropy))
    }

    /// A keyring whose keys end with the process.
    pub(crate) fn ephemeral(entropy: Arc<dyn Entropy>) -> Self {
        Self::with(&Kek::random(entropy.as_ref()), entropy)
    }

    fn with(kek: &Kek, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            kek: Cipher::new(&kek.0),
            entropy,
            tenants: RwLock::default(),
            closed: RwLock::default(),
        }
    }

    /// A sealed text by which the next opening knows the key.
    pub(crate) fn check_row(&self) -> Result<Vec<u8>, Fault> {
        let mut row = Vec::new();
        self.kek.seal(self.entropy.as_ref(), keys::KEY_CHECK, &[b"wforge"], &mut row)?;
        Ok(row)
    }

    /// Whether that text was sealed with this key.
    pub(crate) fn fits(&self, check_row: &[u8]) -> bool {
        self.kek.open(keys::KEY_CHECK, check_row).is_some()
    }

    /// The key of a tenant that has rows.
    pub(crate) fn get(&self, tenant: &TenantId) -> Option<Arc<DataKey>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(tenant).cloned()
    }

    /// The key of a tenant, made now where it has none.
    pub(crate) fn get_or_make(&self, tenant: &TenantId) -> Result<Arc<DataKey>, Fault> {
        if let Some(key) = self.get(tenant) {
            return Ok(key);
        }
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = tenants.get(tenant) {
            return Ok(Arc::clone(key));
        }
        if self.closed.read().unwrap_or_else(PoisonError::into_inner).contains(tenant) {
            return Err(crate::rules::erased(tenant));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        self.entropy.fill(bytes.as_mut_slice());
        let mut wrapped = Vec::new();
        let aad = keys::data_key(tenant);
        self.kek.seal(self.entropy.as_ref(), &aad, &[bytes.as_slice()], &mut wrapped)?;
        let key = Arc::new(DataKey {
            cipher: Cipher::new(&bytes),
            wrapped: wrapped.into(),
            durable: AtomicBool::new(false),
        });
        tenants.insert(tenant.clone(), Arc::clone(&key));
        Ok(key)
    }

    /// Takes over the wrapped key of a tenant from its row.
    pub(crate) fn load(&self, tenant: TenantId, wrapped: Bytes) -> Result<(), Fault> {
        let what = || format!("the data key of tenant {tenant}");
        let plain = self
            .kek
            .open(&keys::data_key(&tenant), &wrapped)
            .map(Zeroizing::new)
            .ok_or_else(|| Fault::damaged(what(), "it was not wrapped with this key"))?;
        let bytes: &[u8; 32] = plain
            .as_slice()
            .try_into()
            .map_err(|_| Fault::damaged(what(), "it is not 32 bytes long"))?;
        let cipher = Cipher::new(bytes);
        let key = DataKey { cipher, wrapped, durable: AtomicBool::new(true) };
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant, Arc::new(key));
        Ok(())
    }

    /// Drops the key of a tenant that is erased, and makes no other: whoever still works for it
    /// must not leave a byte behind.
    pub(crate) fn close(&self, tenant: &TenantId) {
        self.closed.write().unwrap_or_else(PoisonError::into_inner).insert(tenant.clone());
        self.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// All tenants that have a key.
    pub(crate) fn tenants(&self) -> Vec<TenantId> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }
}

fn kek_of_file(dir: &Path, entropy: &dyn Entropy, store_exists: bool) -> Result<Kek, OpenError> {
    let path = dir.join(KEK_FILE);
    let io = |doing, cause| OpenError::Io { doing, path: path.clone(), cause };
    match fs_err::read(&path).map(Zeroizing::new) {
        Ok(bytes) => bytes.as_slice().try_into().map(Kek::from_bytes).map_err(|_| {
            let reason = format!("{} holds no key of 32 bytes", path.display());
            OpenError::WrongKey { dir: dir.to_owned(), reason }
        }),
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(io("reading", cause)),
        Err(_) if store_exists => Err(OpenError::WrongKey {
            dir: dir.to_owned(),
            reason: format!("{} is missing; put it back, or hand in the key", path.display()),
        }),
        Err(_) => write_kek(dir, &path, entropy).map_err(|cause| io("writing", cause)),
    }
}

fn write_kek(dir: &Path, path: &Path, entropy: &dyn Entropy) -> std::io::Result<Kek> {
    let kek = Kek::random(entropy);
    let temporary = dir.join("kek.tmp");
    let mut options = fs_err::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    options.options_mut().mode(0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(kek.0.as_slice())?;
    file.sync_all()?;
    fs_err::rename(&temporary, path)?;
    fs_err::File::open(dir)?.sync_all()?;
    Ok(kek)
}
