//! Letting components in: everything that is checked before a stranger's bytes are compiled.

use std::fmt::Debug;

use futures::future::BoxFuture;
use wforge_model::manifest::Manifest;
use wforge_model::{Capability, Digest, Recording, TenantId};

use crate::BoxError;

/// Asked once a component's manifest is read, before anything of it is compiled or kept.
pub type Gate = Box<dyn FnOnce(&Manifest) -> Result<(), AdmissionError> + Send>;

/// A gate that lets everything through.
#[must_use]
pub fn open_gate() -> Gate {
    Box::new(|_| Ok(()))
}

/// Checks components.
pub trait PluginAdmission: Debug + Send + Sync {
    /// Reads manifest and imports, compares both, asks the gate, compiles, and keeps the component
    /// by its digest.
    fn admit<'a>(
        &'a self,
        tenant: &'a TenantId,
        bytes: Vec<u8>,
        gate: Gate,
    ) -> BoxFuture<'a, Result<Admitted, AdmissionError>>;

    /// Removes a component with everything that was made of it; nothing where it is not there. The
    /// caller knows that no tenant has it any more.
    fn forget(&self, component: Digest) -> BoxFuture<'_, Result<(), AdmissionError>>;
}

/// A component that was let in.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Admitted {
    /// Its digest.
    pub component: Digest,
    /// Its size in bytes.
    pub bytes: u64,
    /// The version of the contract it was built against.
    pub api: String,
    /// Its manifest.
    pub manifest: Manifest,
    /// The interfaces of the contract that it imports, `wasi:http/outgoing-handler` among them.
    pub imports: Vec<String>,
}

impl Admitted {
    /// Whether it can do what is not recorded, at a node that lets it.
    #[must_use]
    pub fn recording(&self) -> Recording {
        if self.imports.iter().any(|import| import.starts_with("wasi:http/")) {
            return Recording::Partial;
        }
        Recording::Recorded
    }

    /// The capabilities that its manifest asks for.
    pub fn needs(&self) -> impl Iterator<Item = &Capability> {
        self.manifest.needs.iter().map(|need| &need.capability)
    }
}

/// Why a component was not let in. The code is stable; the message names the fix.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// The bytes are no component that this host runs.
    #[error("{message}")]
    Refused {
        /// `not_wasm`, `core_module`, `precompiled`, `truncated`, `invalid`, `wrong_world`,
        /// `no_manifest`, `bad_manifest`, `unsupported_api`, `too_large`, `compile_limit`,
        /// `compile_failed`; or the gate's own.
        code: &'static str,
        /// One sentence with the fix.
        message: String,
    },
    /// Something of the host itself.
    #[error("the component could not be checked")]
    Host(#[source] BoxError),
}
