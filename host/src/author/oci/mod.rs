//! Plugins in registries: OCI's standard artifact of a component, with its signature in it.
//!
//! - [`reference`] is what `oci://…` means;
//! - [`artifact`] is what lies in a registry, built from a component and read from a stranger's;
//! - [`registry`] speaks with one; [`credentials`] is who it is asked by;
//! - [`error`] says what went wrong, in terms of what to do.
//!
//! **Where the signature is.** In an annotation of the layer, as the text of the `.minisig` file.
//! The referrers of OCI 1.1 are not served by all registries (Debian's docker-registry 2.8 has
//! none), and their stand-in, an index under the tag `sha256-…`, is written anew with each
//! signature, so that two signers lose one of both, and is not copied along with the tag. A second
//! layer would make other tools refuse the artifact: they take exactly one. An annotation is
//! pushed, copied and pinned with the component by one digest, everywhere. What it costs: whoever
//! signs again changes the digest of the manifest, and says so with `--force-tag`; the digest of
//! the component stays.

pub(crate) mod artifact;
pub(crate) mod credentials;
pub(crate) mod error;
pub(crate) mod reference;
pub(crate) mod registry;

pub(crate) use artifact::{Artifact, Listed};
pub(crate) use error::RegistryError;
pub(crate) use reference::{BadReference, PluginReference};
pub(crate) use registry::{Access, Purpose, Registry};
