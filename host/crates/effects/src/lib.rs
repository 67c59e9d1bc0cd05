//! Capabilities, recorded and replayed: what a guest asks of the world is checked against its
//! grants, done once, and answered from the record whenever its task runs again.
//!
//! - [`RecordedEffects`] opens a session for each execution of a task; `session` has the order in
//!   which a host call is decided, `record` what is known of earlier executions.
//! - `request` says which grant a request needs and what it is called in words; `people` and
//!   `timer` are the two things that this host performs today. Everything else of the contract is
//!   denied with a hint.
//! - [`outbound`] is the one way to servers of others; `http` is what a guest gets of it.
//! - [`GrantsFile`] is the operator's side of grants.
//!
//! Never here: wasmtime, or a file (the host reads them).

#[expect(dead_code, reason = "for what the session does not perform yet")]
mod deed;
mod emitted;
mod grants;
#[cfg_attr(not(test), expect(dead_code, reason = "for what the session does not perform yet"))]
mod http;
pub mod outbound;
mod people;
mod record;
mod recorded;
mod request;
mod session;
mod timer;

pub use grants::{Grant, GrantsError, GrantsFile};
pub use recorded::{EffectsParts, RecordedEffects};
