//! `--input KEY=@FOLDER` and blobs: what is given by reference, and what has to be brought along.
//!
//! A folder becomes a listing, `{"files": [{"path", "blob"}]}`; what .gitignore names, and hidden
//! files, are left out.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wforge_model::Digest;

/// Files of one folder.
const FILES_MAX: usize = 20_000;
/// The largest file that is brought along, in bytes; of a folder, larger ones are left out.
const FILE_BYTES_MAX: u64 = 8 << 20;
/// All files of one folder, in bytes.
const FOLDER_BYTES_MAX: u64 = 512 << 20;

/// Files whose references are in the input, to be brought to whoever runs it.
pub(crate) type ToBring = Vec<PathBuf>;

/// The listing of a folder.
pub(super) fn listing(folder: &Path, bring: &mut ToBring) -> Result<Value, String> {
    let shown = folder.display();
    let mut files = Vec::new();
    let mut total = 0_u64;
    let walk = ignore::WalkBuilder::new(folder).sort_by_file_path(Path::cmp).build();
    for entry in walk {
        let entry = entry.map_err(|error| format!("{shown}: {error}"))?;
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let bytes = entry.metadata().map_err(|error| format!("{shown}: {error}"))?.len();
        if bytes > FILE_BYTES_MAX {
            continue;
        }
        total = total.saturating_add(bytes);
        if files.len() >= FILES_MAX || total > FOLDER_BYTES_MAX {
            return Err(format!(
                "{shown} has more than {FILES_MAX} files or {FOLDER_BYTES_MAX} bytes; name a \
                 smaller one"
            ));
        }
        let path = entry.path().strip_prefix(folder).unwrap_or(entry.path());
        let Some(path) = path.to_str() else { continue };
        files.push(json!({ "path": path, "blob": reference(entry.path(), bring)? }));
    }
    Ok(json!({ "files": files }))
}

/// The reference of one file.
pub(super) fn reference(path: &Path, bring: &mut ToBring) -> Result<Value, String> {
    let bytes = read(path)?;
    let digest = Digest::from_bytes(Sha256::digest(&bytes).into());
    let media_type = match std::str::from_utf8(&bytes) {
        Ok(_) => "text/plain",
        Err(_) => "application/octet-stream",
    };
    bring.push(path.to_owned());
    Ok(json!({ "$blob": digest, "size": bytes.len(), "media_type": media_type }))
}

/// The bytes of a file that is small enough.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let bytes = fs_err::read(path).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > FILE_BYTES_MAX {
        return Err(format!("{shown} has more than the {FILE_BYTES_MAX} bytes of a blob"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_listed_in_order_without_what_is_hidden_or_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, text).unwrap();
        };
        write("b.txt", "two");
        write("a/one.txt", "one");
        write(".hidden/secret", "no");
        write(".ignore", "left\n");
        write("left/out.txt", "no");
        let mut bring = Vec::new();
        let listing = listing(folder.path(), &mut bring).unwrap();
        let paths: Vec<&str> = listing["files"]
            .as_array()
            .unwrap()
            .iter()
            .map(|file| file["path"].as_str().unwrap())
            .collect();
        assert_eq!((paths, bring.len()), (vec!["a/one.txt", "b.txt"], 2));
        assert_eq!(listing["files"][1]["blob"]["size"], 3);
    }
}
