//! Components in folders: of `--plugins`, and of `plugins.dirs` in development.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cli::refusal::Refusal;
use crate::client::Component;

/// The largest component that is read, in bytes; the sandbox has a limit of its own.
const COMPONENT_BYTES_MAX: u64 = 256 << 20;
/// The largest signature file that is read, in bytes; whoever installs has a limit of its own.
const SIGNATURE_BYTES_MAX: u64 = 64 << 10;

/// The `.wasm` files of a folder, by name.
pub(crate) fn components_in(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !dir.is_dir() {
        return Err(Refusal::user("no_folder", format!("{} is no folder", dir.display()))
            .help("name a folder with .wasm files; an empty one is fine")
            .into());
    }
    let mut files = Vec::new();
    for entry in fs_err::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The bytes of a component.
pub(crate) fn read_component(path: &Path) -> anyhow::Result<Component> {
    let file = path.display().to_string();
    let read = || -> anyhow::Result<Vec<u8>> {
        let bytes = fs_err::metadata(path)?.len();
        if bytes > COMPONENT_BYTES_MAX {
            let message = format!("{file} has {bytes} bytes, more than {COMPONENT_BYTES_MAX}");
            return Err(Refusal::user("too_large", message).into());
        }
        Ok(fs_err::read(path)?)
    };
    let refusal = || Refusal::user("unreadable", format!("{file} cannot be read"));
    match read() {
        Ok(bytes) => Ok(Component { file, bytes, signature: None }),
        Err(error) if error.is::<Refusal>() => Err(error),
        Err(error) => Err(error.context(refusal())),
    }
    .with_context(|| format!("reading {}", path.display()))
}

/// The signature of a component: the file that is named, else `FILE.minisig` where there is one.
pub(crate) fn read_signature(path: &Path, named: Option<&Path>) -> anyhow::Result<Option<Vec<u8>>> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".minisig");
    let beside = PathBuf::from(beside);
    let file = match named {
        Some(named) => named,
        None if beside.is_file() => &beside,
        None => return Ok(None),
    };
    let refusal = || Refusal::user("unreadable", format!("{} cannot be read", file.display()));
    let bytes = fs_err::metadata(file).with_context(refusal)?.len();
    if bytes > SIGNATURE_BYTES_MAX {
        let message = format!("{} has {bytes} bytes: no signature is so large", file.display());
        return Err(Refusal::user("bad_signature", message).into());
    }
    Ok(Some(fs_err::read(file).with_context(refusal)?))
}
