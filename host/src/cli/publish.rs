//! `wforge publish`: a component of a project into a registry, under its version.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;
use wforge_model::manifest::Manifest;

use super::args::PublishArgs;
use super::refusal::Refusal;
use super::registries::{Surroundings, inspect, key_of, open, reference, refused};
use super::sign::{beside, secret_key, signature};
use super::ui::{Paint, Ui, harmless};
use crate::author::oci::artifact::{Artifact, file_name};
use crate::author::oci::reference::{tag_of, version_of};
use crate::author::oci::{PluginReference, Purpose};
use crate::author::project::component_of;
use crate::author::publish::{Publication, PublishError, Published, Taken, publish};
use crate::compose::{read_component, read_signature};

/// Publishes it.
pub(crate) async fn run(ui: &Ui, args: &PublishArgs, around: &Surroundings) -> anyhow::Result<u8> {
    let to = reference(&args.reference)?;
    let file = component(args.source.as_deref())?;
    let bytes = read_component(&file)?.bytes;
    let inspected = inspect(&bytes).with_context(|| file.display().to_string())?;
    let tag = tag(&to, &inspected.manifest)?;
    let signature = match &args.sign {
        Some(key) => {
            let key = secret_key(ui, key, args.password_file.as_deref())?;
            let name = PathBuf::from(file_name(&inspected.manifest.name));
            Some(self::signature(&key, &name, &bytes, None)?)
        }
        None => signature_beside(&file)?,
    };
    let signer = signature.as_ref().map(|text| key_of(text.as_bytes())).transpose()?;
    let artifact = Artifact::of(&inspected, &bytes, signature.as_deref())?;
    let taken = if args.force_tag { Taken::Move } else { Taken::Refuse };
    let component_digest = artifact.component;
    let publication = Publication { tag: tag.clone(), artifact, component: bytes, signer, taken };
    let registry = open(&to, &args.registry, around, Purpose::Push).await?;
    let published = Box::pin(publish(&registry, &to, publication)).await.map_err(not_published)?;
    let Published { digest, was_there } = published;
    let at = to.with_tag(&tag);
    let (verb, paint) =
        if was_there { ("was there already", Paint::Dim) } else { ("published", Paint::Green) };
    ui.note(&format!("{}  {}", ui.paint(paint, verb), said(&inspected.manifest)));
    match signer {
        Some(key) => ui.note(&format!("  signed by {key}")),
        None => ui.note("  not signed: wforge publish --sign KEY, after wforge keygen"),
    }
    if ui.is_json() {
        ui.out_json(&json!({
            "name": inspected.manifest.name,
            "version": inspected.manifest.version,
            "reference": at.to_string(),
            "digest": digest,
            "component": component_digest,
            "signer": signer,
            "was_there": was_there,
        }))?;
    } else {
        ui.out(&at.with_digest(digest).to_string());
    }
    Ok(0)
}

fn said(manifest: &Manifest) -> String {
    let description = manifest.description.as_deref().map(harmless).unwrap_or_default();
    format!("{}@{}  {description}", manifest.name, manifest.version)
}

/// The component that is meant: a file, or the one of a project.
fn component(source: Option<&Path>) -> anyhow::Result<PathBuf> {
    let source = source.unwrap_or(Path::new("."));
    if !source.is_dir() {
        return Ok(source.to_owned());
    }
    let file = component_of(source)?;
    if !file.is_file() {
        let message = format!("{} is not built: there is no {}", source.display(), file.display());
        return Err(Refusal::user("not_built", message).help("wforge build").into());
    }
    Ok(file)
}

/// The tag: the one that was written, which must not claim another version, else the version.
fn tag(to: &PluginReference, manifest: &Manifest) -> Result<String, Refusal> {
    let version = &manifest.version;
    if to.digest().is_some() {
        let message = format!("{to} names a digest, which only what is there has");
        return Err(Refusal::user("bad_reference", message).help("leave @sha256:… out"));
    }
    let Some(tag) = to.tag() else { return Ok(tag_of(version)) };
    match version_of(tag) {
        Some(claimed) if claimed != *version => {
            let message = format!("the tag {tag} is a version, and the component is {version}");
            let help = format!("leave the tag out, or write :{}", tag_of(version));
            Err(Refusal::user("other_version", message).help(help))
        }
        _ => Ok(tag.to_owned()),
    }
}

fn signature_beside(file: &Path) -> anyhow::Result<Option<String>> {
    let Some(bytes) = read_signature(file, None)? else { return Ok(None) };
    let wrong = || {
        let message = format!("{} is no signature of minisign", beside(file).display());
        Refusal::user("bad_signature", message).help("wforge sign FILE makes it anew")
    };
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    key_of(text.as_bytes()).with_context(|| beside(file).display().to_string())?;
    Ok(Some(text))
}

fn not_published(error: PublishError) -> anyhow::Error {
    match error {
        PublishError::Registry(error) => refused(error),
        PublishError::Taken { .. } => {
            let help = "give the plugin a new version: whoever installed this one counts on its \
                        bytes; --force-tag moves the tag all the same";
            Refusal::user("version_taken", error.to_string()).help(help).into()
        }
    }
}
