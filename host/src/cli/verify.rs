//! `wforge verify`: whether a file is what a key signed, by the very check of an installation.

use serde_json::json;
use wforge_engine::{BadSignature, Minisign, PublicKey};
use wforge_model::trust::TrustLimits;

use super::args::VerifyArgs;
use super::refusal::Refusal;
use super::sign::beside;
use super::trust::key_text;
use super::ui::{Paint, Ui, harmless};
use crate::compose::{read_component, read_signature};

/// Checks it; exit 2 where it is not.
pub(crate) fn run(ui: &Ui, args: &VerifyArgs) -> anyhow::Result<u8> {
    let bytes = read_component(&args.file)?.bytes;
    let public = PublicKey::parse(&key_text(&args.public_key)?)
        .map_err(|error| Refusal::user("bad_key", format!("--public-key: {error}")))?;
    let Some(signature) = read_signature(&args.file, args.signature.as_deref())? else {
        let message = format!(
            "{} is not signed: there is no {}",
            args.file.display(),
            beside(&args.file).display()
        );
        let refusal = Refusal::user("unsigned", message);
        return Err(refusal.help("wforge sign FILE, or name it with --signature").into());
    };
    let bytes_max = TrustLimits::default().signature_bytes_max;
    let signature = Minisign::parse(&signature, bytes_max).map_err(|error| bad(&error))?;
    if signature.key() != public.id() {
        let (by, wanted) = (signature.key(), public.id());
        let message = format!("the signature is by the key {by}, not by {wanted}");
        let refusal = Refusal::user("unknown_signer", message);
        return Err(refusal.help("ask whose that key is before you take it").into());
    }
    signature.verify(&public, &bytes).map_err(|error| bad(&error))?;
    let comment = comment(signature.text());
    if ui.is_json() {
        let file = &args.file;
        ui.out_json(&json!({ "file": file, "key": signature.key(), "comment": comment }))?;
        return Ok(0);
    }
    let verb = ui.paint(Paint::Green, "verified");
    ui.out(&format!("{verb}  {}  signed by {}", args.file.display(), signature.key()));
    ui.note(&format!("  {}", harmless(comment)));
    Ok(0)
}

fn bad(error: &BadSignature) -> Refusal {
    Refusal::user("bad_signature", error.to_string())
}

/// The comment that is signed too.
fn comment(signature: &str) -> &str {
    let line = signature.lines().nth(2).unwrap_or_default();
    line.strip_prefix("trusted comment:").unwrap_or(line).trim()
}
