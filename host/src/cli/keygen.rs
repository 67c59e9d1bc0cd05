//! `wforge keygen`: a key to sign plugins with, in two new files.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use super::args::KeygenArgs;
use super::passwords;
use super::refusal::Refusal;
use super::ui::{Paint, Ui};
use crate::author::keys::SecretKey;
use crate::clock::SystemEntropy;
use crate::secrets::{create_private, private_folder};

/// What the key is called in wforge's own folder.
pub(super) const DEFAULT: &str = "signing.key";

/// Makes it.
pub(crate) fn run(ui: &Ui, args: &KeygenArgs, default: Option<PathBuf>) -> anyhow::Result<u8> {
    let secret = secret_file(args.out.clone(), default)?;
    let public = secret.with_extension("pub");
    for file in [&secret, &public] {
        refuse_existing(file)?;
    }
    let password = match args.no_password {
        true => None,
        false => Some(passwords::new(args.password_file.as_deref())?),
    };
    let entropy = SystemEntropy::open()?;
    let key = SecretKey::generate(&entropy);
    if password.is_some() {
        ui.status("making a key of the password, which takes a moment …");
    }
    let text = key.file(password.as_ref().map(|password| password.as_str()), &entropy)?;
    ui.clear_status();
    if args.out.is_none()
        && let Some(folder) = secret.parent()
    {
        private_folder(folder)?;
    }
    let writing = |file: &Path| format!("writing {}", file.display());
    create_private(&secret, text.as_bytes()).with_context(|| writing(&secret))?;
    if let Err(error) = write_new(&public, &key.public_file()) {
        // A secret key that nobody can check would only be in the way of the next try.
        fs_err::remove_file(&secret)?;
        return Err(error).with_context(|| writing(&public));
    }
    let sealed = match password {
        Some(_) => "sealed with your password; lose neither",
        None => "not sealed: whoever reads it signs as you",
    };
    let label = |text: &str| ui.paint(Paint::Green, text);
    ui.note(&format!("{}  {}  ({sealed})", label("secret key"), secret.display()));
    ui.note(&format!("{}  {}", label("public key"), public.display()));
    if ui.is_json() {
        ui.out_json(&json!({
            "key": key.id(),
            "public": key.public_line(),
            "public_file": public,
            "secret_file": secret,
            "sealed": password.is_some(),
        }))?;
    } else {
        ui.out(&key.public_line());
    }
    Ok(0)
}

fn secret_file(out: Option<PathBuf>, default: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let Some(file) = out.or(default) else {
        let message = "there is no place for the key: HOME is not set";
        return Err(Refusal::user("bad_flags", message).help("--out FILE").into());
    };
    if file.extension().is_some_and(|extension| extension == "pub") {
        let message = format!("{} would be the public key", file.display());
        let refusal = Refusal::user("bad_flags", message);
        return Err(refusal.help("name the secret key, such as acme.key").into());
    }
    Ok(file)
}

fn refuse_existing(file: &Path) -> anyhow::Result<()> {
    if !file.exists() {
        return Ok(());
    }
    let message = format!("{} is there already, and no key is ever overwritten", file.display());
    let help = "choose another file with --out, or move that one away";
    Err(Refusal::user("key_exists", message).help(help).into())
}

/// Only where there is nothing, so that no two commands write the same file.
fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = fs_err::OpenOptions::new().write(true).create_new(true).open(path)?;
    std::io::Write::write_all(&mut file, text.as_bytes())
}
