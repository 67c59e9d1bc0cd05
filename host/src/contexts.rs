//! Servers that somebody logged in to: their addresses and keys, by name, in a private file.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::secrets::{private_folder, refuse_readable_by_others, replace_private};

const HEAD: &str = "# Servers and their keys. Written by `wforge login`; mode 0600.\n\n";

/// The file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Contexts {
    /// The one that commands use where nothing else is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    #[serde(rename = "context")]
    pub(crate) contexts: BTreeMap<String, Login>,
}

/// One server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) server: String,
    pub(crate) api_key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// Without the key.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Where the file is; none where the system has no place for one.
pub(crate) fn path(variables: &BTreeMap<String, String>) -> Option<PathBuf> {
    let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    match (variable("XDG_CONFIG_HOME"), variable("HOME")) {
        (Some(dir), _) => Some(Path::new(dir).join("wforge/contexts.toml")),
        (None, Some(home)) => Some(Path::new(home).join(".config/wforge/contexts.toml")),
        (None, None) => None,
    }
}

impl Contexts {
    /// Reads the file; nobody logged in where there is none.
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
        let text = toml::to_string(self).context("writing the contexts")?;
        replace_private(path, format!("{HEAD}{text}").as_bytes())
    }

    /// The one that is meant: of that name, else the current one.
    pub(crate) fn meant(&self, name: Option<&str>) -> Option<(&str, &Login)> {
        let name = name.or(self.current.as_deref())?;
        self.contexts.get_key_value(name).map(|(name, login)| (name.as_str(), login))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_written_private_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inner/contexts.toml");
        assert_eq!(Contexts::load(&path).unwrap(), Contexts::default());
        let login = Login {
            server: "https://forge.example".into(),
            api_key: "wf_key".into(),
            ca_file: None,
        };
        let mut contexts = Contexts::default();
        contexts.contexts.insert("prod".into(), login.clone());
        assert_eq!(contexts.meant(None), None);
        contexts.current = Some("prod".into());
        contexts.save(&path).unwrap();
        let read = Contexts::load(&path).unwrap();
        assert_eq!(read.meant(None), Some(("prod", &login)));
        assert_eq!(read.meant(Some("other")), None);
        assert!(!format!("{read:?}").contains("wf_key"));
    }
}
