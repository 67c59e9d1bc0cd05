//! The sandbox: runs agents of WebAssembly components, and lets components in.
//!
//! A call is one fresh store from a cached, type-checked component. Everything that the guest asks
//! of the host goes to the effects port; this crate decides nothing about grants and performs
//! nothing. Never here: a socket, a file of a guest, an environment variable, the wall clock.
//!
//! - [`SandboxRuntime`] is the whole of it: `AgentRuntime` and `PluginAdmission`.
//! - `engine` configures wasmtime; `load` brings a component from its bytes to something that can
//!   be called (inspection, compilation in a process of its own, the cache of native code).
//! - `guest` is what lives in a store: limits, clocks, output, the desk where host calls are handed
//!   over; `capabilities` has one module for each interface of the contract.
//! - `places` says which call gets a sandbox, `turns` which of the guests in them runs.
//! - `call` makes one call and `outcome` says what came of it; `kept` is what it must not leave.

mod admission;
mod bindings;
mod call;
mod capabilities;
mod engine;
mod guest;
mod kept;
mod load;
mod options;
mod outcome;
mod places;
mod runtime;
mod tenants;
mod turns;

pub use load::child::ChildCompiler;
pub use load::compile::{CompileError, Compiler};
pub use load::inspect::{Inspected, inspect};
pub use load::worker::{WorkerCaps, WorkerError, compile_worker};
pub use options::{Allocator, OpenRuntimeError, RuntimeOptions, RuntimeParts};
pub use runtime::SandboxRuntime;
pub use tenants::Used;
