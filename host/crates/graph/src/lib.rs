//! The pure workflow engine: validate, decide, apply.
//!
//! A [`Workflow`] is a checked file; a [`Run`] is folded from its log by [`apply`]; [`settle`] says
//! what follows from facts, as events and commands. Never here: a clock, randomness, input or
//! output, or the language of expressions, which comes in through [`Expressions`]. The loop that
//! performs what is decided is `wforge-engine`'s.
#![cfg_attr(not(feature = "openapi"), no_std)]

extern crate alloc;

mod advance;
mod answers;
mod apply;
mod asking;
mod begin;
mod bindings;
mod bytes;
mod call;
mod carried;
mod decide;
mod drawing;
mod expressions;
mod failure;
mod fault;
mod finish;
mod flow;
mod frame;
mod head;
mod levels;
mod library;
mod messages;
mod migrate;
mod mocks;
mod outcome;
mod paths;
mod peek;
mod policy;
mod problem;
mod reach;
mod reduce;
mod result;
mod route;
mod run;
mod script;
mod settle;
mod site;
mod start;
mod step;
mod stream;
mod subgraph;
mod template;
mod validate;
mod workflow;

pub use answers::{AnswerFate, VersionOf, fates};
pub use apply::apply;
pub use begin::{begin, unserved};
pub use bytes::event_bytes;
pub use call::call_of;
pub use carried::Carried;
pub use decide::{Decision, decide};
pub use drawing::{Drawing, DrawnEdge, DrawnNode, draw};
pub use expressions::{ExprError, ExprInfo, Expressions, RunFacts, Scope, State};
pub use flow::{Leak, is_in_loop, is_secret, leaks};
pub use frame::{Frame, Send, Task, TaskStatus};
pub use head::{head_of, waiting_for};
pub use library::Library;
pub use migrate::{Migration, Misfit, migration};
pub use paths::node_at;
pub use problem::{Place, Problem, Severity, nearest};
pub use run::Run;
pub use settle::{commands_after, next_wake, settle};
pub use site::Site;
pub use step::next_nodes;
pub use stream::{Chunk, StreamMode, project};
pub use validate::validate;
pub use workflow::Workflow;
