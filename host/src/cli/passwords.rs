//! Passwords of secret keys: from a file, or from a terminal that does not show them.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use anyhow::Context as _;
use zeroize::Zeroizing;

use super::refusal::Refusal;

/// The longest password, in bytes.
const PASSWORD_BYTES_MAX: u64 = 1 << 10;

/// The password of a key that is sealed with one.
pub(super) fn known(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    match file {
        Some(file) => of_file(file),
        None => asked("Password of the key: "),
    }
}

/// The password of a new key; asked for twice.
pub(super) fn new(file: Option<&Path>) -> anyhow::Result<Zeroizing<String>> {
    if let Some(file) = file {
        return of_file(file);
    }
    let password = asked("Password for the new key: ")?;
    if asked("The same once more: ")? != password {
        return Err(Refusal::user("no_password", "the two passwords differ").into());
    }
    Ok(password)
}

fn asked(prompt: &str) -> anyhow::Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        let message = "the key has a password, and there is no terminal to ask for it";
        return Err(Refusal::user("no_password", message).help("--password-file FILE").into());
    }
    let password = rpassword::prompt_password(prompt).context("reading the password")?;
    checked(Zeroizing::new(password))
}

fn of_file(path: &Path) -> anyhow::Result<Zeroizing<String>> {
    let refusal = || Refusal::user("unreadable", format!("{} cannot be read", path.display()));
    let file = fs_err::File::open(path).with_context(refusal)?;
    let mut text = Zeroizing::new(String::new());
    let read = file.take(PASSWORD_BYTES_MAX + 2).read_to_string(&mut text);
    read.with_context(refusal)?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    checked(Zeroizing::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn checked(password: Zeroizing<String>) -> anyhow::Result<Zeroizing<String>> {
    if password.is_empty() {
        let refusal = Refusal::user("no_password", "the password is empty");
        return Err(refusal.help("wforge keygen --no-password makes a key without one").into());
    }
    if password.len() as u64 > PASSWORD_BYTES_MAX {
        let message = format!("the password has more than {PASSWORD_BYTES_MAX} bytes");
        return Err(Refusal::user("no_password", message).into());
    }
    Ok(password)
}
