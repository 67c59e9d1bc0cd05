//! `wforge plugin install oci://…`: fetches a plugin, shows what it would need and who signed it,
//! asks, and lets it in by the very door that a file takes. `wforge.lock` says which bytes a
//! reference means in a project.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};
use wforge_engine::{BadSignature, Minisign, PublicKey};
use wforge_model::trust::{KeyId, TrustLimits};

use super::Session;
use super::admin::{text_of, with_control};
use super::args::FromRegistry;
use super::refusal::Refusal;
use super::registries::{Fetched, Surroundings, fetch, key_of, open, reference};
use super::ui::{Paint, Ui, harmless};
use crate::author::lock::{self, Lock, LockError, Locked};
use crate::author::oci::Purpose;
use crate::author::oci::reference::SCHEME;
use crate::client::{Component, Control};

/// What is to be installed, and for whom.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// The reference, as it was typed.
    pub(super) reference: &'a str,
    /// A signature other than the registry's.
    pub(super) signature: Option<Vec<u8>>,
    /// Where the API takes it.
    pub(super) path: &'static str,
    /// Where the keys are that it is held to.
    pub(super) keys: &'static str,
    /// How.
    pub(super) how: &'a FromRegistry,
}

/// Whether that is a reference, and no file.
pub(super) fn is_reference(path: &Path) -> Option<&str> {
    path.to_str().filter(|text| text.starts_with(SCHEME))
}

/// Refuses what only a registry has of a file.
pub(super) fn refuse_for_files(how: &FromRegistry) -> Result<(), Refusal> {
    let registry = &how.registry;
    let given = [
        (how.update, "--update"),
        (registry.insecure_http, "--insecure-http"),
        (registry.username.is_some(), "--username"),
        (registry.registry_ca_file.is_some(), "--registry-ca-file"),
    ];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, flag)) => {
            let refusal = Refusal::user("bad_flags", format!("{flag} is for oci://…"));
            Err(refusal.help("wforge plugin install oci://HOST/REPOSITORY:TAG"))
        }
        None => Ok(()),
    }
}

/// Installs it; the answer of whoever let it in.
pub(super) async fn from_registry(
    session: &Session,
    wanted: Wanted<'_>,
) -> anyhow::Result<Vec<Value>> {
    let Wanted { reference: typed, signature, path, keys, how } = wanted;
    let project = Project::of(&session.around)?;
    let asked = reference(typed)?;
    let locked = project.lock.of(typed).filter(|_| !how.update);
    let at = match locked {
        // Its tag may have moved since; its digest has not.
        Some(locked) if asked.digest().is_none() => asked.with_digest(locked.digest),
        _ => asked,
    };
    let registry = open(&at, &how.registry, &session.around, Purpose::Pull).await?;
    let fetched = Box::pin(fetch(&registry, &at)).await;
    let fetched = fetched.map_err(|error| lost(error, locked.is_some()))?;
    let signature = signature.or_else(|| fetched.listed.signature.clone().map(String::into_bytes));
    let signer = signature.as_deref().map(key_of).transpose()?;
    let found = found(typed, &fetched, signer);
    if !how.update {
        project.lock.check(&found).map_err(not_locked)?;
    }
    // One door for both questions: this process opens its store once.
    let ask = async |control: &Control| {
        let whose = Whose::of(control, keys, signer).await;
        if let Some(signature) = &signature {
            whose.check(signature, &fetched.bytes)?;
        }
        show(&session.ui, &fetched, &whose, how.yes);
        confirm(&session.ui, how.yes)?;
        let (file, bytes, signature) = (typed.to_owned(), fetched.bytes, signature);
        let sent = control.send_component(path, Component { file, bytes, signature }).await;
        sent.with_context(|| typed.to_owned())
    };
    let mut info = with_control(session, ask).await?;
    if let Some(fields) = info.as_object_mut() {
        let digest = found.digest;
        fields.insert("source".to_owned(), json!({ "reference": typed, "digest": digest }));
    }
    told(&session.ui, &info);
    project.keep(&session.ui, found)?;
    Ok(vec![info])
}

/// The project that a command was started in, with its lock.
#[derive(Debug)]
struct Project {
    path: Option<PathBuf>,
    lock: Lock,
}

impl Project {
    fn of(around: &Surroundings) -> anyhow::Result<Self> {
        let path = lock::path_of(&around.folder);
        let lock = match &path {
            Some(path) => Lock::load(path).map_err(not_locked)?,
            None => Lock::default(),
        };
        Ok(Self { path, lock })
    }

    fn keep(mut self, ui: &Ui, found: Locked) -> anyhow::Result<()> {
        let Some(path) = &self.path else {
            ui.note("nothing was locked: no wforge.toml or plugin.toml here or above");
            return Ok(());
        };
        let before = self.lock.clone();
        self.lock.put(found);
        if self.lock != before {
            self.lock.save(path).map_err(not_locked)?;
            ui.note(&format!("locked in {}", path.display()));
        }
        Ok(())
    }
}

fn found(typed: &str, fetched: &Fetched, signer: Option<KeyId>) -> Locked {
    let manifest = &fetched.inspected.manifest;
    Locked {
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        reference: typed.to_owned(),
        digest: fetched.digest,
        component: fetched.listed.component,
        signer,
    }
}

