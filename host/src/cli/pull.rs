//! `wforge pull`: a component out of a registry, with its signature beside it; nothing is
//! installed.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::PullArgs;
use super::refusal::Refusal;
use super::registries::{Fetched, Surroundings, fetch, open, reference};
use super::sign::beside;
use super::ui::{Paint, Ui};
use crate::author::oci::Purpose;
use crate::author::oci::artifact::file_name;

/// Fetches it.
pub(crate) async fn run(ui: &Ui, args: &PullArgs, around: &Surroundings) -> anyhow::Result<u8> {
    let from = reference(&args.reference)?;
    let registry = open(&from, &args.registry, around, Purpose::Pull).await?;
    let fetched = Box::pin(fetch(&registry, &from)).await?;
    let Fetched { reference, digest, bytes, listed, inspected, signer } = &fetched;
    let manifest = &inspected.manifest;
    let file = args.out.clone().unwrap_or_else(|| PathBuf::from(file_name(&manifest.name)));
    let signature = beside(&file);
    let text = listed.signature.as_ref().map(String::as_bytes);
    // Both are looked at before one is written: nothing comes to lie beside another's signature.
    let is_new = is_free(&file, bytes)?;
    match text {
        Some(text) if is_free(&signature, text)? => fs_err::write(&signature, text)?,
        None if signature.exists() => {
            let message = format!("it is not signed, and {} is there", signature.display());
            let refusal = Refusal::user("file_exists", message);
            return Err(refusal.help("move that signature away").into());
        }
        Some(_) | None => {}
    }
    if is_new {
        fs_err::write(&file, bytes)?;
    }
    let verb = ui.paint(Paint::Green, "pulled");
    ui.note(&format!("{verb}  {}@{}  {reference}", manifest.name, manifest.version));
    match signer {
        Some(key) => {
            ui.note(&format!("  its signature names the key {key}; wforge verify checks it"));
        }
        None => ui.note("  it is not signed"),
    }
    if !ui.is_json() {
        ui.out(&file.display().to_string());
        return Ok(0);
    }
    ui.out_json(&json!({
        "name": manifest.name,
        "version": manifest.version,
        "reference": reference.to_string(),
        "digest": digest,
        "component": listed.component,
        "signer": signer,
        "file": file,
        "signature": listed.signature.as_ref().map(|_| signature),
    }))?;
    Ok(0)
}

/// Whether a file is still to be written; refuses where there is another one.
fn is_free(file: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    if !file.exists() {
        return Ok(true);
    }
    let same = fs_err::metadata(file)?.len() == bytes.len() as u64
        && fs_err::read(file).is_ok_and(|there| there == bytes);
    if same {
        return Ok(false);
    }
    let message = format!("{} is there already, and is another", file.display());
    let refusal = Refusal::user("file_exists", message);
    Err(refusal.help("choose another file with --out").into())
}
