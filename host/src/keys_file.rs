//! The API keys of a server, in a file that only its owner can read. Only hashes are kept.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use wforge_api::{Credential, Credentials, IssuedKey, Role};
use wforge_model::TenantId;
use wforge_ports::Entropy;

use crate::cli::refusal::Refusal;
use crate::secrets::{private_folder, refuse_readable_by_others, replace_private};
use crate::watched::Watched;

const HEAD: &str = "# API keys, as hashes. Written by `wforge keys`; mode 0600.\n\n";

/// All keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysFile {
    #[serde(default, rename = "key")]
    pub(crate) keys: Vec<KeyEntry>,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyEntry {
    /// Its id, which its text names too.
    pub(crate) id: String,
    /// What is known of it.
    #[serde(flatten)]
    pub(crate) credential: Credential,
}

impl KeysFile {
    /// Reads the file; no keys where there is none.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        match fs_err::read_to_string(path) {
            Ok(text) => {
                refuse_readable_by_others(path)?;
                toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the file as a whole.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        let text = format!("{HEAD}{}", toml::to_string(self).context("writing the keys")?);
        replace_private(path, text.as_bytes())
    }

    /// Adds a key and gives its text, which is kept nowhere.
    pub(crate) fn add(
        &mut self,
        tenant: TenantId,
        role: Role,
        name: String,
        entropy: &dyn Entropy,
    ) -> IssuedKey {
        let issued = IssuedKey::issue(entropy);
        let credential = Credential { hash: issued.hash, tenant, role, name, expires_at: None };
        self.keys.push(KeyEntry { id: issued.id.clone(), credential });
        issued
    }

    /// Removes a key.
    pub(crate) fn remove(&mut self, id: &str) -> Result<KeyEntry, Refusal> {
        let place = self.keys.iter().position(|entry| entry.id == id).ok_or_else(|| {
            Refusal::user("not_found", format!("no API key \"{id}\""))
                .help("wforge keys list shows their ids")
        })?;
        Ok(self.keys.remove(place))
    }
}

/// The keys of the file, and the one that `server.json` gives to whoever owns the data directory.
#[derive(Debug)]
pub(crate) struct KnownKeys {
    pub(crate) file: Watched<KeysFile>,
    pub(crate) own: KeyEntry,
}

impl Credentials for KnownKeys {
    fn find(&self, id: &str) -> Option<Credential> {
        let file = self.file.get();
        let mut all = file.keys.iter().chain([&self.own]);
        all.find(|entry| entry.id == id).map(|entry| entry.credential.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemEntropy;

    #[test]
    fn a_key_is_written_hashed_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys.toml");
        let mut keys = KeysFile::default();
        let entropy = SystemEntropy::open().unwrap();
        let tenant: TenantId = "acme".parse().unwrap();
        let issued = keys.add(tenant, Role::Operator, "ci".into(), &entropy);
        keys.save(&path).unwrap();
        let text = fs_err::read_to_string(&path).unwrap();
        assert!(!text.contains(&issued.text) && text.contains("sha256:"), "{text}");
        let mut read = KeysFile::load(&path).unwrap();
        assert_eq!(read, keys);
        assert_eq!(read.remove(&issued.id).unwrap().credential.name, "ci");
        assert!(read.remove(&issued.id).is_err());
    }
}
