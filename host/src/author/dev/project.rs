//! The files of a project that matter while it is written, as digests: an editor that saves what
//! was there, and a compiler that writes beside the sources, change nothing.

use std::io;
use std::path::{Path, PathBuf};

use ignore::{DirEntry, WalkBuilder};
use sha2::{Digest as _, Sha256};

/// What compilers, package managers and `wforge dev` itself write.
const MADE: [&str; 5] = [".git", ".wforge", "node_modules", "target", "__pycache__"];
/// What stands at the top of a project and is in neither its component nor its run.
const APART: [&str; 5] = ["Cargo.lock", "LICENSE", "README.md", "test", "tests"];
/// The settings of `wforge dev`.
pub(crate) const DEV_FILE: &str = "dev.yaml";
/// Files of one project.
const FILES_MAX: usize = 20_000;
/// Of a larger file the size and the time of its change are taken for its content.
const FILE_BYTES_MAX: u64 = 8 << 20;

/// A project's folder.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    folder: PathBuf,
}

/// How the files of a project stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stand {
    code: [u8; 32],
    run: [u8; 32],
    /// The folders that hold them.
    pub(crate) folders: Vec<PathBuf>,
}

/// What is to be done after a save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Build and run.
    Code,
    /// Run what is built.
    Run,
    /// Nothing.
    Nothing,
}

impl Project {
    /// The project in that folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads all of its files; `run_only` are those that no compiler reads.
    pub(crate) fn look(&self, run_only: &[PathBuf]) -> io::Result<Stand> {
        let (mut code, mut run, mut folders) = (Sha256::new(), Sha256::new(), Vec::new());
        let mut files = 0_usize;
        for entry in self.walk() {
            // What goes away while it is looked at is looked at again.
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_some_and(|kind| kind.is_dir()) {
                folders.push(entry.into_path());
                continue;
            }
            files += 1;
            if files > FILES_MAX {
                let message = format!(
                    "{} has more than {FILES_MAX} files: name what is no source in .gitignore",
                    self.folder.display()
                );
                return Err(io::Error::other(message));
            }
            let digest =
                if run_only.iter().any(|path| path == entry.path()) { &mut run } else { &mut code };
            take(digest, entry.path());
        }
        for outside in run_only.iter().filter(|path| !path.starts_with(&self.folder)) {
            take(&mut run, outside);
            folders.extend(outside.parent().map(Path::to_owned));
        }
        Ok(Stand { code: code.finalize().into(), run: run.finalize().into(), folders })
    }

    fn walk(&self) -> ignore::Walk {
        let folder = self.folder.clone();
        WalkBuilder::new(&self.folder)
            // What stands around the project says nothing of it.
            .parents(false)
            .require_git(false)
            .sort_by_file_path(Path::cmp)
            .filter_entry(move |entry| matters(&folder, entry))
            .build()
    }
}

impl Stand {
    /// What has to be done since `before`.
    pub(crate) fn since(&self, before: Option<&Self>) -> Change {
        match before {
            Some(before) if before.code == self.code && before.run == self.run => Change::Nothing,
            Some(before) if before.code == self.code => Change::Run,
            Some(_) | None => Change::Code,
        }
    }
}

fn matters(folder: &Path, entry: &DirEntry) -> bool {
    let is_named = |names: &[&str]| names.iter().any(|name| entry.file_name() == *name);
    let is_at_top = entry.path().parent() == Some(folder);
    entry.depth() == 0 || !(is_named(&MADE) || is_at_top && is_named(&APART))
}

fn take(digest: &mut Sha256, path: &Path) {
    digest.update(path.as_os_str().as_encoded_bytes());
    let Ok(data) = fs_err::metadata(path) else { return };
    digest.update(data.len().to_le_bytes());
    if data.len() > FILE_BYTES_MAX {
        digest.update(format!("{:?}", data.modified().ok()));
    } else if let Ok(bytes) = fs_err::read(path) {
        digest.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) {
        let path = folder.join(name);
        fs_err::create_dir_all(path.parent().unwrap()).unwrap();
        fs_err::write(path, text).unwrap();
    }

    #[test]
    fn only_what_changes_the_component_has_it_built_again() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let project = Project::new(folder);
        let run_only = [folder.join("workflow.yaml"), folder.join(DEV_FILE)];
        write(folder, "src/agent.js", "1");
        write(folder, ".gitignore", "out/\n");
        let mut before = project.look(&run_only).unwrap();
        for (name, text, expected) in [
            ("src/agent.js", "2", Change::Code),
            ("src/agent.js", "2", Change::Nothing),
            ("src/other.js", "", Change::Code),
            ("workflow.yaml", "a", Change::Run),
            ("dev.yaml", "a", Change::Run),
            ("target/me-count.wasm", "x", Change::Nothing),
            ("out/log", "x", Change::Nothing),
            ("tests/count.yaml", "x", Change::Nothing),
            ("README.md", "x", Change::Nothing),
            ("src/target/x.js", "x", Change::Nothing),
            ("src/README.md", "x", Change::Code),
        ] {
            write(folder, name, text);
            let now = project.look(&run_only).unwrap();
            assert_eq!(now.since(Some(&before)), expected, "{name}");
            before = now;
        }
        assert_eq!(before.folders, [folder.to_owned(), folder.join("src")]);
    }
}
