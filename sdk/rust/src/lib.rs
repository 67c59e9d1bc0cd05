//! Write agents for WorkflowForge in Rust.
//!
//! An agent is an ordinary function. `#[agent]` makes it the plugin's export on wasm and leaves it
//! alone elsewhere, so that `cargo test` runs it natively:
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use workflowforge_sdk::{Ctx, Failure, agent};
//!
//! #[derive(Deserialize)]
//! pub struct Input { text: String }
//!
//! #[derive(Serialize)]
//! pub struct Output { words: usize }
//!
//! #[agent]
//! pub fn count(_ctx: &Ctx, input: Input) -> Result<Output, Failure> {
//!     Ok(Output { words: input.text.split_whitespace().count() })
//! }
//! # fn main() {}
//! ```
//!
//! Name, schemas and needs stand in `plugin.toml`, which the build embeds. Never here: files,
//! sockets, clocks or the environment; the host owns all of them and [`Ctx`] is the way to it.

pub mod bindings;
mod ctx;
pub mod export;
mod failure;
mod host;
mod json;
mod reply;

pub use serde_json::{Value, json};
pub use workflowforge_sdk_macros::{agent, agents};

pub use bindings::workflowforge::plugin::log::Level;
pub use bindings::workflowforge::plugin::types::BlobRef;
pub use bindings::workflowforge::plugin::{http, kv, llm, tools};
pub use ctx::{Blob, Ctx, Question};
pub use failure::{Denial, Failure, Problem};
pub use host::Rehearsal;
pub use reply::{Exit, IntoReply, Reply};
