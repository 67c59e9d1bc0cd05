//! Brings a signed component into a registry, where a version that is there stays what it is.

use wforge_engine::Minisign;
use wforge_model::Digest;
use wforge_model::trust::{KeyId, TrustLimits};

use super::oci::{Artifact, Listed, PluginReference, Registry, RegistryError};

/// What is to be published.
#[derive(Debug)]
pub(crate) struct Publication {
    /// Under which tag.
    pub(crate) tag: String,
    /// As what.
    pub(crate) artifact: Artifact,
    /// The component.
    pub(crate) component: Vec<u8>,
    /// Who signed it.
    pub(crate) signer: Option<KeyId>,
    /// What becomes of another artifact under that tag.
    pub(crate) taken: Taken,
}

/// What becomes of another artifact under the same tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It stays, and nothing is published.
    Refuse,
    /// The tag moves.
    Move,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Published {
    /// The digest of the manifest under the tag.
    pub(crate) digest: Digest,
    /// Whether it was there before.
    pub(crate) was_there: bool,
}

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublishError {
    /// The tag is another artifact's.
    #[error("{reference} is there already, with {how}: {found}")]
    Taken {
        /// The reference.
        reference: String,
        /// What is other about it.
        how: &'static str,
        /// The digest of what is there.
        found: Digest,
    },
    /// The registry's own.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Publishes a component under a tag, unless it is there already.
pub(crate) async fn publish(
    registry: &Registry,
    reference: &PluginReference,
    publication: Publication,
) -> Result<Published, PublishError> {
    let Publication { tag, artifact, component, signer, taken } = publication;
    let at = reference.with_tag(&tag);
    if let Some(there) = registry.manifest(&at).await? {
        let digest = there.digest;
        let how = match Listed::read(&there.bytes) {
            Ok(listed) if listed.component == artifact.component => {
                // The same key signs the same bytes anew at each hour; one signature is enough.
                if signer.is_none() || signer_of(&listed) == signer {
                    return Ok(Published { digest, was_there: true });
                }
                if signer_of(&listed).is_some() { "another signature" } else { "no signature" }
            }
            Ok(_) => "other bytes",
            Err(_) => "something that is no plugin",
        };
        if taken == Taken::Refuse {
            return Err(PublishError::Taken { reference: at.to_string(), how, found: digest });
        }
    }
    registry.push(&tag, &artifact, component).await?;
    Ok(Published { digest: artifact.digest, was_there: false })
}

/// The key that a signature in a registry names; nobody has checked it.
pub(crate) fn signer_of(listed: &Listed) -> Option<KeyId> {
    let text = listed.signature.as_ref()?;
    let bytes_max = TrustLimits::default().signature_bytes_max;
    Minisign::parse(text.as_bytes(), bytes_max).ok().map(|signature| signature.key())
}
