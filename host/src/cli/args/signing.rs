//! Arguments of `wforge keygen`, `wforge sign` and `wforge verify`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const KEYGEN_EXAMPLES: &str = "\
Examples:
  wforge keygen
  wforge keygen --out ci.key --no-password     # for a machine that signs; keep the file secret
  wforge keygen --out acme.key --password-file /run/secrets/password";

pub(super) const SIGN_EXAMPLES: &str = "\
Examples:
  wforge sign target/acme-crawler.wasm
  wforge sign crawler.wasm --key acme.key --comment 'built by CI from 4f1e0bd'";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  wforge verify crawler.wasm --public-key acme.pub
  wforge verify crawler.wasm --signature /tmp/c.minisig \\
    --public-key RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// `wforge keygen`.
#[derive(Debug, Args)]
pub(crate) struct KeygenArgs {
    /// Where the secret key goes; the public one is FILE with .pub [default: signing.key in
    /// ~/.config/wforge]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    /// Without a password: whoever reads the file can sign
    #[arg(long, conflicts_with = "password_file")]
    pub(crate) no_password: bool,
    /// The password [default: asked for at the terminal]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}

/// `wforge sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArgs {
    /// What to sign; the signature is FILE.minisig
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The secret key [default: the one of wforge keygen, signing.key in ~/.config/wforge]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) key: Option<PathBuf>,
    /// A line that is signed too, beside the file's name and the time
    #[arg(long, value_name = "TEXT")]
    pub(crate) comment: Option<String>,
    /// The key's password [default: asked for at the terminal]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
}

/// `wforge verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// What was signed
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The public key of whoever should have signed it: its file, or the second line of it
    #[arg(long, value_name = "KEY|FILE")]
    pub(crate) public_key: String,
    /// The signature [default: FILE.minisig]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) signature: Option<PathBuf>,
}
