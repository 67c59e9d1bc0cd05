//! Sealed values that are too large for a row, one file each.
//!
//! A file is named by the SHA-256 of its sealed bytes, so exactly one row names it and nothing is
//! learned from the name. It is durable before the row that names it; a file without a row (a
//! commit that failed, a crash between) is removed at the next opening.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use wforge_model::{Digest, TenantId};

use crate::error::Fault;

/// Which file, and how long the value in it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileRef {
    pub(crate) id: [u8; 32],
    pub(crate) bytes: u64,
}

impl FileRef {
    pub(crate) const ENCODED_BYTES: usize = 40;

    pub(crate) fn encode(&self) -> Vec<u8> {
        [self.id.as_slice(), &self.bytes.to_le_bytes()].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::ENCODED_BYTES] = bytes.try_into().ok()?;
        let (id, length) = bytes.split_first_chunk::<32>()?;
        Some(Self { id: *id, bytes: u64::from_le_bytes(length.try_into().ok()?) })
    }
}

/// The folder of all files.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
}

/// A file that no row names yet; removed when it is dropped without being adopted.
#[derive(Debug)]
pub(crate) struct NewFile {
    pub(crate) file: FileRef,
    path: PathBuf,
    adopted: bool,
}

impl NewFile {
    /// A row that may become durable names it from now on.
    pub(crate) fn adopt(&mut self) {
        self.adopted = true;
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.adopted {
            remove(&self.path);
        }
    }
}

/// A file that stays behind is removed at the next opening, so a failure is only worth a line.
fn remove(path: &Path) {
    if let Err(error) = fs_err::remove_file(path) {
        tracing::warn!(%error, "a file that no row names could not be removed");
    }
}

impl Files {
    pub(crate) fn open(root: PathBuf) -> io::Result<Self> {
        fs_err::create_dir_all(&root)?;
        Ok(Self { root })
    }

    fn folder(&self, tenant: &TenantId) -> PathBuf {
        self.root.join(tenant.as_str())
    }

    fn path(&self, tenant: &TenantId, id: [u8; 32]) -> PathBuf {
        let name = Digest::from_bytes(id).hex();
        let shard = name.get(..2).unwrap_or_default();
        self.folder(tenant).join(shard).join(&name)
    }

    /// Writes sealed bytes; durable on return.
    pub(crate) fn write(
        &self,
        tenant: &TenantId,
        sealed: &[u8],
        bytes: u64,
    ) -> Result<NewFile, Fault> {
        let file = FileRef { id: Sha256::digest(sealed).into(), bytes };
        let path = self.path(tenant, file.id);
        // A file that stood there before may be named by a row, so it is never ours to remove; one
        // that no row names goes at the next opening.
        let stood = path.exists();
        self.write_at(&path, sealed).map_err(|cause| Fault::rows("writing a file", cause))?;
        Ok(NewFile { file, path, adopted: stood })
    }

    fn write_at(&self, path: &Path, sealed: &[u8]) -> io::Result<()> {
        let shard = path.parent().unwrap_or(&self.root);
        if !shard.exists() {
            fs_err::create_dir_all(shard)?;
            // The new folders' own entries must be as durable as what is put into them.
            for folder in shard.ancestors().skip(1).take(2) {
                fs_err::File::open(folder)?.sync_all()?;
            }
        }
        let temporary = path.with_extension("tmp");
        let mut file = fs_err::File::create(&temporary)?;
        file.write_all(sealed)?;
        file.sync_all()?;
        fs_err::rename(&temporary, path)?;
        fs_err::File::open(shard)?.sync_all()
    }

    /// The sealed bytes, checked against the name; none where there is no such file.
    pub(crate) fn read(&self, tenant: &TenantId, file: &FileRef) -> Result<Option<Vec<u8>>, Fault> {
        let path = self.path(tenant, file.id);
        let sealed = match fs_err::read(&path) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::rows("reading a file", error)),
        };
        if <[u8; 32]>::from(Sha256::digest(&sealed)) != file.id {
            return Err(Fault::damaged(path.display().to_string(), "its bytes have changed"));
        }
        Ok(Some(sealed))
    }

    pub(crate) fn remove(&self, tenant: &TenantId, file: &FileRef) {
        remove(&self.path(tenant, file.id));
    }

    /// Removes all files of a tenant.
    pub(crate) fn forget(&self, tenant: &TenantId) -> Result<(), Fault> {
        let removed = match fs_err::remove_dir_all(self.folder(tenant)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        };
        let synced = removed.and_then(|()| fs_err::File::open(&self.root)?.sync_all());
        synced.map_err(|cause| Fault::rows("removing files", cause))
    }

    /// Removes every file that `is_named` does not know, and returns how many.
    pub(crate) fn sweep(
        &self,
        mut is_named: impl FnMut(&TenantId, [u8; 32]) -> Result<bool, Fault>,
    ) -> Result<u64, Fault> {
        let mut removed = 0;
        for folder in entries(&self.root)?.into_iter().filter(|path| path.is_dir()) {
            let Some(tenant) = name_of(&folder).and_then(|name| name.parse::<TenantId>().ok())
            else {
                continue;
            };
            for shard in entries(&folder)?.into_iter().filter(|path| path.is_dir()) {
                for path in entries(&shard)? {
                    let id = name_of(&path)
                        .and_then(|name| format!("sha256:{name}").parse::<Digest>().ok());
                    let named = match id {
                        Some(id) => is_named(&tenant, *id.as_bytes())?,
                        None => false,
                    };
                    if !named {
                        remove(&path);
                        removed += 1;
                    }
                }
            }
        }
        Ok(removed)
    }
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    fs_err::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
        .map_err(|cause| Fault::rows("listing files", cause))
}
