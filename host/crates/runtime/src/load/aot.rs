//! The cache of native code. Loading native code is running it, so a file is loaded only where it
//! carries the host's own MAC over the engine's configuration, the component's digest and the code.
//!
//! Each artefact is two files, `<digest>.cwasm` and `<digest>.seal`, because the code is mapped and
//! a mapping begins at a page: the MAC cannot stand in front of it. The code is read and checked,
//! then opened again to be mapped; both happen inside a directory of mode 0700, so whoever could
//! swap the file in between is already this user. Directories are per engine configuration: another
//! release of the host compiles anew and leaves nothing stale behind.

use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use wasmtime::Engine;
use wasmtime::component::Component;
use wforge_model::Digest;
use wforge_model::defence::{Defence, holds};
use wforge_model::manifest::LimitHints;

use super::files;

const KEY_CONTEXT: &str = "WorkflowForge 2026 MAC of compiled components v1";
const CODE_BYTES_MAX: u64 = 512 << 20;
const SEAL_BYTES_MAX: u64 = 4 << 10;

/// The cache.
#[derive(Debug)]
pub(crate) struct AotCache {
    directory: PathBuf,
    key: [u8; 32],
    configuration: [u8; 32],
    tampered: AtomicU64,
}

/// What stands beside the code.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    mac: String,
    limits: LimitHints,
}

impl AotCache {
    /// Opens the cache for that engine and removes what other configurations left.
    pub(crate) fn open(root: &Path, host_key: &[u8; 32], engine: &Engine) -> io::Result<Self> {
        let configuration = configuration(engine);
        let name = blake3::Hash::from_bytes(configuration).to_hex();
        let directory = root.join(name.get(..32).unwrap_or_default());
        files::make_private_dir(root)?;
        files::make_private_dir(&directory)?;
        remove_others(root, &directory);
        let key = blake3::derive_key(KEY_CONTEXT, host_key);
        Ok(Self { directory, key, configuration, tampered: AtomicU64::new(0) })
    }

    /// Artefacts that did not carry the host's MAC.
    pub(crate) fn tampered(&self) -> u64 {
        self.tampered.load(Ordering::Relaxed)
    }

    /// The component from its cached code; none where there is none that can be trusted.
    pub(crate) fn load(&self, engine: &Engine, digest: Digest) -> Option<(Component, LimitHints)> {
        let path = self.path(digest, "cwasm");
        let limits = match self.check(digest, &path) {
            Ok(Some(limits)) => limits,
            Ok(None) => return None,
            Err(reason) => {
                self.tampered.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%digest, reason, "a compiled component is not the host's own");
                return None;
            }
        };
        match map(engine, &path) {
            Ok(component) => Some((component, limits)),
            Err(error) => {
                let error = format!("{error:#}");
                tracing::warn!(%digest, error, "a compiled component cannot be loaded");
                None
            }
        }
    }

    /// The component from code that this process has just kept.
    pub(crate) fn load_kept(&self, engine: &Engine, digest: Digest) -> wasmtime::Result<Component> {
        map(engine, &self.path(digest, "cwasm"))
    }

    /// Keeps code that the host has just compiled.
    pub(crate) fn keep(&self, digest: Digest, code: &[u8], limits: &LimitHints) -> io::Result<()> {
        let mac = self.mac(digest, code, limits).to_hex().to_string();
        let seal = serde_json::to_vec(&Seal { mac, limits: limits.clone() })?;
        // The seal last: a crash in between leaves code without a seal, which is a miss.
        let seal_path = self.path(digest, "seal");
        if seal_path.exists() {
            fs_err::remove_file(&seal_path)?;
        }
        files::write_durably(&self.path(digest, "cwasm"), code)?;
        files::write_durably(&seal_path, &seal)
    }

    /// Removes the code of a component.
    pub(crate) fn forget(&self, digest: Digest) -> io::Result<()> {
        files::remove(&self.path(digest, "seal"))?;
        files::remove(&self.path(digest, "cwasm"))
    }

    /// The limits in the seal where it fits the code, none where either is absent.
    fn check(&self, digest: Digest, path: &Path) -> Result<Option<LimitHints>, String> {
        let read = |path: &Path, max| files::read(path, max).map_err(|error| error.to_string());
        let Some(seal) = read(&self.path(digest, "seal"), SEAL_BYTES_MAX)? else {
            return Ok(None);
        };
        let Some(code) = read(path, CODE_BYTES_MAX)? else {
            return Ok(None);
        };
        let seal: Seal = serde_json::from_slice(&seal).map_err(|error| error.to_string())?;
        let mac = blake3::Hash::from_hex(&seal.mac).map_err(|error| error.to_string())?;
        // `Hash` compares in constant time.
        if mac == self.mac(digest, &code, &seal.limits) || !holds(Defence::Seal) {
            Ok(Some(seal.limits))
        } else {
            Err("the MAC does not fit".to_owned())
        }
    }

    fn mac(&self, digest: Digest, code: &[u8], limits: &LimitHints) -> blake3::Hash {
        let limits = serde_json::to_vec(limits).unwrap_or_default();
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&self.configuration).update(digest.as_bytes());
        hasher.update(&u64::try_from(limits.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(&limits).update(code);
        hasher.finalize()
    }

    fn path(&self, digest: Digest, extension: &str) -> PathBuf {
        self.directory.join(digest.hex()).with_extension(extension)
    }
}

#[expect(
    unsafe_code,
    clippy::disallowed_methods,
    reason = "mapping native code that carries the host's MAC is the purpose of the cache"
)]
fn map(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file is what `precompile_component` gave for this engine: the caller has either
    // just written it or just checked that it carries the host's own MAC. It lies in a directory
    // that only this user can enter and is never written in place, only replaced by rename.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Everything about the engine that decides whether code fits it.
fn configuration(engine: &Engine) -> [u8; 32] {
    struct Sink(blake3::Hasher);
    impl Hasher for Sink {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sink = Sink(blake3::Hasher::new());
    engine.precompile_compatibility_hash().hash(&mut sink);
    *sink.0.finalize().as_bytes()
}

/// The same as text: two processes that say the same make code for each other.
pub(crate) fn configuration_hex(engine: &Engine) -> String {
    blake3::Hash::from_bytes(configuration(engine)).to_hex().to_string()
}

/// Failing to tidy up is no reason not to start.
fn remove_others(root: &Path, ours: &Path) {
    let Ok(entries) = fs_err::read_dir(root) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_ours_to_remove = path.is_dir() && !path.is_symlink() && path != ours;
        if is_ours_to_remove && let Err(error) = fs_err::remove_dir_all(&path) {
            tracing::warn!(%error, "code of another release cannot be removed");
        }
    }
}
