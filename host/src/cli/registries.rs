//! What the commands about registries share: where from, who asks, and what their errors say.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use oci_client::secrets::RegistryAuth;
use wforge_engine::Minisign;
use wforge_model::Digest;
use wforge_model::limits::AdmissionLimits;
use wforge_model::trust::{KeyId, TrustLimits};
use wforge_runtime::Inspected;

use super::Process;
use super::args::RegistryArgs;
use super::refusal::Refusal;
use crate::author::oci::credentials::of_docker;
use crate::author::oci::reference::newest;
use crate::author::oci::{
    Access, BadReference, Listed, PluginReference, Purpose, Registry, RegistryError,
};

/// The longest password that is read from stdin, in bytes: some are tokens.
const PASSWORD_BYTES_MAX: u64 = 64 << 10;
/// The largest file of authorities, in bytes.
const AUTHORITIES_BYTES_MAX: u64 = 4 << 20;

/// What a command is surrounded by.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    /// The folder that it was started in.
    pub(crate) folder: PathBuf,
    /// Where docker keeps logins.
    pub(crate) docker: Option<PathBuf>,
}

impl Surroundings {
    /// Of this process.
    pub(crate) fn of(process: &Process) -> Self {
        let variable = |name: &str| process.variables.get(name).filter(|value| !value.is_empty());
        let docker = match (variable("DOCKER_CONFIG"), variable("HOME")) {
            (Some(folder), _) => Some(Path::new(folder).join("config.json")),
            (None, Some(home)) => Some(Path::new(home).join(".docker/config.json")),
            (None, None) => None,
        };
        Self { folder: process.current_dir.clone(), docker }
    }
}

/// A plugin that was fetched: its bytes are those of its digests.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// With the tag that was found, and pinned.
    pub(crate) reference: PluginReference,
    /// The digest of the registry's manifest, which pins everything.
    pub(crate) digest: Digest,
    /// The component.
    pub(crate) bytes: Vec<u8>,
    /// What the registry says of it.
    pub(crate) listed: Listed,
    /// What it says of itself.
    pub(crate) inspected: Inspected,
    /// The key that its signature names; whether it is right is said where it is installed.
    pub(crate) signer: Option<KeyId>,
}

/// A reference as typed.
pub(super) fn reference(text: &str) -> Result<PluginReference, Refusal> {
    text.parse().map_err(|error: BadReference| Refusal::user("bad_reference", error.to_string()))
}

/// Reaches a registry and logs in.
pub(super) async fn open(
    reference: &PluginReference,
    args: &RegistryArgs,
    around: &Surroundings,
    purpose: Purpose,
) -> anyhow::Result<Registry> {
    let access = access(reference, args, around)?;
    // Futures of HTTP clients are large.
    Box::pin(Registry::open(reference, access, purpose)).await.map_err(refused)
}

fn access(
    reference: &PluginReference,
    args: &RegistryArgs,
    around: &Surroundings,
) -> anyhow::Result<Access> {
    if args.insecure_http && !reference.is_loopback() {
        let host = reference.registry();
        let message = format!("--insecure-http is for registries on this machine, not for {host}");
        let refusal = Refusal::user("no_tls", message);
        return Err(refusal.help("leave it out; --registry-ca-file names its authority").into());
    }
    let authorities = match &args.registry_ca_file {
        Some(path) => authorities(path)?,
        None => Vec::new(),
    };
    let auth = match (&args.username, &around.docker) {
        (Some(name), _) => RegistryAuth::Basic(name.clone(), password()?),
        (None, Some(docker)) => {
            of_docker(docker, registry_of_docker(reference)).map_err(|error| {
                Refusal::user("bad_login", error.to_string())
                    .help("docker login, or --username NAME --password-stdin")
            })?
        }
        (None, None) => RegistryAuth::Anonymous,
    };
    Ok(Access { auth, plain: args.insecure_http, authorities })
}

/// What docker calls a registry in its file.
fn registry_of_docker(reference: &PluginReference) -> &str {
    match reference.registry() {
        "docker.io" => "https://index.docker.io/v1/",
        other => other,
    }
}

fn password() -> anyhow::Result<String> {
    let mut text = String::new();
    let mut limited = std::io::stdin().take(PASSWORD_BYTES_MAX + 1);
    limited.read_to_string(&mut text).context("reading the password")?;
    if text.len() as u64 > PASSWORD_BYTES_MAX {
        let message = format!("stdin has more than {PASSWORD_BYTES_MAX} bytes: no password");
        let refusal = Refusal::user("no_password", message);
        return Err(refusal.help("--password-stdin < token.txt").into());
    }
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        let refusal = Refusal::user("no_password", "there was no password on stdin");
        return Err(refusal.help("--password-stdin < token.txt").into());
    }
    Ok(password.to_owned())
}

/// The certificates of a file, one by one.
fn authorities(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    const END: &str = "-----END CERTIFICATE-----";
    let wrong = || {
        let message = format!("{} holds no certificates in PEM", path.display());
        Refusal::user("bad_flags", message).help("--registry-ca-file FILE")
    };
    if fs_err::metadata(path).with_context(wrong)?.len() > AUTHORITIES_BYTES_MAX {
        return Err(wrong().into());
    }
    let text = fs_err::read_to_string(path).with_context(wrong)?;
    let found = text.split_inclusive(END).filter(|part| part.contains(END));
    let found: Vec<Vec<u8>> = found.map(|part| part.as_bytes().to_vec()).collect();
    if found.is_empty() { Err(wrong().into()) } else { Ok(found) }
}

