//! Write agents for WorkflowForge in Rust.
//!
//! An agent is an ordinary function. `#[agent]` makes it the plugin's export on wasm and leaves it
//! alone elsewhere, so that `cargo test` runs it natively, against a [`MockHost`]:
//!
//! ```
//! use workflowforge_sdk::{Ctx, Failure, MockHost, agent};
//!
//! #[agent]
//! fn hello(_ctx: &Ctx, name: String) -> Result<String, Failure> {
//!     Ok(format!("Hello, {name}!"))
//! }
//!
//! # fn main() {
//! assert_eq!(MockHost::new().run(hello, "Ann"), Ok("Hello, Ann!".to_owned()));
//! # }
//! ```
//!
//! Needs stand in `plugin.toml`, which the build embeds. Never here: files, sockets, clocks or the
//! environment; the host owns all of them and [`Ctx`] is the way to it.

mod agent;
pub mod bindings;
mod ctx;
pub mod export;
mod failure;
mod host;
mod json;
mod reply;
#[cfg(feature = "schemas")]
mod schema;

pub use serde_json::{Value, json};
pub use workflowforge_sdk_macros::{agent, agents};

#[cfg(feature = "schemas")]
pub use schemars::{self, JsonSchema};

pub use agent::Agent;
pub use bindings::workflowforge::plugin::log::Level;
pub use bindings::workflowforge::plugin::types::BlobRef;
pub use ctx::{Blob, Ctx, Question};
pub use failure::{Denial, Failure, Problem};
pub use host::Secret;
#[cfg(not(target_family = "wasm"))]
pub use host::{Answer, MockHost};
pub use reply::{Exit, IntoReply, Reply};

/// HTTP through the host.
pub mod http {
    pub use crate::bindings::workflowforge::plugin::http::{Body, Response};
    pub use crate::ctx::http::{Credential, Request};
}

/// Memory that outlives the call.
pub mod kv {
    pub use crate::bindings::workflowforge::plugin::kv::{Entry, Page, Scope};
}

/// Language models.
pub mod llm {
    pub use crate::bindings::workflowforge::plugin::llm::{
        Message, Part, Request, Response, Tool, ToolCall, ToolResult, Usage,
    };
}

/// Other agents and the tools of MCP servers.
pub mod tools {
    pub use crate::bindings::workflowforge::plugin::tools::Tool;
}

/// The examples of the README compile and hold.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
