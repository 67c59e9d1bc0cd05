//! The digest of a workflow: what it says, not how its file is laid out.

use sha2::{Digest as _, Sha256};
use wforge_model::Digest;
use wforge_model::workflow::WorkflowDraft;

/// A workflow that has no canonical form: a number in it is not finite, which no file can write.
#[derive(Debug, thiserror::Error)]
#[error("the workflow {name} has no canonical JSON")]
pub struct DigestError {
    name: String,
    #[source]
    source: serde_json::Error,
}

/// SHA-256 over the RFC 8785 form of the draft. Comments, order and layout of the file do not
/// change it. By that RFC numbers are doubles, so `1` and `1.0` in a literal have one digest.
///
/// # Errors
/// Where the draft has no canonical form.
pub fn digest(draft: &WorkflowDraft) -> Result<Digest, DigestError> {
    let bare = draft.lines.is_some().then(|| WorkflowDraft { lines: None, ..draft.clone() });
    let canonical = serde_jcs::to_vec(bare.as_ref().unwrap_or(draft))
        .map_err(|source| DigestError { name: draft.name.clone(), source })?;
    Ok(Digest::from_bytes(Sha256::digest(&canonical).into()))
}
