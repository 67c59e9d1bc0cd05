//! Finds the repository and its files. Never changes one.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let host = Path::new(env!("CARGO_MANIFEST_DIR"));
    host.parent().expect("host lies in the repository").to_owned()
}

/// A file of the repository, as text.
pub(crate) fn read(path: &str) -> String {
    fs_err::read_to_string(root().join(path)).unwrap()
}

/// The files that git tracks or would track, relative to the root, with `/` between.
pub(crate) fn files() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).expect("paths are UTF-8");
    let present = text.split_terminator('\0').filter(|path| root().join(path).is_file());
    present.map(str::to_owned).collect()
}

/// The Rust files among [`files`].
pub(crate) fn rust_files() -> Vec<String> {
    files().into_iter().filter(|path| path.ends_with(".rs")).collect()
}
