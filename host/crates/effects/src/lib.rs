//! Capabilities, recorded and replayed: what a guest asks of the world is checked against its
//! grants, done once, and answered from the record whenever its task runs again.
//!
//! - [`RecordedEffects`] opens a session for each execution of a task; `session` has the order in
//!   which a host call is decided, `record` what is known of earlier executions.
//! - `request` says which grant a request needs and what it is called in words; `people`,
//!   `timer`, `memory` and `blobs` are what a session does itself. `references` says which blobs a
//!   task may open. `raw` is what is sent without a record.
//! - [`Outside`] is the world as a deployment has it: [`llm`] asks language models, `http` is what
//!   a guest gets of servers, and [`outbound`] is the one way to all of them. [`Tools`] are agents
//!   of the run and tools of [`mcp`] servers.
//! - [`OutboundPosts`] is what the host sends on its own account.
//! - [`Secrets`] are read and handed out here, and taken out of what plugins say.
//! - [`GrantsFile`] is the operator's side of grants.
//!
//! Never here: wasmtime, or a file (the host reads them).

mod blobs;
mod deed;
mod emitted;
mod flight;
mod grants;
mod http;
pub mod llm;
mod mark;
pub mod mcp;
mod memory;
pub mod outbound;
mod outside;
mod pen;
mod people;
mod permits;
mod posts;
mod raw;
mod recent;
mod record;
mod recorded;
mod references;
mod request;
mod secrets;
mod session;
mod side_by_side;
mod timer;
mod tools;

pub use blobs::{BlobLimits, Blobs};
pub use deed::{Deed, Done, Nowhere, World};
pub use grants::{Ceiling, Exempt, Grant, GrantsError, GrantsFile};
pub use http::{BodyStore, FetchLimits, Target};
pub use memory::KvLimits;
pub use outside::Outside;
pub use posts::OutboundPosts;
pub use recorded::{EffectsParts, RecordedEffects};
pub use request::{permit, wanted};
pub use secrets::Secrets;
pub use tools::Tools;
