//! Capabilities, recorded and replayed: what a guest asks of the world is checked against its
//! grants, done once, and answered from the record whenever its task runs again.
//!
//! - [`RecordedEffects`] opens a session for each execution of a task; `session` has the order in
//!   which a host call is decided, `record` what is known of earlier executions.
//! - `request` says which grant a request needs and what it is called in words; `people`, `timer`,
//!   `memory` and `blobs` are what this host performs today. Everything else of the contract is
//!   denied with a hint. `references` says which blobs a task may open.
//! - [`GrantsFile`] is the operator's side of grants.
//!
//! Never here: wasmtime, or a file (the host reads them).

mod blobs;
mod deed;
mod emitted;
mod grants;
mod memory;
pub mod outbound;
mod people;
mod record;
mod recorded;
mod references;
mod request;
mod session;
mod timer;

pub use blobs::BlobLimits;
pub use grants::{Grant, GrantsError, GrantsFile};
pub use memory::KvLimits;
pub use recorded::{EffectsParts, KeepLimits, RecordedEffects};
