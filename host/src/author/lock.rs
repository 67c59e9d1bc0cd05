//! `wforge.lock`: which bytes each reference meant when it was installed for a project, and by whom
//! they were signed. It belongs into the project's repository.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::{Deserialize, Serialize};
use wforge_model::trust::KeyId;
use wforge_model::{Digest, PluginName};

/// What the file is called.
pub(crate) const FILE: &str = "wforge.lock";
/// What a folder has that is a project.
const PROJECT_FILES: [&str; 3] = [FILE, "wforge.toml", "plugin.toml"];
/// The version of its form.
const VERSION: u32 = 1;
/// The largest file, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;
const HEAD: &str = "\
# Which bytes each reference means in this project. `wforge plugin install oci://…` writes it; keep
# it in the repository. `wforge plugin install --update REFERENCE` takes what it means now.

";

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Lock {
    version: u32,
    #[serde(default, rename = "plugin", skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<Locked>,
}

/// One plugin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Locked {
    /// Its name.
    pub(crate) name: PluginName,
    /// Its version.
    pub(crate) version: Version,
    /// The reference, as it was typed.
    pub(crate) reference: String,
    /// The digest of the registry's manifest.
    pub(crate) digest: Digest,
    /// The digest of the component.
    pub(crate) component: Digest,
    /// The key that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signer: Option<KeyId>,
}

/// A lock that cannot be used, or that something does not agree with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LockError {
    /// The file cannot be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It says something that is not understood.
    #[error("{path} is no lock file: {why}")]
    Form {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// Of a later form.
    #[error("{path} has the form {found}, and this wforge knows {VERSION}")]
    Later {
        /// The file.
        path: String,
        /// Its form.
        found: u32,
    },
    /// The plugin is locked to other bytes.
    #[error("{name}@{version} is locked to {locked}, and {reference} has {found}")]
    Other {
        /// Its name.
        name: PluginName,
        /// Its version.
        version: Version,
        /// The component that was locked.
        locked: Digest,
        /// Where another was found.
        reference: String,
        /// Which.
        found: Digest,
    },
    /// The plugin is locked to another signer.
    #[error(
        "{name}@{version} is locked to the signer {locked}, and {reference} is signed by {found}"
    )]
    Signer {
        /// Its name.
        name: PluginName,
        /// Its version.
        version: Version,
        /// The key that was locked.
        locked: String,
        /// Where another was found.
        reference: String,
        /// Which.
        found: String,
    },
}

/// Where the lock of the project around a folder is; none where there is no project.
pub(crate) fn path_of(folder: &Path) -> Option<PathBuf> {
    let is_project = |folder: &&Path| PROJECT_FILES.iter().any(|name| folder.join(name).is_file());
    folder.ancestors().find(is_project).map(|project| project.join(FILE))
}

impl Default for Lock {
    fn default() -> Self {
        Self { version: VERSION, plugins: Vec::new() }
    }
}