/// A locked artifact that is gone is no reason to take another one.
fn lost(error: anyhow::Error, locked: bool) -> anyhow::Error {
    match error.downcast_ref::<Refusal>() {
        Some(refusal) if locked && refusal.code == "not_found" => {
            let message = format!("what wforge.lock names is gone: {refusal}");
            let help = "look at what the reference means now, and take it with --update";
            Refusal::user("not_found", message).help(help).into()
        }
        _ => error,
    }
}

fn not_locked(error: LockError) -> anyhow::Error {
    let message = error.to_string();
    match error {
        LockError::Other { .. } | LockError::Signer { .. } => {
            let help = "ask its author why; --update takes what the reference means now";
            Refusal::user("lock_mismatch", message).help(help).into()
        }
        LockError::Form { .. } => {
            let help = "take it from the repository again, or remove it to lock anew";
            Refusal::user("bad_lock", message).help(help).into()
        }
        LockError::Later { .. } => {
            Refusal::user("bad_lock", message).help("use a newer wforge").into()
        }
        LockError::File { source, .. } => {
            anyhow::Error::new(source).context(Refusal::failed("bad_lock", message))
        }
    }
}

/// Who signed it, and what the trust store says of that key.
#[derive(Debug)]
struct Whose {
    signer: Option<KeyId>,
    /// The key; none where the trust store does not have it.
    key: Option<Value>,
    /// Whether the trust store could be asked: not everybody may.
    asked: bool,
}

impl Whose {
    async fn of(control: &Control, path: &str, signer: Option<KeyId>) -> Self {
        let Some(id) = signer.map(|signer| signer.to_string()) else {
            return Self { signer, key: None, asked: true };
        };
        let keys = control.list(path).await.ok();
        let asked = keys.is_some();
        let key = keys.into_iter().flatten().find(|key| text_of(key, "key") == id);
        Self { signer, key, asked }
    }

    /// Lets nobody decide by a signature that only names a key which is trusted. The host checks it
    /// again.
    fn check(&self, signature: &[u8], bytes: &[u8]) -> Result<(), Refusal> {
        let Some(key) = &self.key else { return Ok(()) };
        let Ok(public) = PublicKey::parse(&text_of(key, "public")) else { return Ok(()) };
        let bad = |error: BadSignature| Refusal::user("bad_signature", error.to_string());
        let bytes_max = TrustLimits::default().signature_bytes_max;
        let signature = Minisign::parse(signature, bytes_max).map_err(bad)?;
        signature.verify(&public, bytes).map_err(bad)
    }

    fn said(&self, ui: &Ui) -> String {
        let Some(signer) = self.signer else { return ui.paint(Paint::Yellow, "nobody") };
        match &self.key {
            Some(key) => {
                let (name, state) = (text_of(key, "name"), text_of(key, "state"));
                let paint = if state == "trusted" { Paint::Green } else { Paint::Red };
                format!("{signer} ({name}, {})", ui.paint(paint, &state))
            }
            None if self.asked => {
                format!("{signer} ({})", ui.paint(Paint::Yellow, "not in the trust store"))
            }
            None => signer.to_string(),
        }
    }
}

/// What a person decides by.
fn show(ui: &Ui, fetched: &Fetched, whose: &Whose, quiet: bool) {
    let Fetched { reference, listed, inspected, .. } = fetched;
    let say = |line: &str| if quiet { ui.note(line) } else { ui.err(line) };
    let manifest = &inspected.manifest;
    let name = format!("{}@{}", manifest.name, manifest.version);
    let description = manifest.description.as_deref().map(harmless).unwrap_or_default();
    say(&format!("{}  {description}", ui.paint(Paint::Bold, &name)));
    say(&format!("  from       {}", harmless(&reference.to_string())));
    say(&format!("  component  {}  {} KiB", listed.component, listed.bytes.div_ceil(1_024)));
    say(&format!("  signed by  {}", whose.said(ui)));
    if manifest.needs.is_empty() {
        say("  needs nothing");
    }
    for need in &manifest.needs {
        let capability = &need.capability;
        say(&format!("  needs {capability}: {}", harmless(&need.reason)));
        say(&format!("    to grant it: wforge grants approve {} {capability}", manifest.name));
    }
}

/// Asks at the terminal, unless that was answered.
fn confirm(ui: &Ui, yes: bool) -> anyhow::Result<()> {
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        let message = "it is not installed before somebody has seen this";
        let refusal = Refusal::user("not_confirmed", message);
        return Err(refusal.help("--yes installs without asking").into());
    }
    ui.ask(&ui.paint(Paint::Cyan, "install it? (yes/no) > "));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("reading the answer")?;
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Refusal::user("not_confirmed", "it is not installed").into()),
    }
}

fn told(ui: &Ui, info: &Value) {
    let verb = ui.paint(Paint::Green, "installed");
    let name = format!("{}@{}", text_of(info, "manifest.name"), text_of(info, "manifest.version"));
    let signed = match (text_of(info, "signer.key"), text_of(info, "signer.name")) {
        (key, _) if key.is_empty() => String::new(),
        (key, name) => format!("  signed by {key} ({name})"),
    };
    ui.note(&format!("{verb}  {name}{signed}"));
}
