//! The shell around the pure core: decide, commit, apply, publish, perform.
//!
//! [`Engine`] owns the live runs, one [`actor`] each; the world sees the cheap [`Handle`]. Durable
//! before visible: nothing is published or performed before the commit that it follows from has
//! returned. Never here: what follows from what (`wforge-graph`), or how anything is stored, run
//! or served (the ports).

mod actor;
mod bus;
mod catalog;
mod documents;
mod handle;
mod install;
mod load;
mod parts;
mod perform;
mod pinning;
mod registry;
mod request;
mod service;
mod start;
mod stats;
mod subscribe;
mod views;

pub use bus::RunBus;
pub use handle::Handle;
pub use parts::{CallLog, EngineOptions, EngineParts, GrantPolicy, Lanes};
pub use request::{
    AnswerGiven, AnswerTo, EngineError, Idempotency, PluginInfo, QuestionView, RunMessage, RunView,
    StartRun, Started, TaskView, WaitFor, WorkflowChoice, WorkflowInfo, event_parts,
};
pub use service::Engine;
pub use stats::EngineFigures;
