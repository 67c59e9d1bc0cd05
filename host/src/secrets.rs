//! Secrets of the host: files with mode 0600 that are made on first use, and text for keys.
//!
//! Never here: what a secret is for.

use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use fs_err::os::unix::fs::OpenOptionsExt as _;
use wforge_ports::Entropy;

/// The bytes that so many hexadecimal digits write.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(text.get(place..place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// Bytes as hexadecimal digits.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The 32 bytes of a file, which is made with random ones where it does not exist. Refuses a file
/// that others can read.
pub(crate) fn key_file(path: &Path, entropy: &dyn Entropy) -> anyhow::Result<[u8; 32]> {
    match fs_err::read_to_string(path) {
        Ok(text) => {
            refuse_readable_by_others(path)?;
            from_hex(text.trim())
                .with_context(|| format!("{} does not hold 64 hexadecimal digits", path.display()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            create_private(path, format!("{}\n", to_hex(&bytes)).as_bytes())?;
            Ok(bytes)
        }
        Err(error) => Err(error.into()),
    }
}

/// Refuses a file that anybody but its owner can read.
pub(crate) fn refuse_readable_by_others(path: &Path) -> anyhow::Result<()> {
    if let Some(mode) = mode_for_others(path)? {
        let path = path.display();
        bail!("{path} can be read by others (mode {mode:04o}): chmod 600 {path}");
    }
    Ok(())
}

/// The mode of a file that anybody but its owner can read; none where nobody can.
pub(crate) fn mode_for_others(path: &Path) -> std::io::Result<Option<u32>> {
    let mode = fs_err::metadata(path)?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Makes a new file that only its owner can read, durable when it returns.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file =
        fs_err::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    sync_folder(path)
}

/// Replaces a private file as a whole: readers see the old one or the new one.
pub(crate) fn replace_private(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let next = path.with_extension(format!("next-{}", std::process::id()));
    if next.exists() {
        fs_err::remove_file(&next)?;
    }
    create_private(&next, bytes)?;
    fs_err::rename(&next, path)?;
    sync_folder(path)
}

/// A folder that only its owner can enter.
pub(crate) fn private_folder(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700)
        .create(path)
        .with_context(|| format!("making the folder {}", path.display()))
}

fn sync_folder(path: &Path) -> anyhow::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    fs_err::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use wforge_testkit::SimEntropy;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let made = key_file(&path, &SimEntropy::new(1)).unwrap();
        assert_eq!(key_file(&path, &SimEntropy::new(2)).unwrap(), made);
        assert_eq!(fs_err::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        replace_private(&path, to_hex(&[9; 32]).as_bytes()).unwrap();
        assert_eq!(key_file(&path, &SimEntropy::new(3)).unwrap(), [9; 32]);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs_err::write(&path, to_hex(&[7; 32])).unwrap();
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = key_file(&path, &SimEntropy::new(1)).unwrap_err().to_string();
        assert!(error.ends_with(&format!("chmod 600 {}", path.display())), "{error}");
    }

    #[test]
    fn hexadecimal_digits_read_back() {
        assert_eq!(from_hex::<2>(&to_hex(&[1, 255])), Some([1, 255]));
        assert_eq!(from_hex::<2>("01f"), None);
        assert_eq!(from_hex::<2>("01fg"), None);
        assert_eq!(from_hex::<2>("é1f"), None);
    }
}
