//! The folders of the view: `view`, and `view.<n>` for each time that it was written anew.
//!
//! A numbered folder counts once it holds the file `complete`, which is made when everything else
//! in it is durable. The one with the highest number is the view; all others are left-overs.

use std::io;
use std::path::{Path, PathBuf};

const NAME: &str = "view";
const COMPLETE: &str = "complete";
/// Views that could not be used and were moved aside.
pub(crate) const DAMAGED: &str = "view.damaged-";

/// The folder of the view of a store.
pub(crate) fn current(store: &Path) -> io::Result<PathBuf> {
    let newest = numbered(store)?.into_iter().filter(|(_, dir)| dir.join(COMPLETE).exists()).max();
    Ok(newest.map_or_else(|| store.join(NAME), |(_, dir)| dir))
}

/// A new folder, to take the place of that one once it is complete.
pub(crate) fn begin(old: &Path) -> io::Result<PathBuf> {
    let store = parent(old);
    let last = numbered(store)?.into_iter().map(|(number, _)| number).max().unwrap_or(0);
    Ok(store.join(format!("{NAME}.{}", last + 1)))
}

/// From now on it is the view, whatever happens. Where that fails nobody knows which one the next
/// opening finds.
pub(crate) fn complete(dir: &Path) -> io::Result<()> {
    fs_err::File::create(dir.join(COMPLETE))?.sync_all()?;
    fs_err::File::open(dir)?.sync_all()?;
    fs_err::File::open(parent(dir))?.sync_all()
}

/// Removes a folder that was begun and will not be completed.
pub(crate) fn give_up(dir: &Path) -> io::Result<()> {
    if dir.exists() { remove(dir) } else { Ok(()) }
}

/// Removes the folders that were begun and never completed.
pub(crate) fn remove_begun(store: &Path) -> io::Result<()> {
    let mut begun = numbered(store)?.into_iter().filter(|(_, dir)| !dir.join(COMPLETE).exists());
    begun.try_for_each(|(_, dir)| remove(&dir))
}

/// Removes every folder that was or would have been a view, but that one.
pub(crate) fn remove_others(current: &Path) -> io::Result<()> {
    let store = parent(current);
    for entry in fs_err::read_dir(store)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_view = name == NAME || name.starts_with(DAMAGED) || number_of(name).is_some();
        if is_view && path != current {
            remove(&path)?;
        }
    }
    fs_err::File::open(store)?.sync_all()
}

/// sled may add a file to a folder for a moment after it was closed.
fn remove(dir: &Path) -> io::Result<()> {
    const ATTEMPTS: u32 = 50;
    for _ in 1..ATTEMPTS {
        match fs_err::remove_dir_all(dir) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                std::thread::park_timeout(std::time::Duration::from_millis(10));
            }
            done => return done,
        }
    }
    fs_err::remove_dir_all(dir)
}

fn numbered(store: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(store)? {
        let path = entry?.path();
        let number = path.file_name().and_then(|name| number_of(name.to_str()?));
        found.extend(number.map(|number| (number, path)));
    }
    Ok(found)
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(NAME)?.strip_prefix('.')?.parse().ok()
}

fn parent(dir: &Path) -> &Path {
    dir.parent().unwrap_or(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(folders: &[&str]) -> String {
        let store = tempfile::tempdir().unwrap();
        for folder in folders {
            fs_err::create_dir_all(store.path().join(folder)).unwrap();
        }
        let dir = current(store.path()).unwrap();
        let next = begin(&dir).unwrap();
        remove_others(&dir).unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut left: Vec<String> = fs_err::read_dir(store.path())
            .unwrap()
            .map(|entry| name(&entry.unwrap().path()))
            .collect();
        left.sort();
        format!("{}, then {}; left: {}", name(&dir), name(&next), left.join(" "))
    }

    #[test]
    fn what_was_begun_and_not_completed_is_removed() {
        let store = tempfile::tempdir().unwrap();
        for folder in ["view", "view.1/complete", "view.2/db", "view.damaged-1"] {
            fs_err::create_dir_all(store.path().join(folder)).unwrap();
        }
        remove_begun(store.path()).unwrap();
        let left = |name: &str| store.path().join(name).exists();
        assert!(left("view") && left("view.1") && left("view.damaged-1") && !left("view.2"));
    }

    #[test]
    fn the_complete_one_with_the_highest_number_is_the_view() {
        assert_eq!(check(&["view", "journal"]), "view, then view.1; left: journal view");
        assert_eq!(check(&["view", "view.1"]), "view, then view.2; left: view");
        let two = ["view", "view.1/complete", "view.damaged-1", "view.2", "blobs"];
        assert_eq!(check(&two), "view.1, then view.3; left: blobs view.1");
        assert_eq!(
            check(&["view.9/complete", "view.10/complete"]),
            "view.10, then view.11; left: view.10"
        );
    }
}