/// Fetches a plugin: of a reference without tag and digest the newest version.
pub(super) async fn fetch(
    registry: &Registry,
    reference: &PluginReference,
) -> anyhow::Result<Fetched> {
    let at = settled(registry, reference).await?;
    let manifest = registry.manifest(&at).await.map_err(refused)?;
    let Some(manifest) = manifest else { return Err(not_there(&at).into()) };
    let listed = Listed::read(&manifest.bytes).map_err(refused)?;
    let bytes = registry.component(&listed).await.map_err(refused)?;
    let inspected = inspect(&bytes).with_context(|| at.to_string())?;
    let signer = signer_of(&listed)?;
    let digest = manifest.digest;
    Ok(Fetched { reference: at.with_digest(digest), digest, bytes, listed, inspected, signer })
}

async fn settled(
    registry: &Registry,
    reference: &PluginReference,
) -> anyhow::Result<PluginReference> {
    if reference.tag().is_some() || reference.digest().is_some() {
        return Ok(reference.clone());
    }
    let tags = registry.tags().await.map_err(refused)?;
    match newest(tags.iter().map(String::as_str)) {
        Some(tag) => Ok(reference.with_tag(tag)),
        None => Err(not_there(reference).into()),
    }
}

fn not_there(reference: &PluginReference) -> Refusal {
    let message = match (reference.tag(), reference.digest()) {
        (None, None) => format!("{reference} has no version"),
        _ => format!("{reference} is not there"),
    };
    let help = "check the name and the tag; a registry that hides what is private says the same, \
                so log in with docker login or --username";
    Refusal::user("not_found", message).help(help)
}

/// What a component says about itself.
pub(super) fn inspect(bytes: &[u8]) -> Result<Inspected, Refusal> {
    use wforge_ports::AdmissionError;
    wforge_runtime::inspect(bytes, &AdmissionLimits::default()).map_err(|error| match error {
        AdmissionError::Refused { code, message } => Refusal::user(code, message),
        AdmissionError::Host(_) => Refusal::failed("failed", error.to_string()),
    })
}

fn signer_of(listed: &Listed) -> Result<Option<KeyId>, Refusal> {
    let Some(text) = &listed.signature else { return Ok(None) };
    key_of(text.as_bytes()).map(Some)
}

/// The key that a signature names.
pub(super) fn key_of(signature: &[u8]) -> Result<KeyId, Refusal> {
    let bytes_max = TrustLimits::default().signature_bytes_max;
    let signature = Minisign::parse(signature, bytes_max);
    let signature = signature.map_err(|e| Refusal::user("bad_signature", e.to_string()))?;
    Ok(signature.key())
}

/// What a person does about an error of a registry.
pub(super) fn refused(error: RegistryError) -> anyhow::Error {
    let message = error.to_string();
    let (wrong, code, help) = match &error {
        RegistryError::Unauthorized { registry, .. } => (
            true,
            "registry_unauthorized",
            format!("docker login {registry}, or --username NAME --password-stdin"),
        ),
        RegistryError::Denied { .. } => (
            true,
            "registry_denied",
            "ask its owner for access, or use a repository of your own".to_owned(),
        ),
        RegistryError::NotFound { .. } => {
            (true, "not_found", "check the name of the repository".to_owned())
        }
        RegistryError::Busy { .. } => (
            false,
            "registry_busy",
            "wait a few minutes; who logs in may ask more often".to_owned(),
        ),
        RegistryError::Status { .. } | RegistryError::Protocol { .. } => (
            false,
            "registry_failed",
            "see whether it is a registry (https://HOST/v2/) and well".to_owned(),
        ),
        RegistryError::Unreachable { .. } => (
            false,
            "registry_unreachable",
            "check the host; without TLS on this machine: --insecure-http".to_owned(),
        ),
        RegistryError::NoPlugin(_) => (
            true,
            "wrong_media_type",
            "wforge publish makes such an artifact, as wkg does".to_owned(),
        ),
        RegistryError::Digest { .. } => (
            true,
            "digest_mismatch",
            "do not use these bytes: ask the registry's owner what changed them".to_owned(),
        ),
        RegistryError::TooLarge { .. } => {
            (true, "too_large", "it cannot be installed; ask its author".to_owned())
        }
        RegistryError::TooMany { .. } => {
            (true, "too_many", "write NAME:TAG or NAME@sha256:DIGEST".to_owned())
        }
    };
    let refusal = if wrong { Refusal::user(code, message) } else { Refusal::failed(code, message) };
    let refusal = refusal.help(help);
    match error {
        RegistryError::Unreachable { source, .. } => anyhow::Error::new(source).context(refusal),
        RegistryError::Protocol { source, .. } => {
            anyhow::Error::from_boxed(source).context(refusal)
        }
        _ => refusal.into(),
    }
}
