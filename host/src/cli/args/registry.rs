//! Arguments of `wforge publish`, `wforge pull` and `wforge plugin install oci://…`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

pub(super) const PUBLISH_EXAMPLES: &str = "\
Examples:
  wforge publish oci://ghcr.io/acme/crawler --sign acme.key       # the project in this folder
  wforge publish crawler.wasm oci://ghcr.io/acme/crawler:1.0.0    # with crawler.wasm.minisig
  wforge publish oci://localhost:5000/acme/crawler --insecure-http
  echo $TOKEN | wforge publish oci://ghcr.io/acme/crawler --username me --password-stdin";

pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  wforge pull oci://ghcr.io/acme/crawler:1.0.0
  wforge pull oci://ghcr.io/acme/crawler@sha256:4f1e… --out crawler.wasm";

/// `wforge publish`.
#[derive(Debug, Args)]
pub(crate) struct PublishArgs {
    /// A component, or the folder of a project [default: the project in this folder]
    #[arg(value_name = "FOLDER|COMPONENT", value_hint = ValueHint::AnyPath)]
    pub(crate) source: Option<PathBuf>,
    /// Where to: oci://HOST/REPOSITORY[:TAG]; the tag is the plugin's version
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// Sign with this secret key [default: take COMPONENT.minisig, where there is one]
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    pub(crate) sign: Option<PathBuf>,
    /// That key's password [default: asked for at the terminal]
    #[arg(long, value_name = "FILE", requires = "sign", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,
    /// Move the tag where it is another artifact's: whoever installed that keeps it
    #[arg(long)]
    pub(crate) force_tag: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// `wforge pull`.
#[derive(Debug, Args)]
pub(crate) struct PullArgs {
    /// Where from: oci://HOST/REPOSITORY[:TAG][@sha256:DIGEST]; without both the newest version
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: String,
    /// Where to; the signature is FILE.minisig [default: PUBLISHER-NAME.wasm]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// Of `wforge plugin install oci://…`, beside what it has for files.
#[derive(Debug, Args)]
pub(crate) struct FromRegistry {
    /// Take what the reference means now, whatever wforge.lock says
    #[arg(long, help_heading = "From a registry")]
    pub(crate) update: bool,
    /// Install without asking
    #[arg(short, long, help_heading = "From a registry")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// How a registry is reached.
#[derive(Debug, Args)]
pub(crate) struct RegistryArgs {
    /// Without TLS; only for a registry on this machine
    #[arg(long, help_heading = "Registry")]
    pub(crate) insecure_http: bool,
    /// Who asks [default: whom docker login keeps in ~/.docker/config.json, else nobody]
    #[arg(long, value_name = "NAME", requires = "password_stdin", help_heading = "Registry")]
    pub(crate) username: Option<String>,
    /// The password or token is on stdin
    #[arg(long, requires = "username", help_heading = "Registry")]
    pub(crate) password_stdin: bool,
    /// Certificates that the registry's is trusted by, beside the system's: PEM
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    #[arg(help_heading = "Registry")]
    pub(crate) registry_ca_file: Option<PathBuf>,
}
