//! What the engine needs of the world, as object-safe traits over plain data.
//!
//! Never here: an implementation, or a type of wasmtime, sled, axum or WIT in a signature. Each
//! trait says what its implementor owes and what it is free to do.

pub mod clock;
pub mod effects;
pub mod exchange;
mod failpoints;
pub mod figures;
pub mod grants;
mod limits;
pub mod meter;
pub mod plugins;
pub mod posts;
pub mod runtime;
pub mod schemas;
pub mod store;
pub mod threads;
pub mod tools;
pub mod workflows;

pub use clock::{Clock, Entropy};
pub use effects::{EffectAnswer, EffectRequest, EffectSession, Effects, TaskContext};
pub use exchange::{RawFailure, RawRequest, RawResponse};
pub use failpoints::{Failpoint, Failpoints};
pub use grants::GrantCheck;
pub use limits::LimitPolicy;
pub use meter::TokenMeter;
pub use plugins::{AdmissionError, Admitted, Gate, PluginAdmission, open_gate};
pub use posts::{NoPosts, Posts};
pub use runtime::{AgentRuntime, RuntimeError};
pub use schemas::Schemas;
pub use store::{Driver, Store};
pub use tools::{AgentTools, ToolCall};

pub use futures::future::BoxFuture;

/// The cause of a failure that only the log shows.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
