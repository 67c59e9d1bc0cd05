//! `wforge sign`: a signature beside a file, as hosts and the program minisign take it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use wforge_ports::Clock as _;
use zeroize::Zeroizing;

use super::args::SignArgs;
use super::passwords;
use super::refusal::Refusal;
use super::ui::{Paint, Ui};
use crate::author::keys::{KeyError, KeyFile, SecretKey};
use crate::author::sign::{comment_of, sign};
use crate::clock::SystemClock;
use crate::compose::read_component;
use crate::secrets::mode_for_others;

/// The largest file of a secret key that is read, in bytes.
const KEY_FILE_BYTES_MAX: u64 = 64 << 10;

/// Signs it.
pub(crate) fn run(ui: &Ui, args: &SignArgs, default: Option<PathBuf>) -> anyhow::Result<u8> {
    let bytes = read_component(&args.file)?.bytes;
    let Some(path) = args.key.clone().or(default) else {
        let message = "there is no key to sign with: HOME is not set";
        return Err(Refusal::user("bad_flags", message).help("--key FILE").into());
    };
    let key = secret_key(ui, &path, args.password_file.as_deref())?;
    let text = signature(&key, &args.file, &bytes, args.comment.as_deref())?;
    let file = beside(&args.file);
    fs_err::write(&file, text)?;
    let verb = ui.paint(Paint::Green, "signed");
    ui.note(&format!("{verb}  {}  by {}", args.file.display(), key.id()));
    if ui.is_json() {
        let signed = json!({ "file": args.file, "signature": file, "key": key.id() });
        return ui.out_json(&signed).map(|()| 0);
    }
    ui.out(&file.display().to_string());
    Ok(0)
}

/// `FILE.minisig`.
pub(super) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".minisig");
    PathBuf::from(name)
}

/// The signature of a file's bytes.
pub(super) fn signature(
    key: &SecretKey,
    file: &Path,
    bytes: &[u8],
    comment: Option<&str>,
) -> anyhow::Result<String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let mut said = comment_of(&name, SystemClock.now());
    if let Some(comment) = comment {
        said = format!("{said}\t{comment}");
    }
    sign(key, bytes, &said)
        .map_err(|error| Refusal::user("bad_flags", format!("--comment: {error}")).into())
}

/// Reads a secret key and opens it, with its password where it has one.
pub(super) fn secret_key(
    ui: &Ui,
    path: &Path,
    password_file: Option<&Path>,
) -> anyhow::Result<SecretKey> {
    let file = KeyFile::parse(&key_text(path)?).map_err(|error| refused(path, &error))?;
    if !file.needs_password() {
        refuse_readable(path)?;
        return file.open(None).map_err(|error| refused(path, &error).into());
    }
    let password = passwords::known(password_file)?;
    ui.status("opening the key, which takes a moment …");
    let key = file.open(Some(&password));
    ui.clear_status();
    key.map_err(|error| refused(path, &error).into())
}

fn key_text(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let refusal = || {
        Refusal::user("no_key", format!("{} cannot be read", path.display()))
            .help("wforge keygen makes a key; --key FILE names one")
    };
    let file = fs_err::File::open(path).with_context(refusal)?;
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).with_context(refusal)?;
    Ok(text)
}

fn refused(path: &Path, error: &KeyError) -> Refusal {
    let (code, help) = match error {
        KeyError::WrongPassword | KeyError::NeedsPassword => ("wrong_password", None),
        KeyError::Form | KeyError::Unknown(_) | KeyError::Damaged => {
            ("bad_key", Some("wforge keygen makes a key"))
        }
        KeyError::Public => ("bad_key", Some("name the file without .pub")),
        KeyError::Derivation(_) => ("bad_key", None),
    };
    let refusal = Refusal::user(code, format!("{}: {error}", path.display()));
    match help {
        Some(help) => refusal.help(help),
        None => refusal,
    }
}

/// A key without a password is its file's mode.
fn refuse_readable(path: &Path) -> anyhow::Result<()> {
    // What is no file, such as a pipe, is gone when it was read.
    if path.is_file()
        && let Some(mode) = mode_for_others(path)?
    {
        let path = path.display();
        let message = format!("{path} has no password and can be read by others ({mode:04o})");
        return Err(Refusal::user("bad_key", message).help(format!("chmod 600 {path}")).into());
    }
    Ok(())
}