impl Lock {
    /// Reads the file; nothing is locked where there is none.
    pub(crate) fn load(path: &Path) -> Result<Self, LockError> {
        let shown = || path.display().to_string();
        let form = |why: String| LockError::Form { path: shown(), why };
        let file = |source| LockError::File { path: shown(), source };
        match fs_err::metadata(path) {
            Ok(found) if found.len() > FILE_BYTES_MAX => {
                return Err(form(format!("it has more than {FILE_BYTES_MAX} bytes")));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(file(error)),
        }
        let text = fs_err::read_to_string(path).map_err(file)?;
        let of_form: Versioned = toml::from_str(&text).map_err(|error| form(error.to_string()))?;
        if of_form.version != VERSION {
            return Err(LockError::Later { path: shown(), found: of_form.version });
        }
        toml::from_str(&text).map_err(|error| form(error.to_string()))
    }

    /// What a reference is locked to.
    pub(crate) fn of(&self, reference: &str) -> Option<&Locked> {
        self.plugins.iter().find(|locked| locked.reference == reference)
    }

    /// Whether what was found is what is locked.
    pub(crate) fn check(&self, found: &Locked) -> Result<(), LockError> {
        let same =
            |locked: &&Locked| (&locked.name, &locked.version) == (&found.name, &found.version);
        let (name, version) = (found.name.clone(), found.version.clone());
        let reference = found.reference.clone();
        for locked in self.plugins.iter().filter(same) {
            if locked.component != found.component {
                let (locked, found) = (locked.component, found.component);
                return Err(LockError::Other { name, version, locked, reference, found });
            }
            if locked.signer != found.signer {
                let (locked, found) = (shown(locked.signer), shown(found.signer));
                return Err(LockError::Signer { name, version, locked, reference, found });
            }
        }
        Ok(())
    }

    /// Locks what was installed, in place of what the reference, or that version, meant before.
    pub(crate) fn put(&mut self, new: Locked) {
        self.plugins.retain(|old| {
            let same_version = (&old.name, &old.version) == (&new.name, &new.version);
            let same_bytes = (old.component, old.signer) == (new.component, new.signer);
            old.reference != new.reference && (!same_version || same_bytes)
        });
        self.plugins.push(new);
        self.plugins.sort_by(|a, b| (&a.name, &a.reference).cmp(&(&b.name, &b.reference)));
    }

    /// Writes the file as a whole.
    pub(crate) fn save(&self, path: &Path) -> Result<(), LockError> {
        let shown = || path.display().to_string();
        let text = toml::to_string(self)
            .map_err(|error| LockError::Form { path: shown(), why: error.to_string() })?;
        let next = path.with_extension(format!("lock.next-{}", std::process::id()));
        fs_err::write(&next, format!("{HEAD}{text}"))
            .and_then(|()| fs_err::rename(&next, path))
            .map_err(|source| LockError::File { path: shown(), source })
    }
}

/// As much as every form has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

fn shown(signer: Option<KeyId>) -> String {
    signer.map_or_else(|| "nobody".to_owned(), |key| key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(version: &str, component: u8) -> Locked {
        Locked {
            name: "acme/crawler".parse().unwrap(),
            version: version.parse().unwrap(),
            reference: format!("oci://r.example/acme/crawler:{version}"),
            digest: Digest::from_bytes([1; 32]),
            component: Digest::from_bytes([component; 32]),
            signer: Some(KeyId::from_bytes([1; 8])),
        }
    }

    #[test]
    fn a_lock_reads_back_and_knows_its_references() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let mut lock = Lock::load(&path).unwrap();
        assert_eq!(lock, Lock::default());
        lock.put(locked("1.0.0", 7));
        lock.put(Locked { signer: None, ..locked("1.1.0", 8) });
        lock.save(&path).unwrap();
        let read = Lock::load(&path).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.of(&locked("1.0.0", 7).reference), Some(&locked("1.0.0", 7)));
        assert_eq!(read.of("oci://r.example/acme/crawler"), None);
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_version_keeps_its_bytes_and_its_signer_wherever_it_comes_from() {
        let mut lock = Lock::default();
        lock.put(locked("1.0.0", 7));
        let elsewhere = "oci://mirror.example/acme/crawler:1.0.0".to_owned();
        let mirrored = Locked { reference: elsewhere.clone(), ..locked("1.0.0", 7) };
        lock.check(&mirrored).unwrap();
        lock.check(&locked("1.1.0", 8)).unwrap();
        let other = Locked { reference: elsewhere, ..locked("1.0.0", 8) };
        assert!(matches!(lock.check(&other), Err(LockError::Other { .. })));
        let unsigned = Locked { signer: None, ..locked("1.0.0", 7) };
        let error = lock.check(&unsigned).unwrap_err().to_string();
        assert!(error.ends_with("is signed by nobody"), "{error}");
        lock.put(locked("1.0.0", 8));
        lock.check(&locked("1.0.0", 8)).unwrap();
        let resigned = Locked { signer: None, ..other };
        lock.put(resigned.clone());
        lock.check(&resigned).unwrap();
    }

    #[test]
    fn a_file_that_is_no_lock_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let check = |text: &str, says: &str| {
            fs_err::write(&path, text).unwrap();
            let error = Lock::load(&path).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        };
        check("version = 2\n", "has the form 2");
        check("version = 1\nplugins = []\n", "is no lock file");
        check("nonsense", "is no lock file");
        check("version = 1\n[[plugin]]\nname = \"x\"\n", "is no lock file");
        check(&"#".repeat((1 << 20) + 1), "more than 1048576 bytes");
    }

    #[test]
    fn the_lock_is_the_projects() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        fs_err::create_dir_all(&inner).unwrap();
        fs_err::write(folder.path().join("a/plugin.toml"), "").unwrap();
        assert_eq!(path_of(&inner), Some(folder.path().join("a").join(FILE)));
    }
}
