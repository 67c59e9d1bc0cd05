//! Capabilities, recorded and replayed: what a guest asks of the world is checked against its
//! grants, done once, and answered from the record whenever its task runs again.
//!
//! - [`RecordedEffects`] opens a session for each execution of a task; `session` has the order in
//!   which a host call is decided, `record` what is known of earlier executions.
//! - `request` says which grant a request needs and what it is called in words; `people`, `timer`
//!   and `tools` are what this host performs today, the last over agents of the run and [`mcp`].
//!   Everything else of the contract is denied with a hint.
//! - [`GrantsFile`] is the operator's side of grants.
//!
//! Never here: wasmtime, or a file (the host reads them).

mod deed;
mod emitted;
mod grants;
pub mod mcp;
pub mod outbound;
mod people;
mod record;
mod recorded;
mod request;
mod session;
mod text;
mod timer;
mod tools;

pub use grants::{Grant, GrantsError, GrantsFile};
pub use recorded::{EffectsParts, RecordedEffects};
pub use tools::Tools;
